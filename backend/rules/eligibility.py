"""资格: who may be drawn, who may inspect, and who must stay away (回避), from plain values."""

from collections.abc import Collection, Iterable, Sequence

from backend.rules import canonical
from backend.rules.canonical import NotCanonical
from backend.rules.pairing import Position
from backend.rules.papers import EXCLUSIONS, FrameLine, Place, RosterLine, TaskPaper

STRATUM = "all"  # one stratum; a plan by risk class will name them


def frame_line(
    *, code: str, division: str, category: str, risk: str, status: str, wanted: str
) -> bytes:
    """Write the frame's line of one object in scope; `wanted` is the plan's category or empty."""
    reason = ""
    if status != "active":
        reason = "X01-not-active"
    elif wanted not in ("", category):
        reason = "X06-not-of-category"
    verdict = "X" if reason else "E"
    return canonical.line(
        (canonical.text(code), STRATUM, "1", verdict, reason, division, category, risk)
    )


def read_frame_line(row: bytes, task: TaskPaper) -> FrameLine:
    """Read a line of the frame; raise NotCanonical if it breaks the rules of the task."""
    line = FrameLine(*canonical.fields(row, FrameLine.width))
    if not line.id or line.stratum != STRATUM or line.weight != "1":
        raise NotCanonical(f"{line.id}: stratum or weight is not of this task")
    if not line.region.startswith(task.division):
        raise NotCanonical(f"{line.id}: is not in the division of the task")
    if line.status == "X" and line.reason[:3] in EXCLUSIONS:
        return line
    if line.status == "E" and not line.reason and task.category in ("", line.category):
        return line
    raise NotCanonical(f"{line.id}: is neither eligible nor excluded by a rule of the task")


def may_sit(inspector: RosterLine, place: Place, task: TaskPaper) -> bool:
    """Whether an inspector has what a position asks for, on every day of the task."""
    return (
        inspector.status == "active"
        and place.department in ("*", inspector.department)
        and set(place.qualifications) <= set(inspector.qualifications)
        and inspector.region.startswith(task.inspectors_under)
        and inspector.valid_from <= task.opens_on
        and task.closes_on <= inspector.valid_to
    )


def positions(
    task: TaskPaper,
    sites: Iterable[str],
    roster: Sequence[RosterLine],
    recusals: Collection[tuple[str, str]],
) -> list[Position]:
    """List every seat to fill: a group per site and department, who may sit there as a bitset."""
    index = {one.inspector: bit for bit, one in enumerate(roster)}
    able = [
        sum(1 << bit for bit, one in enumerate(roster) if may_sit(one, place, task))
        for place in task.positions
    ]
    barred: dict[str, int] = {}
    for site, inspector in recusals:
        if inspector in index:
            barred[site] = barred.get(site, 0) | 1 << index[inspector]
    return [
        Position(group_of(task.id, site, place), place.name, mask & ~barred.get(site, 0))
        for site in sites
        for place, mask in zip(task.positions, able, strict=True)
    ]


def group_of(task_id: str, site: str, place: Place) -> str:
    """Name the group of a site within which nobody sits twice."""
    return f"{task_id}/{site}/{place.department}"
