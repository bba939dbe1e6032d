"""Evidence that comes along with its announcement, renditions, and what one device may begin."""

import asyncio
import errno
import os
from typing import Any

import pytest
from conftest import Clock, Office
from httpx import AsyncClient, Response
from litestar import Litestar
from sqlmodel import select
from uploads import PART, TUS, create, digest, enrol, hang_up, jpeg, put, rows, told

from backend import db
from backend.settings import Settings
from backend.tables import Rendition, Upload
from backend.work import evidence


async def post(client: AsyncClient, body: bytes, size: int | None = None, **more: str) -> Response:
    """Announce a file of which `body` comes along."""
    return await client.post("/device/blobs", content=body, headers=announced(body, size, **more))


def announced(body: bytes, size: int | None = None, **more: str) -> dict[str, str]:
    pairs = {"sha256": digest(body), "mime": "image/jpeg"} | more
    length = str(len(body) if size is None else size)
    return {**TUS, "Upload-Length": length, "Upload-Metadata": told(**pairs), "Content-Type": PART}


async def uploads(office: Office) -> list[Upload]:
    async with db.transaction(office.engine, write=False) as session:
        return list(await session.exec(select(Upload)))


async def renditions(office: Office) -> list[Rendition]:
    async with db.transaction(office.engine, write=False) as session:
        return list(await session.exec(select(Rendition)))


# -- creation with upload ------------------------------------------------------------------------


async def test_a_small_file_is_one_request(office: Office) -> None:
    client, body = await enrol(office), jpeg(size=64)

    made = await post(client, body)
    asked = await client.head(made.headers["Location"], headers=TUS)
    again = await post(client, body)
    given_up = await client.delete(made.headers["Location"], headers=TUS)

    assert (made.status_code, made.headers["Upload-Offset"]) == (201, str(len(body)))
    assert asked.headers["Upload-Offset"] == str(len(body))
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(body)))
    assert given_up.status_code == 204
    assert [(blob.sha256, blob.flag) for blob in await rows(office.engine)] == [(digest(body), "")]
    assert await uploads(office) == []


async def test_a_large_file_may_begin_with_its_announcement(office: Office) -> None:
    client = await enrol(office)
    body = os.urandom(evidence.PIECE_BYTES_MAX + 1000)

    made = await client.post(
        "/device/blobs",
        content=body[:300_000],
        headers=announced(body, mime="application/octet-stream"),
    )
    place = made.headers["Location"]
    rest = await put(client, place, 300_000, body[300_000:])

    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "300000")
    assert (rest.status_code, rest.headers["Upload-Offset"]) == (204, str(len(body)))
    assert [blob.size for blob in await rows(office.engine)] == [len(body)]


@pytest.mark.parametrize("size", [5_000, evidence.PIECE_BYTES_MAX + 5_000])
async def test_an_announcement_cut_at_any_byte_keeps_what_came(
    office: Office, app: Litestar, size: int
) -> None:
    client, body = await enrol(office), os.urandom(size)
    headers = announced(body, mime="application/octet-stream")

    headers |= {"Content-Length": str(size)}
    await hang_up(client, app, "POST", "/device/blobs", headers, [body[:1000], body[1000:1777]])
    files = {"files": {digest(body): len(body)}}
    begun = (await client.post("/device/blobs/want", json=files)).json()["begun"][digest(body)]
    rest = await put(client, f"/device/blobs/{begun['id']}", 1777, body[1777:])

    assert begun["offset"] == 1777
    assert rest.status_code == 204
    assert [blob.size for blob in await rows(office.engine)] == [len(body)]


async def test_hurt_bytes_that_come_along_are_not_stored(
    office: Office, settings: Settings
) -> None:
    client, body = await enrol(office), jpeg()
    hurt = bytes([body[0] ^ 1]) + body[1:]

    refused = await client.post("/device/blobs", content=hurt, headers=announced(body))
    asked = await client.post("/device/blobs/want", json={"files": {digest(body): len(body)}})

    assert (refused.status_code, refused.json()["code"]) == (460, "evidence.digest-wrong")
    assert asked.json()["missing"] == [digest(body)]
    assert [p for p in settings.data_dir.rglob("*") if p.is_file()] == []


async def test_more_than_was_announced_does_not_come_along(office: Office) -> None:
    client, body = await enrol(office), jpeg()

    refused = await post(client, body, len(body) - 1)

    assert (refused.status_code, refused.json()["code"]) == (413, "evidence.too-large")
    assert (await rows(office.engine), await uploads(office)) == ([], [])


@pytest.mark.parametrize("header", ["Upload-Defer-Length", "Upload-Concat"])
async def test_what_is_not_offered_is_refused_by_name(office: Office, header: str) -> None:
    client = await enrol(office)
    headers = {**TUS, "Upload-Metadata": told(sha256="a" * 64), header: "1"}

    refused = await client.post("/device/blobs", headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "evidence.extension-unknown")
    assert refused.json()["details"] == {"header": header}


async def test_a_body_of_another_type_does_not_come_along(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    headers = announced(body) | {"Content-Type": "image/jpeg"}

    refused = await client.post("/device/blobs", content=body, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (415, "evidence.content-type-wrong")


async def test_many_devices_with_one_photo_at_once_store_it_once(office: Office) -> None:
    clients = [await enrol(office, f"Z{n:03}") for n in range(4)]
    body = jpeg(size=64)

    made = await asyncio.gather(*(post(client, body) for client in clients for _ in range(3)))

    assert {one.status_code for one in made} == {201}
    assert {one.headers["Upload-Offset"] for one in made} == {str(len(body))}
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


# -- renditions ----------------------------------------------------------------------------------


async def test_a_rendition_belongs_to_its_original_and_is_no_evidence(office: Office) -> None:
    client, body, small = await enrol(office), jpeg(1, 64), jpeg(2)
    files = {"files": {digest(body): len(body), digest(small): len(small)}}

    made = await post(client, small, **{"for": digest(body)})
    asked = (await client.post("/device/blobs/want", json=files)).json()
    (kept,) = await renditions(office)

    assert made.status_code == 201
    assert set(asked["missing"]) == {digest(body), digest(small)}
    assert asked["previewed"] == [digest(body)]
    assert (kept.original, kept.sha256) == (digest(body), digest(small))
    assert kept.device_id == client.headers["X-Test-Device"]
    assert await rows(office.engine) == []


async def test_the_same_bytes_may_be_a_rendition_and_evidence(office: Office) -> None:
    client, body, small = await enrol(office), jpeg(1, 64), jpeg(2)

    await post(client, small, **{"for": digest(body)})
    await post(client, small)

    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(small)]
    assert len(await renditions(office)) == 1


async def test_each_device_has_one_rendition_of_a_file_its_newest(office: Office) -> None:
    one, other, body = await enrol(office, "Z001"), await enrol(office, "Z002"), jpeg(1, 64)

    for client, seed in ((one, 2), (one, 3), (other, 4), (one, 3)):
        assert (await post(client, jpeg(seed), **{"for": digest(body)})).status_code == 201
    kept = {row.device_id: row.sha256 for row in await renditions(office)}

    assert kept == {
        one.headers["X-Test-Device"]: digest(jpeg(3)),
        other.headers["X-Test-Device"]: digest(jpeg(4)),
    }


async def test_a_rendition_in_parts_leaves_no_upload_behind(office: Office) -> None:
    client, body, small = await enrol(office), jpeg(1, 64), jpeg(2)
    headers = announced(small, **{"for": digest(body)})

    made = await client.post("/device/blobs", content=small[:50], headers=headers)
    rest = await put(client, made.headers["Location"], 50, small[50:])

    assert rest.status_code == 204
    assert [row.sha256 for row in await renditions(office)] == [digest(small)]
    assert (await uploads(office), await rows(office.engine)) == ([], [])


@pytest.mark.parametrize(
    ("size", "more", "status"),
    [
        (evidence.RENDITION_BYTES_MAX + 1, {"for": "a" * 64}, 413),
        (9, {"for": "a" * 64, "mime": "image/png"}, 400),
        (9, {"for": "a" * 64, "sha256": "a" * 64}, 400),
        (9, {"for": "nothing"}, 400),
    ],
)
async def test_what_cannot_be_a_rendition_is_refused(
    office: Office, size: int, more: dict[str, str], status: int
) -> None:
    client = await enrol(office)

    refused = await post(client, bytes(size), **more)

    assert refused.status_code == status
    assert await renditions(office) == []


# -- what one device may begin -------------------------------------------------------------------


async def test_a_device_may_not_begin_without_end(office: Office, clock: Clock) -> None:
    client, other = await enrol(office, "Z001"), await enrol(office, "Z002")
    for n in range(evidence.OPEN_MAX):
        await create(client, n.to_bytes(4, "big"))

    refused = await announce(client, b"one more")
    small = await post(client, jpeg())
    elsewhere = await announce(other, b"one more")
    clock.advance(days=1, seconds=1)
    later = await announce(client, b"one more")

    assert (refused.status_code, refused.json()["code"]) == (429, "evidence.uploads-too-many")
    assert refused.headers["Retry-After"]
    assert refused.json()["details"]["limit"] == evidence.OPEN_MAX
    assert (small.status_code, elsewhere.status_code, later.status_code) == (201, 201, 201)
    assert len([one for one in await uploads(office) if one.device_id == mine(client)]) == 100


async def test_a_device_may_not_announce_without_end(office: Office) -> None:
    client, size = await enrol(office), 60 * 1024**2
    fit = evidence.OPEN_BYTES_MAX // size
    made = [(await announce(client, bytes([n]), size)).status_code for n in range(fit)]

    refused = await announce(client, b"x", size)
    first = (await uploads(office))[0]
    await client.delete(f"/device/blobs/{first.id}", headers=TUS)
    after = await announce(client, b"x", size)

    assert set(made) == {201}
    assert refused.json()["code"] == "evidence.uploads-too-many"
    assert after.status_code == 201


async def test_what_was_finished_does_not_count(office: Office) -> None:
    client = await enrol(office)
    for n in range(evidence.OPEN_MAX):
        body = n.to_bytes(4, "big")
        await put(client, await create(client, body, "text/plain"), 0, body)

    more = await announce(client, b"one more")

    assert more.status_code == 201


async def announce(client: AsyncClient, body: bytes, size: int | None = None) -> Response:
    headers = announced(body, size)
    del headers["Content-Type"]
    return await client.post("/device/blobs", headers=headers)


def mine(client: AsyncClient) -> str:
    return client.headers["X-Test-Device"]


# -- a disk that fills -----------------------------------------------------------------------------


@pytest.mark.parametrize("comes_along", [True, False])
async def test_a_disk_that_fills_leaves_nothing_half_stored(
    office: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch, comes_along: bool
) -> None:
    client, body = await enrol(office), jpeg(size=64)
    place = "" if comes_along else await create(client, body)
    write = os.write

    def full(fd: int, part: Any) -> int:
        if len(part) <= 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, part[: len(part) - 1000])

    with monkeypatch.context() as disk:
        disk.setattr("backend.blobs.os.write", full)
        refused = await (post(client, body) if comes_along else put(client, place, 0, body))
    left = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    again = await post(client, body)

    assert (refused.status_code, refused.json()["code"]) == (507, "evidence.storage-full")
    assert sum(path.stat().st_size for path in left) == 0
    assert again.headers["Upload-Offset"] == str(len(body))
    assert [blob.size for blob in await rows(office.engine)] == [len(body)]
