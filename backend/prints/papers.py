"""执法文书: record, result, sampling sheet and order of an inspection, as data for templates.

The same facts give the same data, and these with the same templates and fonts the same bytes, on a
device as at the office. The code on every page names the state of the inspection that it shows.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from backend.prints import paper_order, paper_tables, typeset
from backend.prints.facts import Facts, moment
from backend.prints.paper_items import Reader, part, problems
from backend.prints.paper_words import Language, What, words
from backend.prints.typeset import Fonts
from backend.rules.calendar import Calendar
from sync import strokes
from sync.checklist import NOT_REMEDIED, REMEDIED, Checklist
from sync.merge import Evidence, Finding, Signature
from sync.origins import WORDS as ORIGINS
from sync.particulars import Arrival
from sync.refusals import Reason, Refused
from sync.verdict import Verdict

TEMPLATES: dict[What, str] = {
    "record": "record",
    "result": "result",
    "sampling": "sampling",
    "notice": "rectification",
}
Data: TypeAlias = dict[str, object]


def code_of(facts: Facts) -> str:
    """Write the code of a document: EHI1, the inspection, the digest of its state."""
    return f"EHI1:{facts.task.id}:{facts.digest}"


def lacking(what: What, facts: Facts) -> tuple[str, ...]:
    """Name what is not here and would be shown: with it the document has other bytes."""
    if what == "notice":
        return ()
    return facts.lacking if what == "record" else facts.lacking_strokes


def arrange(what: What, facts: Facts, language: Language, calendar: Calendar) -> Data:
    """Arrange what a document says, for its template."""
    w = words(language)
    say = Reader(facts, language, w)
    made: dict[What, Callable[[], Data]] = {
        "record": lambda: _record(facts, say),
        "result": lambda: _result(facts, say),
        "sampling": lambda: _sampling(facts, say),
        "notice": lambda: paper_order.arrange(facts, say, calendar),
    }
    own = made[what]()
    marks = own.pop("marks", [])
    assert isinstance(marks, list)
    return {
        "lang": language,
        "words": w,
        "what": what,
        "title": w[what],
        "id": facts.task.id,
        "code": code_of(facts),
        "digest": facts.digest,
        "qr": typeset.code(code_of(facts)),
        "division": facts.task.establishment.division,
        "site": facts.task.establishment.name,
        "marks": [*_marks(facts, say), *marks],
        "day": f"{facts.at:%Y-%m-%d}",
        "lacking": lacking(what, facts),
        **own,
    }


def write(
    what: What, facts: Facts, data: Data, fonts: Fonts, own: Mapping[str, bytes] = typeset.EMPTY
) -> bytes:
    """Set a document as PDF/A; `own` are the templates of the office, by name."""
    small = {picture_path(name): one.jpeg for name, one in facts.pictures.items() if one.jpeg}
    return typeset.pdf(TEMPLATES[what], data, facts.at, fonts, small, own)


# -- record --------------------------------------------------------------------------------------


def _record(facts: Facts, say: Reader) -> Data:
    w, state = say.w, facts.state
    return {
        "opening": opening(facts, say),
        "told": _told(facts, say),
        "parts": [
            part(facts, form, judged, say, partner=n > 0)
            for n, (form, judged) in enumerate(zip(facts.forms, facts.verdicts, strict=True))
        ],
        "findings": [_finding(facts, one, say) for one in facts.told(state.findings)],
        "tables": paper_tables.tables(facts, say),
        "evidence": [_piece(facts, one, say) for one in facts.told(_shown(facts))],
        "signatures": signatures(facts, say),
        "late": list(state.late),
        "clocks": w["clocks"],
    }


def _finding(facts: Facts, one: Finding, say: Reader) -> Data:
    """Arrange a finding with the violation that it picked and what the law demands there."""
    known = facts.catalogues.get(one.catalogue)
    act = next((v for v in known.violations if v.code == one.violation), None) if known else None
    violation = f"{one.violation} {say.text(act.text)}" if act else one.violation
    pairs = [
        ("item", one.item),
        ("basis", one.basis),
        ("violation", violation),
        ("quote", say.text(act.quote) if act else ""),
        ("repeated", say.join(one.repeats)),
        ("by", say.name(one.who)),
        ("voided", one.voided),
    ]
    return {
        "text": one.text,
        "voided": one.voided,
        "fixed": one.fixed,
        "lines": say.pairs(pairs),
    }


def opening(facts: Facts, say: Reader, *, brief: bool = False) -> list[tuple[str, str]]:
    """Say whom, where, when, by whom and why; in brief without how it came to the visit."""
    w, task, state = say.w, facts.task, facts.state
    site = task.establishment
    arrivals = [one for one in state.arrivals or () if not one.voided]
    first = min((one.op.w for one in facts.ops), default=0)
    came = min((facts.when(one.op) for one in arrivals), default=None)
    on_site = [one.name for one in state.signatures if one.role == "site" and not one.amended_by]
    origin = next((say.text(text) for code, text in ORIGINS.items() if code == task.origin), "")
    found = say.pairs(
        [
            ("site", site.name),
            ("code", site.code),
            ("address", site.address),
            ("arrived" if came is not None else "began", _time(first if came is None else came)),
            ("ended", f"{facts.at:%Y-%m-%d %H:%M}"),
            ("place", "; ".join(filter(None, map(_place, arrivals)))),
            ("opened", say.join(dict.fromkeys(w[one.how] for one in arrivals))),
            ("approval", say.join(dict.fromkeys(one.approval for one in arrivals if one.approval))),
            ("inspectors", say.join(_people(facts, say))),
            ("origin", origin),
            ("withdrawn", task.withdrawn),
            ("draw", task.draw.commit_hash if task.draw else ""),
            ("forms", say.join(f"{say.text(f.title)} {f.version}" for f in facts.forms)),
            ("present", say.join(dict.fromkeys(filter(None, on_site)))),
        ]
    )
    longer = {say.w[name] for name in ("place", "opened", "draw", "forms")} if brief else set[str]()
    return [(name, value) for name, value in found if name not in longer]


def _told(facts: Facts, say: Reader) -> list[str]:
    w = say.w
    shown = {c for one in facts.state.arrivals or () if not one.voided for c in one.certificates}
    between = "：" if say.language == "zh" else ": "
    stop = "。" if say.language == "zh" else "."
    certificates = f"{w['told_shown']}{between}{say.join(sorted(shown)) or w['not_shown']}{stop}"
    told = (w["told_recusal"], w["told_duties"], w["told_agreed"])
    return [w["told_who"], certificates, *told]


def _people(facts: Facts, say: Reader) -> list[str]:
    task = facts.task
    roles = {task.second.id: "second", task.lead.id: "lead"}
    return [
        f"{one.name} ({say.w[roles.get(one.id, 'member')]}, {one.certificate})"
        if say.language == "en"
        else f"{one.name}（{say.w[roles.get(one.id, 'member')]}，{one.certificate}）"
        for one in {one.id: one for one in task.inspectors}.values()
    ]


def _place(arrival: Arrival) -> str:
    if not (arrival.longitude and arrival.latitude):
        return ""
    accuracy = f" ±{arrival.accuracy} m" if arrival.accuracy else ""
    return f"{arrival.longitude}, {arrival.latitude} {arrival.datum}{accuracy}"


# -- evidence and signatures ---------------------------------------------------------------------


def _shown(facts: Facts) -> list[Evidence]:
    """List the evidence; strokes stand with their signature, a drawing with its picture."""
    return [one for one in facts.state.evidence if one.role not in ("strokes", "annotation")]


def _piece(facts: Facts, one: Evidence, say: Reader) -> Data:
    kept = facts.pictures[one.blob]
    return {
        "digest": one.blob,
        "item": one.item,
        "caption": one.caption,
        "by": say.name(one.who),
        "of": one.of,
        "voided": one.voided,
        "picture": picture_path(one.blob) if kept.has == "picture" else "",
        "instead": say.w[f"has_{kept.has}"],
        "mime": one.mime,
        "size": one.size,
    }


def picture_path(digest: str) -> str:
    """Say where a template finds the small picture of a file."""
    return f"pictures/{digest}.jpg"


def signatures(facts: Facts, say: Reader) -> list[Data]:
    """Arrange the signatures, those of the two inspectors first."""
    w = say.w
    order = {"lead": 0, "second": 1, "member": 2, "site": 3}
    told = facts.told(facts.state.signatures)
    shown = sorted(told, key=lambda one: order.get(one.role, len(order)))
    certificates = {one.id: one.certificate for one in facts.task.inspectors}
    return [
        {
            "role": w["on_site"] if one.role == "site" else w.get(one.role, one.role),
            "name": one.name if one.role == "site" else say.name(one.who),
            "certificate": "" if one.role == "site" else certificates.get(one.who, ""),
            "at": _time(facts.when(one.op)),
            "svg": _drawn(facts, one),
            "instead": _instead(facts, one, say),
            "lines": say.pairs(
                [
                    ("would_not", one.refused),
                    ("witness", one.witness),
                    ("amends", one.reason),
                    ("signed_digest", one.digest[:16]),
                ]
            ),
            "amended": bool(one.amended_by),
        }
        for one in shown
    ]


def _drawn(facts: Facts, one: Signature) -> str:
    """Draw a signature; a file that is none of one draws nothing."""
    body = facts.strokes.get(one.strokes)
    try:
        return "" if body is None else strokes.svg(strokes.read(body))
    except Refused:
        return ""


def _instead(facts: Facts, one: Signature, say: Reader) -> str:
    """Say what stands where no strokes are drawn."""
    if one.refused:
        return say.w["would_not"]
    if not one.strokes:
        return say.w["no_strokes"]
    return say.w["strokes_unreadable" if one.strokes in facts.strokes else "strokes_lacking"]


# -- result and sampling sheet -------------------------------------------------------------------


def _result(facts: Facts, say: Reader) -> Data:
    return {
        "opening": opening(facts, say, brief=True),
        "results": [
            _judged(form, judged, say)
            for form, judged in zip(facts.forms, facts.verdicts, strict=True)
        ],
        "failed": problems(facts, say),
        "decision": _decision(facts, say),
        "signatures": signatures(facts, say),
        "posted": say.w["posted" if facts.verdicts[0].graded else "posted_beside"],
        "clocks": say.w["clocks"],
    }


def _judged(form: Checklist, judged: Verdict, say: Reader) -> Data:
    """Arrange what the rules of one checklist make of the answers, with the clause that decided."""
    w = say.w
    items = sum(1 for _ in form.items) - (0 if judged.graded else len(judged.not_asked))
    checked, passed = judged.general_checked, judged.general_passed
    rate = f"{100 * passed / checked:.1f} %" if checked else "–"
    clause = next((rule for rule in form.rules if rule.clause == judged.clause), None)
    outcome = form.outcome(judged.outcome) if judged.given else None
    handling = outcome and (outcome.handling if judged.failed or judged.unremedied else "none")
    return {
        "title": f"{say.text(form.title)} {form.version}",
        "heading": w["verdict" if judged.graded else "verdict_again"],
        "outcome": say.text(outcome.label) if outcome else "",
        "handling": w[f"handling_{handling}"] if handling else "",
        "clause": f"{clause.clause} {say.text(clause.text)}" if clause else "",
        "counts": [
            (w["asked"], items),
            (w["failed"], len(judged.failed)),
            (w["key_failed"], judged.key_failed),
            (w["general_failed"], judged.general_failed),
            (w["na"], judged.not_applicable),
            *([(w["pass_rate"], rate)] if judged.graded else []),
        ],
        "scores": [
            *([] if judged.graded else [(w["grade"], w["no_grade"])]),
            *(
                (say.text(score.text), judged.scores[score.code])
                for score in form.scores
                if score.code in judged.scores
            ),
        ],
        "open": say.pairs(
            [
                ("unremedied", say.join(judged.unremedied)),
                ("unanswered", say.join(judged.unanswered)),
                ("in_conflict", say.join(judged.in_conflict)),
                ("evidence_missing", say.join(judged.evidence_missing)),
            ]
        ),
    }


def _decision(facts: Facts, say: Reader) -> list[tuple[str, str]]:
    made, form = facts.decision, facts.forms[0]
    if made is None:
        return []
    known = (*form.outcomes, REMEDIED, NOT_REMEDIED)
    label = next((say.text(o.label) for o in known if o.code == made.outcome), made.outcome)
    return say.pairs(
        [
            ("verdict", label),
            ("category_of", say.text(made.result)),
            ("follow_ups", say.join(map(say.text, made.follow_ups))),
            ("remark", made.remark),
            (
                "concluded",
                f"{made.concluded_on} · {say.w['approved' if made.approved else 'not_approved']}",
            ),
        ]
    )


def _sampling(facts: Facts, say: Reader) -> Data:
    state = facts.state
    if not (state.samples or state.lots):
        raise Refused(Reason.PAPER_NO_SAMPLES, inspection=facts.task.id)
    return {
        "opening": opening(facts, say, brief=True),
        "samples": paper_tables.sheets(facts, say),
        "tables": paper_tables.lots(facts, say),
        "signatures": signatures(facts, say),
        "clocks": say.w["clocks"],
    }


# -- small parts ---------------------------------------------------------------------------------


def _marks(facts: Facts, say: Reader) -> list[str]:
    """Say what nobody may overlook."""
    w, state = say.w, facts.state
    marks = [] if state.signed else [w["unsigned"]]
    if state.conflicts:
        marks.append(f"{w['in_dispute']}: {say.join(state.conflicts)}")
    if facts.decision is not None and facts.decision.digest != facts.digest:
        marks.append(w["stale"])
    return marks


def _time(w: int) -> str:
    return f"{moment(w):%Y-%m-%d %H:%M}"
