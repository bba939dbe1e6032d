"""检查结论: what an inspection amounts to under the rules of its checklist. Pure.

The measures are counted here, the rules that weigh them are data of the checklist, and the first
rule whose bounds all hold decides.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from sync.answers import admits
from sync.checklist import Checklist, Item, When, named
from sync.merge import Inspection, Said
from sync.refusals import Reason, Refused
from sync.scores import Weighed, score, tags_of, weigh, within


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
    scores: dict[str, str] = {}  # 得分, decimal text; empty for a percentage of nothing
    not_asked: tuple[str, ...] = ()  # their condition is not met
    not_weighed: tuple[str, ...] = ()  # left out where that is allowed, or only telling something

    @property
    def given(self) -> bool:
        """Tell whether there is an outcome."""
        return self.outcome != ""


def judge(
    checklist: Checklist,
    inspection: Inspection,
    *,
    partner: bool = False,
    must: Collection[str] = (),
) -> Verdict:
    """Weigh an inspection; answers to items that the checklist does not have count for nothing.

    `partner`: the checklist is one that a partner department brings (部门联合); the verdict names
    its items as the inspection does. `must`: names of items that this visit may not leave out
    (必查项目), though the checklist lets others leave them.
    """
    names = _names(checklist, partner=partner)
    asked = {item.ref for item in _asked(checklist, inspection, names)}
    weighed: list[Weighed] = []
    unanswered, in_conflict, not_weighed = list[str](), list[str](), list[str]()
    for item in checklist.items:
        name = names[item.ref]
        known = inspection.items.get(name)
        if item.ref not in asked:
            continue
        if known is not None and known.conflict:
            in_conflict.append(name)
        elif (found := _answered(item, name, inspection)) is not None:
            weighed.append(found)
            not_weighed += [name] if not found.amount else []
        elif (known is not None and known.standing) or not item.optional or name in must:
            unanswered.append(name)
        else:
            not_weighed.append(name)
    counted = _count(checklist, weighed, names)
    evidenced = {one.item for one in inspection.evidence if not one.voided}
    failing = [one.item for one in weighed if one.amount == "fail"]
    lacking = [names[item.ref] for item in failing if item.evidence]
    complete = not unanswered and not in_conflict
    counted = replace(
        counted,
        unanswered=tuple(unanswered),
        in_conflict=tuple(in_conflict),
        evidence_missing=tuple(name for name in lacking if name not in evidenced),
        examined_short=counted.examined_short and complete,
        not_asked=tuple(name for ref, name in names.items() if ref not in asked),
        not_weighed=tuple(not_weighed),
    )
    if counted.examined_short or not complete:
        return counted
    rule = next(
        rule
        for rule in checklist.rules  # parse made sure that the last one has no condition
        if all(within(bound, _measure(counted, what)) for what, bound in rule.when.items())
    )
    return replace(counted, outcome=rule.outcome, clause=rule.clause)


def complying(
    checklist: Checklist, inspection: Inspection, *, partner: bool = False
) -> frozenset[str]:
    """Name the items that were found to comply.

    Their answer says so, without a conflict; or they are not asked, because the item that their
    condition looks at complies.
    """
    names = _names(checklist, partner=partner)
    asked = {item.ref: item for item in _asked(checklist, inspection, names)}
    found = set[str]()
    for section in checklist.sections:
        for item in section.items:
            name, amount = names[item.ref], ""
            known = inspection.items.get(name)
            if item.ref not in asked:
                conditions = [one for one in (section.when, item.when) if one is not None]
                unmet = [one for one in conditions if not _met(one, asked, inspection, names)]
                amount = "pass" if unmet and names[unmet[0].item] in found else ""
            elif not (known and known.conflict) and (one := _answered(item, name, inspection)):
                amount = one.amount
            found |= {name} if amount == "pass" else set()
    return frozenset(found)


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


# -- which items are asked, and what they amount to ----------------------------------------------


def _names(checklist: Checklist, *, partner: bool) -> dict[str, str]:
    """Give the name that each item has in an inspection."""
    return {one.ref: named(checklist, one.ref) if partner else one.ref for one in checklist.items}


def _asked(checklist: Checklist, inspection: Inspection, names: dict[str, str]) -> list[Item]:
    """Walk the form: a condition looks back, at an item that is asked itself.

    While the two inspectors disagree about that item, either answer of theirs is enough.
    """
    asked: dict[str, Item] = {}
    for section in checklist.sections:
        for item in section.items if _met(section.when, asked, inspection, names) else ():
            if _met(item.when, asked, inspection, names):  # by an item of the same section, perhaps
                asked[item.ref] = item
    return list(asked.values())


def _met(
    when: When | None, asked: Mapping[str, Item], inspection: Inspection, names: Mapping[str, str]
) -> bool:
    before = asked.get(when.item) if when else None
    if when is None or before is None:
        return when is None
    known = inspection.items.get(names[when.item])
    return any(
        not set(said.v.split(" ")).isdisjoint(when.one_of)
        for said in (known.standing if known else ())
        if _admits(before, said)
    )


def _answered(item: Item, name: str, inspection: Inspection) -> Weighed | None:
    """Weigh the answer that stands, or find that none does."""
    if item.kind == "photo" and any(
        one.item == name and one.mime.startswith("image/") and not one.voided
        for one in inspection.evidence
    ):
        return Weighed(item, "")
    if item.kind == "signature" and any(
        one.role == item.role and not one.refused for one in inspection.signatures
    ):
        return Weighed(item, "")
    known = inspection.items.get(name)
    if known is None or not known.standing or not _admits(item, known.standing[0]):
        return None
    return weigh(item, known.standing[0])


def _admits(item: Item, said: Said) -> bool:
    return admits({"": item}, "", said) is None


def _count(checklist: Checklist, weighed: list[Weighed], names: dict[str, str]) -> Verdict:
    rated = [(one.item.key, one.amount == "pass") for one in weighed if one.amount in RATED]
    keys_passed, generals_passed = rated.count((True, True)), rated.count((False, True))
    keys_failed, generals_failed = rated.count((True, False)), rated.count((False, False))
    tags = tags_of(checklist)
    scores = {one.code: score(one, weighed, tags) for one in checklist.scores}
    ruled = {code for rule in checklist.rules for code in rule.when}
    examined = checklist.examined_min
    return Verdict(
        outcome="",
        clause="",
        key_failed=keys_failed,
        general_failed=generals_failed,
        general_checked=generals_passed + generals_failed,
        general_passed=generals_passed,
        not_applicable=sum(one.amount == "na" for one in weighed),
        failed=tuple(names[one.item.ref] for one in weighed if one.amount == "fail"),
        unanswered=(),
        in_conflict=(),
        evidence_missing=(),
        examined_short=keys_passed + keys_failed < examined.key
        or generals_passed + generals_failed < examined.general
        or any(scores.get(code) == "" for code in ruled),
        scores=scores,
    )


RATED = ("pass", "fail")


def _measure(verdict: Verdict, what: str) -> Fraction:
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
            return Fraction(verdict.scores[what])
