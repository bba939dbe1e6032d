"""检查结果: look at inspections, conclude, review, publish."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from backend.auth import Officer, needs
from backend.blobs import Blobs
from backend.db import Engine, Session
from backend.wire import (
    InspectionLine,
    InspectionView,
    NewConclusion,
    NewReview,
    NewWithholding,
    PublishedView,
    WithheldView,
)
from backend.work import conclusions, inspections, publications


@get("/inspections")
async def list_inspections(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
) -> list[InspectionLine]:
    """List the inspections of the division and how far they are (检查列表)."""
    return await inspections.list_inspections(db, officer, now)


@get("/inspections/{inspection_id:str}")
async def show_inspection(
    db: NamedDependency[Session],
    engine: NamedDependency[Engine],
    blobs: NamedDependency[Blobs],
    officer: NamedDependency[Officer],
    inspection_id: FromPath[str],
) -> InspectionView:
    """Show everything that is known of an inspection (检查详情)."""
    return await inspections.show_inspection(db, engine, blobs, inspection_id, officer=officer)


@post("/inspections/{inspection_id:str}/conclusion", guards=[needs("supervisor")], status_code=200)
async def conclude_inspection(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    data: JSONBody[NewConclusion],
) -> InspectionView:
    """Conclude an inspection by its checklist's rules (作出检查结果)."""
    return await conclusions.conclude_inspection(db, inspection_id, data, officer=officer, now=now)


@post("/inspections/{inspection_id:str}/review", guards=[needs("reviewer")], status_code=200)
async def review_inspection(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    data: JSONBody[NewReview],
) -> InspectionView:
    """Approve a conclusion or return it (检查结果审核)."""
    return await conclusions.review_inspection(db, inspection_id, data, officer=officer, now=now)


@post(
    "/inspections/{inspection_id:str}/replaced/{n:int}/withholding",
    guards=[needs("supervisor", "reviewer")],
    status_code=200,
)
async def withhold_publication(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    n: Annotated[int, PathParameter(ge=1, le=1_000_000)],
    data: JSONBody[NewWithholding],
) -> WithheldView:
    """Withhold what was published before a correction; a notice stays in its place (撤下)."""
    return await publications.withhold_publication(
        db, inspection_id, n, data, officer=officer, now=now
    )


@post("/publications", guards=[needs("reviewer")], status_code=200)
async def publish_results(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
) -> PublishedView:
    """Publish every approved result of the division (公示)."""
    return await publications.publish_results(db, officer=officer, now=now)


@get("/publications/site.zip")
async def write_site(
    db: NamedDependency[Session],
    blobs: NamedDependency[Blobs],
    officer: NamedDependency[Officer],
) -> Response[bytes]:
    """Write the published results as a folder that proves itself (公示材料)."""
    body = await publications.write_site(db, blobs, officer=officer)
    return Response(body, media_type="application/zip")


handlers = [
    list_inspections,
    show_inspection,
    conclude_inspection,
    review_inspection,
    withhold_publication,
    publish_results,
    write_site,
]
