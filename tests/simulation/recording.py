"""What a user of a simulated phone does: answer, find, take photos, sign, and odd things."""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw
from simulation.forms import REFS, Newer
from simulation.opening import opens
from simulation.phone import Device
from telling import tell

from sync import hub
from sync.merge import covered
from sync.ops import (
    AddFinding,
    Answer,
    Arrive,
    DisposeSample,
    SeizeGoods,
    SetAnswers,
    TakeSample,
    TestSample,
    Void,
    WeighLot,
    decode_op,
    op_id,
)
from sync.replica import Stamp
from sync.store import EXCLUDED, File, Mine

if TYPE_CHECKING:
    from simulation.world import World

ODD_TEXT = "脏 café cafe\u0301 \U0001d54f 😀 1e400"  # that JSON libraries write in different ways


def record(world: "World", device: Device) -> None:
    """Do one thing on a phone that holds a task."""
    held = [row.id for row in device.replica.tasks()]
    if not device.elder and device.store.rows("checklist") and world.openings.happens():
        opens(world, device)
        return
    if not held or not device.store.rows("checklist"):  # a page may have ended between them
        return
    task, kind = world.pick(held), world.chance.random()
    odd, choice = world.happens(world.strange), world.chance.random()
    signs = world.happens(world.signing)
    if odd:
        _odd(world, device, task, choice)
    elif signs:
        _sign(world, device, task, choice)
    elif kind < 0.55:
        _answer(world, device, task)
    elif kind < 0.65:
        world.keep(device, device.replica.find(task, "dirt", basis="Law 3"))
    elif kind < 0.82 and not device.elder:
        _on_site(world, device, task, choice)
    elif kind < 0.9:
        photo = sha256(f"{device.name}-{world.now}".encode()).hexdigest()
        file = File(photo, 1000 + world.now, "image/jpeg")
        world.keep(device, device.replica.attach(task, file, item=world.pick(REFS)))
    else:
        state = device.replica.inspection(task)
        shown = (*state.findings, *state.evidence, *state.recorded)
        known = sorted(one.op for one in shown)
        if known:
            target = known[int(choice * len(known))]
            world.keep(device, device.replica.void(task, target, reason="mistaken"))


def _on_site(world: "World", device: Device, task: str, choice: float) -> None:
    """Arrive, or record a sample, what became of it, goods or a lot."""
    replica, number = device.replica, f"{device.name}-{world.now}"
    samples = sorted(one.op for one in replica.inspection(task).samples or ())
    sample = samples[int(choice * 97) % len(samples)] if samples else ""
    if choice < 0.15:
        mine = tell(replica, task, Arrive, how="scanned", code="91", certificates=("1", "2"))
    elif choice < 0.25:
        mine = tell(
            replica, task, SeizeGoods, what="milk", measure="seize", quantity="12", unit="tins"
        )
    elif choice < 0.35:
        lot = {"nominal": "5", "unit": "kg", "lot": "9", "contents": ("4.9",)}
        mine = tell(replica, task, WeighLot, what="rice", **lot)
    elif choice < 0.55 or not sample:
        mine = tell(replica, task, TakeSample, number=number, of="goods", what="fish")
    elif choice < 0.85:
        found = {"test": "dye", "verdict": "fail", "result": number}
        mine = tell(replica, task, TestSample, sample=sample, **found)
    else:
        mine = tell(replica, task, DisposeSample, sample=sample, disposal="destroyed")
    world.keep(device, mine)


def _sign(world: "World", device: Device, task: str, choice: float) -> None:
    role = "lead" if world.pairs[task][0] == device.inspector else "second"
    if device.elder or choice < 0.4:
        mine = device.replica.sign(task, role, reason="seen again")
    elif choice < 0.6:
        mine = device.replica.sign(task, "site", name="boss", refused="no", witness="a neighbour")
    else:
        drawing = sha256(f"strokes {device.name}-{world.now}".encode()).hexdigest()
        strokes, who = File(drawing, 300, "application/json"), role if choice < 0.8 else "site"
        mine = device.replica.sign(task, who, reason="seen again", strokes=strokes)
        world.keep(device, device.store.log(mine.n - 1, 1)[0])
        assert decode_op(mine.raw).strokes in decode_op(mine.raw).blobs
    world.keep(device, mine)
    covers = decode_op(mine.raw).covers
    own = [
        one.n
        for one in device.store.log_of(task)
        if one.note not in EXCLUDED
        and understood(one) is not None
        and b'"t":"sign/' not in one.raw
        and not _hidden(device, one)
    ]
    assert all(covered(covers, op_id(device.name, n)) for n in own)
    assert device.replica.inspection(task).late == ()


def _answer(world: "World", device: Device, task: str) -> None:
    ref, value = world.pick(REFS), world.pick(["pass", "fail", "na"])
    before = device.replica.inspection(task)
    mine = device.replica.answer(task, {ref: Answer(value)})
    world.keep(device, mine)
    after = device.replica.inspection(task)
    if not after.signed:
        assert after.items[ref].value == value
        assert not after.items[ref].conflict
    standing = {one.op for one in before.items[ref].standing} if ref in before.items else set()
    assert set(decode_op(mine.raw).supersedes) == standing  # no more, however long the quarrel
    others = [r for r in before.items if r != ref]
    assert [before.items[r] for r in others] == [after.items[r] for r in others]


def _odd(world: "World", device: Device, task: str, choice: float) -> None:
    """Record what the server cannot count, or what another program would write."""
    record = device.replica.record
    if choice < 0.3:
        world.keep(device, record(task, lambda stamp: Newer(hint="x", **stamp)), "parked")
    elif choice < 0.5:
        wrong = {"9.9": Answer("pass")}
        world.keep(device, record(task, lambda stamp: SetAnswers(f=wrong, **stamp)), "bad")
    elif choice < 0.65:
        wrong = {REFS[0]: Answer("perhaps")}
        world.keep(device, record(task, lambda stamp: SetAnswers(f=wrong, **stamp)), "bad")
    elif choice < 0.72 and not device.elder:
        lot = {"nominal": "5", "unit": "kg", "lot": "many", "contents": ("4.9",)}
        make = lambda stamp: WeighLot(what="rice", **lot, **stamp)  # noqa: E731
        world.keep(device, record(task, make), "bad")
    elif choice < 0.8:
        make = lambda stamp: Void(target="d1:1", reason="x", **stamp)  # noqa: E731
        world.keep(device, record("elsewhere", make), "bad")
    elif choice < 0.9 and not device.elder:  # of a sample that is on a label alone
        make = lambda stamp: TestSample(sample="x:1", test="dye", verdict="fail", **stamp)  # noqa: E731
        world.keep(device, record(task, make))
    else:
        world.keep(device, record(task, _by_another_program))


def _by_another_program(stamp: Stamp) -> Any:
    """Write a finding with blanks, escapes and the keys in another order."""
    op = AddFinding(text=ODD_TEXT, basis="Law 3", **stamp)
    fields = dict(reversed(msgspec.to_builtins(op).items()))
    return Raw(json.dumps(fields).encode())


def understood(one: Mine | hub.Placed) -> Any:
    """Decode an operation, or give None for one of a newer program."""
    try:
        return decode_op(one.raw)
    except msgspec.DecodeError:
        return None


def _hidden(device: Device, mine: Mine) -> bool:
    """Tell whether the original of a re-issued operation is known here too, and counts instead."""
    orig = msgspec.json.decode(mine.raw).get("orig")
    known = {theirs.hash for theirs in device.store._theirs.values()}
    known.update(one.hash for one in device.store.log(1, 10**6))
    return orig in known
