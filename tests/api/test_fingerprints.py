"""照片指纹: no upload waits for them, and whoever asks is told of every twin, or that some wait."""

import asyncio
import io
from typing import Any

import msgspec
import pypdfium2
import pytest
import uploads
from conftest import NOW, Office
from PIL import Image
from scenes import digest, recorded, scene
from sqlmodel import col, select
from visits import DIVISION

from backend import db
from backend.blobs import Blobs
from backend.tables import Blob, Picture, Task
from backend.wire import InspectionView
from backend.work import fingerprints
from backend.work.fingerprints import Hashed


def blobs_of(office: Office) -> Blobs:
    return Blobs(office.settings.data_dir)


async def unhashed(office: Office) -> set[str]:
    async with db.transaction(office.engine, write=False) as session:
        return set(await session.exec(select(Blob.sha256).where(col(Blob.unhashed))))


async def hashes(office: Office) -> dict[str, str]:
    async with db.transaction(office.engine, write=False) as session:
        return dict((await session.exec(select(Picture.sha256, Picture.hash))).all())


async def looked_at(office: Office, task: Task) -> InspectionView:
    client = await office.officer("reviewer", DIVISION)
    answer = await client.get(f"/office/inspections/{task.id}")
    return msgspec.json.decode(answer.content, type=InspectionView)


def twins(view: InspectionView) -> list[tuple[str, str]]:
    return [
        (remark.code, remark.inspection)
        for one in view.evidence
        for remark in one.remarks
        if remark.code.startswith("same")
    ]


async def test_an_upload_is_acknowledged_before_anybody_looked_at_what_it_shows(
    office: Office,
) -> None:
    whole, cut, layer = scene(1), scene(2)[:9000], b'{"w":0}'
    client = await uploads.enrol(office)
    for body in (whole, cut):
        await uploads.carry(client, uploads.sending(body, part=len(body)))
    await uploads.carry(client, uploads.sending(layer, mime="application/json"))

    kept = await uploads.rows(office.engine)

    assert len(kept) == 3
    assert await unhashed(office) == {digest(whole)}
    assert await hashes(office) == {}


async def test_who_asks_is_told_of_a_twin_that_nobody_looked_at_before(
    office: Office, tasks: list[Task]
) -> None:
    body, again = scene(1), scene(1, quality=45)
    await recorded(office, tasks[0], body)
    await recorded(office, tasks[1], again, scene(2))
    waited = await unhashed(office)

    view = await looked_at(office, tasks[0])

    assert len(waited) == 3
    assert twins(view) == [("same-picture", tasks[1].id)]
    assert view.pictures_waiting == 0
    assert await unhashed(office) == set()
    assert set(await hashes(office)) == waited


async def test_who_asks_does_not_wait_for_more_than_a_bound_and_is_told_that_some_wait(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "AT_ONCE_MAX", 2)
    await recorded(office, tasks[0], scene(1))
    await recorded(office, tasks[1], scene(1, quality=45), *(scene(n) for n in range(2, 6)))

    seen = [await looked_at(office, tasks[0]) for _ in range(3)]

    assert [one.pictures_waiting for one in seen] == [4, 2, 0]
    assert digest(scene(1)) in await hashes(office)
    assert twins(seen[-1]) == [("same-picture", tasks[1].id)]


async def test_pictures_of_the_inspection_that_is_asked_for_come_first(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "AT_ONCE_MAX", 2)
    first = sorted((scene(n) for n in range(1, 8)), key=digest)
    await recorded(office, tasks[0], *first[5:])
    await recorded(office, tasks[1], *first[:5])

    await looked_at(office, tasks[0])

    assert set(await hashes(office)) == {digest(one) for one in first[5:]}


async def test_large_pictures_are_fewer_at_once_and_one_at_least(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = io.BytesIO()
    Image.effect_mandelbrot((400, 300), (-2, -1.5, 1, 1.5), 40).save(drawn, "PNG")
    bodies = [drawn.getvalue(), *(scene(n) for n in range(3))]
    await recorded(office, tasks[0], *bodies)

    done: list[Hashed] = []
    for pixels in (1, 2 * 640 * 480 // fingerprints.JPEG_SHARE, 400 * 300):
        monkeypatch.setattr(fingerprints, "PIXELS_AT_ONCE", pixels)
        done.append(await fingerprints.catch_up(office.engine, blobs_of(office)))

    assert done[0] == Hashed(1, 3)
    assert sum(one.done for one in done) == 4
    assert max(one.done for one in done) == 2


async def test_a_file_that_is_not_here_waits_on_and_is_in_nobodys_way(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "AT_ONCE_MAX", 2)
    bodies = sorted((scene(n) for n in range(6)), key=digest)
    await recorded(office, tasks[0], *bodies)
    paths = [blobs_of(office).path(digest(one)) for one in bodies]
    for path in paths[:5]:
        path.rename(path.with_suffix(".away"))

    lacking = await fingerprints.catch_up_all(office.engine, blobs_of(office))
    told = await looked_at(office, tasks[0])
    for path in paths[:5]:
        path.with_suffix(".away").rename(path)
    back = await fingerprints.catch_up_all(office.engine, blobs_of(office))

    assert lacking == Hashed(1, 5)
    assert told.pictures_waiting == 5
    assert back == Hashed(5, 0)
    assert set(await hashes(office)) == {digest(one) for one in bodies}


async def test_who_hash_the_same_pictures_at_once_keep_each_once(
    office: Office, tasks: list[Task]
) -> None:
    await recorded(office, tasks[0], *(scene(n) for n in range(8)))

    done = await asyncio.gather(
        *(fingerprints.catch_up(office.engine, blobs_of(office)) for _ in range(4))
    )

    assert {one.waiting for one in done} == {0}
    assert set(await hashes(office)) == {digest(scene(n)) for n in range(8)}


async def test_a_picture_too_plain_to_have_a_hash_is_looked_at_once(
    office: Office, tasks: list[Task]
) -> None:
    wall = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(wall, "PNG")
    await recorded(office, tasks[0], wall.getvalue())

    done = [await fingerprints.catch_up(office.engine, blobs_of(office)) for _ in range(2)]

    assert done == [Hashed(1, 0), Hashed(0, 0)]
    assert await hashes(office) == {}


async def test_a_sheet_says_when_pictures_were_not_compared_yet(
    office: Office, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "AT_ONCE_MAX", 1)
    await recorded(office, tasks[0], scene(1), scene(2), scene(3))
    client = await office.officer("reviewer", DIVISION)

    sheets = [
        (await client.get(f"/office/inspections/{tasks[0].id}/contact-sheet")).content
        for _ in range(3)
    ]

    words = [pypdfium2.PdfDocument(one)[0].get_textpage().get_text_bounded() for one in sheets]
    assert ["尚未比对" in one for one in words] == [True, True, False]
    assert "2 张照片" in words[0]


async def test_what_waits_is_found_by_an_index(office: Office) -> None:
    kept: dict[str, Any] = {"size": 1, "mime": "image/jpeg", "facts": "{}", "stored_at": NOW}
    async with db.transaction(office.engine) as session:
        session.add_all(Blob(sha256=f"{n:064x}", unhashed=n % 97 == 0, **kept) for n in range(2000))
    query: Any = select(Blob.sha256).where(col(Blob.unhashed)).order_by(Blob.sha256).limit(5)
    dialect = office.engine.dialect
    text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    how = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"

    async with office.engine.connect() as connection:
        await connection.exec_driver_sql("ANALYZE blob")
        plan = " ".join(map(str, await connection.exec_driver_sql(f"{how} {text}")))

    assert "ix_blob_unhashed" in plan
