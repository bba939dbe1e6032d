"""执法终端: what an inspector does on a device, with a network or without.

Only `enrol` and `sync` use the network. Everything else reads and writes the device's folder.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from cli.device_carry import commands as carrying
from cli.device_checklist import commands as versions
from cli.device_files import (
    POLICIES,
    Delivered,
    Kept,
    Policy,
    Waiting,
    send_files,
    waiting,
    where,
)
from cli.device_identity import commands as identity
from cli.device_identity import home_option, opened
from cli.device_sites import commands as sites
from cli.home import Home
from cli.link import Ask, link
from cli.output import as_json, json_option, say, show, text
from sync import verdict
from sync.checklist import Checklist, Item, named
from sync.exchange import Exchanged, drive, exchange
from sync.merge import MEMBER, Inspection, Said
from sync.ops import Answer
from sync.refusals import Reason, Refused
from sync.replica import Replica

TASKS = {
    "place": ("place", "签序"),
    "inspection": ("inspection", "检查编号"),
    "name": ("establishment", "检查对象"),
    "address": ("address", "地址"),
    "role": ("your role", "本人角色"),
    "answered": ("answered", "已答项"),
    "state": ("state", "状态"),
}


@click.group("device")
def group() -> None:
    """Record inspections offline and sync them. 离线检查与同步。"""


for _command in (*identity, *carrying, *versions, *sites):
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
    delivered = synced.delivered
    say(
        f"Sent {synced.exchanged.sent} operations and {delivered.files} files, received "
        f"{synced.exchanged.received} changes; {left} files left.",
        f"已上传操作 {synced.exchanged.sent} 条、文件 {delivered.files} 个，"
        f"收到变更 {synced.exchanged.received} 条；剩余文件 {left} 个。",
    )
    for digest, code in delivered.refused.items():
        say(f"Not taken: {digest} ({code})", f"未被接收：{digest}（{code}）")
    show(synced, {})


def sync_over(home: Home, ask: Ask, *, files: Policy = "all") -> Synced:
    """Exchange over a link, then send the files that the server does not have."""
    if home.store.get("wiped"):
        raise Refused(Reason.DEVICE_REVOKED, device=home.replica.identity.enrolled.device)
    exchanged = drive(exchange(home.replica), ask)
    if home.store.get("revoked") and not home.replica.unsent():
        home.wipe()  # the server's signed word, and it has all that was recorded here
        return Synced(exchanged, Delivered())
    return Synced(exchanged, send_files(home, ask, policy=files))


# -- without -------------------------------------------------------------------------------------


class TaskBody(Struct, frozen=True):
    """The part of a task that the commands show."""

    id: str
    place: int
    establishment: dict[str, object]
    checklist: str
    lead: dict[str, str]
    second: dict[str, str]


@group.command()
@home_option
@json_option
def tasks(folder: Path) -> None:
    """List the tasks that this device holds. 检查任务列表。"""
    with opened(folder) as home:
        bodies = _tasks(home.replica)
        show([_task_line(home.replica, body) for body in bodies], TASKS)


@group.command("show")
@click.argument("inspection")
@home_option
@json_option
def show_inspection(inspection: str, folder: Path) -> None:
    """Show an inspection as this device knows it: items, conflicts, findings. 查看检查。"""
    with opened(folder) as home:
        those = home.replica.checklists(inspection)
        state = home.replica.inspection(inspection)
        kept = where(home, state)
    _show_state(those, state, kept)


@group.command()
@click.argument("inspection")
@click.argument("answers", nargs=-1, required=True, metavar="ITEM=VALUE...")
@click.option("--note", default="", help="A remark on these answers. 备注。")
@home_option
@json_option
def answer(inspection: str, answers: tuple[str, ...], note: str, folder: Path) -> None:
    """Answer items: pass, fail, na, or a measured value such as 2.1=-17.5. 填写检查项。"""
    pairs = [one.partition("=") for one in answers]
    for ref, mark, _ in pairs:
        if not (ref and mark):
            raise click.UsageError(text(f"{ref!r} is not ITEM=VALUE", f"{ref!r} 应写作 项=值"))
    given = {ref.strip(): Answer(value.strip(), note) for ref, _, value in pairs}
    _recorded(folder, lambda replica: replica.answer(inspection, given).n)


@group.command()
@click.argument("inspection")
@click.argument("finding")
@click.option("--basis", required=True, help="Law and article. 依据。")
@click.option("--item", default="", help="The item it belongs to. 检查项。")
@home_option
@json_option
def find(inspection: str, finding: str, basis: str, item: str, folder: Path) -> None:
    """Record a finding with its legal basis. 记录问题。"""
    _recorded(folder, lambda replica: replica.find(inspection, finding, basis=basis, item=item).n)


@group.command()
@click.argument("inspection")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--item", default="", help="The item it proves. 检查项。")
@click.option("--caption", default="", help="What it shows. 说明。")
@home_option
@json_option
def attach(inspection: str, file: Path, item: str, caption: str, folder: Path) -> None:
    """Attach a photo or another file as evidence. 添加证据。"""
    with opened(folder) as home:
        kept = home.keep(file)
        mine = home.replica.attach(inspection, kept, item=item, caption=caption)
    _say_recorded(mine.n)


@group.command()
@click.argument("inspection")
@click.option("--site", default="", help="Sign for this person in charge on site. 现场负责人。")
@click.option("--reason", default="", help="Why an earlier signature is amended. 补签原因。")
@home_option
@json_option
def sign(inspection: str, site: str, reason: str, folder: Path) -> None:
    """Sign all that this device knows of the inspection. 签名。"""

    def act(replica: Replica) -> int:
        role = "site" if site else role_of(replica, inspection)
        return replica.sign(inspection, role, name=site, reason=reason).n

    _recorded(folder, act)


@group.command()
@click.argument("inspection")
@click.argument("operation")
@click.option("--reason", required=True, help="Why it is withdrawn. 作废原因。")
@home_option
@json_option
def void(inspection: str, operation: str, reason: str, folder: Path) -> None:
    """Withdraw a finding or a piece of evidence; it stays visible. 作废。"""
    _recorded(folder, lambda replica: replica.void(inspection, operation, reason=reason).n)


class Status(Struct, frozen=True):
    """How a device stands."""

    device: str
    inspector: str
    recorded: int
    unsent: int
    files_left: int
    files: list[Waiting]
    noted: list[str]
    revoked: bool
    storage: str


STATUS = {
    "device": ("device", "终端"),
    "inspector": ("inspector", "执法人员"),
    "recorded": ("operations recorded", "已记录操作"),
    "unsent": ("not yet acknowledged", "未确认操作"),
    "files_left": ("files not yet sent", "未上传文件"),
    "noted": ("the server's remarks", "服务器提示"),
    "revoked": ("revoked", "已停用"),
    "storage": ("storage", "存储"),
}


@group.command()
@home_option
@json_option
def status(folder: Path) -> None:
    """Show what waits to be sent, and what the server remarked. 终端状态。"""
    with opened(folder) as home:
        replica = home.replica
        enrolled = replica.identity.enrolled
        last, files = home.store.last(), waiting(home)
        state = Status(
            device=enrolled.device,
            inspector=f"{enrolled.name} {enrolled.certificate}",
            recorded=last.n if last else 0,
            unsent=replica.unsent(),
            files_left=len(files),
            files=files,
            noted=[f"{m.n} {m.note} {m.why}".strip() for m in home.store.noted()],
            revoked=bool(home.store.get("revoked")),
            storage=_storage(home),
        )
    show(state, STATUS)
    if files:
        say("On this device only:", "仅存于本终端：")
    for one in files:
        line = f"{one.inspection}  {one.item or '-'}  {one.size / 1000:,.0f} kB  {one.sha256}"
        say(f"  {line}  {one.caption}", f"  {line}  {one.caption}")


def _storage(home: Home) -> str:
    file = home.store.file
    return (
        file.library
        if file.writable
        else text(f"{file.library}, only to read", f"{file.library}，只读")
    )


# -- small parts ---------------------------------------------------------------------------------


def role_of(replica: Replica, inspection: str) -> str:
    """Say which inspector of a task this device's is: lead, second, or another who goes along."""
    for task in _tasks(replica):
        if task.id == inspection:
            two = {task.lead["id"]: "lead", task.second["id"]: "second"}
            return two.get(replica.identity.enrolled.inspector, MEMBER)
    raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)


def _recorded(folder: Path, act: Callable[[Replica], int]) -> None:
    with opened(folder) as home:
        n = act(home.replica)
    _say_recorded(n)


def _say_recorded(n: int) -> None:
    say(f"Recorded as operation {n}.", f"已记录为第 {n} 号操作。")
    show({"n": n}, {})


def _tasks(replica: Replica) -> list[TaskBody]:
    bodies = [msgspec.json.decode(row.body, type=TaskBody) for row in replica.tasks()]
    return sorted(bodies, key=lambda body: body.place)


def _task_line(replica: Replica, body: TaskBody) -> dict[str, object]:
    state, those = replica.inspection(body.id), replica.checklists(body.id)
    return {
        "place": body.place,
        "inspection": body.id,
        "name": body.establishment["name"],
        "address": body.establishment["address"],
        "role": role_of(replica, body.id),
        "answered": f"{len(state.items)}/{sum(1 for one in those for _ in one.items)}",
        "state": _state_word(state),
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


def _show_state(those: Sequence[Checklist], state: Inspection, kept: Sequence[Kept]) -> None:
    own, *brought = those
    judged = verdict.judge(own, state)
    if as_json():
        show({"inspection": state, "verdict": judged, "files": kept})
        return
    _show_items(own, {item.ref: item for item in own.items}, state)
    for other in brought:
        _show_items(other, {named(other, item.ref): item for item in other.items}, state)
    for finding in state.findings:
        voided = text(" (withdrawn)", "（已作废）") if finding.voided else ""
        say(
            f"Finding {finding.item}: {finding.text} [{finding.basis}]{voided}",
            f"问题 {finding.item}：{finding.text}［{finding.basis}］{voided}",
        )
    for file in kept:
        place = text(*KEPT[file.state]) + (f" {file.device}" if file.state == "elsewhere" else "")
        say(
            f"File {file.item}: {file.caption} {file.sha256} ({place})",
            f"文件 {file.item}：{file.caption} {file.sha256}（{place}）",
        )
    if judged.given:
        label = own.outcome(judged.outcome).label
        say(f"Outcome so far: {label.en}", f"当前结论：{label.zh}")
    else:
        say("No outcome yet.", "尚无结论。")
    if state.late:
        say(f"Late, not counted: {', '.join(state.late)}", f"逾期未计入：{'、'.join(state.late)}")


def _show_items(checklist: Checklist, items: Mapping[str, Item], state: Inspection) -> None:
    lines: list[dict[str, object]] = []
    for ref, item in items.items():
        known = state.items.get(ref)
        lines.append(
            {
                "item": ref,
                "text": text(item.text.en, item.text.zh),
                "value": known.value if known else "",
                "flag": text("CONFLICT", "不一致") if known and known.conflict else "",
                "others": _others(known.standing[1:] + known.overruled) if known else "",
            }
        )
    say(f"{checklist.title.en}", f"{checklist.title.zh}")
    show(
        lines,
        {
            "item": ("item", "项"),
            "text": ("what is checked", "检查内容"),
            "value": ("answer", "结论"),
            "flag": ("", ""),
            "others": ("also said", "其他答案"),
        },
    )


def _others(said: tuple[Said, ...]) -> str:
    return ", ".join(f"{one.v} ({one.op.rpartition(':')[2]})" for one in said)
