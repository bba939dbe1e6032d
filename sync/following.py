"""检查表换版 on a device: go on under another version of the checklist, with the work kept.

An inspection is never refused for being old: it may end under the version that it began with. Who
goes on under another one records so, and what an item no longer asks is asked again, whoever
answered it and whether they knew.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct

from sync import checklist
from sync.checklist import Checklist, Difference
from sync.merge import Carry
from sync.ops import AnyOp, CarryChecklist
from sync.refusals import Reason, Refused
from sync.replica import Replica, Stamp
from sync.store import Mine


class Plan(Struct, frozen=True):
    """What carrying an inspection to a version would change."""

    to: str  # digest
    version: str
    difference: Difference


def plan(replica: Replica, inspection: str, version: str = "") -> Plan:
    """Compare the version that is followed with another that this device holds.

    Refuses with CHECKLIST_NOT_OFFERED when there is none of that name, or several and none named.
    """
    now = replica.checklist(inspection)
    offered = _held(replica, now.code)
    del offered[replica.followed(inspection) or replica.came_with(inspection)]
    fits = {digest: one for digest, one in offered.items() if version in ("", one.version)}
    if len(fits) != 1:
        names = " ".join(sorted(one.version for one in offered.values()))
        raise Refused(Reason.CHECKLIST_NOT_OFFERED, checklist=now.code, versions=names)
    digest, new = next(iter(fits.items()))
    return Plan(digest, new.version, checklist.difference(now, new))


def carry(replica: Replica, inspection: str, to: str) -> Mine:
    """Record that the inspection goes on under the version of this digest."""
    held = _held(replica, replica.checklist(inspection).code)
    own = replica.came_with(inspection)

    def make(stamp: Stamp) -> AnyOp:
        state = replica.inspection(inspection)
        before = () if state.carried is UNSET else state.carried.standing
        return CarryChecklist(
            to=to,
            again=_again(held[to], to, [held.get(d) for d in _followed(own, before)], before),
            s=tuple(one.op for one in before),
            **stamp,
        )

    return replica.record(inspection, make)


def _held(replica: Replica, code: str) -> dict[str, Checklist]:
    """Give all versions of a checklist that this device holds, by digest."""
    forms = {row.id: checklist.load(row.body) for row in replica.store.rows("checklist")}
    return {digest: form for digest, form in forms.items() if form.code == code}


def _followed(own: str, before: Sequence[Carry]) -> list[str]:
    return sorted({one.to for one in before}) or [own]


def _again(
    new: Checklist, to: str, forms: Sequence[Checklist | None], before: Sequence[Carry]
) -> dict[str, tuple[str, ...]]:
    """Say under which checklists an answer to an item holds; of the items not named, under any.

    What was to be answered again before, and has not changed since, holds under those that it held
    under and under the new one.
    """
    open_again: set[str] = set()
    for form in forms:
        found = checklist.difference(form, new) if form is not None else None
        changed = (*found.changed, *found.new) if found else [item.ref for item in new.items]
        open_again.update(changed)
    again: dict[str, tuple[str, ...]] = {}
    for item in new.items:
        held = [set(one.again[item.ref]) for one in before if item.ref in one.again]
        if item.ref in open_again:
            again[item.ref] = (to,)
        elif held:
            again[item.ref] = tuple(sorted(held[0].intersection(*held) | {to}))
    return again
