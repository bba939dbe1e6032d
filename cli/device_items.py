"""检查项 as a device shows them: what was answered, what fails, what is lacking on leaving."""

from collections.abc import Iterable, Mapping, Sequence

from cli.device_tasks import TaskBody
from cli.output import say, show, text
from sync import checklist
from sync.checklist import Checklist
from sync.merge import Inspection, Said
from sync.merge import Item as Known
from sync.verdict import Verdict, judge_visit

ITEMS = {
    "item": ("item", "项"),
    "text": ("what is checked", "检查内容"),
    "value": ("answer", "结论"),
    "flag": ("", ""),
    "others": ("also said", "其他答案"),
}


def verdicts(those: Sequence[Checklist], state: Inspection, task: TaskBody) -> list[Verdict]:
    """Judge an inspection by its own checklist, and by those that partners bring."""
    return judge_visit(those, state, must=task.must, narrow=task.narrow)


def say_items(
    form: Checklist,
    state: Inspection,
    people: Mapping[str, str],
    judged: Verdict,
    *,
    partner: bool,
) -> None:
    """Print every item of a checklist with its answer, and the scores."""
    lines: list[dict[str, object]] = []
    for item in form.items:
        ref = checklist.named(form, item.ref) if partner else item.ref
        known = state.items.get(ref)
        if not judged.graded and ref in judged.not_asked:
            continue
        lines.append(
            {
                "item": ref,
                "text": text(item.text.en, item.text.zh),
                "value": _value(known) if known else "",
                "flag": _flag(judged, ref, conflict=known is not None and known.conflict),
                "others": _others(known.standing[1:] + known.overruled, people) if known else "",
            }
        )
    if not lines:
        return
    say(form.title.en, form.title.zh)
    show(lines, ITEMS)
    for score in form.scores if judged.graded else ():
        value = judged.scores[score.code] or "-"
        say(f"{score.text.en}: {value}", f"{score.text.zh}：{value}")


def say_unproven(judged: Iterable[Verdict]) -> None:
    """Warn of failed items without evidence: nobody concludes over them, and one is still there."""
    if names := [name for one in judged for name in one.evidence_missing]:
        say(
            f"WARNING: failed, with no evidence attached: {', '.join(names)}."
            " Attach it before you leave.",
            f"警告：不合格项缺少证据：{'、'.join(names)}。请在离开前补充。",
        )


def say_open(judged: Iterable[Verdict]) -> None:
    """Warn of items without an answer that counts; the outcome waits for them."""
    if names := [name for one in judged for name in (*one.unanswered, *one.in_conflict)]:
        say(
            f"WARNING: no outcome before these are answered: {', '.join(names)}.",
            f"警告：以下检查项待答，尚不能得出结论：{'、'.join(names)}。",
        )


def _value(known: Known) -> str:
    """Say an answer with its unit and the limit that applied; of a table, how many rows it has."""
    said = known.standing[0] if known.standing else None
    if said is None or not said.kind:
        return known.value
    if said.kind == "table":
        return text(f"{known.value} rows", f"{known.value} 行")
    limit = f"({said.limit})" if said.limit else ""
    return " ".join(filter(None, (known.value, said.unit, limit)))


def _flag(judged: Verdict, ref: str, *, conflict: bool) -> str:
    if conflict:  # also where nobody is asked any more: the office will not conclude over it
        return text("CONFLICT", "不一致")
    if ref in judged.not_asked:
        return text("not asked", "不询问")
    if ref in judged.evidence_missing:
        return text("FAILS, no evidence", "不合格，缺证据")
    if ref in judged.failed:
        return text("FAILS", "不合格")
    return text("open", "待答") if ref in judged.unanswered else ""


def _others(said: tuple[Said, ...], people: Mapping[str, str]) -> str:
    return ", ".join(f"{one.v} ({people.get(one.who, one.who)})" for one in said)
