"""部门联合: what the checklists of a visit amount to, as the office sees it."""

from backend.rules.results import Part
from backend.wire import PartView, ScoreView, VerdictView, text_view
from sync.checklist import Checklist
from sync.verdict import Verdict


def view(form: Checklist, part: Part) -> PartView:
    """Show what a partner's checklist makes of the answers."""
    return PartView(
        departments=part.departments,
        checklist=part.checklist,
        title=text_view(form.title),
        verdict=verdict(form, part.verdict),
    )


def verdict(form: Checklist, given: Verdict) -> VerdictView:
    """Show a verdict under the rules of its checklist."""
    label = form.outcome(given.outcome).label if given.given else None
    return VerdictView(
        outcome=given.outcome,
        label=text_view(label) if label else None,
        clause=given.clause,
        key_failed=given.key_failed,
        general_checked=given.general_checked,
        general_passed=given.general_passed,
        not_applicable=given.not_applicable,
        failed=given.failed,
        unanswered=given.unanswered,
        scores=tuple(
            ScoreView(one.code, text_view(one.text), given.scores[one.code])
            for one in form.scores
            if one.code in given.scores  # an older conclusion has none
        ),
        not_asked=given.not_asked,
        evidence_missing=given.evidence_missing,
        graded=given.graded,
        unremedied=given.unremedied,
    )
