"""名录库与检查表: importing registers, looking into them, releasing checklists.

A register travels as multipart/form-data: its files as they are, and the mapping beside them.
"""

from datetime import datetime
from typing import IO, Annotated, Any, Literal, TypeAlias

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import Body, FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Meta, Struct

from backend import progress
from backend.auth import Connection, Officer, needs
from backend.db import Session
from backend.routes import problems
from backend.wire import (
    ImportView,
    NewRelease,
    ProgressView,
    RegisterPage,
    ReleaseView,
    RevisionView,
    UndoRevision,
    UndoView,
    VersionView,
)
from backend.work import changes, checklists, registers, revisions
from sync.checklist import Checklist
from sync.refusals import Reason, Refused

Search = Annotated[str, Meta(max_length=100)]
Register = Literal[
    "establishments",
    "licences",
    "listings",
    "inspectors",
    "leave",
    "recusals",
    "departments",
    "divisions",
]
Policy = Literal["keep", "mark", "close"]
Told = Annotated[int, Meta(ge=0, le=100_000)]  # problems, one by one
Limit = Annotated[int, Meta(ge=1, le=500)]
Watched = Annotated[str, HeaderParameter(name="Evenhand-Progress", pattern=r"^[0-9a-f-]{0,36}$")]


class RegisterFiles(Struct, frozen=True, forbid_unknown_fields=True):
    """Files of one register, and the mapping (TOML) that says how to read them.

    No mapping: the header of each file has our own field names, as an export has.
    """

    files: list[UploadFile]
    mapping: str = ""

    @property
    def named(self) -> list[tuple[str, IO[bytes]]]:
        """Pair each file with its name."""
        return [(one.filename, one.file) for one in self.files]


Upload: TypeAlias = Annotated[RegisterFiles, Body(media_type=RequestEncodingType.MULTI_PART)]


async def bounded(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse an import that does not say its size or is too large, before any of it is read."""
    limit = connection.app.state.settings.register_bytes_max
    length = connection.headers.get("content-length", "")
    if not length.isdecimal():
        raise Refused(Reason.BODY_INVALID, problem="a register needs the header Content-Length")
    if int(length) > limit:
        raise Refused(Reason.BODY_TOO_LARGE, limit_bytes=limit)


def not_text(request: Request[Any, Any, Any], error: Exception) -> problems.Problem:
    """Answer a form whose mapping is no text in the character set it names."""
    if isinstance(error, KeyError | IndexError):  # these are lookups too, but of our own code
        return problems.failed(request, error)
    return problems.problem(request, Refused(Reason.BODY_INVALID, problem=str(error)))


takes_files: dict[str, Any] = {
    "guards": [needs("admin"), bounded],
    "request_max_body_size": None,  # the guard has looked
    "exception_handlers": {UnicodeError: not_text, LookupError: not_text},
}


@post("/registers/{register:str}", **takes_files)
async def import_register(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    register: FromPath[Register],
    data: Upload,
    missing: FromQuery[Policy] = "keep",
    dry_run: FromQuery[bool] = False,
    told: FromQuery[Told] = 1_000,
    watch: Watched = "",
) -> ImportView:
    """Import files of a register, or tell what that would do (导入名录库)."""
    toml = data.mapping.encode()
    with progress.watched(officer.id, watch, data.named) as files:
        done = await registers.import_register(
            db, officer, register, files, toml, now=now, policy=missing, dry_run=dry_run, told=told
        )
        if not dry_run:
            await changes.release_changes(db, officer, now=now)
        return done


@get("/registers/progress/{name:str}")
async def get_progress(officer: NamedDependency[Officer], name: FromPath[str]) -> ProgressView:
    """Tell how far an import is that named itself `Evenhand-Progress` (导入进度)."""
    return progress.get_progress(officer.id, name)


@get("/registers/{register:str}")
async def list_register(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    register: FromPath[Register],
    search: FromQuery[Search] = "",
    category: FromQuery[Search] = "",
    after: FromQuery[Search] = "",
    limit: FromQuery[Limit] = 100,
) -> RegisterPage:
    """List what a register holds, from after a code or an id (名录列表)."""
    return await registers.list_register(
        db, officer, register, search=search, category=category, after=after, limit=limit
    )


@get("/registers/revisions")
async def list_revisions(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[RevisionView]:
    """List the newest imports and undos (导入批次列表)."""
    return await revisions.list_revisions(db, officer)


@get("/registers/versions")
async def list_versions(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    code: FromQuery[Search],
    register: FromQuery[Register] = "establishments",
) -> list[VersionView]:
    """Tell what every revision did to the rows of a code (名录历史)."""
    return await revisions.list_versions(db, officer, register, code)


@post("/registers/revisions/{revision_id:str}/undo", guards=[needs("admin")])
async def undo_revision(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    revision_id: FromPath[str],
    data: JSONBody[UndoRevision],
) -> UndoView:
    """Restore what was there before an import (撤销导入批次)."""
    return await revisions.undo_revision(db, officer, revision_id, force=data.force, now=now)


@post("/checklists", guards=[needs("admin")])
async def release_checklist(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewRelease],
) -> ReleaseView:
    """Release a checklist (检查表定版)."""
    row = await checklists.release_checklist(db, officer, data.toml.encode(), now=now)
    return msgspec.convert(row, ReleaseView, from_attributes=True)


@get("/checklists")
async def list_checklists(db: NamedDependency[Session]) -> list[ReleaseView]:
    """List the released checklists (检查表列表)."""
    rows = await checklists.list_checklists(db)
    return msgspec.convert(rows, list[ReleaseView], from_attributes=True)


@get("/checklists/{name:str}")
async def get_checklist(db: NamedDependency[Session], name: FromPath[str]) -> Checklist:
    """Show a checklist by digest, or the newest of a code (检查表内容)."""
    return await checklists.get_checklist(db, name)


handlers = [
    import_register,
    get_progress,
    list_register,
    list_revisions,
    list_versions,
    undo_revision,
    release_checklist,
    list_checklists,
    get_checklist,
]
