"""Devices of every version that is spoken, by the bytes they sent, on both databases."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import NOW, Office
from rows import put, revision
from simulation.app_hub import AppHub
from simulation.world import FORM
from vectors.sync_vectors import LI, SECRETS, WANG
from vectors.version_vectors import EPOCH, INSPECTION

from backend import db
from backend.tables import Bucket, Device, Entry, Establishment, Inspector
from sync import checklist, codec, squeeze
from sync.messages import Request, Response
from sync.versions import SPOKEN

PATH = Path(__file__).parents[2] / "fixtures" / "vectors" / "versions.json"
CORPUS: dict[str, Any] = json.loads(PATH.read_text("utf-8"))
PASSING = ("time", "receipt", "upload", "durable")  # of this moment, or of this server


@pytest.fixture
async def hub(office: Office) -> AppHub:
    """A server with two inspectors and their phones, an inspection, and a colleague's answer."""
    app_hub = AppHub(office)
    await app_hub.open()
    async with db.transaction(office.engine) as session:
        top = await db.head(session)
        top.epoch, top.secret_key = EPOCH, SECRETS["hub"]
        session.add(top)
    batch, found = revision("inspectors"), revision("establishments")
    site = Establishment(
        code="E1", name="城东冷库", category="cold-store", division="44", revision_id=found.id
    )
    await put(office, batch, found, site)
    for who, name in ((LI, "li"), (WANG, "wang")):
        app_hub.ids[name] = name
        inspector = Inspector(
            id=name, certificate=f"44-{name}", name=name, department="食品科", division="44",
            valid_from=date(2020, 1, 1), valid_to=date(2030, 1, 1), revision_id=batch.id,
        )  # fmt: skip
        device = Device(
            id=who, inspector_id=name, label="", public_key=codec.public_key(SECRETS[who]),
            enrolled_at=NOW, head_hash=codec.genesis(who),
        )  # fmt: skip
        await put(office, inspector, device)
    await app_hub.dispatch(INSPECTION, "li", "wang")
    await app_hub.put("u:li", "checklist", checklist.digest(FORM), b'{"form":1}')
    body = msgspec.json.encode({"id": INSPECTION, "checklist": checklist.digest(FORM)})
    await app_hub.put(f"i:{INSPECTION}", "task", INSPECTION, body)
    for bucket in ("u:li", f"i:{INSPECTION}"):
        await app_hub.join("li", bucket)
    answer = await app_hub.ask(frozen(CORPUS["colleague"]))
    assert answer.status == 200, answer.body
    return app_hub


def frozen(request: dict[str, str]) -> Request:
    """Send the bytes of a device of that day, as they are."""
    headers = {codec.SIGNATURE_HEADER: request["header"]}
    return Request("POST", squeeze.PATH, headers, request["body"].encode())


def lasting(answer: Response) -> list[dict[str, Any]]:
    """Read an answer as JSON, without what is of the moment; the order of events is free."""
    head, *events, end = map(json.loads, answer.body.decode().split("\n"))
    kept = {key: value for key, value in head.items() if key not in PASSING}
    return [kept, *sorted(events, key=json.dumps), end]


@pytest.mark.parametrize("version", [str(one) for one in SPOKEN])
async def test_a_device_of_every_spoken_version_is_answered_as_it_was(
    office: Office, hub: AppHub, version: str
) -> None:
    held = CORPUS["versions"][version]

    answers = [await hub.ask(frozen(request)) for request in held["requests"]]

    assert [answer.status for answer in answers] == [200] * len(answers)
    for answer, then in zip(answers, held["answers"], strict=True):
        codec.check_body(
            codec.public_key(SECRETS["hub"]), answer.headers[codec.SIGNATURE_HEADER], answer.body
        )
        assert lasting(answer) == then
    assert [one.verdict.verdict for one in await hub.chain(LI)] == [
        "ok", "parked", "parked", "quarantined", "parked", "ok",
    ]  # fmt: skip


async def test_the_first_version_is_told_of_what_counts_after_all_by_beginning_anew(
    office: Office, hub: AppHub
) -> None:
    """Let the office rule that operation 2 counts, as `work.rulings` does."""
    requests = CORPUS["versions"]["1"]["requests"]
    for request in requests[:2]:
        await hub.ask(frozen(request))
    async with db.transaction(office.engine) as session:
        top = await db.head(session)
        entry = await session.get_one(Entry, (LI, 2))
        top.feed_n += 1
        entry.seq = top.feed_n
        bucket = await session.get_one(Bucket, f"i:{INSPECTION}")
        bucket.seq = top.feed_n
        session.add_all([top, entry, bucket])

    answer = await hub.ask(frozen(requests[2]))

    assert [line.get("t") for line in lasting(answer)[1:]] == ["reset", "end"]


async def test_a_version_that_nobody_speaks_yet_is_refused_with_those_that_are_and_nothing_is_lost(
    hub: AppHub,
) -> None:
    newest = CORPUS["versions"][str(SPOKEN[-1])]["requests"][1]
    body = newest["body"].replace(str(SPOKEN[-1]), "2036-11-22").encode()
    header = codec.seal_body(SECRETS[LI], LI, body)

    answer = await hub.ask(Request("POST", squeeze.PATH, {codec.SIGNATURE_HEADER: header}, body))
    before = await hub.chain(LI)
    again = await hub.ask(frozen(newest))

    problem = json.loads(answer.body)
    assert (answer.status, problem["code"]) == (422, "sync.version")
    assert problem["details"] == {"spoken": "1 2026-11-21 2026-11-22", "asked": "2036-11-22"}
    assert before == []
    assert again.status == 200
