"""投诉举报: enter what hotlines pass on, work on it, and see what is overdue."""

from datetime import datetime
from pathlib import Path
from typing import Literal, cast

import click
import msgspec

from backend.rules.complaints import CHANNELS, KINDS, Step, read
from backend.wire import ComplaintsView, ComplaintView, NewComplaints, NewStep
from cli import client
from cli.complaints import state
from cli.output import Words, as_json, json_option, say, show, text

COMPLAINTS = {
    "number": ("number", "编号"),
    "kind": ("kind", "类型"),
    "received_on": ("received", "接收日期"),
    "name": ("establishment", "检查对象"),
    "place": ("place", "地点"),
    "matter": ("matter", "事项"),
    "state": ("state", "状态"),
    "next_step": ("next", "下一步"),
    "due_on": ("by", "期限"),
    "overdue": ("overdue", "逾期"),
}
NEXT: dict[str, Words] = {"accept": ("accept", "受理"), "close": ("close", "办结"), "": ("", "")}


@click.group()
def complaints() -> None:
    """Enter complaints and reports, and answer them. 投诉举报。"""


@complaints.command("add")
@click.argument("number")
@click.option("--kind", type=click.Choice(list(KINDS)), required=True, help="投诉或举报。")
@click.option("--channel", type=click.Choice(CHANNELS), default="12315", show_default=True)
@click.option("--received", type=click.DateTime(["%Y-%m-%d"]), required=True, help="接收日期。")
@click.option("--code", default="", help="Of the establishment. 检查对象代码。")
@click.option("--place", default="", help="Where, if nobody is registered there. 地点。")
@click.option("--division", default="", help="Of that place. 区划代码。")
@click.option("--text", default="", help="Without personal data. 内容（不含个人信息）。")
@click.argument("matter")
@json_option
def add_complaint(received: datetime, **told: str) -> None:
    """Enter a complaint under its NUMBER; who complained is not told. 登记投诉举报。"""
    order = {**told, "received_on": received.date()}
    _show(client.post("/office/complaints", ComplaintView, order))


@complaints.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def import_complaints(file: Path) -> None:
    """Enter all complaints of a CSV file, or none. 导入投诉举报。"""
    told = file.read_text("utf-8-sig")
    read(told)  # tells row and field before anything is asked
    done = client.post("/office/complaints/import", ComplaintsView, NewComplaints(csv=told))
    say(
        f"Entered: {done.entered}, known already: {done.unchanged}.",
        f"新登记 {done.entered} 条，已登记 {done.unchanged} 条。",
    )
    show(done, {})


@complaints.command("list")
@click.option("--overdue", "which", flag_value="overdue", help="Only what is overdue. 仅逾期。")
@click.option("--all", "which", flag_value="all", help="Closed ones too. 含已办结。")
@json_option
def list_complaints(which: str | None) -> None:
    """List complaints, what falls due first on top. 投诉举报列表。"""
    wanted = cast(Literal["open", "overdue", "all"], which or "open")
    found = client.get("/office/complaints", list[ComplaintView], which=wanted)
    show(found if as_json() else [_worded(one) for one in found], COMPLAINTS)


@complaints.command("accept")
@click.argument("number")
@json_option
def accept_complaint(number: str) -> None:
    """Accept a complaint for mediation. 受理。"""
    _step(number, "accept", "")


@complaints.command("reject")
@click.argument("number")
@click.option("--reason", required=True, help="不予受理理由。")
@json_option
def reject_complaint(number: str, reason: str) -> None:
    """Do not accept a complaint, or do not pursue a report. 不予受理。"""
    _step(number, "reject", reason)


@complaints.command("extend")
@click.argument("number")
@click.option("--reason", required=True, help="延期理由。")
@json_option
def extend_complaint(number: str, reason: str) -> None:
    """Extend the term for verifying a report, once. 延长核查期限。"""
    _step(number, "extend", reason)


@complaints.command("close")
@click.argument("number")
@click.option("--answer", required=True, help="What came of it. 办理结果。")
@json_option
def close_complaint(number: str, answer: str) -> None:
    """Close a complaint with its answer. 办结。"""
    _step(number, "close", answer)


commands: list[click.Command] = [complaints]


def _step(number: str, step: Step, answer: str) -> None:
    order = NewStep(number=number, step=step, answer=answer)
    _show(client.post("/office/complaints/steps", ComplaintView, order))


def _worded(one: ComplaintView) -> dict[str, object]:
    kind, late = KINDS[one.kind], text("yes", "是") if one.overdue else ""
    plain: dict[str, object] = msgspec.structs.asdict(one)
    return plain | {
        "kind": text(kind.en, kind.zh),
        "state": state(one.state),
        "next_step": text(*NEXT[one.next_step]),
        "overdue": late,
    }


def _show(one: ComplaintView) -> None:
    now, then = state(one.state), text(*NEXT[one.next_step])
    if one.due_on is not None:
        say(
            f"{one.number}: {now}; {then} by {one.due_on}.",
            f"{one.number}：{now}；应于 {one.due_on} 前{then}。",
        )
    else:
        say(f"{one.number}: {now}.", f"{one.number}：{now}。")
    if as_json():
        show(one)
