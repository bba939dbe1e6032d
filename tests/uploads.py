"""Uploads for tests of evidence: files, devices that may send them, requests good and bad."""

import asyncio
import io
import random
from base64 import b64encode
from collections.abc import Callable, Generator
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from conftest import Office
from httpx import AsyncClient
from litestar import Litestar
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from backend import auth_device, db
from backend.tables import Blob, Device, Inspector, Revision
from sync import media
from sync.messages import Request, Response

TUS = {"Tus-Resumable": "1.0.0"}
PART = "application/offset+octet-stream"


def jpeg(seed: int = 0, size: int = 24) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (size, size), random.Random(seed).randbytes(size * size * 3)).save(
        out, "JPEG", quality=60
    )
    return out.getvalue()


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def told(**pairs: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())


async def enrol(office: Office, certificate: str = "Z001") -> AsyncClient:
    """Make an inspector's device and open a client with its upload token."""
    async with db.transaction(office.engine) as session:
        revision = Revision(
            register_name="inspectors",
            source_name="t",
            source_sha256="",
            at=office.clock(),
            rows=1,
            created=1,
            changed=0,
            unchanged=0,
            problems="[]",
        )
        session.add(revision)
        await session.flush()
        inspector = Inspector(
            certificate=certificate,
            name="王检",
            department="一科",
            division="330106",
            valid_from=date(2020, 1, 1),
            valid_to=date(2030, 1, 1),
            revision_id=revision.id,
        )
        session.add(inspector)
        await session.flush()
        device = Device(
            inspector_id=inspector.id,
            label="phone",
            public_key="0" * 64,
            enrolled_at=office.clock(),
            head_hash="0" * 64,
        )
        session.add(device)
        secret = (await db.head(session)).secret_key
    token = auth_device.upload_token(secret, device.id, office.clock() + timedelta(days=60))
    client = await office.client(token)
    client.headers["X-Test-Device"] = device.id
    return client


async def create(client: AsyncClient, body: bytes, mime: str = "image/jpeg") -> str:
    headers = {
        **TUS,
        "Upload-Length": str(len(body)),
        "Upload-Metadata": told(sha256=digest(body), mime=mime),
    }
    created = await client.post("/device/blobs", headers=headers)
    assert created.status_code == 201, created.text
    return created.headers["Location"]


async def put(client: AsyncClient, place: str, offset: int, part: bytes, **headers: str) -> Any:
    given = {**TUS, "Upload-Offset": str(offset), "Content-Type": PART}
    return await client.patch(place, content=part, headers={**given, **headers})


async def cut(client: AsyncClient, app: Litestar, place: str, parts: list[bytes]) -> None:
    """Send the next bytes of an upload in a body that was announced longer, then hang up."""
    offset = (await client.head(place, headers=TUS)).headers["Upload-Offset"]
    headers = {**TUS, "Upload-Offset": offset, "Content-Type": PART, "Transfer-Encoding": "chunked"}
    await hang_up(client, app, "PATCH", place, headers, parts)


async def hang_up(
    client: AsyncClient,
    app: Litestar,
    method: str,
    place: str,
    headers: dict[str, str],
    parts: list[bytes],
) -> None:
    """Send the beginning of a body, then break the connection."""
    given = {"host": "evenhand", "authorization": client.headers["Authorization"], **headers}
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    events.append({"type": "http.disconnect"})
    source = iter(events)

    async def receive() -> Any:
        return next(source)

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(key.lower().encode(), value.encode()) for key, value in given.items()],
        "client": ("test", 1),
        "server": ("evenhand", 80),
        "state": {},
    }
    await app(scope, receive, send)


async def carry(
    client: AsyncClient,
    session: Generator[Request, Response, media.Sent],
    spoil: Callable[[Request], Request | None] = lambda request: request,
) -> media.Sent:
    """Drive a sending session; `spoil` may change a request or lose it with an error."""
    request = next(session)
    while True:
        sent = spoil(request)
        if sent is None:
            raise ConnectionError
        answer = await client.request(
            sent.method, sent.path, headers=sent.headers, content=sent.body
        )
        response = Response(answer.status_code, dict(answer.headers), answer.content)
        try:
            request = session.send(response)
        except StopIteration as done:
            result: media.Sent = done.value
            return result


def sending(body: bytes, *, part: int = 1000, mime: str = "image/jpeg") -> Any:
    file = media.Announced(digest(body), len(body), mime)
    return media.send_blob(media.reader(body), file, pace=media.Pace(part, fixed=True))


async def rows(engine: AsyncEngine) -> list[Blob]:
    async with db.transaction(engine, write=False) as session:
        return list(await session.exec(select(Blob)))
