"""照片 of inspections: what they say, what is odd, what is hidden, and the sheet of them all."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pypdfium2
import pytest
import uploads
from conftest import NOW, Office
from httpx import AsyncClient, Response
from phones import Phone
from phones import opened as opened_door
from PIL import Image
from rows import put
from scenes import digest, recorded, scene
from sqlmodel import select
from visits import DIVISION, Visit, dispatched, store

from backend import db
from backend.blobs import Blobs
from backend.rules.disclosure import jpeg_metadata
from backend.tables import Blob, Establishment, Exhibit, Picture, Task
from backend.wire import MomentView
from backend.work import cases, fingerprints, holdings, twins
from backend.work.fingerprints import Hashed
from sync import layers
from sync.layers import Box, Layer, Words
from sync.ops import Arrive, SetAnswers
from sync.pictures import Place, parts
from sync.store import File

LAYER = Layer(w=480, h=640, shapes=(Box(x=20, y=20, w=200, h=100), Words(x=30, y=40, text="破损")))
SITE = {"latitude": 31.2284, "longitude": 121.4782, "datum": "GCJ-02"}  # seen by a camera at CAMERA


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    found = await dispatched(office)
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Establishment)):
            one.latitude, one.longitude, one.datum = SITE["latitude"], SITE["longitude"], "GCJ-02"
            session.add(one)
    return found


async def evidence(client: AsyncClient, task: Task) -> dict[str, Any]:
    view = (await client.get(f"/office/inspections/{task.id}")).json()
    return {one["sha256"]: one for one in view["evidence"]}


def opened(answer: Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    assert jpeg_metadata(answer.content) == ()
    return Image.open(io.BytesIO(answer.content))


def inked(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    return sum(r > 150 and g < 90 and b < 90 for r, g, b in image.crop(box).get_flattened_data())


async def test_a_picture_is_shown_with_what_it_says_and_what_is_odd(
    office: Office, tasks: list[Task]
) -> None:
    right, far, silent = scene(1), scene(2, far=True), scene(3, told=False)
    await recorded(office, tasks[0], right, far, silent)
    client = await office.officer("reviewer", DIVISION)

    found = await evidence(client, tasks[0])

    said = found[digest(right)]["facts"]
    assert (said["width"], said["height"]) == (480, 640)
    assert (said["taken"], said["zone"]) == ("2026-03-02T09:10:00", "+08:00")
    assert (said["latitude"], said["camera"]) == ("31.230278", "Pixel 6")
    assert found[digest(right)]["remarks"] == []
    (odd,) = found[digest(far)]["remarks"]
    assert (odd["code"], odd["warning"]) == ("far-from-site", True)
    assert odd["metres"] == pytest.approx(111_190, abs=200)
    assert found[digest(silent)]["remarks"] == [
        {"code": "no-exif", "warning": False, "metres": 0, "minutes": 0, "inspection": ""}
    ]


async def test_the_same_picture_in_two_inspections_is_told_in_both_unless_withdrawn(
    office: Office, tasks: list[Task]
) -> None:
    body, again, other = scene(1), scene(1, quality=45), scene(2)
    await recorded(office, tasks[0], body, other)
    visit = await recorded(office, tasks[1], body, again, stored=(body,))
    client = await office.officer("reviewer", DIVISION)

    here = await evidence(client, tasks[0])
    there = await evidence(client, tasks[1])
    for one in (1, 2):
        visit.void("lead", f"{visit.device('lead')}:{1 + one}")
    await visit.arrive(office)
    after = await evidence(client, tasks[0])

    def told(view: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["code"], one["inspection"]) for one in view["remarks"] if one["warning"]]

    assert told(here[digest(body)]) == [("same-file", tasks[1].id), ("same-picture", tasks[1].id)]
    assert told(here[digest(other)]) == []
    assert told(there[digest(body)]) == [("same-file", tasks[0].id)]
    assert told(there[digest(again)]) == [("same-picture", tasks[0].id)]
    assert told(after[digest(body)]) == []


async def test_among_many_pictures_those_alike_are_found_by_an_index(office: Office) -> None:
    chance = Random(7)
    hashes = [f"{chance.getrandbits(64):016x}" for _ in range(3000)]
    mine = f"{int(hashes[0], 16) ^ 0b10010001:016x}"

    def row(name: str, hash_: str) -> Picture:
        some = {f"part_{n}": part for n, part in enumerate(parts(hash_), start=1)}
        return Picture(sha256=name, hash=hash_, **some)

    await put(office, *(row(f"{n:064x}", one) for n, one in enumerate(hashes)))
    await put(office, *(Exhibit(inspection_id=f"i{n}", sha256=f"{n:064x}") for n in range(3000)))
    await put(office, row("f" * 64, mine), Exhibit(inspection_id="mine", sha256="f" * 64))

    async with db.transaction(office.engine, write=False) as session:
        named = await twins.alike(session, "mine", ["f" * 64])

    assert named == {"f" * 64: {"0" * 64: ["i0"]}}


async def test_a_visit_is_from_arriving_to_signing_and_where_they_said(
    office: Office, tasks: list[Task]
) -> None:
    visit = Visit(tasks[0])
    visit.record("lead", SetAnswers, f={})
    visit.record(
        "lead", Arrive, how="stated", latitude="31.23", longitude="121.47", datum="WGS-84",
        accuracy="12",
    )  # fmt: skip
    visit.sign("lead")
    await visit.arrive(office)

    def moment(op: str, kind: str, hour: int, *, exact: bool = True) -> MomentView:
        at = NOW + timedelta(hours=hour)
        return MomentView(
            op, kind, at if exact else None, None, exact, None if exact else at, NOW, ()
        )

    moments = [
        moment("a", "answers.set/2", 0),
        moment("b", "arrive/1", 1, exact=False),
        moment("c", "sign/2", 3),
        moment("d", "sign/2", 4),
        moment("e", "void/1", 9),
    ]
    async with db.transaction(office.engine, write=False) as session:
        case = await cases.load(session, tasks[0].id)
    found = holdings.visit_of(case, moments)
    bare = holdings.visit_of(case, moments[:1])

    assert (found.begins, found.ends) == (NOW + timedelta(hours=1), NOW + timedelta(hours=4))
    assert found.site == Place(SITE["latitude"], SITE["longitude"], "GCJ-02")
    assert found.arrival == Place(31.23, 121.47, "WGS-84", 12.0)
    assert (bare.begins, bare.ends) == (NOW, NOW)


async def test_an_annotation_is_drawn_over_a_rendition_and_the_file_stays(
    office: Office, tasks: list[Task]
) -> None:
    body, layer = scene(1), msgspec.json.encode(LAYER)
    visit = await recorded(office, tasks[0], body)
    client = await office.officer("reviewer", DIVISION)
    plain = opened(await client.get(f"/office/inspections/{tasks[0].id}/photos/{digest(body)}"))
    visit.annotate("second", digest(body), layer)
    await store(office, layer, "application/vnd.evenhand.layer+json")
    await visit.arrive(office)

    drawn = opened(await client.get(f"/office/inspections/{tasks[0].id}/photos/{digest(body)}"))
    public = opened(
        await client.get(
            f"/office/inspections/{tasks[0].id}/photos/{digest(body)}", params={"public": True}
        )
    )
    of_none = await client.get(f"/office/inspections/{tasks[0].id}/photos/{digest(layer)}")

    assert plain.size == drawn.size == public.size == (480, 640)
    edge = (60, 16, 180, 24)
    assert inked(drawn, edge) > inked(plain, edge) + 100
    assert inked(public, edge) == inked(plain, edge)
    stored = office.settings.data_dir / "whole" / digest(body)[:2] / digest(body)
    assert stored.read_bytes() == body
    assert of_none.json()["code"] == "review.photo-not-of-inspection"


async def test_what_is_masked_is_not_in_what_is_published_and_stays_so(
    office: Office, tasks: list[Task], tmp_path: Path
) -> None:
    body = scene(1)
    visit = await recorded(office, tasks[0], body, i1_1="fail")
    visit.sign("lead", "second")
    await visit.arrive(office)
    supervisor = await office.officer("supervisor", DIVISION)
    reviewer = await office.officer("reviewer", DIVISION)
    path = f"/office/inspections/{tasks[0].id}"
    masks = f"{path}/photos/{digest(body)}/masks"

    drawn = await reviewer.post(masks, json={"masks": [[0, 0, 50, 50]]})
    outside = await reviewer.post(masks, json={"masks": [[480, 0, 9, 9]]})
    concluded = await supervisor.post(f"{path}/conclusion", json={})
    of_none = await reviewer.post(
        f"{path}/review", json={"approve": True, "masks": {"0" * 64: [[0, 0, 1, 1]]}}
    )
    approved = await reviewer.post(
        f"{path}/review",
        json={
            "approve": True,
            "photos": [digest(body)],
            "masks": {digest(body): [[100, 200, 80, 60]]},
        },
    )
    seen = opened(await reviewer.get(f"{path}/photos/{digest(body)}", params={"public": True}))
    published = await reviewer.post("/office/publications")
    too_late = await reviewer.post(masks, json={"masks": []})
    zipped = await reviewer.get("/office/publications/site.zip")

    assert drawn.json()["masks"] == [[0, 0, 50, 50]]
    assert outside.json()["code"] == "photo.mask-outside"
    assert outside.json()["details"] == {"photo": digest(body), "width": 480, "height": 640}
    assert (concluded.status_code, approved.status_code) == (200, 200), approved.text
    assert of_none.json()["code"] == "review.photo-not-of-inspection"
    assert published.json()["published"] == [tasks[0].id]
    assert (too_late.status_code, too_late.json()["code"]) == (409, "photo.mask-published")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        (name,) = [one for one in archive.namelist() if one.startswith("photos/")]
        out = archive.read(name)
    assert jpeg_metadata(out) == ()
    for image in (seen, Image.open(io.BytesIO(out))):
        hidden = image.crop((102, 202, 178, 258)).convert("L")
        assert hidden.getextrema()[1] < 8
        assert image.crop((0, 0, 50, 50)).convert("L").getextrema()[1] > 60  # masked before


async def test_all_pictures_come_on_a_sheet_that_is_the_same_bytes_each_time(
    office: Office, tasks: list[Task]
) -> None:
    empty = await (await office.officer("reviewer", DIVISION)).get(
        f"/office/inspections/{tasks[1].id}/contact-sheet"
    )
    good, far, broken = scene(1), scene(2, far=True), b"\xff\xd8\xff no picture"
    visit = await recorded(office, tasks[0], good, far, broken)
    visit.attach("second", scene(9), caption="后厨")  # on its way still
    await visit.arrive(office)
    client = await office.officer("reviewer", DIVISION)

    first = await client.get(f"/office/inspections/{tasks[0].id}/contact-sheet")
    second = await client.get(f"/office/inspections/{tasks[0].id}/contact-sheet")

    assert empty.json()["code"] == "inspection.not-begun"
    assert first.headers["content-type"] == "application/pdf"
    assert first.content == second.content
    page = pypdfium2.PdfDocument(first.content)[0]
    words = page.get_textpage().get_text_bounded()
    told = ("照片汇总表", "冷库门封", "后厨", "2026-03-02 09:10:00", digest(good)[:16])
    for word in (*told, "未到达", "无法识别", "距登记地址 111"):
        assert word in words, word


async def test_a_push_says_which_files_it_names_and_an_upload_what_they_show(
    office: Office,
) -> None:
    body, layer, wrong = scene(4), msgspec.json.encode(LAYER), b'{"w":0}'
    task = "01900000-0000-7000-8000-0000000000aa"
    phone = await Phone(await opened_door(office, task), "lead").enrol()
    phone.replica.attach(task, File(digest(body), len(body), "image/jpeg"))
    await phone.sync()
    await phone.sync()
    client = await uploads.enrol(office)
    for file, mime in ((body, "image/jpeg"), (layer, layers.MIME), (wrong, layers.MIME)):
        await uploads.carry(client, uploads.sending(file, mime=mime))

    async with db.transaction(office.engine, write=False) as session:
        named = [(one.inspection_id, one.sha256) for one in await session.exec(select(Exhibit))]
        before = list(await session.exec(select(Picture)))
    hashed = await fingerprints.catch_up(office.engine, Blobs(office.settings.data_dir))
    async with db.transaction(office.engine, write=False) as session:
        pictures = list(await session.exec(select(Picture)))
        flags = dict((await session.exec(select(Blob.sha256, Blob.flag))).all())

    assert named == [(task, digest(body))]
    assert (before, hashed) == ([], Hashed(done=1, waiting=0))
    (picture,) = pictures
    assert picture.sha256 == digest(body)
    assert parts(picture.hash) == (picture.part_1, picture.part_2, picture.part_3, picture.part_4)
    assert flags[digest(layer)] == ""
    assert flags[digest(wrong)] == "photo.layer-wrong"
