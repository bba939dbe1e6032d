"""Evidence over HTTP: every cut resumes, nothing untrue is stored."""

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec
import pytest
from conftest import Clock, Office
from httpx import AsyncClient
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select
from uploads import TUS, carry, create, cut, digest, enrol, jpeg, put, rows, sending, told

from backend import db
from backend.app import create_app
from backend.blobs import Blobs
from backend.settings import Settings
from backend.tables import Device, Upload
from sync import media
from sync.messages import Request
from sync.refusals import Reason, Refused


async def test_a_photo_travels_whole(office: Office) -> None:
    client, body = await enrol(office), jpeg(size=64)

    sent = await carry(client, sending(body))
    again = await carry(client, sending(body))
    stored = await rows(office.engine)

    assert sent == media.Sent(sha256=digest(body), bytes_sent=len(body))
    assert again == media.Sent(sha256=digest(body), bytes_sent=0)
    assert [(blob.sha256, blob.size, blob.flag) for blob in stored] == [
        (digest(body), len(body), "")
    ]
    assert '"width":64' in stored[0].facts


async def test_a_small_file_cut_at_every_byte_resumes_there(office: Office, app: Litestar) -> None:
    client, size = await enrol(office), 32
    kept, sent = [], []

    for at in range(1, size):
        body = random.Random(at).randbytes(size)
        place = await create(client, body, "application/octet-stream")
        await cut(client, app, place, [body[: at // 2], body[at // 2 : at]])
        kept.append(int((await client.head(place, headers=TUS)).headers["Upload-Offset"]))
        rest = await carry(client, sending(body, mime="application/octet-stream"))
        sent.append(at + rest.bytes_sent)
    stored = await rows(office.engine)

    assert kept == list(range(1, size))
    assert set(sent) == {size}
    assert len(stored) == size - 1


async def test_a_photo_cut_at_random_is_never_sent_twice(office: Office, app: Litestar) -> None:
    client, body, chance = await enrol(office), jpeg(size=400), random.Random(7)
    place, arrived = await create(client, body), 0

    while (rest := len(body) - arrived) > 1:
        parts = [body[arrived : arrived + chance.randrange(1, min(rest, 9000))]]
        await cut(client, app, place, parts)
        arrived += len(parts[0])
    sent = await carry(client, sending(body))

    assert sent.bytes_sent == len(body) - arrived
    assert len(body) > 50_000
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


async def test_a_lost_answer_to_the_last_part_is_found_out_by_asking(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)

    first = await put(client, place, 0, body)
    again = await put(client, place, 0, body)
    asked = await client.head(place, headers=TUS)

    assert first.status_code == 204
    assert again.status_code == 409
    assert again.json()["code"] == "evidence.offset-wrong"
    assert again.headers["Upload-Offset"] == str(len(body))
    assert asked.headers["Upload-Offset"] == str(len(body))
    assert asked.headers["Upload-Length"] == str(len(body))
    assert asked.headers["Cache-Control"] == "no-store"


async def test_hurt_bytes_are_refused_and_the_device_sends_again(office: Office) -> None:
    client, body = await enrol(office), jpeg(size=48)
    parts = 0

    def hurt_once(request: Request) -> Request:
        nonlocal parts
        parts += request.method == "PATCH"
        if request.method == "PATCH" and parts == 1:
            spoilt = bytes([request.body[0] ^ 1]) + request.body[1:]
            return Request(request.method, request.path, request.headers, spoilt)
        return request

    sent = await carry(client, sending(body, part=len(body) // 2), hurt_once)

    assert sent.bytes_sent > len(body)
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


async def test_a_file_damaged_on_the_device_is_never_stored(
    office: Office, settings: Settings
) -> None:
    client, body = await enrol(office), jpeg()
    damaged = body[:-9] + b"?" + body[-8:]
    file = media.Announced(digest(body), len(body), "image/jpeg")
    session = media.send_blob(media.reader(damaged), file)

    with pytest.raises(Refused) as refused:
        await carry(client, session)

    assert refused.value.reason is Reason.EVIDENCE_DIGEST_WRONG
    assert await rows(office.engine) == []
    assert [p for p in settings.data_dir.rglob("*") if p.is_file()] == []


async def test_a_file_cut_short_on_the_device_is_told_apart(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    file = media.Announced(digest(body), len(body), "image/jpeg")
    session = media.send_blob(media.reader(body[:-1]), file)

    with pytest.raises(Refused) as refused:
        await carry(client, session)

    assert refused.value.reason is Reason.EVIDENCE_DAMAGED


async def test_what_is_no_picture_is_kept_with_a_flag(office: Office) -> None:
    client, body = await enrol(office), b"these are notes, not a picture"

    sent = await carry(client, sending(body))
    asked = await client.post("/device/blobs/want", json={"files": {digest(body): len(body)}})
    stored = await rows(office.engine)

    assert sent.flag == Reason.PHOTO_UNREADABLE.code
    assert asked.json()["stored"] == {digest(body): "photo.unreadable"}
    assert [(blob.flag, blob.size) for blob in stored] == [("photo.unreadable", len(body))]


async def test_other_files_are_not_looked_into(office: Office) -> None:
    client = await enrol(office)

    sent = await carry(client, sending(b"[[0,1],[2,3]]", mime="application/json"))

    assert sent.flag == ""


async def test_want_tells_stored_begun_and_missing_apart(office: Office) -> None:
    client, stored, begun, missing = await enrol(office), jpeg(1), jpeg(2), jpeg(3)
    await carry(client, sending(stored))
    place = await create(client, begun)
    await put(client, place, 0, begun[:50])

    files = {digest(body): len(body) for body in (stored, begun, missing)}
    asked = (await client.post("/device/blobs/want", json={"files": files})).json()

    assert asked["stored"] == {digest(stored): ""}
    assert asked["begun"][digest(begun)]["offset"] == 50
    assert place.endswith(asked["begun"][digest(begun)]["id"])
    assert asked["missing"] == [digest(missing)]


async def test_two_devices_with_the_same_photo_store_it_once(office: Office) -> None:
    one, other, body = await enrol(office, "Z001"), await enrol(office, "Z002"), jpeg(size=64)
    places = [await create(one, body), await create(other, body)]

    parts = await asyncio.gather(put(one, places[0], 0, body), put(other, places[1], 0, body))
    late = await other.post(
        "/device/blobs",
        headers={
            **TUS,
            "Upload-Length": str(len(body)),
            "Upload-Metadata": told(sha256=digest(body), mime="image/jpeg"),
        },
    )

    assert {part.status_code for part in parts} <= {204, 409}
    assert 204 in {part.status_code for part in parts}
    assert late.status_code == 201
    assert late.headers["Upload-Offset"] == str(len(body))
    assert len(await rows(office.engine)) == 1


async def test_of_two_parts_racing_one_wins_and_nothing_is_torn(office: Office) -> None:
    client, body = await enrol(office), jpeg(size=64)
    place = await create(client, body)

    parts = await asyncio.gather(*(put(client, place, 0, body[:2000]) for _ in range(6)))
    sent = await carry(client, sending(body))

    assert sorted(part.status_code for part in parts) == [204] + [409] * 5
    assert sent.bytes_sent == len(body) - 2000
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


async def test_a_crash_between_storing_and_recording_heals(
    office: Office, app: Litestar, settings: Settings
) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)
    await cut(client, app, place, [body[:-1]])
    blobs, upload = Blobs(settings.data_dir), place.rpartition("/")[2]
    await blobs.append(upload, at=len(body) - 1, chunk=body[-1:])
    await blobs.finish(upload, sha256=digest(body), size=len(body))

    sent = await carry(client, sending(body))

    assert sent.sha256 == digest(body)
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


@pytest.mark.parametrize("last", [b"", b"?"], ids=["whole", "hurt"])
@pytest.mark.parametrize("asked", ["want", "head"])
async def test_a_crash_after_the_last_byte_is_no_stored_file_until_it_is_proved(
    office: Office, app: Litestar, settings: Settings, asked: str, last: bytes
) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)
    await cut(client, app, place, [body[:-1]])
    blobs, upload = Blobs(settings.data_dir), place.rpartition("/")[2]
    await blobs.append(upload, at=len(body) - 1, chunk=last or body[-1:])

    if asked == "head":
        at = (await client.head(place, headers=TUS)).headers["Upload-Offset"]
        assert at == str(0 if last else len(body))
    sent = await carry(client, sending(body))

    assert sent.bytes_sent == (len(body) if last else 0)
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]
    assert blobs.path(digest(body)).read_bytes() == body


async def test_a_stored_file_is_recorded_with_its_own_size_whatever_is_announced(
    office: Office, settings: Settings
) -> None:
    client, body, blobs = await enrol(office), jpeg(), Blobs(settings.data_dir)
    await blobs.append("unrecorded", at=0, chunk=body)
    await blobs.finish("unrecorded", sha256=digest(body), size=len(body))
    headers = {**TUS, "Upload-Length": "7", "Upload-Metadata": told(sha256=digest(body))}

    await client.post("/device/blobs", headers=headers)

    assert [blob.size for blob in await rows(office.engine)] == [len(body)]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "evidence.tus-version-unknown"),
        ({"Content-Type": "image/jpeg"}, 415, "evidence.content-type-wrong"),
        ({"Upload-Offset": "-1"}, 400, "evidence.header-invalid"),
        ({"Upload-Offset": "7"}, 409, "evidence.offset-wrong"),
    ],
)
async def test_a_part_that_does_not_fit_is_refused_and_kept_out(
    office: Office, headers: dict[str, str], status: int, code: str
) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)

    refused = await put(client, place, 0, body[:100], **headers)
    asked = await client.head(place, headers=TUS)

    assert refused.status_code == status
    assert refused.json()["code"] == code
    assert refused.headers["Tus-Resumable"] == "1.0.0"
    assert asked.headers["Upload-Offset"] == "0"


async def test_more_than_was_announced_is_refused_before_it_is_read(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(10_000)

    announced = await put(client, place, 0, body + b"!")
    asked = await client.head(place, headers=TUS)
    streamed = await client.patch(
        place,
        content=endless(),
        headers={
            **TUS,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
    )

    assert announced.status_code == 413
    assert announced.json()["details"]["limit_bytes"] == len(body)
    assert asked.headers["Upload-Offset"] == "0"
    assert streamed.status_code == 413


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": "0"}, 400, "evidence.empty"),
        ({"Upload-Length": str(10**12)}, 413, "evidence.too-large"),
        ({"Upload-Length": "many"}, 400, "evidence.header-invalid"),
        ({"Upload-Metadata": "sha256 ***"}, 400, "evidence.header-invalid"),
        ({"Upload-Metadata": told(mime="image/jpeg")}, 400, "evidence.header-invalid"),
        ({"Upload-Metadata": told(sha256="abc")}, 400, "evidence.header-invalid"),
        ({"Upload-Metadata": told(sha256="a" * 64 + "\n")}, 400, "evidence.header-invalid"),
        ({"Tus-Resumable": ""}, 412, "evidence.tus-version-unknown"),
    ],
)
async def test_an_upload_that_cannot_be_is_refused(
    office: Office, headers: dict[str, str], status: int, code: str
) -> None:
    client = await enrol(office)
    right = {**TUS, "Upload-Length": "9", "Upload-Metadata": told(sha256="a" * 64)}

    refused = await client.post("/device/blobs", headers={**right, **headers})

    assert refused.status_code == status
    assert refused.json()["code"] == code


async def test_an_upload_belongs_to_its_device_and_expires(office: Office, clock: Clock) -> None:
    mine, other, body = await enrol(office, "Z001"), await enrol(office, "Z002"), jpeg()
    place = await create(mine, body)

    foreign = await other.head(place, headers=TUS)
    given_up = await other.delete(place, headers=TUS)
    files = {"files": {digest(body): len(body)}}
    wanted = (await other.post("/device/blobs/want", json=files)).json()
    clock.advance(days=31)
    old = await put(mine, place, 0, body)
    sent = await carry(mine, sending(body))

    assert (foreign.status_code, given_up.json()["code"]) == (404, "evidence.upload-not-found")
    assert (wanted["begun"], wanted["missing"]) == ({}, [digest(body)])
    assert old.status_code == 410
    assert old.json()["code"] == "evidence.upload-expired"
    assert sent.bytes_sent == len(body)


async def test_a_new_upload_forgets_the_expired_ones_of_its_device(
    office: Office, clock: Clock, settings: Settings
) -> None:
    mine, other, body = await enrol(office, "Z001"), await enrol(office, "Z002"), jpeg()
    for client in (mine, other):
        await put(client, await create(client, body), 0, body[:100])
    clock.advance(days=31)

    place = await create(mine, body)

    async with db.transaction(office.engine, write=False) as session:
        left = set(await session.exec(select(Upload.device_id)))
        count = len(list(await session.exec(select(Upload))))
    assert (await mine.head(place, headers=TUS)).headers["Upload-Offset"] == "0"
    assert (left, count) == ({mine.headers["X-Test-Device"], other.headers["X-Test-Device"]}, 2)
    assert len([p for p in settings.data_dir.rglob("*") if p.is_file()]) == 1


async def test_an_upload_can_be_given_up_but_a_stored_file_stays(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    begun, done = await create(client, jpeg(9)), await create(client, body)
    await put(client, done, 0, body)

    gone = [await client.delete(place, headers=TUS) for place in (begun, done)]
    after = await client.head(begun, headers=TUS)

    assert [one.status_code for one in gone] == [204, 204]
    assert after.status_code == 404
    assert [blob.sha256 for blob in await rows(office.engine)] == [digest(body)]


async def test_a_revoked_device_and_a_stranger_are_kept_out(office: Office) -> None:
    client, body = await enrol(office), jpeg()
    place = await create(client, body)
    async with db.transaction(office.engine) as session:
        device = await session.get_one(Device, client.headers["X-Test-Device"])
        device.revoked_at = office.clock()
        session.add(device)

    revoked = await put(client, place, 0, body)
    stranger = await put(await office.client("x.y.z"), place, 0, body)

    assert (revoked.status_code, revoked.json()["code"]) == (403, "device.revoked")
    assert (stranger.status_code, stranger.json()["code"]) == (401, "device.unknown")


async def test_an_upload_token_ends_at_its_time(office: Office, clock: Clock) -> None:
    client = await enrol(office)  # for sixty days
    place = await create(client, jpeg())
    clock.advance(days=60, seconds=1)

    late = await client.head(place, headers=TUS)

    assert late.status_code == 401


async def test_a_client_may_ask_what_is_spoken_here(server: AsyncClient) -> None:
    asked = await server.options("/device/blobs")

    assert asked.status_code == 204
    assert asked.headers["Tus-Version"] == "1.0.0"
    assert asked.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination"
    assert int(asked.headers["Tus-Max-Size"]) > 10_000_000


async def test_a_disk_that_is_nearly_full_is_said_so_before_a_byte_is_sent(
    settings: Settings, engine: AsyncEngine, clock: Clock
) -> None:
    full = msgspec.structs.replace(settings, free_bytes_min=10**18)
    app = create_app(full, engine=engine, now=clock)
    async with app.lifespan():
        office = Office(app, full, clock)
        client = await enrol(office)

        refused = await client.post(
            "/device/blobs",
            headers={**TUS, "Upload-Length": "9", "Upload-Metadata": told(sha256="a" * 64)},
        )
        await office.close()

    assert refused.status_code == 507
    assert refused.json()["code"] == "evidence.storage-full"
    assert refused.headers["Retry-After"]
