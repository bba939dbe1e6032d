"""名录导出: a register as a file, sent while it is read."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from backend.auth import Officer
from backend.db import Session
from backend.work import exports


@get("/registers/{register:str}/export")
async def export_register(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    register: FromPath[exports.Register],
    format: FromQuery[exports.Format] = "csv",
) -> Stream:
    """Export a register of the division, by key (导出名录)."""
    one = await exports.export_register(db, officer, register, format)
    headers = {"Content-Disposition": f'attachment; filename="{one.name}"'}
    return Stream(one.pieces, media_type=one.media_type, headers=headers)


handlers = [export_register]
