"""What a server in memory does with inspections that were opened on site (现场登记)."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from simulation.memory import Entry, Held

from sync import answers, checklist, hub
from sync.refusals import Reason

if TYPE_CHECKING:
    from simulation.memory_hub import MemoryHub

WORKS = "33"  # where everybody works


def docket(server: "MemoryHub") -> hub.Docket:
    """Say what is known when operations are judged."""
    state = server.state
    form = hub.Form(server.form.code, partial(answers.admits, checklist.asked([server.form])))
    released = {
        digest: hub.Form(one.code, partial(answers.admits, checklist.asked([one])))
        for digest, one in server.released.items()
    }
    versions = {digest: one.admissible for digest, one in released.items()}
    facts = {
        task: hub.Facts(roles, form.admissible, versions=versions)
        for task, roles in state.roles.items()
    }
    first: dict[str, tuple[str, str]] = {}
    for entry in state.ledger:
        op = hub.opening(entry.placed.raw)
        if op is not None:
            first.setdefault(op.e, (entry.who, op.orig or entry.placed.hash))
    people = {one.inspector for one in state.devices.values()}
    ground = hub.Ground(
        first=first,
        forms=released | {checklist.digest(server.form): form},
        people={who: hub.Person(who, True) for who in people},
        works=dict.fromkeys(people, (WORKS,)),
    )
    return hub.Docket(facts, ground)


def begin(server: "MemoryHub", opened: hub.Opened) -> None:
    """Make the task of an opening, and judge again what waited for it."""
    state, task = server.state, opened.op.e
    state.opened.append(task)
    server.dispatch(task, opened.lead, opened.second)
    body = {"id": task, "checklist": opened.op.checklist, "origin": "ad-hoc"}
    server.put(f"i:{task}", "task", task, msgspec.json.encode(body))
    for who in (opened.lead, opened.second):
        server.join(who, f"i:{task}")
    for entry in state.ledger[:]:
        placed = entry.placed
        held = state.held.get((entry.device, placed.n), Held([], placed.verdict.why))
        waits = placed.verdict.inspection == task and placed.seq is None
        if waits and held.why == Reason.INSPECTION_NOT_YOURS.code:
            server.judge_again(entry, held.waived)


def forget(server: "MemoryHub") -> None:
    """Have no task whose opening a backup does not have; what counted by it waits again."""
    state = server.state
    kept = {
        op.e
        for entry in state.ledger
        if entry.placed.seq is not None and (op := hub.opening(entry.placed.raw)) is not None
    }
    lost = set(state.opened) - kept
    state.opened = [task for task in state.opened if task in kept]
    for task in lost:
        del state.roles[task]
        state.feed.pop((f"i:{task}", "task", task), None)
        state.revisions.pop((f"i:{task}", "task", task), None)
        for members in state.members.values():
            members.discard(f"i:{task}")
    for entry in [one for one in state.ledger if one.placed.verdict.inspection in lost]:
        if entry.placed.seq is not None:
            waits: Entry = replace(entry, placed=replace(entry.placed, seq=None))
            state.ledger[entry.placed.position - 1] = waits
            state.held.pop((entry.device, entry.placed.n), None)
