"""检查详情 in the terminal: what the office knows of an inspection, in the order of a record."""

import click

from backend.wire import FindingView, InspectionView, MomentView, SaidView, Stage, VerdictView
from cli.device_tasks import role_word
from cli.office.followup import STATES
from cli.office.pictures import say_picture
from cli.on_site import acts, how, lines, point, voided
from cli.output import as_json, say, show, text
from sync.moments import Odd

STAGES: dict[Stage, tuple[str, str]] = {
    "assigned": ("assigned", "已交办"),
    "recording": ("recording", "检查中"),
    "signed": ("signed", "已签名"),
    "concluded": ("concluded", "已作出结果"),
    "returned": ("returned", "已退回"),
    "approved": ("approved", "已审核"),
    "published": ("published", "已公示"),
}
ODD: dict[Odd, tuple[str, str]] = {
    "clock-absurd": ("a clock shows what no clock shows", "时钟读数不可能"),
    "clock-skewed": ("the wall clock was wrong", "系统时间不准"),
    "wall-went-back": ("the wall clock was put back", "系统时间被调回"),
    "boot-went-back": ("out of order by the running clock", "运行时钟次序颠倒"),
    "after-arrival": ("recorded after it had arrived", "记录时间晚于到达时间"),
    "before-dispatch": ("before the task was handed out", "早于任务下达"),
    "after-seal": ("after both had signed", "晚于双方签名"),
}


def show_whole(view: InspectionView) -> None:
    """Print an inspection, or give it as JSON."""
    if as_json():
        show(view)
        return
    click.echo(f"{view.id}  {view.name} ({view.code})")
    say(
        f"{view.lead} (lead), {view.second} (second): {STAGES[view.stage][0]}",
        f"主办 {view.lead}，协办 {view.second}：{STAGES[view.stage][1]}",
    )
    _show_arrivals(view)
    _show_items(view)
    for found in view.findings:
        _show_finding(found)
    for one in view.evidence:
        state = one.flag or text("arrived", "已到达")
        if not one.arrived:
            device = f"{one.label} {one.device}".strip()
            state = text(f"missing, on device {device}", f"未到达，位于终端 {device}")
        click.echo(f"   {one.sha256}  {one.mime}  {one.size}  {state}  {one.item}")
        say_picture(one)
    if view.evidence and view.pictures_waiting:
        say(
            f"Pictures not compared yet: {view.pictures_waiting}. Some of those that look the same "
            "may be missing here; show the inspection again.",
            f"尚有 {view.pictures_waiting} 张照片未比对，雷同提示可能不全，请再次查看。",
        )
    for words, _ in lines(view.on_site):
        click.echo(words)
    _show_signatures(view)
    for score in view.verdict.scores:
        say(
            f"{score.label.en}: {score.value or '-'}",
            f"{score.label.zh}：{score.value or '-'}",
        )
    lacking = [name for one in _judged(view) for name in one.evidence_missing]
    if lacking and view.conclusion is None:
        say(
            f"Failed, with no evidence: {', '.join(lacking)}",
            f"不合格项缺少证据：{'、'.join(lacking)}",
        )
    if view.verdict.label is not None:
        label = view.verdict.label
        why_en, why_zh = _why(view.verdict)
        say(f"Verdict: {label.en}{why_en}", f"结论：{label.zh}{why_zh}")
    for part in view.parts:
        if part.verdict.label is not None:
            who, label = ", ".join(part.departments), part.verdict.label
            why_en, why_zh = _why(part.verdict)
            say(f"{who}: {label.en}{why_en}", f"{who}：{label.zh}{why_zh}")
    if view.conclusion is not None:
        label = view.conclusion.result_label
        say(
            f"Result: {label.en}; to be published by {view.conclusion.publish_by}",
            f"结果：{label.zh}；公示期限 {view.conclusion.publish_by}",
        )
        for follow in view.conclusion.follow_ups:
            say(f"Follows: {follow.label.en}", f"后续处置：{follow.label.zh}")
        if view.conclusion.correction:
            why = view.conclusion.correction
            say(f"Corrects what is published: {why}", f"更正已公示结果：{why}")
        if view.conclusion.outdated:
            say("The inspection has changed since.", "此后检查内容已有变更。")
        if view.conclusion.reason and not view.conclusion.approved:
            say(f"Returned: {view.conclusion.reason}", f"退回：{view.conclusion.reason}")
    for moment in view.moments:
        if moment.odd:
            _show_moment(moment)
    _show_follow_up(view)


def _why(one: VerdictView) -> tuple[str, str]:
    """Name the clause that decided, or what a recheck found not to be remedied."""
    if one.graded:
        return f" ({one.clause})", f"（{one.clause}）"
    rest = ", ".join(one.unremedied)
    return (f": {rest}", f"：{rest}") if rest else ("", "")


def _show_follow_up(view: InspectionView) -> None:
    if view.order is not None:
        items = ", ".join(view.order.items)
        say(
            f"Ordered to put right {items} by {view.order.due_on}",
            f"责令整改：第 {items} 项，限 {view.order.due_on} 前",
        )
        left = [one.item for one in view.order.remedies if one.status == "open"]
        if len(left) < len(view.order.items):
            rest = ", ".join(left)
            say(f"  still open: {rest or 'none'}", f"  未完成：{rest or '无'}")
    for measure in view.measures:
        state = text(*STATES[measure.status])
        due = f"  {measure.due_on}" if measure.due_on else ""
        said = f"{measure.who} {measure.reference} {', '.join(measure.items)}".strip()
        label = text(measure.label.en, measure.label.zh)
        click.echo(f"{label}: {state}{due}  {said}  {measure.id}")


def _show_finding(one: FindingView) -> None:
    marks = [
        (one.voided != "", "withdrawn", "已作废"),
        (one.fixed, "put right on the spot", "当场改正"),
        (len(one.repeats) > 0, "found before", "再次违法"),
    ]
    said = "".join(text(f" ({en})", f"（{zh}）") for shown, en, zh in marks if shown)
    click.echo(f"   {one.item} {one.text} [{one.basis}]{said}")
    if one.first_exempt and one.conditions is not None:
        say(
            f"      First offence, may go without a penalty if: {one.conditions.en}",
            f"      可能适用首违不罚，条件：{one.conditions.zh}",
        )


def _show_moment(one: MomentView) -> None:
    between = f"{one.earliest:%F %T}" if one.earliest else "?"
    if not one.exact and one.latest:
        between += f" – {one.latest:%F %T}"
    odd = text(", ".join(ODD[why][0] for why in one.odd), "、".join(ODD[why][1] for why in one.odd))
    say(
        f"Time: {one.op} ({one.kind}) {between} UTC: {odd}",
        f"时间：{one.op}（{one.kind}）{between} UTC：{odd}",
    )


def _said(one: SaidView) -> str:
    stands = text("stands", "有效") if one.stands else text("overruled", "被覆盖")
    return f"{one.who}: {one.value} {one.note}".rstrip() + f"  [{stands}]"


def _judged(view: InspectionView) -> tuple[VerdictView, ...]:
    return view.verdict, *(part.verdict for part in view.parts)


def _show_items(view: InspectionView) -> None:
    failed = {name for one in _judged(view) for name in one.failed}
    hidden = {name for one in _judged(view) for name in one.not_asked}
    for item in view.items:
        if not view.verdict.graded and item.ref in hidden:
            continue
        mark = "!" if item.conflict else "✗" if item.ref in failed else " "
        star = "★" if item.key else " "
        words = text(item.text.en, item.text.zh)
        value = item.value or (text("not asked", "不询问") if item.ref in hidden else "-")
        click.echo(f" {mark}{star}{item.ref:>6}  {value:<6} {words}")
        if len(item.said) > 1:
            for said in item.said:
                click.echo(f"            {_said(said)}")


def _show_arrivals(view: InspectionView) -> None:
    people = {part.who: part.name for part in view.taking_part}
    for one in view.on_site.arrivals or ():
        arrived = f"{people.get(one.who, one.who)}  {how(one)} {one.code}".rstrip()
        said = "  ".join(filter(None, (arrived, point(one), one.approval))) + voided(one)
        say(f"Arrival: {said}", f"到达：{said}")


def _show_signatures(view: InspectionView) -> None:
    for one in view.signatures:
        if one.amended:
            continue
        role = role_word(one.role)
        name = one.name or one.who
        if one.refused:
            say(
                f"Would not sign: {name} ({role}): {one.refused}; witness {one.witness}",
                f"拒绝签名：{name}（{role}）：{one.refused}；见证人 {one.witness}",
            )
        else:
            say(f"Signed: {name} ({role})", f"签名：{name}（{role}）")
    for part in view.taking_part:
        if not part.did:
            lacking = acts(part.lacking)
            say(
                f"WARNING: {part.name} took no part (not {lacking}): two must.",
                f"警告：{part.name} 未参加检查（未见：{lacking}）；须由两名检查人员共同实施。",
            )
