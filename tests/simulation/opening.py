"""Users who open inspections where nobody sent them, and what the world knows of these.

They have a stream of chance of their own, so that worlds without them are what they were.
"""

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace
from simulation.forms import FORM
from simulation.model import Posting
from simulation.phone import Device

from sync import checklist, hub
from sync.opened import Colleague, Described, open_on_site
from sync.ops import OpenInspection
from sync.replica import Stamp

if TYPE_CHECKING:
    from simulation.world import World

DIGEST = checklist.digest(FORM)
DEN = Described("无名冷库", "河滨路8号", "market", "330101")
KIND = "inspection.open/1"


class Openings:
    """What is opened in a world, and by whom."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(f"openings {seed}")
        self.likely = 0.06 if self.chance.random() < 0.25 else 0.0
        self.unknown = (KIND,) if self.likely and self.chance.random() < 0.2 else ()
        self.pairs: dict[str, list[str]] = {}  # of what may be opened: lead and second
        self.begun: set[str] = set()  # the server has made the task

    def happens(self) -> bool:
        return self.likely > 0 and self.chance.random() < self.likely


def opens(world: "World", device: Device) -> None:
    """Open an inspection, now and then one that cannot stand, or that is there already."""
    mine = world.openings
    others = [one for one in world.inspectors if one != device.inspector]
    second = others[int(mine.chance.random() * len(others))]
    who = next(one.who for one in world.devices if one.inspector == second)
    kind, which = mine.chance.random(), mine.chance.random()
    at = f"0190a000-0000-7000-8000-{len(mine.pairs) + 1:012x}"
    if kind < 0.15 and mine.begun:  # of another, or once more
        taken = sorted(mine.begun)[int(which * len(mine.begun))]
        _oddly(
            world, device, taken, second=who, verdict="ok"
        )  # if a restored server hears it first
        return
    if kind > 0.8 and _again(device, world):
        return
    mine.pairs[at] = world.pairs[at] = [device.inspector, second]
    if kind < 0.25:
        _oddly(world, device, at, second=device.who)
    elif kind < 0.3:
        _oddly(world, device, at, second=who, division="440101")
    else:
        named = Colleague(who, second)
        recorded = open_on_site(
            device.replica, at, DEN, checklist=DIGEST, second=named, reason="found"
        )
        world.keep(device, recorded)
        assert at in {row.id for row in device.replica.tasks()}


def _again(device: Device, world: "World") -> bool:
    """Record an opening of this phone's anew, as where a history parted from the ledger's."""
    known = [(one, hub.opening(one.raw)) for one in device.store.log(1, 10**6)]
    for one, op in known:
        if op is not None and world.acts[world.root(one)].verdict == "ok":
            anew = replace(op, orig=world.root(one))
            mine = device.replica.record(op.e, partial(_numbered, anew))
            device.recorded.append(mine)
            return True
    return False


def _numbered(op: OpenInspection, stamp: Stamp) -> OpenInspection:
    return replace(op, n=stamp["n"])


def _oddly(
    world: "World", device: Device, at: str, *,
    second: str, division: str = "330101", verdict: str = "bad",
) -> None:  # fmt: skip
    """Record what no device of ours lets be recorded."""

    def make(stamp: Stamp) -> OpenInspection:
        return OpenInspection(
            name=DEN.name,
            address="",
            category="market",
            division=division,
            reason="found",
            checklist=DIGEST,
            second=second,
            **stamp,
        )

    world.keep(device, device.replica.record(at, make), verdict)


def notice(world: "World") -> None:
    """Learn which inspections the server has begun; what followed at once counts under them."""
    mine = world.openings
    if mine.pairs.keys() <= mine.begun:
        return
    ledger = world.server.ledger()
    for _, one in ledger:
        op = hub.opening(one.raw)
        if op is None or one.seq is None or op.e in mine.begun:
            continue
        at_once = one.verdict.verdict == "ok"
        opener = world.acts[world.root(one)].who
        who = [opener, op.second]  # a restored server may hear first of another's opening
        pair = world.pairs[op.e] = mine.pairs[op.e] = [
            next(d.inspector for d in world.devices if d.who == one) for one in who
        ]
        posting = Posting(one.position - 1 if at_once else len(ledger), (who[0], who[1]))
        world.postings[op.e] = [posting]
        mine.begun.add(op.e)
        world.rows.add(op.e)
        world.tasks.append(op.e)
        for member in pair:
            world.scope[member].add(op.e)
            world.ever[member].add(f"i:{op.e}")


def forget(world: "World") -> None:
    """Forget what a restored server has lost, until it hears of it again."""
    mine = world.openings
    kept = set(world.server.opened())
    for task in mine.begun - kept:
        world.postings[task] = []
        world.tasks.remove(task)
        world.rows.discard(task)
        for scope in world.scope.values():
            scope.discard(task)
    mine.begun &= kept
