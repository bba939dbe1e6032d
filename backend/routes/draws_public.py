"""抽取公示: every commitment and every bundle, for anyone to repeat."""

from datetime import datetime

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from backend.db import Session
from backend.wire import PublicDraw
from backend.work import draws_public

_TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "gz": "application/gzip",
}

_STRICT = {
    "Content-Security-Policy": f"{draws_public.POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def bundle_file(name: str, body: bytes) -> Response[bytes]:
    """Send a file of a bundle as it is."""
    kind = _TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
    return Response(body, media_type=kind)


@get("/draws", opt={"public": True})
async def list_public_draws(
    db: NamedDependency[Session], now: NamedDependency[datetime], agency: FromQuery[str] = ""
) -> list[PublicDraw]:
    """List the commitments of an agency in order, void ones too (承诺链)."""
    return await draws_public.list_public_draws(db, agency, now)


@get(
    "/draws/{draw_id:str}/{name:str}",
    opt={"public": True},
    media_type="application/octet-stream",
)
async def read_public_draw_file(
    db: NamedDependency[Session],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    name: FromPath[str],
) -> Response[bytes]:
    """Read a published file of a draw (抽取档案包文件)."""
    return bundle_file(name, await draws_public.read_public_draw_file(db, draw_id, name, now))


@get("/verify/{draw_id:str}", opt={"public": True}, media_type=MediaType.HTML)
async def show_draw_page(
    db: NamedDependency[Session], now: NamedDependency[datetime], draw_id: FromPath[str]
) -> Response[bytes]:
    """Show the page on which a visitor verifies a draw in the browser (浏览器复核)."""
    body = await draws_public.show_draw_page(db, draw_id, now)
    return Response(body, media_type=MediaType.HTML, headers=_STRICT)


@get("/verify/verify.js", opt={"public": True}, media_type="text/javascript")
async def read_verify_script() -> Response[bytes]:
    """Send the script of that page (复核脚本)."""
    return Response(draws_public.read_script(), media_type="text/javascript", headers=_STRICT)


handlers = [list_public_draws, read_public_draw_file, show_draw_page, read_verify_script]
