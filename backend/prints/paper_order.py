"""责令改正通知书: the order that the office made, or before it one by the checklist's terms."""

from datetime import date

from backend.prints.facts import Asked, Facts, Order
from backend.prints.paper_items import Reader, problems
from backend.rules.calendar import Calendar, due
from sync.checklist import asked
from sync.refusals import Reason, Refused


def arrange(facts: Facts, say: Reader, calendar: Calendar) -> dict[str, object]:
    """Arrange the order for its template; refuse where there is nothing to put right."""
    w, failed = say.w, {str(one["name"]): one for one in problems(facts, say)}
    order = facts.decision.order if facts.decision is not None else None
    marks: list[str] = []
    if order is None and facts.decision is None:
        order = _provisional(facts, failed, calendar)
        marks.append(w["provisional"])
    if order is None or not order.items:
        raise Refused(Reason.PAPER_NOTHING_TO_ORDER, inspection=facts.task.id)
    if not all(calendar.covers(one.due_on) for one in order.items):
        marks.append(w["provisional_days"])
    last = max(order.items, key=lambda one: one.due_on)
    fixed = {one.item for one in facts.state.findings if one.fixed and not one.voided}
    ordered_on = _day(order.ordered_on, say)
    return {
        "marks": marks,
        "to": facts.task.establishment.name,
        "code_of_site": facts.task.establishment.code,
        "address": facts.task.establishment.address,
        "found_that": w["found_that"],
        "problems": [
            {
                **failed.get(one.item, {"ref": one.item, "text": "", "lines": (), "basis": ""}),
                "due_on": _day(one.due_on, say),
                "days": f"{one.working_days} {w['working_days']}",
                "fixed": one.item in fixed,
            }
            for one in order.items
        ],
        "term": w["term_text"].format(due=_day(last.due_on, say), ordered=ordered_on),
        "ordered_on": ordered_on,
        "inspectors": say.join(
            f"{one.name} {one.certificate}" for one in (facts.task.lead, facts.task.second)
        ),
    }


def _provisional(facts: Facts, failed: dict[str, dict[str, object]], calendar: Calendar) -> Order:
    """Make the order that would follow, by the checklist's terms from the day of the record."""
    ordered_on, items = facts.at.date(), asked(facts.forms)
    terms = {name: items[name].rectify_days for name in failed}
    return Order(
        items=tuple(
            Asked(name, days, due(ordered_on, days, calendar)) for name, days in terms.items()
        ),
        ordered_on=ordered_on,
    )


def _day(day: date, say: Reader) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if say.language == "zh" else day.isoformat()
