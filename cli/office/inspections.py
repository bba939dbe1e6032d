"""检查结果: look at inspections, conclude, review, publish."""

import io
import shutil
import sys
import zipfile
from pathlib import Path

import click

from backend.wire import (
    FindingView,
    InspectionLine,
    InspectionView,
    MaskBox,
    MomentView,
    NewConclusion,
    NewReview,
    PublishedView,
    SaidView,
)
from cli import client
from cli.device_print import paper_options
from cli.office.followup import STATES
from cli.office.pictures import read_box, say_picture
from cli.output import as_json, complain, json_option, say, show, text
from sync.moments import Odd
from sync.refusals import Reason, Refused

LINE = {
    "id": ("inspection", "检查编号"),
    "code": ("code", "代码"),
    "name": ("business", "检查对象"),
    "stage": ("stage", "阶段"),
    "conflicts": ("conflicts", "不一致"),
    "outcome": ("outcome", "结论"),
    "publish_by": ("publish by", "公示期限"),
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


@click.group()
def inspection() -> None:
    """Look at inspections, conclude and review them. 检查结果。"""


@inspection.command("list")
@json_option
def list_inspections() -> None:
    """List the inspections of your division. 检查列表。"""
    show(client.get("/office/inspections", list[InspectionLine]), LINE)


@inspection.command("show")
@click.argument("inspection_id")
@json_option
def show_inspection(inspection_id: str) -> None:
    """Show one inspection: answers and whose, evidence, verdict, conclusion. 检查详情。"""
    _show(client.get(f"/office/inspections/{inspection_id}", InspectionView))


@inspection.command("conclude")
@click.argument("inspection_id")
@click.option("--remark", default="", help="备注。")
@click.option("--result", default="", metavar="CODE", help="What you found instead. 检查结果代码。")
@click.option("--follow-up", "follow_ups", multiple=True, metavar="CODE", help="后续处置代码。")
@click.option("--correction", default="", help="Why what is published is wrong. 更正理由（公开）。")
@json_option
def conclude_inspection(
    inspection_id: str, remark: str, result: str, follow_ups: tuple[str, ...], correction: str
) -> None:
    """Conclude by the checklist's rules, or by a --result of `result list`. 作出检查结果。"""
    path = f"/office/inspections/{inspection_id}/conclusion"
    new = NewConclusion(remark=remark, result=result, follow_ups=follow_ups, correction=correction)
    _show(client.post(path, InspectionView, new))


@inspection.command("review")
@click.argument("inspection_id")
@click.option("--approve", is_flag=True, help="Approve. 审核通过。")
@click.option(
    "--return", "reason", default="", metavar="REASON", help="Return it. 退回并说明理由。"
)
@click.option("--photo", "photos", multiple=True, metavar="SHA256", help="Publish it. 公开照片。")
@click.option(
    "--mask", "masks", multiple=True, metavar="SHA256:X,Y,W,H", help="Hide of a photo. 遮挡框。"
)
@json_option
def review_inspection(
    inspection_id: str, approve: bool, reason: str, photos: tuple[str, ...], masks: tuple[str, ...]
) -> None:
    """Approve or return a conclusion; for reviewers who did not inspect. 审核检查结果。"""
    if approve == bool(reason):
        raise click.UsageError(text("Give --approve or --return REASON.", "请指定通过或退回理由。"))
    path = f"/office/inspections/{inspection_id}/review"
    hidden: dict[str, tuple[MaskBox, ...]] = {}
    for one in masks:
        photo, _, box = one.partition(":")
        hidden[photo] = (*hidden.get(photo, ()), read_box(box))
    order = NewReview(approve=approve, reason=reason, photos=photos, masks=hidden)
    _show(client.post(path, InspectionView, order))


@inspection.command("print")
@click.argument("inspection_id")
@paper_options
@json_option
def print_inspection(inspection_id: str, what: str, language: str, output: Path) -> None:
    """Print a document of an inspection as PDF/A: the same bytes as on a device. 打印执法文书。"""
    path = f"/office/inspections/{inspection_id}/papers"
    body = client.fetch(path, what=what, language=language)
    output.write_bytes(body)
    say(f"Written: {output}", f"已写入：{output}")
    show({"written": str(output)}, {})


@click.command()
@click.option("--to", "folder", type=click.Path(path_type=Path), default=None, help="目标目录。")
@json_option
def publish(folder: Path | None) -> None:
    """Publish approved results, and write the folder that anyone can verify. 公示。"""
    if folder is not None and folder.exists() and not _is_ours(folder):
        raise click.UsageError(text(f"{folder} is not empty.", f"{folder} 不是空目录。"))
    done = client.post("/office/publications", PublishedView)
    if folder is not None:
        _unpack(client.fetch("/office/publications/site.zip"), folder)
    say(
        f"Results published: {len(done.published)}, waiting: {done.waiting}.",
        f"已公示 {len(done.published)} 条结果，{done.waiting} 条待公示。",
    )
    if folder is not None:
        say(
            f"The folder is {folder}; check it offline: evenhand verify publication {folder}",
            f"公示材料位于 {folder}；离线复核：evenhand verify publication {folder}",
        )
    if as_json():
        show(done)
    for one in done.refused:
        details = {"inspection": one.inspection, "fields": one.fields}
        complain(Refused(Reason.PUBLICATION_PERSONAL, **details))
    if done.refused:
        sys.exit(int(Reason.PUBLICATION_PERSONAL.kind))


commands: list[click.Command] = [inspection, publish]


def _show(view: InspectionView) -> None:
    if as_json():
        show(view)
        return
    click.echo(f"{view.id}  {view.name} ({view.code})")
    say(
        f"{view.lead} (lead), {view.second} (second): {view.stage}",
        f"主办 {view.lead}，协办 {view.second}：{view.stage}",
    )
    for item in view.items:
        mark = "!" if item.conflict else " "
        star = "★" if item.key else " "
        words = text(item.text.en, item.text.zh)
        click.echo(f" {mark}{star}{item.ref:>6}  {item.value or '-':<6} {words}")
        if len(item.said) > 1:
            for said in item.said:
                click.echo(f"            {_said(said)}")
    for found in view.findings:
        _show_finding(found)
    for one in view.evidence:
        state = one.flag or text("arrived", "已到达")
        if not one.arrived:
            device = f"{one.label} {one.device}".strip()
            state = text(f"missing, on device {device}", f"未到达，位于终端 {device}")
        click.echo(f"   {one.sha256}  {one.mime}  {one.size}  {state}  {one.item}")
        say_picture(one)
    if view.verdict.label is not None:
        label = view.verdict.label
        clause = view.verdict.clause
        say(f"Verdict: {label.en} ({clause})", f"结论：{label.zh}（{clause}）")
    for part in view.parts:
        if part.verdict.label is not None:
            who, label = ", ".join(part.departments), part.verdict.label
            say(
                f"{who}: {label.en} ({part.verdict.clause})",
                f"{who}：{label.zh}（{part.verdict.clause}）",
            )
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


def _is_ours(folder: Path) -> bool:
    return (folder / "MANIFEST.sha256").is_file() or not any(folder.iterdir())


def _unpack(body: bytes, folder: Path) -> None:
    """Put the new folder in the place of the old one, never half of it."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(fresh)
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
