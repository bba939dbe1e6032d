"""The tasks on a device (检查任务): whose they are, and how a person names one.

An inspection has a long id; a device holds few, so the end of the id that no other one has is
enough to name it.
"""

import msgspec
from msgspec import Struct

from cli.output import text
from sync.merge import MEMBER
from sync.refusals import Reason, Refused
from sync.replica import Replica

SHORT_MIN = 4  # characters of an id that still name an inspection


class Who(Struct, frozen=True):
    """An inspector of a task."""

    id: str
    name: str = ""


class Seat(Struct, frozen=True):
    """A place at the site and who fills it."""

    inspector: Who


class TaskBody(Struct, frozen=True):
    """The part of a task that the commands show."""

    id: str
    place: int
    establishment: dict[str, object]
    checklist: str
    lead: Who
    second: Who
    seats: tuple[Seat, ...] = ()


def tasks_of(replica: Replica) -> list[TaskBody]:
    """Give the tasks that a device holds, by place."""
    bodies = [msgspec.json.decode(row.body, type=TaskBody) for row in replica.tasks()]
    return sorted(bodies, key=lambda body: (body.place, body.id))


def task_of(replica: Replica, inspection: str) -> TaskBody:
    """Find the task of an inspection, or refuse with INSPECTION_UNKNOWN."""
    for task in tasks_of(replica):
        if task.id == inspection:
            return task
    raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)


def named(replica: Replica, inspection: str) -> str:
    """Find the one inspection here whose id ends so; what names none is given back as it came."""
    if len(inspection) < SHORT_MIN:
        return inspection
    found = [row.id for row in replica.tasks() if row.id.endswith(inspection)]
    return found[0] if len(found) == 1 else inspection


def shortened(ids: list[str]) -> dict[str, str]:
    """Give for each id the shortest end, of eight characters or more, that no other one has."""
    size = 8
    while len({one[-size:] for one in ids}) < len(set(ids)):
        size += 1
    return {one: one[-size:] for one in ids}


def people_of(task: TaskBody) -> dict[str, str]:
    """Give the names of those who go to a site, by their ids."""
    both = [task.lead, task.second, *(seat.inspector for seat in task.seats)]
    return {one.id: one.name for one in both}


def role_at(task: TaskBody, inspector: str) -> str:
    """Say in which role an inspector goes: lead, second, or another who goes along."""
    return {task.lead.id: "lead", task.second.id: "second"}.get(inspector, MEMBER)


def role_word(role: str) -> str:
    """Say a role in the reader's language."""
    words = {"lead": ("lead", "主办"), "second": ("second", "协办"), MEMBER: ("member", "成员")}
    return text(*words[role])
