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
    unseen: tuple[str, ...] | None = None  # 复查: what it left alone, when it looked at a part only


def must_again(past: Iterable[Past], forms: Sequence[Checklist]) -> tuple[str, ...]:
    """Name what failed last time and is asked again: the next visit may not leave it out.

    Of every checklist the last visit that followed it counts, and of what a recheck left alone the
    one before; partners' items go by their own.
    """
    asked = set(checklist.asked(forms))
    again: dict[str, None] = {}
    for n, form in enumerate(forms):
        for ref in _last_failed(past, form.code):
            name = ref if n == 0 else checklist.named(form, ref)
            if name in asked:
                again[name] = None
    return tuple(again)


def _last_failed(past: Iterable[Past], code: str) -> list[str]:
    """Give the references of what failed when it was last looked at; visits are newest first."""
    failed: list[str] = []
    left: set[str] | None = None  # by the rechecks since; none: nothing was looked at yet
    for one in past:
        if not _followed(one, code):
            continue
        then = _refs(one, one.visit.failed, code)
        failed += [ref for ref in then if ref not in failed and (left is None or ref in left)]
        if one.unseen is None:
            break
        unseen = set(_refs(one, one.unseen, code))
        left = unseen if left is None else left & unseen
    return failed


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


def _refs(one: Past, names: Iterable[str], code: str) -> list[str]:
    """Give the references of those names that are of a checklist, its own or a partner's."""
    of_own = one.form == code
    return [
        name.rpartition("/")[2]
        for name in names
        if (of_own if "/" not in name else _form(name) == code)
    ]


def _form(name: str) -> str:
    """Read the checklist's code from the name of a partner's item: `fire@2026.1/2.4`."""
    return name.partition("@")[0] if "/" in name else ""
