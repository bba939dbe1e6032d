"""One suite, two subjects: what a ledger must hold, on SQLite and on PostgreSQL.

The subject is the real intake, behind the real door: what a device gets is all that is asked.
"""

import asyncio
from collections.abc import Sequence

import held
import msgspec
import pytest
from conftest import Clock, Office
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.memory_hub import Died
from simulation.world import REFS

from backend import db
from sync import codec, outbox, versions
from sync.exchange import exchange
from sync.hub import Placed
from sync.messages import VERSION, PushHead, Request, Response
from sync.ops import AddFinding
from sync.problems import refusal
from sync.refusals import Reason
from sync.store import Mine

Ledger = list[tuple[str, Placed]]


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await held.opened(office)


@pytest.fixture
async def phone(hub: AppHub) -> Phone:
    return await Phone(hub, "lead").enrol()


def chained(phone: Phone, raws: Sequence[bytes], *, after: Sequence[bytes] = ()) -> list[Mine]:
    """Give operations the hashes that they have in this phone's chain."""
    hashes = codec.chain(codec.genesis(phone.id), [*after, *raws])[len(after) :]
    return [
        Mine(n, TASK, hash_, raw)
        for n, (hash_, raw) in enumerate(zip(hashes, raws, strict=True), start=1 + len(after))
    ]


def sealed(phone: Phone, batch: list[Mine], prev: str = "") -> Request:
    head = PushHead(
        v=VERSION,
        dev=phone.id,
        first=batch[0].n,
        count=len(batch),
        prev=prev or codec.genesis(phone.id),
        head=batch[-1].hash,
        clock=phone.clock(),
    )
    return outbox.seal(phone.replica.identity, head, batch)


def acked(phone: Phone, answer: Response) -> int:
    assert answer.status == 200, answer.body
    first = answer.body.split(b"\n")[0]
    read, _ = versions.read_answer([first])
    return read.ack.n


def finding(n: int, text: str = "地面有水") -> bytes:
    op = AddFinding(text=text, basis="规范 3.1", n=n, e=TASK, w=1, m=1, boot="b")
    return msgspec.json.encode(op)


async def test_what_was_pushed_is_kept_byte_for_byte_in_order(hub: AppHub, phone: Phone) -> None:
    raws = [
        finding(1),
        finding(2).replace(b'","', b'" , "'),
        finding(3).replace(b"finding.add/1", b"from.tomorrow/9"),
    ]

    answer = await hub.ask(sealed(phone, chained(phone, raws)))

    assert acked(phone, answer) == 3
    assert [placed.raw for placed in await hub.chain(phone.id)] == raws
    assert [placed.n for placed in await hub.chain(phone.id)] == [1, 2, 3]


async def test_places_are_dense_and_each_root_follows_from_the_one_before(
    hub: AppHub, phone: Phone, clock: Clock
) -> None:
    other = await Phone(hub, "second").enrol()
    for turn in range(3):
        phone.answer("pass", REFS[turn % 2])
        other.answer("fail", REFS[turn % 2])
    await asyncio.gather(phone.sync(), other.sync())

    ledger, root = await hub.ledger(), db.GENESIS
    at = round(clock().timestamp() * 1000)

    assert [placed.position for _, placed in ledger] == list(range(1, 7))
    for _, placed in ledger:
        root = codec.ledger_link(root, placed.hash, placed.verdict.verdict, at)
        assert placed.root == root


async def test_each_devices_chain_is_whole_whoever_pushes_at_once(hub: AppHub) -> None:
    phones = [await Phone(hub, who).enrol() for who in ("lead", "second", "lead", "second")]
    for each in phones:
        for n in range(5):
            each.answer("pass", REFS[n % len(REFS)])

    await asyncio.gather(*(each.sync() for each in phones))

    for each in phones:
        chain = await hub.chain(each.id)
        assert [placed.hash for placed in chain] == [mine.hash for mine in each.store.log(1, 99)]
    seqs = sorted(placed.seq for _, placed in await hub.ledger() if placed.seq is not None)
    assert len(seqs) == len(set(seqs)) == 20


async def test_the_same_push_again_adds_nothing_and_is_answered_alike(
    hub: AppHub, phone: Phone
) -> None:
    request = sealed(phone, chained(phone, [finding(1), finding(2)]))

    first, before = await hub.ask(request), await hub.ledger()
    again, after = await hub.ask(request), await hub.ledger()

    assert acked(phone, first) == acked(phone, again) == 2
    assert after == before


async def test_a_push_that_overlaps_adds_what_is_new(hub: AppHub, phone: Phone) -> None:
    raws = [finding(n) for n in (1, 2, 3)]
    await hub.ask(sealed(phone, chained(phone, raws[:2])))

    answer = await hub.ask(sealed(phone, chained(phone, raws)))

    assert acked(phone, answer) == 3
    assert [placed.raw for placed in await hub.chain(phone.id)] == raws


async def test_one_bad_operation_holds_up_no_other(hub: AppHub, phone: Phone) -> None:
    raws = [finding(1), b"\x00 rubbish", finding(3), b"{}", finding(5)]

    answer = await hub.ask(sealed(phone, chained(phone, raws)))

    verdicts = [placed.verdict.verdict for placed in await hub.chain(phone.id)]
    assert acked(phone, answer) == 5
    assert [verdicts[at] for at in (0, 2, 4)] == ["ok"] * 3
    assert {verdicts[1], verdicts[3]} <= {"parked", "quarantined"}


@pytest.mark.parametrize("reason", [Reason.SYNC_GAP, Reason.SYNC_FORK, Reason.SIGNATURE_WRONG])
async def test_what_does_not_fit_is_refused_and_changes_nothing_that_stands(
    hub: AppHub, phone: Phone, reason: Reason
) -> None:
    raws = [finding(1), finding(2)]
    both = chained(phone, raws)
    await hub.ask(sealed(phone, both[:1]))
    before = await hub.ledger()
    match reason:
        case Reason.SYNC_GAP:
            after = chained(phone, [finding(3)], after=raws)
            request = sealed(phone, after, prev=both[1].hash)
        case Reason.SYNC_FORK:
            request = sealed(phone, chained(phone, [finding(1, "别的"), finding(2)]))
        case _:
            good = sealed(phone, both)
            request = Request(good.method, good.path, good.headers, good.body + b" ")

    answer = await hub.ask(request)

    assert refusal(answer).reason is reason
    assert await hub.ledger() == before


async def test_what_the_ledger_said_is_not_said_otherwise_later(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    phone.answer("pass")
    await hub.revoke(phone.id)
    await phone.push()
    before = await hub.ledger()
    chief = await office.officer("supervisor", "33")

    order = {"device": phone.id, "numbers": [1], **held.REASON}
    await held.told(chief, "/office/quarantine/release", order)

    [(_, held_back)] = before
    [(_, now)] = await hub.ledger()
    assert held_back.verdict.verdict == "quarantined"
    assert (now.raw, now.hash, now.root, now.verdict) == (
        held_back.raw, held_back.hash, held_back.root, held_back.verdict,
    )  # fmt: skip
    assert await held.value(office) == "pass"


async def test_a_server_that_dies_at_any_statement_has_all_of_a_push_or_nothing(
    hub: AppHub, phone: Phone
) -> None:
    phone.answer("pass")
    phone.answer("fail", REFS[1])
    request = next(exchange(phone.replica))

    died = 0
    while True:
        try:
            answer = await hub.ask(request, died + 1)
        except Died:
            died += 1
            assert await hub.ledger() == []
            assert await held.value(hub.office) == ""
            continue
        break

    assert died >= 10
    assert acked(phone, answer) == 2
    assert len(await hub.ledger()) == 2
