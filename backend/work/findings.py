"""检查发现的问题 at the office: what each finding quotes of a catalogue, and found before."""

from sqlmodel import col, select

from backend.db import Session
from backend.rules.calendar import local_day
from backend.tables import Catalogue
from backend.wire import FindingView, text_view
from backend.work.cases import Case
from backend.work.histories import histories
from sync import codec, merge, violations
from sync.history import History
from sync.violations import Picked


def quoted(state: merge.Inspection) -> set[str]:
    """Name the catalogues that findings may quote; a device may have written anything."""
    return {one.catalogue for one in state.findings if codec.is_digest(one.catalogue)}


async def finding_views(db: Session, case: Case) -> tuple[FindingView, ...]:
    """Show the findings of an inspection, each with what the office knows of earlier visits."""
    named = quoted(case.state)
    query = select(Catalogue).where(col(Catalogue.digest).in_(named))
    rows = await db.exec(query) if named else ()
    held = {row.digest: violations.load(row.body) for row in rows}
    place = case.establishment.id
    seen_at = case.inspection.updated_at if case.inspection else None
    known = None
    if held and seen_at:
        told = await histories(db, [place], today=local_day(seen_at), but=case.task.id)
        known = told[place]
    return tuple(_view(case, one, _picked(one, held), known) for one in case.state.findings)


def _picked(one: merge.Finding, held: dict[str, violations.Catalogue]) -> Picked | None:
    found = held.get(one.catalogue)
    acts = [act for act in found.violations if act.code == one.violation] if found else []
    return Picked(one.catalogue, found, acts[0]) if found and acts else None


def _view(
    case: Case, one: merge.Finding, picked: Picked | None, known: History | None
) -> FindingView:
    who = case.people.get(one.who)
    again = one.repeats
    exempt, conditions = False, None
    if picked is not None and known is not None:
        again = tuple(dict.fromkeys(again + violations.repeats(known, picked, known.as_of)))
        exempt = not again and violations.may_be_exempt(known, picked, known.as_of)
        words = picked.violation.conditions
        conditions = text_view(words) if words and exempt else None
    return FindingView(
        who=who.name if who else one.who,
        item=one.item,
        text=one.text,
        basis=one.basis,
        voided=one.voided,
        violation=one.violation,
        catalogue=one.catalogue,
        fixed=one.fixed,
        repeats=again,
        first_exempt=exempt,
        conditions=conditions,
    )
