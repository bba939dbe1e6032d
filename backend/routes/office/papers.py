"""执法文书: print the documents of an inspection."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from backend.auth import Officer
from backend.blobs import Blobs
from backend.db import Session
from backend.prints.paper_words import Language, What
from backend.settings import Settings
from backend.work import papers


@get("/inspections/{inspection_id:str}/papers")
async def print_inspection(
    db: NamedDependency[Session],
    blobs: NamedDependency[Blobs],
    settings: NamedDependency[Settings],
    officer: NamedDependency[Officer],
    inspection_id: FromPath[str],
    what: FromQuery[What] = "record",
    language: FromQuery[Language] = "zh",
) -> Response[bytes]:
    """Print a document of an inspection as PDF/A (打印执法文书)."""
    body = await papers.print_inspection(
        db, blobs, settings, inspection_id, what=what, language=language, officer=officer
    )
    return Response(body, media_type="application/pdf")


handlers = [print_inspection]
