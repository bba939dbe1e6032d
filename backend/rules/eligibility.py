"""资格: who may be drawn and who not, from plain values; `ladder` decides who may inspect."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from backend.rules import canonical, scheme
from backend.rules.canonical import NotCanonical
from backend.rules.papers import (
    EXCLUSIONS,
    NAMED,
    REASONS,
    FrameLine,
    TaskPaper,
)
from backend.rules.scheme import Traits

_ALIKE_MAX = 100_000  # lines that differ in more than their identifier, kept in memory

Reason: TypeAlias = tuple[str, str]  # why somebody cannot be drawn, and where that is written


class Subject(Struct, frozen=True):
    """An object as the registers know it on the day of the snapshot."""

    code: str
    status: str
    traits: Traits
    successor: str = ""  # the one it turned out to be the same as
    revision: str = ""  # of the register, that wrote it last


class Visit(Struct, frozen=True):
    """A lot that an object had before, or a visit without one, and what became of it."""

    draw: str  # agency#seq, its commitment in the agency's public chain; or visit:<task>#1
    agency: str
    plan: str
    campaign: str
    batch: int
    day: str  # of the draw; of a visit without one, when it was begun
    inspected: str  # the day of its result, or empty
    same_item: bool  # by the checklist that this plan would bring


class Exemption(Struct, frozen=True):
    """依文件免予抽查: a decision with its authority, which is published."""

    reason: Literal["X03", "X04", "X05", "X07", "X09"]
    authority: str


class Past(Struct, frozen=True):
    """What is known of an object from before: its visits and the exemptions that name it."""

    visits: Sequence[Visit] = ()
    exemption: Exemption | None = None


class Days(Struct, frozen=True):
    """The first days that count for each rule of exclusion, as dates."""

    year: str
    window: str
    superior: str


# -- the frame -----------------------------------------------------------------------------------


def line_writer(
    task: TaskPaper, days: Days | None = None
) -> Callable[[Subject, Past | None], bytes]:
    """Prepare to write the frame's line of each object in scope.

    Many objects share their traits; what follows from those alone is worked out once.
    """
    known: dict[Traits, tuple[str, str, str]] = {}
    evident = "evidence" in task.columns

    def write(subject: Subject, past: Past | None = None) -> bytes:
        if subject.traits not in known:
            known[subject.traits] = _written(subject.traits, task)
        stratum, weight, tail = known[subject.traits]
        reason, evidence = reason_of(subject, task, stratum, past, days)
        status = "X" if reason else "E"
        line = f"{canonical.text(subject.code)}\t{stratum}\t{weight}\t{status}\t{reason}\t{tail}"
        return f"{line}\t{canonical.optional_text(evidence)}".encode() if evident else line.encode()

    return write


def _written(traits: Traits, task: TaskPaper) -> tuple[str, str, str]:
    extra = [getattr(traits, name) for name in task.columns if name != "evidence"]
    fields = (traits.region, traits.category, traits.risk, *extra)
    return (
        scheme.stratum_of(task.dimensions(), traits),
        str(scheme.weight_of(task.weights, traits)),
        "\t".join(map(canonical.optional_text, fields)),
    )


def reason_of(
    subject: Subject, task: TaskPaper, stratum: str, past: Past | None, days: Days | None
) -> Reason:
    """Give the first reason why an object cannot be drawn, and its evidence; empty if it can.

    In this order: the object itself, the plan, named decisions, visits before.
    """
    if subject.status != "active":
        known = f"X01-{subject.status}"
        return known if known in REASONS else "X01-not-active", f"revision:{subject.revision}"
    if subject.successor:
        return "X01-merged", f"successor:{subject.successor}"
    if reason := scheme.unwanted(task.scope or scheme.Scope(), task.category, subject.traits):
        return reason, f"revision:{subject.revision}"
    if past is None:
        return "", ""
    if past.exemption is not None:
        return f"{past.exemption.reason}-named", past.exemption.authority
    assert days is not None, "visits are judged by days"
    return _visited(task, stratum, past.visits, days)


def _visited(task: TaskPaper, stratum: str, visits: Sequence[Visit], days: Days) -> Reason:
    rules = task.exclusion or scheme.Exclusion()
    this_year = [one for one in visits if one.day >= days.year]
    if rules.annual_cap and len(this_year) >= rules.annual_cap:
        return "X02-annual-cap", _draws(this_year)
    above = [
        one
        for one in visits
        if one.same_item
        and one.inspected >= days.superior
        and one.agency != task.agency
        and _is_above(one.agency, task.agency)
    ]
    if rules.superior_months and above:
        return "X03-superior", _draws(above)
    recent = [one for one in visits if one.day >= days.window]
    if rules.window_days and recent:
        return "X08-drawn", _draws(recent)
    return in_campaign(task, stratum, visits)


def in_campaign(
    task: TaskPaper, stratum: str, visits: Sequence[Visit], *, later: bool = False
) -> Reason:
    """Give the draws of the task's campaign, or of this cycle of it, that somebody was drawn in.

    Of a cycle the batches before this one count, and `later` all of it: they may be held together.
    """
    quota = scheme.quota_of(task.dimensions(), task.quotas, stratum)
    batches = quota.visits if quota else None
    if batches is not None:
        begin = batches.batch - batches.turn()
        turns = range(begin, begin + int(batches.cycle()) if later else batches.batch)
        drawn = [one for one in visits if _siblings(one, task) and one.batch in turns]
        return ("X08-cycle", _draws(drawn)) if drawn else ("", "")
    drawn = [one for one in visits if _siblings(one, task)]
    return ("X08-campaign", _draws(drawn)) if drawn else ("", "")


def used_up(rules: scheme.Exclusion, snapshot: date, drawn: Sequence[tuple[str, str]]) -> Reason:
    """Give the rule that draws, as (agency#seq, day), leave no room under, and which they are.

    It is asked of draws that were not held yet when the frame was frozen; visits that no draw led
    to are among them, as (visit:<task>#1, day).
    """
    year, since = f"{snapshot.year}-01-01", snapshot - timedelta(days=rules.window_days)
    this_year = sorted({draw for draw, day in drawn if day >= year})
    if rules.annual_cap and len(this_year) >= rules.annual_cap:
        return "X02-annual-cap", ",".join(this_year)
    recent = sorted({draw for draw, day in drawn if day >= since.isoformat()})
    if rules.window_days and recent:
        return "X08-drawn", ",".join(recent)
    return "", ""


def _siblings(visit: Visit, task: TaskPaper) -> bool:
    return bool(task.campaign) and task.campaign in (visit.campaign, visit.plan)


def _is_above(agency: str, ours: str) -> bool:
    return agency == "CN" or ours.startswith(agency)


def _draws(visits: Iterable[Visit]) -> str:
    return ",".join(sorted({one.draw for one in visits}))


def line_reader(task: TaskPaper) -> Callable[[bytes], FrameLine]:
    """Prepare to read the frame of a task; a line that breaks its rules raises NotCanonical.

    What is true of a line whatever its identifier is worked out once for all lines alike.
    """
    width = FrameLine.width + len(task.columns)
    check = _check_line if task.columns else _check_plain_line
    known: dict[bytes, FrameLine] = {}

    def read(row: bytes) -> FrameLine:
        id, _, rest = row.partition(b"\t")
        alike = known.get(rest)
        if alike is None:
            alike = _read(row, width, task)
            _check_place(alike, task)
            check(alike, task)
            if len(known) < _ALIKE_MAX:
                known[rest] = alike
        try:
            name = canonical.text(id.decode())
        except UnicodeDecodeError as error:
            raise NotCanonical("a line is not UTF-8") from error
        return FrameLine(
            name, alike.stratum, alike.weight, alike.status, alike.reason, alike.traits,
            alike.evidence,
        )  # fmt: skip

    return read


def _read(row: bytes, width: int, task: TaskPaper) -> FrameLine:
    parts = canonical.fields(row, width)
    extra = dict(zip(task.columns, parts[FrameLine.width :], strict=True))
    evidence = extra.pop("evidence", "")
    id, stratum, weight, status, reason, region, category, risk = parts[: FrameLine.width]
    return FrameLine(
        id=id,
        stratum=stratum,
        weight=weight,
        status=status,
        reason=reason,
        traits=Traits(region, category, risk, **extra),
        evidence=evidence,
    )


def _check_place(line: FrameLine, task: TaskPaper) -> None:
    if not line.traits.region.startswith(task.division):
        raise NotCanonical(f"{line.id}: is not in the division of the task")
    if line.traits.size and (not line.traits.size.isdecimal() or line.traits.size[0] == "0"):
        raise NotCanonical(f"{line.id}: its size is not a whole number from 1")
    if line.stratum != scheme.stratum_of(task.dimensions(), line.traits) or line.weight != str(
        scheme.weight_of(task.weights, line.traits)
    ):
        raise NotCanonical(f"{line.id}: stratum or weight is not of this task")


def _check_plain_line(line: FrameLine, task: TaskPaper) -> None:
    """Check a line of a frame from before there was evidence."""
    if line.status == "X" and line.reason[:3] in EXCLUSIONS:
        return
    if line.status == "E" and not line.reason and task.category in ("", line.traits.category):
        return
    raise NotCanonical(f"{line.id}: is neither eligible nor excluded by a rule of the task")


def _check_line(line: FrameLine, task: TaskPaper) -> None:
    """Check that a line is excluded by a rule of the task, or else by none that can be seen."""
    unwanted = scheme.unwanted(task.scope or scheme.Scope(), task.category, line.traits)
    if line.status == "E" and not line.reason and not line.evidence and not unwanted:
        return
    if line.status != "X" or line.reason not in REASONS or not line.evidence:
        raise NotCanonical(f"{line.id}: is neither eligible nor excluded with evidence")
    if line.reason[:3] == "X01":
        return
    if unwanted or line.reason[:3] == "X06" or line.reason == "X05-key-object":
        if line.reason != unwanted:
            raise NotCanonical(f"{line.id}: is excluded by {line.reason}, not {unwanted or 'E'}")
    elif line.reason not in NAMED and line.reason not in _declared(task, line.stratum):
        raise NotCanonical(f"{line.id}: the task has no rule for {line.reason}")


def _declared(task: TaskPaper, stratum: str) -> set[str]:
    rules = task.exclusion or scheme.Exclusion()
    quota = scheme.quota_of(task.dimensions(), task.quotas, stratum)
    by_turns = quota is not None and quota.visits is not None
    declared: Mapping[str, object] = {
        "X02-annual-cap": rules.annual_cap,
        "X03-superior": rules.superior_months,
        "X08-drawn": rules.window_days,
        "X08-campaign": task.campaign and not by_turns,
        "X08-cycle": task.campaign and by_turns,
    }
    return {name for name, rule in declared.items() if rule}
