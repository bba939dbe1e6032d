"""照片: look at the pictures of an inspection, hide parts of them, print them all."""

from datetime import datetime

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from backend.auth import Officer, needs
from backend.blobs import Blobs
from backend.db import Engine, Session
from backend.settings import Settings
from backend.wire import MaskedView, NewMasks
from backend.work import pictures

PHOTO = "/inspections/{inspection_id:str}/photos/{sha256:str}"


@get(PHOTO)
async def show_photo(
    db: NamedDependency[Session],
    blobs: NamedDependency[Blobs],
    officer: NamedDependency[Officer],
    inspection_id: FromPath[str],
    sha256: FromPath[str],
    public: FromQuery[bool] = False,
) -> Response[bytes]:
    """Show a picture upright: with its annotations, or as it would be published (查看照片)."""
    body = await pictures.show_photo(
        db, blobs, inspection_id, sha256, public=public, officer=officer
    )
    return Response(body, media_type="image/jpeg")


@post(f"{PHOTO}/masks", guards=[needs("reviewer")], status_code=200)
async def mask_photo(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    sha256: FromPath[str],
    data: JSONBody[NewMasks],
) -> MaskedView:
    """Hide faces and number plates of a picture before it is published (遮挡)."""
    return await pictures.mask_photo(db, inspection_id, sha256, data, officer=officer, now=now)


@get("/inspections/{inspection_id:str}/contact-sheet")
async def print_contact_sheet(
    db: NamedDependency[Session],
    engine: NamedDependency[Engine],
    blobs: NamedDependency[Blobs],
    settings: NamedDependency[Settings],
    officer: NamedDependency[Officer],
    inspection_id: FromPath[str],
) -> Response[bytes]:
    """Print all pictures of an inspection as PDF/A (照片汇总表)."""
    body = await pictures.print_contact_sheet(
        db, engine, blobs, settings, inspection_id, officer=officer
    )
    return Response(body, media_type="application/pdf")


handlers = [show_photo, mask_photo, print_contact_sheet]
