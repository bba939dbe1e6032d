"""检查结果: look at inspections, conclude, review, publish."""

import io
import shutil
import sys
import zipfile
from pathlib import Path

import click
import msgspec

from backend.wire import (
    InspectionLine,
    InspectionView,
    MaskBox,
    NewConclusion,
    NewReview,
    NewWithholding,
    PublishedView,
    WithheldView,
)
from cli import client
from cli.device_print import paper_options
from cli.office.inspection_view import STAGES, show_whole
from cli.office.pictures import read_box
from cli.output import as_json, complain, json_option, say, show, text
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


@click.group()
def inspection() -> None:
    """Look at inspections, conclude and review them. 检查结果。"""


@inspection.command("list")
@json_option
def list_inspections() -> None:
    """List the inspections of your division. 检查列表。"""
    found = client.get("/office/inspections", list[InspectionLine])
    stages = [{} if as_json() else {"stage": text(*STAGES[one.stage])} for one in found]
    lines = zip(found, stages, strict=True)
    show([msgspec.structs.asdict(one) | words for one, words in lines], LINE)


@inspection.command("show")
@click.argument("inspection_id")
@json_option
def show_inspection(inspection_id: str) -> None:
    """Show one inspection: answers and whose, evidence, verdict, conclusion. 检查详情。"""
    show_whole(client.get(f"/office/inspections/{inspection_id}", InspectionView))


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
    show_whole(client.post(path, InspectionView, new))


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
    show_whole(client.post(path, InspectionView, order))


@inspection.command("withhold")
@click.argument("inspection_id")
@click.argument("n", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; it is published. 撤下理由（公开）。")
@json_option
def withhold_publication(inspection_id: str, n: int, reason: str) -> None:
    """Withhold publication N, which was corrected since; a notice stays. 撤下更正前的公示。"""
    path = f"/office/inspections/{inspection_id}/replaced/{n}/withholding"
    done = client.post(path, WithheldView, NewWithholding(reason))
    say(
        f"Publication {n} is withheld from {done.withheld_on}; write the folder again: "
        "evenhand office publish --to",
        f"第 {n} 次公示自 {done.withheld_on} 起撤下；请重新生成公示材料："
        "evenhand office publish --to",
    )
    if as_json():
        show(done)


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
