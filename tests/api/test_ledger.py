"""The ledger as it is taken out: it proves itself, and any change to it is named."""

from collections.abc import Callable, Iterable
from typing import Any

import held
import msgspec
import pytest
from conftest import Clock, Office
from held import REASON
from httpx import AsyncClient
from msgspec.structs import replace
from phones import ITEM, TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import REFS

from backend import db
from backend.rules import ledger, ledger_lines
from backend.rules.ledger_lines import (
    ActLine,
    BatchLine,
    Digest,
    EndLine,
    EntryLine,
    FoldLine,
    ForkLine,
    Line,
    RulingLine,
    Start,
    Witnessed,
)
from backend.rules.verification import Step
from backend.tables import Head
from sync import codec
from sync.messages import Ack, Receipt, Shown

STEPS = [
    "file", "chains", "signatures", "ledger", "journal", "rulings", "projection", "forks",
    "witnesses", "judgement",
]  # fmt: skip


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await held.opened(office)


async def busy(office: Office, hub: AppHub) -> Phone:
    """Let everything happen once: a conflict settled, a fork, late work; released and kept."""
    chief = await office.officer("supervisor", "33")
    lead, second = await Phone(hub, "lead").enrol(), await Phone(hub, "second").enrol()
    lead.answer("pass")
    second.answer("fail")
    await lead.sync()
    await second.sync()
    order = {"item": ITEM, "value": "fail", **REASON}
    await held.told(chief, f"/office/conflicts/{TASK}", order)
    copy = lead.copy()
    lead.answer("pass", REFS[1])
    await lead.sync()
    copy.replica.find(TASK, "地面有水", basis="规范 3.1")
    assert await copy.push() == 409
    tip = copy.store.log(2, 1)[0].hash
    release = "/office/quarantine/release"
    await held.told(chief, release, {"device": lead.id, "branch": tip, **REASON})
    second.answer("pass", REFS[1])
    second.replica.find(TASK, "门封破损", basis="规范 3.2")
    await hub.revoke(second.id)
    await second.sync()
    await held.told(chief, release, {"device": second.id, "numbers": [2], **REASON})
    await held.told(chief, "/office/quarantine/keep", {"device": second.id, **REASON})
    return lead


async def taken(office: Office) -> list[bytes]:
    admin = await office.officer("admin")
    answer = await admin.get("/office/ledger")
    assert answer.status_code == 200, answer.text
    return answer.content.splitlines(keepends=True)


async def secret(office: Office) -> str:
    async with db.transaction(office.engine, write=False) as session:
        return (await session.get_one(Head, 1)).secret_key


def read(raws: Iterable[bytes]) -> list[Line]:
    return [line for _, line in ledger_lines.read(iter(raws))]


def signed(lines: list[Line], key: str) -> list[bytes]:
    """Write lines anew as a server would that wants to hide something: the end fits."""
    total = Digest()
    raws = [ledger_lines.write(line) for line in lines[:-1]]
    for raw in raws:
        total.add(raw)
    end = lines[-1]
    assert isinstance(end, EndLine)
    text = ledger_lines.signed_text(total.hex(), end)
    return [
        *raws,
        ledger_lines.write(replace(end, digest=total.hex(), sig=codec.sign(key, text))),
    ]


def wrong(steps: list[Step]) -> dict[str, str]:
    return {step.name: step.en for step in steps if step.ok is False}


async def test_a_ledger_in_which_everything_happened_proves_itself(
    office: Office, hub: AppHub
) -> None:
    await busy(office, hub)

    steps = ledger.verify(iter(await taken(office)))

    assert [step.name for step in steps] == STEPS
    assert wrong(steps) == {}
    assert [step.name for step in steps if step.ok is None] == ["witnesses", "judgement"]
    told = {step.name: step.en for step in steps}
    assert told["forks"].startswith("1 operations of 1 devices are in forks, all kept; 1 were")
    assert "3 later judgements" in told["rulings"]
    assert "1 operations are of the office's own desks" in told["signatures"]


async def test_an_empty_ledger_proves_itself(office: Office) -> None:
    steps = ledger.verify(iter(await taken(office)))

    assert wrong(steps) == {}


async def test_every_flipped_byte_is_found(office: Office, hub: AppHub) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.answer("fail")
    await phone.sync()
    whole = b"".join(await taken(office))
    missed: list[int] = []

    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        steps = ledger.verify(iter(bytes(flipped).splitlines(keepends=True)))
        if steps[0].ok is not False:
            missed.append(at)

    assert len(whole) > 2000
    assert missed == []


async def test_a_file_that_is_cut_off_anywhere_is_found(office: Office, hub: AppHub) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.answer("fail")
    await phone.sync()
    raws = await taken(office)

    cuts = [ledger.verify(iter(raws[:upto]))[0].ok for upto in range(len(raws))]

    assert cuts == [False] * len(raws)


def _one(kind: type[Any], which: Callable[[Any], bool] = lambda _: True) -> Callable[..., Any]:
    """Change one line of a kind."""

    def change(lines: list[Line], **fields: Any) -> list[Line]:
        at = next(at for at, line in enumerate(lines) if isinstance(line, kind) and which(line))
        return [*lines[:at], replace(lines[at], **fields), *lines[at + 1 :]]

    return change


def _without(lines: list[Line], kind: type[Any]) -> list[Line]:
    at = next(at for at, line in enumerate(lines) if isinstance(line, kind))
    return lines[:at] + lines[at + 1 :]


def _kept(line: EntryLine) -> bool:
    return line.verdict == "quarantined" and line.seq is None


TAMPERED: dict[str, tuple[Callable[[list[Line]], list[Line]], set[str]]] = {
    "an operation": (
        lambda lines: _one(EntryLine)(lines, raw=b'{"n":1}'), {"chains", "signatures", "projection"}
    ),
    "a first verdict": (
        lambda lines: _one(EntryLine, _kept)(lines, verdict="ok", seq=99999),
        {"ledger", "rulings", "projection"},
    ),
    "the time of arrival": (lambda lines: _one(EntryLine)(lines, at=1), {"ledger"}),
    "an entry that is gone": (
        lambda lines: _without(lines, EntryLine),
        {"chains", "signatures", "ledger", "projection", "forks"},
    ),
    "a signature": (lambda lines: _one(BatchLine)(lines, sig="00" * 64), {"signatures"}),
    "a push that is gone": (lambda lines: _without(lines, BatchLine), {"signatures"}),
    "an act": (lambda lines: _one(ActLine)(lines, actor="nobody"), {"journal"}),
    "an act that is gone": (lambda lines: _without(lines, ActLine), {"journal"}),
    "a ruling": (
        lambda lines: _one(RulingLine, lambda one: one.verdict == "kept")(lines, verdict="ok"),
        {"rulings"},
    ),
    "a ruling that is gone": (lambda lines: _without(lines, RulingLine), {"rulings"}),
    "what counts": (
        lambda lines: _one(EntryLine, lambda one: one.seq is not None)(lines, seq=None),
        {"rulings", "projection"},
    ),
    "an inspection": (lambda lines: _one(FoldLine)(lines, operations=99), {"projection"}),
    "an inspection that is gone": (lambda lines: _without(lines, FoldLine), {"projection"}),
    "a fork": (lambda lines: _one(ForkLine)(lines, raw=b"{}"), {"signatures", "forks"}),
    "a fork that is gone": (lambda lines: _without(lines, ForkLine), {"signatures", "rulings"}),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_the_server_itself_changed_and_signed_is_named(
    office: Office, hub: AppHub, what: str
) -> None:
    change, steps = TAMPERED[what]
    await busy(office, hub)
    lines = read(await taken(office))

    found = ledger.verify(iter(signed(change(lines), await secret(office))))

    assert wrong(found).keys() == steps, wrong(found)


async def test_a_ledger_of_another_key_is_not_the_one_that_was_asked_for(
    office: Office, hub: AppHub
) -> None:
    await busy(office, hub)
    raws = await taken(office)
    lines = read(raws)
    start = lines[0]
    assert isinstance(start, Start)

    own = ledger.verify(iter(raws), key=start.key)
    other = ledger.verify(iter(raws), key="ab" * 32)

    assert own[0].ok is True
    assert "the key that was given" in own[0].en
    assert other[0].ok is False


async def test_late_work_that_the_server_lets_count_without_an_act_is_named(
    office: Office, hub: AppHub
) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.answer("fail")
    await hub.revoke(phone.id)
    await phone.sync()
    lines = read(await taken(office))
    root, changed = ledger.GENESIS, list[Line]()

    for line in lines:
        if isinstance(line, EntryLine):
            root = codec.ledger_link(root, line.hash, "ok", line.at)
            changed.append(replace(line, verdict="ok", why="", seq=9999, root=root))
        else:
            changed.append(replace(line, ledger_root=root) if isinstance(line, EndLine) else line)
    found = wrong(ledger.verify(iter(signed(changed, await secret(office)))))

    assert found.keys() == {"rulings", "projection"}
    assert "counted at once, after the device was revoked" in found["rulings"]


# -- witnesses -----------------------------------------------------------------------------------


async def heads(office: Office) -> Witnessed:
    answer = await (await office.client()).get("/public/heads")
    return msgspec.json.decode(answer.content, type=Witnessed)


def receipt(phone: Phone) -> Shown:
    ack, given = msgspec.json.decode(phone.store.get("receipt"), type=tuple[Ack, Receipt])
    return Shown(phone.id, ack, given.ledger, given.root, given.sig)


async def test_receipts_and_noted_heads_agree_with_a_ledger_that_went_on(
    office: Office, hub: AppHub
) -> None:
    phone = await busy(office, hub)
    noted, shown = await heads(office), receipt(phone)
    other = await Phone(hub, "lead").enrol()
    other.answer("pass", REFS[1])
    await other.sync()

    steps = ledger.verify(iter(await taken(office)), receipts=[shown], heads=[noted])

    assert wrong(steps) == {}
    told = {step.name: step.en for step in steps}
    assert told["witnesses"] == "1 receipts and 1 noted heads agree with the ledger."


async def test_a_ledger_that_was_written_anew_differs_from_receipts_and_noted_heads(
    office: Office, hub: AppHub, clock: Clock
) -> None:
    phone = await busy(office, hub)
    noted, shown = await heads(office), receipt(phone)
    raws = await taken(office)

    moved = replace(noted, ledger_root="0" * 64)
    later = replace(noted, act_n=noted.act_n + 9)
    forged = replace(shown, root="0" * 64)
    unsaid = replace(shown, ack=Ack(shown.ack.n, "0" * 64))
    found = [wrong(ledger.verify(iter(raws), heads=[one])).keys() for one in (moved, later)] + [
        wrong(ledger.verify(iter(raws), receipts=[one])).keys() for one in (forged, unsaid)
    ]

    assert found == [{"witnesses"}] * 4


async def test_a_receipt_outlives_a_ledger_that_the_server_cut_off(
    office: Office, hub: AppHub
) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.answer("fail")
    await phone.sync()
    shown, key = receipt(phone), await secret(office)
    lines = read(await taken(office))
    empty = [
        replace(line, n=0, hash=codec.genesis(phone.id))
        if getattr(line, "id", "") == phone.id
        else replace(line, ledger_n=0, ledger_root=ledger.GENESIS)
        if isinstance(line, EndLine)
        else line
        for line in lines
        if not isinstance(line, EntryLine | BatchLine | FoldLine)
    ]

    blind = ledger.verify(iter(signed(empty, key)))
    seen = ledger.verify(iter(signed(empty, key)), receipts=[shown])

    assert wrong(blind) == {}
    assert wrong(seen).keys() == {"witnesses"}


# -- who may -------------------------------------------------------------------------------------


async def test_only_an_admin_of_the_whole_takes_the_ledger_out(office: Office) -> None:
    clients: list[AsyncClient] = [
        await office.officer("admin", "33"),
        await office.officer("supervisor"),
    ]

    codes = [(await one.get("/office/ledger")).json()["code"] for one in clients]

    assert codes == ["auth.division-forbidden", "auth.role-forbidden"]
