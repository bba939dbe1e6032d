"""The proof obligations of the protocol, P1 to P14: what is true of a world at every step, at rest.

They are told apart from how the production code computes: from what users did (`World.acts`), what
lies in the ledger byte for byte, and what phones hold.
"""

from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
from simulation.model import named_by
from simulation.opening import notice
from simulation.phone import Device
from simulation.recording import understood

from sync import codec, hub, outbox
from sync.merge import Inspection, Recorded, covered, digest, fold, marks
from sync.messages import Ack, Receipt, Request, Response, decode_push_head, receipt_text
from sync.ops import (
    AddEvidence,
    AddFinding,
    AnyOp,
    OpenInspection,
    Particular,
    SetAnswers,
    Sign,
    decode_op,
    op_id,
)
from sync.particulars import Disposal, Tested
from sync.refusals import Reason
from sync.store import EXCLUDED, Mine

if TYPE_CHECKING:
    from simulation.world import World

ROUNDS_MAX = 600
ROOT = "0" * 64


class _Heard(msgspec.Struct):
    ack: Ack


Known = dict[str, tuple[hub.Placed, str, Any]]  # operation -> its place, who, what it says


def check_step(world: "World", device: Device) -> None:
    """What is true after every step, of the phone whose turn it was."""
    notice(world)
    log, chain = _log(world, device), world.server.chain(device.name)
    p5_a_copy_lives(world, device, log)
    p7_no_false_alarm(world, device)
    p8_nothing_outside_the_scope(world, device)
    if device.name not in world.twins:
        p3_the_ledger_holds_a_prefix(chain, log)
        p1_what_was_acknowledged_is_there(device, chain)


def check_rest(world: "World") -> None:
    """What is true when everyone has spoken to the server, and nothing is under way."""
    ledger = world.server.ledger()
    p5_everything_arrived(world, ledger)
    p2_everything_is_there_once(world, ledger)
    p7_places_are_given_once(ledger)
    p10_no_bit_can_turn(world, ledger)
    p13_verdicts_follow_from_the_ledger(world, ledger)
    p14_what_was_opened_exists_once(world, ledger)
    for device in world.devices:
        p1_verdicts_are_told(world, device)
        p4_all_agree(world, device)
        p8_exactly_the_scope(world, device)
    for task in world.tasks:
        state = world.server.inspection(task)
        ops = [(name, one) for name, one in ledger if one.verdict.inspection == task]
        known = {
            op_id(name, one.n): (one, world.acts[world.root(one)].who, op)
            for name, one in ops
            if (op := understood(one)) is not None
        }
        counting = [
            Recorded(name, one.hash, who, op)
            for name, (one, who, op) in known.items()
            if one.seq is not None
        ]
        assert world.server.projected(task) == marks(counting, state), (
            "P13: not the fold of the ledger"
        )
        p6_order_and_repetition_do_not_matter(world, counting, state)
        p11_every_form_says_the_same(counting, state)
        p2_every_act_counts_once(world, ops, known, state)
        p2_what_is_of_a_sample_stands_under_it(world, known, state)
        p9_a_seal_stays(world, known, state)


def _log(world: "World", device: Device) -> list[Mine]:
    """Give a phone's log, which is what its user recorded, or was restored to from the ledger."""
    log = device.store.log(1, 10**6)
    name = device.replica.identity.enrolled.device
    if name != device.name:
        if name in world.names:
            world.twins.add(name)
        device.name, device.promised, device.recorded = name, 0, log
    elif len(log) > len(device.recorded):  # its own tail, or what a restored server lost
        known = [mine.raw for mine in log[: len(device.recorded)]]
        before = [mine.raw for mine in device.recorded]
        assert known == before or device.replica.unsent() == 0
        device.recorded = log
    world.names.add(name)
    assert [mine.raw for mine in log] == [mine.raw for mine in device.recorded]
    return log


def blind(world: "World", device: Device) -> bool:
    """Tell of a phone that cannot learn that its server was restored, which nobody told either.

    A program of the first version cannot say which ledger it was told of. By the end of its own
    chain it learns of a loss, and by a checksum: not of what its copies were told since, nor of a
    former chain of its own, which it keeps.
    """
    return world.regressed and (len(device.spoken) == 1 or world.aged)


def unheard(world: "World", device: Device) -> bool:
    """Tell of a phone that may not know what a restored server said of it to a copy of it."""
    return world.regressed and device.name in world.twins


def held_back(device: Device) -> set[str]:
    """Name what a phone opened and was told is held back: of a later ruling it hears in its scope.

    Where a server took it in, and gave it to others before it was asked again, nobody tells.
    """
    former = [one.identity.enrolled.device for one in device.replica.retired()]
    known = [mine for name in former for mine in device.store.retired(name, 1, 10**6)]
    known += device.store.log(1, 10**6)
    opened = [mine for mine in known if hub.opening(mine.raw) is not None]
    counting = {mine.inspection for mine in opened if mine.note not in EXCLUDED}
    return {mine.inspection for mine in opened} - counting


# -- P1 to P5: what is recorded arrives, once, and stays ------------------------------------------


def p1_what_was_acknowledged_is_there(device: Device, chain: list[hub.Placed]) -> None:
    """P1: what a phone was told is stored is stored, unless a restored server lost it since."""
    assert device.acked <= max(len(chain), device.promised)


def p1_verdicts_are_told(world: "World", device: Device) -> None:
    """P1: what a phone was told of its operations is what the ledger says; its receipt is good."""
    chain = world.server.chain(device.name)
    assert device.replica.unsent() == 0
    assert [one.raw for one in chain] == [mine.raw for mine in device.store.log(1, 10**6)]
    noted = {mine.n: mine.note for mine in device.store.noted()}
    told = {n: d for n, d in noted.items() if d in ("parked", "quarantined")}
    scope = world.scope[device.inspector] if device.revoked_at is None else set[str]()
    out = [one for one in chain if one.verdict.inspection not in scope]
    held = {one.n: one.verdict.verdict for one in chain if one.seq is None}
    held |= {one.n: told[one.n] for one in out if one.n in told}  # of a later ruling nobody tells
    assert told == held or unheard(world, device) or blind(world, device)
    ack, receipt = msgspec.json.decode(device.store.get("receipt"), type=tuple[Ack, Receipt])
    text = receipt_text(device.name, ack, ledger=receipt.ledger, root=receipt.root)
    assert codec.verifies(device.server_key, text, receipt.sig)


def p2_everything_is_there_once(world: "World", ledger: list[tuple[str, hub.Placed]]) -> None:
    """P2: no operation is in the ledger twice, and positions are dense."""
    assert [one.position for _, one in ledger] == list(range(1, len(ledger) + 1))
    assert len({(name, one.n) for name, one in ledger}) == len(ledger)
    if not world.twins:
        recorded = [(d.name, mine.n) for d in world.devices for mine in d.recorded]
        phones = {device.name for device in world.devices}
        stored = [(name, one.n) for name, one in ledger if name in phones]
        assert sorted(stored) == sorted(recorded)


def p2_every_act_counts_once(
    world: "World", ops: list[tuple[str, hub.Placed]], known: Known, state: Inspection
) -> None:
    """P2: of an act that was recorded several times one counts, and it shows what it said."""
    acts: dict[str, list[hub.Placed]] = {}
    for _, one in ops:
        if one.seq is not None:
            acts.setdefault(world.root(one), []).append(one)
    counts: set[str] = set()
    for name, one in ops:  # as it was at first, or as the smallest hash has it
        if one.seq is not None:
            same, root = {other.hash for other in acts[world.root(one)]}, world.root(one)
            if one.hash == (root if root in same else min(same)):
                counts.add(op_id(name, one.n))
    for kind, shown in (
        (AddFinding, state.findings),
        (AddEvidence, state.evidence),
        (Particular, tuple(state.recorded)),
    ):
        all_of = {name for name in counts if isinstance(known[name][2], kind)}
        assert sorted(one.op for one in shown) == sorted(all_of - set(state.late))
    signs = [op for name in counts if isinstance(op := known[name][2], Sign)]
    sealed = {"lead", "second"} <= {sign.role for sign in signs}
    for name in counts:
        placed, _, op = known[name]
        again = [op_id(n, o.n) for n, o in ops if world.root(o) == world.root(placed)]
        inside = not sealed or any(covered(s.covers, each) for s in signs for each in again)
        late = not (inside or isinstance(op, Sign))
        assert (name in state.late) == late
        _refers_as_meant(world, name, known)
        if isinstance(op, SetAnswers) and not late:
            for ref, answer in op.f.items():
                item = state.items[ref]
                shown_as = [said.op for said in (*item.standing, *item.overruled)]
                assert name in shown_as or answer.v == item.value
    for item in state.items.values():
        standing = [said.op for said in item.standing]
        assert not set(standing) & set(state.late)
        smallest = min(standing, key=lambda name: known[name][0].hash)
        assert item.value == {said.op: said.v for said in item.standing}[smallest]


def p2_what_is_of_a_sample_stands_under_it(world: "World", known: Known, state: Inspection) -> None:
    """P2: tests and disposals stand under the sample that was meant, or under none."""
    samples = {world.root(known[one.op][0]): one for one in state.samples or ()}
    for one in state.recorded:
        if not isinstance(one, Tested | Disposal):
            continue
        placed, _, op = known[one.op]
        meant = samples.keys() & world.meant[world.root(placed)]
        under = {
            root for root in samples if one in (*samples[root].tests, *samples[root].disposals)
        }
        if op.orig or op.sample.rpartition(":")[0] not in world.twins:
            assert under == meant, (one.op, under, meant)


def _refers_as_meant(world: "World", name: str, known: Known) -> None:
    """What an operation names is what its author saw under these names."""
    placed, _, op = known[name]
    root = world.root(placed)
    named = {n for n in named_by(op) if n in known}
    if not op.orig or world.restored:  # of what several phones wrote under one name nobody knows
        named = {n for n in named if n.rpartition(":")[0] not in world.twins}
    said = {world.root(known[n][0]) for n in named}
    assert root not in world.meant or said <= world.meant[root]


def p3_the_ledger_holds_a_prefix(chain: list[hub.Placed], log: list[Mine]) -> None:
    """P3: the ledger holds the beginning of a phone's log, byte for byte and without holes."""
    assert [one.n for one in chain] == list(range(1, len(chain) + 1))
    assert [one.raw for one in chain] == [mine.raw for mine in log[: len(chain)]]
    assert [one.hash for one in chain] == [mine.hash for mine in log[: len(chain)]]


def p4_all_agree(world: "World", device: Device) -> None:
    """P4: what a phone holds is what the server has in its scope, byte for byte."""
    store = device.store
    for bucket in device.replica.have():
        rows = {(r.kind, r.id): r.body for r in store._rows.values() if r.bucket == bucket}
        rows |= {("op", one.id): one.raw for one in store.theirs_of(bucket)}
        for mine in store.log_of(bucket.removeprefix("i:")):
            if mine.note not in ("parked", "quarantined"):
                rows["op", op_id(device.name, mine.n)] = mine.raw
        if not bucket.startswith("d:"):
            assert rows == world.server.held(bucket)
    for task in world.scope[device.inspector] if device.revoked_at is None else ():
        assert device.replica.inspection(task) == world.server.inspection(task)


def p5_a_copy_lives(world: "World", device: Device, log: list[Mine]) -> None:
    """P5: of what a user saved here a copy lives, here or in the ledger."""
    held = {world.root(mine) for mine in log}
    former = [one.identity.enrolled.device for one in device.replica.retired()]
    held.update(world.root(m) for name in former for m in device.store.retired(name, 1, 10**6))
    missing = device.owes - held
    if missing:
        missing -= {world.root(one) for _, one in world.server.ledger()}
    assert not missing, f"{len(missing)} of {device.name} are nowhere"


def p5_everything_arrived(world: "World", ledger: list[tuple[str, hub.Placed]]) -> None:
    """P5: whatever anyone saved is in the ledger, and nothing that nobody did."""
    roots = {world.root(one) for _, one in ledger}
    assert roots <= world.acts.keys()
    for device in world.devices:
        former = [one.identity.enrolled.device for one in device.replica.retired()]
        kept = {world.root(m) for name in former for m in device.store.retired(name, 1, 10**6)}
        assert device.owes <= (roots | kept if blind(world, device) else roots)


# -- P6 to P9: what it amounts to ----------------------------------------------------------------


def p6_order_and_repetition_do_not_matter(
    world: "World", counting: list[Recorded], state: Inspection
) -> None:
    """P6: the same operations in any order, some of them twice, fold to the same."""
    chance = Random(world.seed)
    shuffled = [*counting, *counting[::3]]
    chance.shuffle(shuffled)
    assert fold(shuffled) == state
    assert digest(fold(reversed(counting))) == digest(state)


def p7_no_false_alarm(world: "World", device: Device) -> None:
    """P7: no checksum is wrong unless memory was damaged."""
    apart = device.rotten or blind(world, device) or unheard(world, device)
    assert apart or device.alarms == 0


def p7_places_are_given_once(ledger: list[tuple[str, hub.Placed]]) -> None:
    """P7: no two operations have one place in the feed, and what counts at once is in order."""
    places = [one.seq for _, one in ledger if one.seq is not None]
    assert len(places) == len(set(places))
    at_once = [one.seq for _, one in ledger if one.seq is not None and one.verdict.verdict == "ok"]
    assert at_once == sorted(at_once)


def p8_nothing_outside_the_scope(world: "World", device: Device) -> None:
    """P8: a phone never holds anything of a bucket that was never its inspector's."""
    buckets = {row.bucket for row in device.store._rows.values()}
    buckets |= {theirs.bucket for theirs in device.store._theirs.values()}
    assert buckets <= world.ever[device.inspector]


def p8_exactly_the_scope(world: "World", device: Device) -> None:
    """P8: after an exchange a phone holds exactly what is its inspector's now."""
    revoked = device.revoked_at is not None
    scope = set[str]() if revoked else world.scope[device.inspector]
    rows = {row.id for row in device.store.rows("task")}
    assert rows == scope & world.rows
    alone = {row.id for row in device.replica.tasks()} - rows
    assert alone & world.openings.begun <= held_back(device) or revoked
    foreign = {theirs.bucket for theirs in device.store._theirs.values()}
    assert foreign <= {f"i:{task}" for task in scope}
    mine = set[str]() if revoked else {f"i:{task}" for task in scope} | {f"u:{device.who}"}
    assert {one for one in device.replica.have() if not one.startswith("d:")} == mine


def p9_a_seal_stays(world: "World", known: Known, state: Inspection) -> None:
    """P9: what was signed is what the signature says, and whatever comes later changes none of it.

    Unless what was signed for is on no phone and on no server any more.
    """
    for placed, _, op in known.values():
        if not isinstance(op, Sign) or placed.seq is None:
            continue
        seen, said = world.signed[world.root(placed)], world.digests[world.root(placed)]
        before = list(said.values())[: list(said).index(placed.hash)]
        names = {
            op_id(device, n)
            for device, spans in op.covers.items()
            for first, last in spans
            for n in range(first, last + 1)
        }
        gone = any(
            n not in known or seen.get(n, known[n][0].hash) != known[n][0].hash for n in names
        )
        if gone or op.digest in before:  # not all was there when it was recorded anew
            continue
        inside = [
            Recorded(name, mine.hash, who, one)
            for name, (mine, who, one) in known.items()
            if covered(op.covers, name) and not isinstance(one, Sign)
        ]
        assert digest(fold(inside)) == op.digest
        assert world.sealed.setdefault(placed.hash, op.digest) == op.digest
    late = {name for name in state.late if name in known}
    assert not any(
        covered(op.covers, name)
        for placed, _, op in known.values()
        if isinstance(op, Sign) and placed.seq is not None and op.role in ("lead", "second")
        for name in late
    )


# -- P10 to P14: bits, forms, bounds, replay, openings -------------------------------------------


def p10_no_bit_can_turn(world: "World", ledger: list[tuple[str, hub.Placed]]) -> None:
    """P10: the hashes of the chains and the roots of the ledger fit, and fit nothing else."""
    assert _verifies(world, ledger)
    if ledger:
        chance = Random(world.seed)
        at = int(chance.random() * len(ledger))
        name, one = ledger[at]
        where = int(chance.random() * len(one.raw))
        turned = bytes([one.raw[where] ^ (1 << int(chance.random() * 8))])
        raw = one.raw[:where] + turned + one.raw[where + 1 :]
        forged = msgspec.structs.replace(one, raw=raw)
        assert not _verifies(world, [*ledger[:at], (name, forged), *ledger[at + 1 :]])
        other = "ok" if one.verdict.verdict != "ok" else "parked"
        forged = msgspec.structs.replace(
            one, verdict=msgspec.structs.replace(one.verdict, verdict=other)
        )
        assert not _verifies(world, [*ledger[:at], (name, forged), *ledger[at + 1 :]])


def _verifies(world: "World", ledger: list[tuple[str, hub.Placed]]) -> bool:
    root, ends = ROOT, dict[str, str]()
    for name, one in ledger:
        ends[name] = codec.link(ends.get(name) or codec.genesis(name), one.raw)
        received_ms = world.server.received_ms(one.position)
        root = codec.ledger_link(root, ends[name], one.verdict.verdict, received_ms)
        if (ends[name], root) != (one.hash, one.root):
            return False
    return True


def p11_every_form_says_the_same(counting: list[Recorded], state: Inspection) -> None:
    """P11: whatever released form an operation came in, told in today's it folds to the same."""
    told: list[Recorded] = []
    for one in counting:
        op: AnyOp = decode_op(msgspec.json.encode(one.op))
        told.append(Recorded(one.id, one.hash, one.who, op))
    assert digest(fold(told)) == digest(state)


def p12_an_exchange_ends(rounds: int) -> None:
    """P12: an exchange on a good link ends."""
    assert rounds < ROUNDS_MAX, "an exchange without an end"


def p12_nothing_goes_twice(device: Device, asked: Request, heard: Response) -> None:
    """P12: what a server acknowledged and still has, a phone does not send again.

    Except where it offers all again: told to since it asked, alarmed, or told otherwise now. Of an
    answer that a page overtook it learns nothing, and is not held to it.
    """
    if asked.path != outbox.PATH or heard.status >= 400 or b'{"t":"reset"' in heard.body:
        return
    head = decode_push_head(asked.body.partition(b"\n")[0])
    ack = msgspec.json.decode(heard.body.partition(b"\n")[0], type=_Heard).ack
    if head.dev == device.replica.identity.enrolled.device:
        acked = device.replica.acked()
        assert acked >= ack.n or acked == 0 or head.first > acked + 1


def p13_verdicts_follow_from_the_ledger(
    world: "World", ledger: list[tuple[str, hub.Placed]]
) -> None:
    """P13: from the ledger and what was known at each position the same verdicts follow again."""
    first: dict[str, str] = {}  # the act that opened each inspection first
    for name, one in ledger:
        if hub.opening(one.raw) is not None:
            first.setdefault(one.verdict.inspection, world.root(one))
        expected = _expected(world, name, one, first)
        assert one.verdict.verdict == expected, (name, one, expected)
        assert one.seq is not None or one.verdict.verdict != "ok"
        ruled = (name, one.hash) in world.released or one.position <= world.upgraded
        ruled |= one.verdict.inspection in world.openings.begun  # it waited for the opening
        assert one.seq is None or one.verdict.verdict == "ok" or ruled


def p14_what_was_opened_exists_once(world: "World", ledger: list[tuple[str, hub.Placed]]) -> None:
    """P14: every inspection that was opened and could be exists once; no other does."""
    opened = world.server.opened()
    counts: dict[str, set[str]] = {}
    for _, one in ledger:
        op = understood(one)
        if isinstance(op, OpenInspection) and one.seq is not None:
            counts.setdefault(op.e, set()).add(world.root(one))
    assert sorted(opened) == sorted(counts)
    for task, acts in counts.items():
        (act,) = acts
        assert world.acts[act].verdict == "ok" or world.released
        assert len(world.server.inspection(task).openings or ()) == 1
    for _, one in ledger:
        first = (world.postings.get(one.verdict.inspection) or [None])[0]
        act = world.acts[world.root(one)]
        early = one.verdict.inspection in counts and first and one.position <= first.since
        if early and one.verdict.why == Reason.INSPECTION_NOT_YOURS.code and act.verdict == "ok":
            theirs = act.who not in first.pair or one.verdict.kind.startswith("sign/")
            assert one.seq is not None or theirs, "P14: it waited for the opening"
    for task in world.openings.pairs.keys() - counts.keys():
        assert world.server.held(f"i:{task}") == {}


def _expected(world: "World", name: str, one: hub.Placed, first: dict[str, str]) -> str:
    act = world.acts[world.root(one)]
    if act.who.startswith(hub.OFFICE):
        return "ok"  # an officer's desk
    at = world.revoked.get(name)
    if at is not None and one.n > at:
        return "quarantined"
    op = understood(one)
    if act.verdict == "parked":
        return "parked"
    if one.position <= world.upgraded and one.verdict.kind in world.unknown:
        return "parked"
    if act.verdict == "bad":
        return "quarantined"
    if isinstance(op, OpenInspection):
        return "ok" if first[op.e] == world.root(one) else "quarantined"
    postings = world.postings.get(one.verdict.inspection, [])
    if not any(p.since < one.position for p in postings):
        return "quarantined"  # nobody had opened it
    posting = [p for p in world.postings[one.verdict.inspection] if p.since < one.position][-1]
    if act.who not in posting.pair:
        return "quarantined"
    role = "lead" if posting.pair[0] == act.who else "second"
    return "quarantined" if isinstance(op, Sign) and op.role not in (role, "site") else "ok"
