"""执法终端: what an inspector does on a device, with a network or without.

Only `enrol` and `sync` use the network. Everything else reads and writes the device's folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from msgspec import Struct

from cli.device_answer import commands as answering
from cli.device_arrival import commands as arriving
from cli.device_carry import commands as carrying
from cli.device_catalogue import commands as catalogues
from cli.device_catalogue import finding_marks
from cli.device_checklist import commands as versions
from cli.device_files import (
    POLICIES,
    Delivered,
    Kept,
    Policy,
    send_files,
    waiting,
    where,
)
from cli.device_history import commands as histories
from cli.device_history import say_history, say_returned
from cli.device_identity import commands as identity
from cli.device_identity import home_option, opened
from cli.device_items import say_items, say_unproven, verdicts
from cli.device_on_site import OnSite, on_site, say_on_site
from cli.device_open import commands as opening
from cli.device_pictures import commands as photographs
from cli.device_print import commands as prints
from cli.device_recording import record
from cli.device_reminders import commands as reminders
from cli.device_samples import commands as samples
from cli.device_sign import commands as signing
from cli.device_sites import commands as sites
from cli.device_status import SYNCED
from cli.device_status import commands as statuses
from cli.device_tasks import (
    TaskBody,
    named,
    origin_short,
    people_of,
    role_at,
    role_word,
    say_why,
    shortened,
    task_of,
    tasks_of,
)
from cli.home import Home
from cli.link import Ask, link
from cli.output import as_json, json_option, say, show, text
from sync.checklist import Checklist
from sync.exchange import Exchanged, drive, exchange
from sync.merge import Inspection
from sync.refusals import Reason, Refused
from sync.replica import Replica

TASKS = {
    "place": ("place", "签序"),
    "inspection": ("inspection", "检查编号"),
    "name": ("establishment", "检查对象"),
    "address": ("address", "地址"),
    "origin": ("why", "检查缘由"),
    "role": ("your role", "本人角色"),
    "answered": ("answered", "已答项"),
    "state": ("state", "状态"),
}


@click.group("device")
def group() -> None:
    """Record inspections offline and sync them. 离线检查与同步。"""


for _command in (
    *identity,
    *carrying,
    *versions,
    *sites,
    *statuses,
    *opening,
    *arriving,
    *answering,
    *signing,
    *prints,
    *photographs,
    *samples,
    *reminders,
    *catalogues,
    *histories,
):
    group.add_command(_command)


# -- with a network ------------------------------------------------------------------------------


class Synced(Struct, frozen=True):
    """What one sync did."""

    exchanged: Exchanged
    delivered: Delivered


@group.command()
@click.option(
    "--files",
    type=click.Choice(POLICIES),
    default="all",
    show_default=True,
    help="What follows the records; leave originals for a better link. 随后上传的文件。",
)
@home_option
@json_option
def sync(files: Policy, folder: Path) -> None:
    """Send what was recorded, fetch what is new, then send evidence files. 同步。"""
    with opened(folder) as home, link(home.replica.identity.server) as ask:
        synced = sync_over(home, ask, files=files)
        left = len(waiting(home))
        wiped = bool(home.store.get("wiped"))
    delivered = synced.delivered
    say(
        f"Sent {synced.exchanged.sent} operations and {delivered.files} files, received "
        f"{synced.exchanged.received} changes; {left} files left.",
        f"已上传操作 {synced.exchanged.sent} 条、文件 {delivered.files} 个，"
        f"收到变更 {synced.exchanged.received} 条；剩余文件 {left} 个。",
    )
    if delivered.previews:
        say(
            f"Small pictures sent ahead of their files: {delivered.previews}.",
            f"已先行上传缩略图 {delivered.previews} 张。",
        )
    if wiped:
        say(
            "This device is revoked. The office has what was recorded here; all but the files left "
            "is deleted from it.",
            "本终端已停用。所记录的内容已全部送达，除剩余文件外均已从本终端删除。",
        )
    for digest, code in delivered.refused.items():
        say(f"Not taken: {digest} ({code})", f"未被接收：{digest}（{code}）")
    show(synced, {})


def sync_over(home: Home, ask: Ask, *, files: Policy = "all") -> Synced:
    """Exchange over a link, then send the files that the server does not have."""
    if home.store.get("wiped"):
        raise Refused(Reason.DEVICE_REVOKED, device=home.replica.identity.enrolled.device)
    exchanged = drive(exchange(home.replica), ask)
    with home.store.transaction():
        home.store.set(SYNCED, str(home.clock().w))
    if home.store.get("revoked") and not home.replica.unsent():
        home.wipe()  # the server's signed word, and it has all that was recorded here
        return Synced(exchanged, Delivered())
    return Synced(exchanged, send_files(home, ask, policy=files))


# -- without -------------------------------------------------------------------------------------


@group.command()
@home_option
@json_option
def tasks(folder: Path) -> None:
    """List the tasks that this device holds. 检查任务列表。"""
    with opened(folder) as home:
        bodies = tasks_of(home.replica)
        short = {} if as_json() else shortened([body.id for body in bodies])
        show([_task_line(home.replica, body, short) for body in bodies], TASKS)


@group.command("show")
@click.argument("inspection")
@home_option
@json_option
def show_inspection(inspection: str, folder: Path) -> None:
    """Show an inspection as this device knows it: items, conflicts, findings. 查看检查。"""
    with opened(folder) as home:
        inspection = named(home.replica, inspection)
        those = home.replica.checklists(inspection)
        state = home.replica.inspection(inspection)
        kept = where(home, state)
        task = task_of(home.replica, inspection)
        seen = on_site(task, home.replica.recorded(inspection))
    say_why(task)
    say_returned(task)
    _show_state(those, state, kept, task, seen)
    if not as_json():
        say_on_site(seen, state, task, kept)
    if task.history is not None and not as_json():
        say_history(task.history)


@group.command()
@click.argument("inspection")
@click.argument("operation")
@click.option("--reason", required=True, help="Why it is withdrawn. 作废原因。")
@home_option
@json_option
def void(inspection: str, operation: str, reason: str, folder: Path) -> None:
    """Withdraw what was recorded by mistake; it stays visible. 作废。

    OPERATION is what `show` prints beside it; of this device its number is enough.
    """

    def act(replica: Replica, one: str) -> int:
        own = f"{replica.identity.enrolled.device}:{operation}"
        return replica.void(one, own if operation.isdecimal() else operation, reason=reason).n

    record(folder, inspection, act)


# -- small parts ---------------------------------------------------------------------------------


def _task_line(replica: Replica, body: TaskBody, short: Mapping[str, str]) -> dict[str, object]:
    state, those = replica.inspection(body.id), replica.checklists(body.id)
    left = verdicts(those, state, body) if body.narrow else ()
    asked = sum(1 for one in those for _ in one.items) - sum(len(one.not_asked) for one in left)
    role = role_at(body, replica.identity.enrolled.inspector)
    return {
        "place": body.place if as_json() else body.place or "",
        "inspection": short.get(body.id, body.id),
        "name": ("" if as_json() or not body.part_of else "└ ") + str(body.establishment["name"]),
        "address": body.establishment["address"],
        "origin": body.origin if as_json() else origin_short(body),
        "role": role if as_json() else role_word(role),
        "answered": f"{len(state.items)}/{asked}",
        "state": text("returned", "已退回") if body.returned else _state_word(state),
    }


def _state_word(state: Inspection) -> str:
    if state.conflicts:
        return text("in conflict", "答案不一致")
    if state.signed:
        return text("signed", "已签名")
    return text("open", "进行中") if state.items else text("new", "待检查")


KEPT = {
    "sent": ("sent", "已上传"),
    "waiting": ("on this device only", "仅存于本终端"),
    "elsewhere": ("on device", "位于终端"),
}


def _show_state(
    those: Sequence[Checklist],
    state: Inspection,
    kept: Sequence[Kept],
    task: TaskBody,
    seen: OnSite,
) -> None:
    own = those[0]
    people = people_of(task)
    parts = verdicts(those, state, task)
    judged = parts[0]
    if as_json():
        told = {"returned": task.returned, "history": task.history, "parts": seen.parts}
        show({"inspection": state, "verdict": judged, "files": kept, **told})
        return
    for form, verdict in zip(those, parts, strict=True):
        say_items(form, state, people, verdict, partner=form is not own)
    for finding in state.findings:
        marks = finding_marks(finding)
        say(
            f"Finding {finding.item}: {finding.text} [{finding.basis}]{marks}\n  {finding.op}",
            f"问题 {finding.item}：{finding.text}［{finding.basis}］{marks}\n  {finding.op}",
        )
    for file in kept:
        place = text(*KEPT[file.state]) + (f" {file.device}" if file.state == "elsewhere" else "")
        say(
            f"File {file.item}: {file.caption} ({place})\n  {file.op}  {file.sha256}",
            f"文件 {file.item}：{file.caption}（{place}）\n  {file.op}  {file.sha256}",
        )
    if judged.given:
        label = own.outcome(judged.outcome).label
        say(f"Outcome so far: {label.en}", f"当前结论：{label.zh}")
    else:
        say("No outcome yet.", "尚无结论。")
    if judged.unremedied:
        rest = ", ".join(judged.unremedied)
        say(f"Not remedied: {rest}", f"未整改到位：{rest}")
    say_unproven(parts)
    if state.late:
        say(f"Late, not counted: {', '.join(state.late)}", f"逾期未计入：{'、'.join(state.late)}")
