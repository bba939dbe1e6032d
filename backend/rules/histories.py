"""历史情况: what of earlier results a next visit needs to know. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from sync import checklist
from sync.checklist import Checklist
from sync.history import Found, History, Offence, Visit, fit
from sync.violations import months_before

COMPLAINT_MONTHS = 24
OFFENCE_MONTHS = 120  # the longest that a catalogue may ask for


class Past(Struct, frozen=True):
    """An earlier visit with the code of the checklist that it followed."""

    visit: Visit
    form: str


def must_again(past: Iterable[Past], forms: Sequence[Checklist]) -> tuple[str, ...]:
    """Name what failed last time and is asked again: the next visit may not leave it out.

    Of every checklist the last visit that followed it counts; partners' items go by their own.
    """
    asked = set(checklist.asked(forms))
    again: dict[str, None] = {}
    for n, form in enumerate(forms):
        last = next((one for one in past if _followed(one, form.code)), None)
        for ref in _failed(last, form.code) if last else ():
            name = ref if n == 0 else checklist.named(form, ref)
            if name in asked:
                again[name] = None
    return tuple(again)


def history_of(past: Sequence[Past], told: History, *, visits: int, today: date) -> History:
    """Join what is known of a place with its visits, newest first, and make it small enough."""
    since = months_before(today, OFFENCE_MONTHS)
    return fit(
        History(
            as_of=told.as_of,
            risk=told.risk,
            credit_class=told.credit_class,
            visits=tuple(one.visit for one in past[:visits]),
            offences=offences_of(past, since=since),
            orders=told.orders,
            permits=told.permits,
            complaints=told.complaints,
        )
    )


def offences_of(past: Iterable[Past], *, since: date) -> tuple[Offence, ...]:
    """List the violations of the catalogue that were found, once for each visit."""
    return tuple(
        Offence(code, one.visit.id, one.visit.day)
        for one in past
        if one.visit.day >= since
        for code in _codes(one.visit.findings)
    )


def _codes(findings: Iterable[Found]) -> list[str]:
    return sorted({one.violation for one in findings if one.violation})


def _followed(one: Past, code: str) -> bool:
    return one.form == code or any(_form(name) == code for name in one.visit.failed)


def _failed(last: Past, code: str) -> list[str]:
    """Give the references of what failed on a checklist, its own or a partner's."""
    own = [name for name in last.visit.failed if "/" not in name] if last.form == code else []
    return own + [name.rpartition("/")[2] for name in last.visit.failed if _form(name) == code]


def _form(name: str) -> str:
    """Read the checklist's code from the name of a partner's item: `fire@2026.1/2.4`."""
    return name.partition("@")[0] if "/" in name else ""
