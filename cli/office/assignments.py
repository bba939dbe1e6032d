"""交办: assign, list and take back tasks that no draw made."""

from datetime import datetime

import click
import msgspec

from backend.wire import AssignedLine, AssignedView, WithdrawOrder
from cli import client
from cli.office.provisional import place_of
from cli.output import as_json, json_option, say, show, text
from cli.place import described, on_map
from sync.checklist import ASKS, Asks
from sync.origins import ORIGINS, WORDS, origin_of

DAY = click.DateTime(["%Y-%m-%d"])
LINES = {
    "id": ("task", "任务编号"),
    "origin": ("why", "缘由"),
    "code": ("code", "代码"),
    "name": ("establishment", "检查对象"),
    "lead": ("lead", "主办"),
    "second": ("second", "协办"),
    "closes_on": ("until", "期限"),
    "state": ("state", "状态"),
    "reason": ("reason", "理由"),
}


@click.command("assign")
@click.option("--code", default="", help="Of the establishment. 检查对象代码。")
@described()
@on_map
@click.option("--checklist", required=True, help="Its digest, or a code for its newest. 检查表。")
@click.option("--lead", required=True, metavar="CERTIFICATE", help="主办执法证号。")
@click.option("--second", required=True, metavar="CERTIFICATE", help="协办执法证号。")
@click.option("--origin", required=True, type=click.Choice(ORIGINS[1:]), help="检查缘由。")
@click.option("--reason", required=True, help="Why; kept, never published. 理由（不公开）。")
@click.option("--opens", required=True, type=DAY, help="The first day. 起始日期。")
@click.option("--closes", required=True, type=DAY, help="The last day. 截止日期。")
@click.option("--reference", default="", help="The complaint's number. 投诉举报编号。")
@click.option("--follows", default="", metavar="INSPECTION", help="The one before. 跟进的检查。")
@click.option("--must", multiple=True, metavar="ITEM", help="Must be answered. 必查项。")
@click.option(
    "--asks",
    type=click.Choice(ASKS),
    default=None,
    help="Of a recheck: the whole checklist, or only what must be answered; else as the checklist "
    "says. 复查范围：whole 全表，must 仅必查项；默认依检查表。",
)
@click.option(
    "--beyond-cap",
    default="",
    metavar="REASON",
    help="Go though the year's number of visits is used up. Complaints and rechecks need no "
    "reason. 超出年度频次上限的理由（投诉举报核查、复查不受限）。",
)
@click.option("--with-stalls", is_flag=True, help="And to every stall of the market. 含各摊位。")
@click.option("--only", multiple=True, metavar="CODE", help="Of the stalls only these. 仅限摊位。")
@click.option("--stall-checklist", default="", help="Another one for the stalls. 摊位检查表。")
@json_option
def assign_task(
    code: str,
    checklist: str,
    lead: str,
    second: str,
    origin: str,
    reason: str,
    opens: datetime,
    closes: datetime,
    reference: str,
    follows: str,
    must: tuple[str, ...],
    asks: Asks | None,
    beyond_cap: str,
    with_stalls: bool,
    only: tuple[str, ...],
    stall_checklist: str,
    **place: str | float | None,
) -> None:
    """Send two inspectors where no draw sent them; for supervisors. 交办检查任务。

    A place that is in no register (such as an unlicensed den) is described by --name, --address,
    --category and --division instead of --code, and gets a provisional code.

    A visit beyond the year's number (年度频次上限) is refused unless --beyond-cap says why. A
    mystery visit (暗访) is marked unannounced: nobody is told before. A recheck (复查) for which no
    --must is given is for what the order of the visit that it follows left open.
    """
    if bool(code) == bool(place["name"]):
        raise click.UsageError(text("Give --code or --name.", "请填写 --code 或 --name 之一。"))
    order: dict[str, object] = {
        "code": code,
        "checklist": checklist,
        "lead": lead,
        "second": second,
        "origin": origin,
        "reason": reason,
        "opens_on": opens.date(),
        "closes_on": closes.date(),
        "reference": reference,
        "follows": follows,
        "must": must,
        "asks": asks or "",
        "beyond_cap": beyond_cap,
        "with_stalls": with_stalls,
        "only": only,
        "stall_checklist": stall_checklist,
    }
    if place["name"]:
        order["place"] = place_of(place)
    made = client.post("/office/tasks", AssignedView, order)
    of = f" / {made.cap}" if made.cap else ""
    say(
        f"Assigned {len(made.tasks)}; visits there this year: {made.visits}{of}.",
        f"已交办 {len(made.tasks)} 项；该对象本年度已检查 {made.visits}{of} 次。",
    )
    for one in made.tasks:
        say(
            f"{one.id}  {one.establishment.name}: {one.lead.name}, {one.second.name}",
            f"{one.id}  {one.establishment.name}：{one.lead.name}、{one.second.name}",
        )
    show(made, {})


@click.command("withdraw")
@click.argument("task_id")
@click.option("--reason", required=True, help="Goes into the journal. 理由。")
@json_option
def withdraw_task(task_id: str, reason: str) -> None:
    """Take back a task that nobody has begun, and those of its stalls. 收回检查任务。"""
    path = f"/office/tasks/{task_id}/withdraw"
    taken = client.post(path, list[AssignedLine], WithdrawOrder(reason=reason))
    say(f"Taken back: {len(taken)}.", f"已收回 {len(taken)} 项。")
    _show_lines(taken)


def show_assigned(origin: str) -> None:
    """List the tasks of an origin, or of all but draws."""
    _show_lines(client.get("/office/tasks", list[AssignedLine], origin=origin))


def _show_lines(found: list[AssignedLine]) -> None:
    if as_json():
        show(found)
        return
    show([msgspec.structs.asdict(one) | _words(one) for one in found], LINES)


def _words(one: AssignedLine) -> dict[str, str]:
    why = WORDS[origin_of(one.origin)]
    state = text("begun", "已开始") if one.begun else text("waiting", "待检查")
    if one.withdrawn_at is not None:
        state = text("withdrawn", "已收回")
    return {
        "origin": text(why.en, why.zh),
        "state": state,
        "reason": " ".join(filter(None, (one.reference, one.reason, one.withdrawn_for))),
    }


commands: list[click.Command] = [assign_task, withdraw_task]
