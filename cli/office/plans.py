"""计划、抽取、任务: from a plan to tasks on the inspectors' devices."""

from datetime import datetime
from pathlib import Path
from secrets import token_hex

import click

from backend.rules.draw import nonce_commitment
from backend.rules.papers import AUDITOR_ONLY
from backend.wire import (
    Dispatched,
    DrawView,
    HoldOrder,
    NewPlan,
    PlanView,
    TaskView,
    VoidOrder,
)
from cli import client
from cli.output import as_json, json_option, say, show

PLANS = {
    "id": ("plan", "计划"),
    "title": ("title", "名称"),
    "sites": ("sites", "应抽/可抽"),
    "closes_on": ("closes", "结束"),
    "status": ("draw", "抽取"),
}
DRAW = {
    "id": ("draw", "抽取"),
    "status": ("status", "状态"),
    "agency": ("agency", "机关"),
    "seq": ("number", "序号"),
    "commit_hash": ("commitment", "承诺"),
    "not_before": ("not before", "不早于"),
    "sources": ("sources", "随机源"),
    "nonces": ("nonces from", "随机数来自"),
    "in_scope": ("in scope", "范围内"),
    "eligible": ("eligible", "可抽"),
    "sites": ("drawn", "已抽"),
    "seed": ("seed", "种子"),
    "bundle_sha256": ("bundle", "抽取档案包"),
}


class Pair(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, found, rest = value.partition("=")
        if not (key and found and rest):
            self.fail(f"{value!r} is not name=value", param, ctx)
        return key, rest


class Share(click.ParamType[tuple[int, int]]):
    """`3%`, `0.5%` or `3/100`, exactly."""

    name = "rate"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read a share as two integers."""
        if isinstance(value, tuple):
            return value
        try:
            if value.endswith("%"):
                whole, _, part = value[:-1].partition(".")
                return int(whole + part), 100 * 10 ** len(part)
            num, den = value.split("/")
            return int(num), int(den)
        except ValueError:
            self.fail(f"{value!r} is neither 3% nor 3/100", param, ctx)


@click.group()
def plan() -> None:
    """Make plans and look at them. 抽查计划。"""


@plan.command("create")
@click.argument("title")
@click.option("--division", required=True, help="行政区划代码: sites of it and below.")
@click.option("--category", default="", help="Only this category; all without it. 类别。")
@click.option("--rate", type=Share(), required=True, help="3% or 3/100, rounded up. 抽查比例。")
@click.option("--minimum", type=int, default=1, show_default=True, help="At least. 至少户数。")
@click.option("--qualification", default="", help="Asked of both inspectors. 资质。")
@click.option("--opens", type=click.DateTime(["%Y-%m-%d"]), required=True, help="开始日期。")
@click.option("--closes", type=click.DateTime(["%Y-%m-%d"]), required=True, help="结束日期。")
@click.option(
    "--checklist", "checklists", type=Pair(), multiple=True, required=True,
    help="category=CODE or digest, *=CODE for all others. 检查表。",
)  # fmt: skip
@json_option
def create_plan(
    title: str,
    division: str,
    category: str,
    rate: tuple[int, int],
    minimum: int,
    qualification: str,
    opens: datetime,
    closes: datetime,
    checklists: tuple[tuple[str, str], ...],
) -> None:
    """Create a plan: whom to draw from, how many, by when. 制定抽查计划。"""
    new = NewPlan(
        title=title,
        division=division,
        checklists=dict(checklists),
        opens_on=opens.date(),
        closes_on=closes.date(),
        rate=rate,
        minimum=minimum,
        category=category,
        qualification=qualification,
    )
    made = client.post("/office/plans", PlanView, new)
    say(
        f"Plan {made.id}: {made.sites} of {made.eligible} eligible sites will be drawn.",
        f"计划 {made.id}：将从 {made.eligible} 户可抽对象中抽取 {made.sites} 户。",
    )
    show(made, {})


@plan.command("list")
@json_option
def list_plans() -> None:
    """List the plans of your division, newest first. 计划列表。"""
    found = client.get("/office/plans", list[PlanView])
    if as_json():
        show(found)
    else:
        rows = [
            {
                "id": one.id,
                "title": one.title,
                "sites": f"{one.sites}/{one.eligible}",
                "closes_on": one.closes_on,
                "status": one.draws[-1].status if one.draws else "",
            }
            for one in found
        ]
        show(rows, PLANS)


@plan.command("show")
@click.argument("plan_id")
@json_option
def show_plan(plan_id: str) -> None:
    """Show a plan and its draws, void ones too. 计划详情。"""
    show(client.get(f"/office/plans/{plan_id}", PlanView))


@click.group()
def draw() -> None:
    """Commit to a draw, hold it, export its bundle. 抽取。"""


@draw.command("nonce")
@click.argument("who")
@json_option
def nonce(who: str) -> None:
    """Make a secret nonce for one contributor, and what they publish of it. 生成随机数及其承诺。"""
    secret = token_hex(32)
    show({"who": who, "nonce": secret, "commitment": nonce_commitment(who, secret)})


@draw.command("commit")
@click.argument("plan_id")
@click.option("--dice", "ceremonies", multiple=True, required=True, help="Ceremony's name. 掷骰。")
@click.option("--sides", type=click.Choice(["6", "8", "10"]), default="10", show_default=True)
@click.option("--rolls", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--nonce", "nonces", type=Pair(), multiple=True, help="WHO=COMMITMENT. 随机数承诺。")
@click.option("--not-before", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), default=None)
@json_option
def commit_draw(
    plan_id: str,
    ceremonies: tuple[str, ...],
    sides: str,
    rolls: int,
    nonces: tuple[tuple[str, str], ...],
    not_before: datetime | None,
) -> None:
    """Freeze the frame and publish the commitment, before any seed can exist. 冻结名录并承诺。"""
    faces = {"6": 6, "8": 8, "10": 10}
    order = {
        "dice": [{"ceremony": one, "sides": faces[sides], "rolls": rolls} for one in ceremonies],
        "nonce_commits": dict(nonces),
        "not_before": not_before,
    }
    made = client.post(f"/office/plans/{plan_id}/draws", DrawView, order)
    say(
        f"Committed to {made.eligible} eligible of {made.in_scope} in scope. "
        "Publish the commitment now:",
        f"已对范围内 {made.in_scope} 户（可抽 {made.eligible} 户）作出承诺。请立即公布：",
    )
    show(made, DRAW)


@draw.command("hold")
@click.argument("draw_id")
@click.option("--digits", type=Pair(), multiple=True, help="SOURCE=DIGITS. 现场数字。")
@click.option("--again", type=Pair(), multiple=True, help="The same, by a second person. 复录。")
@click.option("--nonce", "nonces", type=Pair(), multiple=True, help="WHO=NONCE. 公开随机数。")
@json_option
def hold_draw(
    draw_id: str,
    digits: tuple[tuple[str, str], ...],
    again: tuple[tuple[str, str], ...],
    nonces: tuple[tuple[str, str], ...],
) -> None:
    """Hold the draw, once; asks for digits and nonces that are not given. 抽取。"""
    waiting = client.get(f"/office/draws/{draw_id}", DrawView)
    first, second, revealed = dict(digits), dict(again), dict(nonces)
    for source, announced in waiting.sources.items():
        if source not in first:
            first[source] = click.prompt(f"{source} ({announced})", err=True)
        if source not in second:
            second[source] = click.prompt(f"{source} / 复录", err=True, hide_input=True)
    for who in waiting.nonces:
        if who not in revealed:
            revealed[who] = click.prompt(f"nonce / 随机数 {who}", err=True)
    order = HoldOrder(digits=first, digits_again=second, nonces=revealed)
    held = client.post(f"/office/draws/{draw_id}/hold", DrawView, order)
    say(f"Drawn: {held.sites} sites.", f"已抽取 {held.sites} 户。")
    show(held, DRAW)


@draw.command("show")
@click.argument("draw_id")
@json_option
def show_draw(draw_id: str) -> None:
    """Show a draw. 抽取详情。"""
    show(client.get(f"/office/draws/{draw_id}", DrawView), DRAW)


@draw.command("void")
@click.argument("draw_id")
@click.option("--reason", required=True, help="Published. 作废理由（公开）。")
@json_option
def void_draw(draw_id: str, reason: str) -> None:
    """Declare a draw void; only another officer than who committed may. 作废。"""
    show(client.post(f"/office/draws/{draw_id}/void", DrawView, VoidOrder(reason=reason)), DRAW)


@draw.command("export")
@click.argument("draw_id")
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="A new or empty folder. 目标文件夹。",
)  # fmt: skip
@click.option("--public", is_flag=True, help="Without what only an auditor may see. 仅公开部分。")
@json_option
def export_draw(draw_id: str, folder: Path, public: bool) -> None:
    """Write the files of a draw into a folder, for `evenhand verify draw`. 导出抽取档案包。"""
    names = client.get(f"/office/draws/{draw_id}", DrawView).files
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in names if not (public and name in AUDITOR_ONLY)]
    for name in wanted:
        body = client.fetch(f"/office/draws/{draw_id}/files/{name}")
        (folder / name).write_bytes(body)
    say(f"{len(wanted)} files in {folder}.", f"{folder} 中共 {len(wanted)} 个文件。")
    if as_json():
        show({"folder": str(folder), "files": wanted})


@click.group()
def task() -> None:
    """List tasks and dispatch them. 检查任务。"""


@task.command("list")
@click.argument("plan_id")
@json_option
def list_tasks(plan_id: str) -> None:
    """List the tasks of a plan by their place in the draw. 任务列表。"""
    found = client.get(f"/office/plans/{plan_id}/tasks", list[TaskView])
    if as_json():
        show(found)
    else:
        rows = [
            {
                "place": one.place,
                "code": one.establishment.code,
                "name": one.establishment.name,
                "lead": one.lead.name,
                "second": one.second.name,
                "dispatched_at": one.dispatched_at,
            }
            for one in found
        ]
        show(rows, TASKS)


@task.command("dispatch")
@click.argument("plan_id")
@json_option
def dispatch(plan_id: str) -> None:
    """Send the tasks to the inspectors' devices; again sends only new ones. 派发。"""
    sent = client.post(f"/office/plans/{plan_id}/dispatch", Dispatched)
    say(
        f"Dispatched {sent.now}; {sent.total} are out.",
        f"本次派发 {sent.now} 项，共 {sent.total} 项。",
    )
    show(sent, {})


TASKS = {
    "place": ("place", "名次"),
    "code": ("code", "代码"),
    "name": ("establishment", "检查对象"),
    "lead": ("lead", "主办"),
    "second": ("second", "协办"),
    "dispatched_at": ("dispatched", "派发时间"),
}

commands: list[click.Command] = [plan, draw, task]
