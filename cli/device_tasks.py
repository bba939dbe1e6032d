"""The tasks on a device (检查任务): whose they are, and how a person names one.

An inspection has a long id; a device holds few, so the end of the id that no other one has is
enough to name it.
"""

import msgspec

from cli.output import say, text
from sync.history import History
from sync.merge import MEMBER, SITE
from sync.origins import WORDS
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.tasks import Told, Who

SHORT_MIN = 4  # characters of an id that still name an inspection
ROLES = {
    "lead": ("lead", "主办"),
    "second": ("second", "协办"),
    MEMBER: ("member", "成员"),
    SITE: ("in charge on site", "现场负责人"),
}


class TaskBody(Told, frozen=True, kw_only=True):
    """The part of a task that the commands show."""

    place: int
    establishment: dict[str, object]
    checklist: str
    origin: str = "draw"  # older servers know of no other
    reason: str = ""
    reference: str = ""
    part_of: str = ""
    announced: bool = True
    returned: str = ""  # why a review returned what was concluded
    history: History | None = None


def tasks_of(replica: Replica) -> list[TaskBody]:
    """Give the tasks that a device holds, by place; the stalls of a market come behind it."""
    bodies = [msgspec.json.decode(row.body, type=TaskBody) for row in replica.tasks()]
    known = {body.id: body for body in bodies}

    def order(body: TaskBody) -> tuple[int, str, bool, str]:
        whole = known.get(body.part_of, body)
        return whole.place, whole.id, whole is not body, body.id

    return sorted(bodies, key=order)


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


def origin_word(task: TaskBody) -> str:
    """Say why a site is visited; a reason that this version does not know stays as it came."""
    for origin, words in WORDS.items():
        if origin == task.origin:
            return text(words.en, words.zh)
    return task.origin


def origin_short(task: TaskBody) -> str:
    """Say in a word why a site is visited."""
    return text(task.origin, origin_word(task))


def say_why(task: TaskBody) -> None:
    """Tell why a task was assigned, and what must be answered this time."""
    if task.origin != "draw":
        why = " ".join(filter(None, (task.reference, task.reason)))
        say(f"{origin_word(task)}: {why}", f"{origin_word(task)}：{why}")
    if not task.announced:
        say(
            "Unannounced: show nothing before you have seen enough.",
            "暗访：查看完毕前不出示任何文书。",
        )
    if task.must:
        items = ", ".join(task.must)
        if task.narrow:
            say(
                f"To be checked again, and nothing else unless you add it: {items}",
                f"本次仅复查：{items}（可另行增加检查项）",
            )
        else:
            say(f"To be answered this time: {items}", f"本次必查项：{items}")


def people_of(task: TaskBody) -> dict[str, str]:
    """Give the names of those who go to a site, by their ids."""
    return {one.id: one.name for one in task.inspectors}


def people_on(replica: Replica) -> list[Who]:
    """Give all inspectors of whom the tasks here tell."""
    return [who for task in tasks_of(replica) for who in task.inspectors]


def role_at(task: TaskBody, inspector: str) -> str:
    """Say in which role an inspector goes: lead, second, or another who goes along."""
    return {task.lead.id: "lead", task.second.id: "second"}.get(inspector, MEMBER)


def role_word(role: str) -> str:
    """Say a role in the reader's language."""
    return text(*ROLES.get(role, (role, role)))


def approval_of(task: TaskBody) -> str:
    """Give the reference that an approval has without another: the lot in its draw, or the task."""
    if task.draw is not None and task.draw.commit_hash:
        return f"{task.draw.commit_hash[:12]}/{task.place}"
    return task.reference or task.id


def certificates_of(task: TaskBody) -> tuple[str, ...]:
    """Give the numbers of the certificates of lead and second."""
    return tuple(who.certificate for who in (task.lead, task.second) if who.certificate)
