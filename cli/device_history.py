"""历史情况 on a device: what a task carries of its establishment, for reading before the visit."""

from pathlib import Path

import click

from cli.complaints import state
from cli.device_identity import home_option, opened
from cli.device_tasks import TaskBody, named, say_why, task_of
from cli.output import as_json, json_option, say, show, text
from sync.history import History, Visit


@click.command("site")
@click.argument("inspection")
@home_option
@json_option
def show_site(inspection: str, folder: Path) -> None:
    """Show what is known of the place that a task goes to. 检查对象历史情况。"""
    with opened(folder) as home:
        task = task_of(home.replica, named(home.replica, inspection))
    if as_json():
        show({"establishment": task.establishment, "history": task.history})
        return
    place = task.establishment
    click.echo(f"{place['name']} ({place['code']})  {place['address']}")
    say_why(task)
    say_returned(task)
    if task.history is None:
        say("No history came with this task.", "本任务未附历史情况。")
    else:
        say_history(task.history)


commands: list[click.Command] = [show_site]

# Of licences, as registers write them; other codes stay as they are.
CHINESE = {
    "food-operation": "食品经营许可",
    "food-production": "食品生产许可",
    "active": "有效",
    "cancelled": "注销",
    "revoked": "吊销",
}


def say_returned(task: TaskBody) -> None:
    """Tell that a review returned what was concluded, and why."""
    if task.returned:
        say(
            f"Returned: {task.returned}\n  Put it right, then sign again with --reason.",
            f"已退回：{task.returned}\n  请更正后以 --reason 说明理由重新签名。",
        )


def say_history(known: History) -> None:
    """Tell everything that is known of a place, newest first."""
    credit = known.credit_class or "-"
    say(
        f"As of {known.as_of}: risk {known.risk or '-'}, credit {credit}",
        f"截至 {known.as_of}：风险等级 {known.risk or '-'}，信用分类 {credit}",
    )
    for visit in known.visits:
        _say_visit(visit)
    for order in known.orders:
        items = ", ".join(order.items)
        say(
            f"Open order: items {items}, due {order.due_on}",
            f"未完成整改：第 {items} 项，期限 {order.due_on}",
        )
    for held in known.permits:
        until = str(held.valid_to or text("without end", "长期"))
        say(
            f"Licence {held.number} ({held.kind}, {held.status}) until {until}",
            f"许可证 {held.number}（{_zh(held.kind)}，{_zh(held.status)}）有效期至 {until}",
        )
    for told in known.complaints:
        say(
            f"Complaint {told.number} of {told.received_on} ({state(told.state)}): {told.matter}",
            f"投诉举报 {told.number}，{told.received_on}（{state(told.state)}）：{told.matter}",
        )


def _zh(code: str) -> str:
    return CHINESE.get(code, code)


def _say_visit(visit: Visit) -> None:
    failed = ", ".join(visit.failed) or "-"
    say(
        f"{visit.day} {visit.result.en}; failed: {failed} ({visit.checklist})",
        f"{visit.day} {visit.result.zh}；不合格：{failed}（{visit.checklist}）",
    )
    for found in visit.findings:
        fixed = text(" (put right on the spot)", "（当场改正）") if found.fixed else ""
        click.echo(f"    {found.violation} {found.text}{fixed}".rstrip())
