"""检查结论: what an inspection amounts to under the rules of its checklist. Pure.

The measures are counted here, the rules that weigh them are data of the checklist, and the first
rule that matches decides. docs/explanation/verdict.md says how the corners are decided.
"""

from decimal import Decimal
from fractions import Fraction
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from sync.answers import measured
from sync.checklist import Bound, Checklist, Item, Measure, admissible, named
from sync.merge import Inspection
from sync.refusals import Reason, Refused


class Verdict(Struct, frozen=True):
    """The outcome and all that led to it; `outcome` is empty while none can be given."""

    outcome: str
    clause: str  # the rule that decided
    key_failed: int
    general_failed: int
    general_checked: int  # answered and applicable
    general_passed: int
    not_applicable: int  # 合理缺项
    failed: tuple[str, ...]
    unanswered: tuple[str, ...]  # no answer, or one that is not admissible
    in_conflict: tuple[str, ...]  # the two inspectors disagree
    evidence_missing: tuple[str, ...]  # failed, needs evidence, has none
    examined_short: bool = False  # fewer applicable items than the checklist demands

    @property
    def given(self) -> bool:
        """Tell whether there is an outcome."""
        return self.outcome != ""


def judge(checklist: Checklist, inspection: Inspection, *, partner: bool = False) -> Verdict:
    """Weigh an inspection; answers to items that the checklist does not have count for nothing.

    `partner`: the checklist is one that a partner department brings (部门联合); the verdict names
    its items as the inspection does.
    """
    names = {one.ref: named(checklist, one.ref) if partner else one.ref for one in checklist.items}
    passed: list[Item] = []
    failed: list[Item] = []
    not_applicable, unanswered, in_conflict = 0, list[str](), list[str]()
    for item in checklist.items:
        answer = inspection.items.get(names[item.ref])
        if answer is not None and answer.conflict:
            in_conflict.append(names[item.ref])
        elif answer is None or admissible(checklist, item.ref, answer.value) is not None:
            unanswered.append(names[item.ref])
        elif answer.value == "na":
            not_applicable += 1
        else:
            (passed if complies(item, answer.value) else failed).append(item)
    evidenced = {one.item for one in inspection.evidence if not one.voided}
    key_failed = sum(item.key for item in failed)
    general_passed = sum(not item.key for item in passed)
    general_failed = len(failed) - key_failed
    examined = checklist.examined_min
    keys_examined = key_failed + len(passed) - general_passed
    short = keys_examined < examined.key or general_passed + general_failed < examined.general
    counted = Verdict(
        outcome="",
        clause="",
        key_failed=key_failed,
        general_failed=general_failed,
        general_checked=general_passed + general_failed,
        general_passed=general_passed,
        not_applicable=not_applicable,
        failed=tuple(names[item.ref] for item in failed),
        unanswered=tuple(unanswered),
        in_conflict=tuple(in_conflict),
        evidence_missing=tuple(
            names[item.ref] for item in failed if item.evidence and names[item.ref] not in evidenced
        ),
        examined_short=short and not unanswered and not in_conflict,
    )
    if unanswered or in_conflict or short:
        return counted
    rule = next(
        rule
        for rule in checklist.rules  # parse made sure that the last one has no condition
        if all(_within(bound, _measure(counted, what)) for what, bound in rule.when.items())
    )
    return replace(counted, outcome=rule.outcome, clause=rule.clause)


def settled(verdict: Verdict) -> Verdict:
    """Pass a verdict on, or refuse naming the items that stand in its way."""
    if not verdict.given:
        raise Refused(
            Reason.VERDICT_INCOMPLETE,
            unanswered=" ".join(verdict.unanswered),
            in_conflict=" ".join(verdict.in_conflict),
            examined_short=int(verdict.examined_short),
        )
    return verdict


def complies(item: Item, value: str) -> bool:
    """Tell whether an admissible answer other than na complies; limits include their ends."""
    reading = measured(value)
    if item.kind == "verdict" or reading is None:
        return value == "pass"
    return _within(Bound(min=item.minimum, max=item.maximum), Fraction(reading))


def _within(bound: Bound, value: Fraction) -> bool:
    above = bound.min is None or value >= Fraction(Decimal(bound.min))
    below = bound.max is None or value <= Fraction(Decimal(bound.max))
    return above and below


def _measure(verdict: Verdict, what: Measure) -> Fraction:
    match what:
        case "failed":
            return Fraction(len(verdict.failed))
        case "key_failed":
            return Fraction(verdict.key_failed)
        case "general_failed":
            return Fraction(verdict.general_failed)
        case "general_pass_percent":
            if verdict.general_checked == 0:
                return Fraction(100)  # nothing general could fail
            return Fraction(100 * verdict.general_passed, verdict.general_checked)
        case _:
            assert_never(what)
