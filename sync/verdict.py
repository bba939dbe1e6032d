"""检查结论: what an inspection amounts to under the rules of its checklist. Pure.

The measures are counted here, the rules that weigh them are data of the checklist, and the first
rule whose bounds all hold decides.
"""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from sync.answers import admits
from sync.checklist import NOT_REMEDIED, REMEDIED, Checklist, Item, When, named
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
    not_asked: tuple[str, ...] = ()  # their condition is not met, or a recheck leaves them
    not_weighed: tuple[str, ...] = ()  # left out where that is allowed, or only telling something
    graded: bool = True  # false: of a recheck that asks only what must be checked again
    unremedied: tuple[str, ...] = ()  # 未整改到位: of what such a recheck asks

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
    narrow: bool = False,
) -> Verdict:
    """Weigh an inspection; answers to items that the checklist does not have count for nothing.

    `partner`: the checklist is one that a partner department brings (部门联合); the verdict names
    its items as the inspection does. `must`: names of items that this visit may not leave out
    (必查项目), though the checklist lets others leave them. `narrow`: the visit is a recheck (复查)
    that asks only these, and what their conditions make of it: it grades nothing (decision 0031).
    """
    names = _names(checklist, partner=partner)
    scope = _again(checklist, names, must) if narrow else _Scope(must, frozenset(names.values()))
    asked = {item.ref for item in _asked(checklist, inspection, names)}
    weighed: list[Weighed] = []
    unanswered, in_conflict, not_weighed = list[str](), list[str](), list[str]()
    left = set[str]()  # by a recheck
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
        elif (known is not None and known.standing) or name in scope.demanded:
            unanswered.append(name)
        elif name in scope.asked:
            (not_weighed if item.optional else unanswered).append(name)
        else:
            left.add(item.ref)
    asked -= left
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
    if narrow:
        counted = replace(counted, graded=False, examined_short=False, scores={})
        comply = complying(checklist, inspection, partner=partner)
        rest = [name for name in _own(checklist, must, partner=partner) if name not in comply]
        rest += [name for name in counted.failed if name in scope.asked and name not in rest]
        return _remedied(counted, rest) if complete else counted
    if counted.examined_short or not complete:
        return counted
    rule = next(
        rule
        for rule in checklist.rules  # parse made sure that the last one has no condition
        if all(within(bound, _measure(counted, what)) for what, bound in rule.when.items())
    )
    return replace(counted, outcome=rule.outcome, clause=rule.clause)


def judge_visit(
    forms: Sequence[Checklist],
    inspection: Inspection,
    *,
    must: Collection[str] = (),
    narrow: bool = False,
) -> list[Verdict]:
    """Judge a visit by its own checklist, the first, and by those that partners bring.

    A recheck that asks only what must be checked again has found all remedied, or names the rest of
    every checklist with the first.
    """
    own, *others = [
        judge(form, inspection, partner=n > 0, must=must, narrow=narrow)
        for n, form in enumerate(forms)
    ]
    rest = own.unremedied + tuple(name for one in others for name in one.unremedied)
    return [_remedied(own, rest) if rest and own.given else own, *others]


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


class _Scope(Struct, frozen=True):
    """What a visit asks, by the names in it; what is demanded may not be left out."""

    demanded: Collection[str]
    asked: Collection[str]


def _again(checklist: Checklist, names: Mapping[str, str], must: Collection[str]) -> _Scope:
    """Find what a recheck asks: what must be checked again, and what that opens.

    Demanded with it is whatever their conditions look at: whether they apply is known only then.
    """
    conditions = {
        item.ref: [one.item for one in (section.when, item.when) if one is not None]
        for section in checklist.sections
        for item in section.items
    }
    again = {ref for ref, name in names.items() if name in must}
    opened = set(again)
    for ref, before in conditions.items():  # conditions look back: one walk finds all
        opened |= {ref} if not opened.isdisjoint(before) else set()
    looked_at = set[str]()
    for ref, before in reversed(conditions.items()):
        looked_at |= set(before) if ref in opened | looked_at else set()
    demanded = {names[ref] for ref in again | looked_at}
    return _Scope(demanded, demanded | {names[ref] for ref in opened})


def _remedied(counted: Verdict, rest: Sequence[str]) -> Verdict:
    outcome = NOT_REMEDIED if rest else REMEDIED
    return replace(counted, outcome=outcome.code, unremedied=tuple(rest))


def _own(checklist: Checklist, must: Collection[str], *, partner: bool) -> list[str]:
    """Give what must be checked again of a checklist, also what it asks no more."""
    of_form = named(checklist, "")
    return [one for one in must if (one.startswith(of_form) if partner else "/" not in one)]


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
