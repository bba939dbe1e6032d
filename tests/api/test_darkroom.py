"""暗房: while a large picture is decoded, another one waits for its turn, whoever asks for it."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest
import uploads
from conftest import Office
from PIL import Image
from scenes import digest, recorded, scene
from sqlmodel import select
from visits import DIVISION, dispatched

from backend import darkroom, db
from backend.blobs import Blobs
from backend.darkroom import LARGE_PIXELS
from backend.tables import Blob, Task

PATIENCE_S = 60.0


def large(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (6000, LARGE_PIXELS // 6000), shade).save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office)


@asynccontextmanager
async def occupied(monkeypatch: pytest.MonkeyPatch, *, wait_s: float = 0.05) -> AsyncIterator[None]:
    """Let a large picture be decoded all the while, and nobody wait for long."""
    begun, go = Event(), Event()

    def still() -> None:
        begun.set()
        assert go.wait(PATIENCE_S)

    first = asyncio.create_task(darkroom.develop(LARGE_PIXELS, still))
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    monkeypatch.setattr(darkroom, "WAIT_S", wait_s)
    try:
        yield
    finally:
        monkeypatch.undo()
        go.set()
        await first


async def test_who_asks_for_a_large_picture_meanwhile_is_told_to_come_again_and_others_are_served(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    big, little = large(200), scene(1)
    await recorded(office, tasks[0], big, little)
    await recorded(office, tasks[1], scene(1, quality=45))
    client = await office.officer("reviewer", DIVISION)
    inspection = f"/office/inspections/{tasks[0].id}"
    papers = f"{inspection}/papers?what=record&language=zh"
    asked = (f"{inspection}/photos/{digest(big)}", f"{inspection}/contact-sheet", papers)

    async with occupied(monkeypatch):
        refused = [await client.get(one) for one in asked]
        served = await client.get(f"{inspection}/photos/{digest(little)}")
        shown = (await client.get(inspection)).json()
    later = [await client.get(one) for one in asked]
    again = (await client.get(inspection)).json()

    assert [(one.status_code, one.json()["code"]) for one in refused] == [(503, "server.busy")] * 3
    assert all(one.headers["retry-after"] for one in refused)
    assert served.status_code == 200
    assert shown["pictures_waiting"] == 1
    assert [one.status_code for one in later] == [200] * 3
    assert again["pictures_waiting"] == 0


async def test_an_upload_that_gets_no_turn_is_sent_again_and_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, small = large(90), uploads.jpeg(1)
    client = await uploads.enrol(office)
    place = await uploads.create(client, body, "image/png")

    async with occupied(monkeypatch):
        refused = await uploads.put(client, place, 0, body)
        sent = await uploads.carry(client, uploads.sending(small, part=len(small)))
        still = await client.head(place, headers=uploads.TUS)
    healed = await client.head(place, headers=uploads.TUS)

    async with db.transaction(office.engine, write=False) as session:
        kept = dict((await session.exec(select(Blob.sha256, Blob.flag))).all())
    assert (refused.status_code, still.status_code) == (503, 503)
    assert sent.sha256 == digest(small)
    assert healed.headers["upload-offset"] == str(len(body))
    assert kept == {digest(small): "", digest(body): ""}


async def test_who_waits_for_a_turn_does_not_hold_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, small = large(70), uploads.jpeg(2)
    client, other = await uploads.enrol(office), await uploads.enrol(office, "Z002")
    place = await uploads.create(client, body, "image/png")
    blobs = Blobs(office.settings.data_dir)

    async with occupied(monkeypatch, wait_s=PATIENCE_S):
        waits = asyncio.create_task(uploads.put(client, place, 0, body))
        while not await blobs.has(digest(body)):
            pass
        sent = await uploads.carry(other, uploads.sending(small, part=len(small)))
        waited = not waits.done()
    answer = await waits

    assert sent.sha256 == digest(small)
    assert waited
    assert answer.status_code == 204
