"""执法终端: who has not synced for how long; inviting, revoking, losing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import click

from backend.wire import DeviceView, EntryView, InviteView, LostView, NewInvite
from cli import client
from cli.output import Words, as_json, json_option, say, show, text
from cli.qr import draw
from sync import codec, invitation
from sync.invitation import Invitation

COLUMNS = {
    "id": ("device", "终端"),
    "label": ("label", "名称"),
    "certificate": ("certificate", "执法证号"),
    "name": ("inspector", "执法人员"),
    "operations": ("operations", "操作数"),
    "head_hash": ("head", "链尾"),
    "seen_at": ("last seen", "最近同步"),
    "skew_ms": ("clock off by ms", "时钟偏差（毫秒）"),
    "revoked_at": ("revoked", "停用时间"),
    "revoked_n": ("operations then", "停用时操作数"),
    "revoked_hash": ("head then", "停用时链尾"),
    "family": ("its other names, revoked with it", "其他名称（一并停用）"),
}
FRESH, STALE = timedelta(days=1), timedelta(days=3)
SHORT = 12  # characters of a hash that a person is shown

Sort: TypeAlias = Callable[[DeviceView], object]
_NEVER = datetime.min.replace(tzinfo=UTC)
SORTS: Mapping[str, Sort] = {
    "seen": lambda one: one.seen_at or _NEVER,
    "outstanding": lambda one: -_outstanding(one),
    "name": lambda one: one.name,
    "skew": lambda one: -abs(one.skew_ms),
}


@click.group("devices", invoke_without_command=True)
@click.option("--sort", type=click.Choice(list(SORTS)), default="seen", help="Order. 排序。")
@json_option
@click.pass_context
def devices(context: click.Context, sort: str) -> None:
    """List devices: who has not synced for how long, and what is outstanding. 终端管理。"""
    if context.invoked_subcommand is not None:
        return
    found = client.get("/office/devices", list[DeviceView])
    found.sort(key=lambda one: (one.revoked_at is not None, SORTS[sort](one)))
    if as_json():
        show(found)
        return
    say(f"Devices: {len(found)}.", f"终端：{len(found)} 台。")
    now = datetime.now(UTC)
    for one in found:
        print_device(one, now)


@devices.command()
@click.argument("certificate")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Draw the QR here.")
@click.option("--address", default="", help="Where devices reach the server. 终端访问地址。")
@json_option
def invite(certificate: str, png: Path | None, address: str) -> None:
    """Make a one-time code for an inspector's device; it is shown once. 生成登记码。"""
    address = address or (client.server() if client.server() != client.LOCAL else "")
    if png and not address:
        raise click.UsageError(text("--png needs --address", "--png 需要 --address"))
    made = client.post("/office/devices/invites", InviteView, NewInvite(certificate))
    show(made)
    if address:
        asked = Invitation(address, made.code, codec.fingerprint(made.server_key))
        content = invitation.write(asked)
        draw(content, png)  # it can be scanned, or sent as text
        say(content, content)


@devices.command()
@click.argument("device_id")
@json_option
def revoke(device_id: str) -> None:
    """Revoke a device at once, under all its names; what it still sends waits. 停用终端。"""
    show(client.post(f"/office/devices/{device_id}/revoke", DeviceView), COLUMNS)


@devices.command()
@click.argument("device_id")
@json_option
def lost(device_id: str) -> None:
    """Revoke a lost device, and say what it held and never delivered. 终端遗失报告。"""
    report = client.post(f"/office/devices/{device_id}/loss", LostView)
    show(report, {})
    _report(report)


@devices.command("log")
@click.argument("device_id")
@click.option("--after", default=0, show_default=True, help="Begin after this number.")
@json_option
def read_log(device_id: str, after: int) -> None:
    """Read a device's operations from the ledger, a thousand at a time. 操作日志。"""
    show(client.get(f"/office/devices/{device_id}/log", list[EntryView], after=after))


def _outstanding(one: DeviceView) -> int:
    return one.files_missing + one.held_back + one.parked + one.forked + one.untouched


def print_device(one: DeviceView, now: datetime) -> None:
    """Print a device in lines that a narrow terminal does not break where ids are copied."""
    label = f"  {one.label}" if one.label else ""
    say(*(f"{one.id}  {one.name} {one.certificate}{label}",) * 2)
    if one.renews:
        say(f"    was {one.renews}", f"    原 {one.renews}")
    age, colour = _age(one, now)
    seen = click.style(age, fg=colour, dim=colour is None)
    at = f" ({_moment(one.seen_at)})" if one.seen_at else ""
    say(
        f"    last seen: {seen}{at}; operations: {one.operations}, head {one.head_hash[:SHORT]}",
        f"    最近同步：{seen}{at}；操作数：{one.operations}，链尾 {one.head_hash[:SHORT]}",
    )
    waiting, clock = _waiting(one) or text("nothing known", "暂无"), _clock(one.skew_ms)
    say(f"    outstanding: {waiting}", f"    未了事项：{waiting}")
    if clock:
        say(f"    its clock is off by {clock}", f"    终端时钟偏差：{clock}")


def _age(one: DeviceView, now: datetime) -> tuple[str, str | None]:
    """Say how long ago a device was there, and in which colour."""
    if one.revoked_at is not None:
        return text(f"revoked at {one.revoked_n}", f"已停用，止于 {one.revoked_n}"), None
    if one.seen_at is None:
        return text("never", "从未"), "red"
    age = now - one.seen_at
    style = "green" if age <= FRESH else "yellow" if age <= STALE else "red"
    hours = int(age.total_seconds() // 3600)
    if hours < 1:
        return text("within the hour", "一小时内"), style
    if age <= FRESH:
        return text(f"{hours} h ago", f"{hours} 小时前"), style
    return text(f"{age.days} d ago", f"{age.days} 天前"), style


def _waiting(one: DeviceView) -> str:
    """Say what is known not to have come, or not to count."""
    told: list[tuple[int, Words]] = [
        (one.files_missing, ("files missing", "未到文件")),
        (one.held_back, ("held back", "被隔离")),
        (one.parked, ("not understood", "未能识别")),
        (one.forked, ("in a fork", "分叉中")),
        (one.untouched, ("tasks untouched", "未开始任务")),
    ]
    return text(", ", "，").join(f"{text(*words)} {count}" for count, words in told if count)


def _clock(skew_ms: int) -> str:
    seconds = round(skew_ms / 1000)
    return f"{seconds:+d} s" if seconds else ""


def _report(lost: LostView) -> None:
    """Print what is to be signed and filed about a lost device."""
    one = lost.device
    say("REPORT OF A LOST DEVICE", "终端遗失报告")
    rows: list[tuple[Words, object]] = [
        (("Device", "终端"), f"{one.id} {one.label}".rstrip()),
        (("Inspector", "执法人员"), f"{one.name} {one.certificate}"),
        (("Enrolled", "登记时间"), _moment(one.enrolled_at)),
        (("Last seen", "最近同步"), _moment(one.seen_at)),
        (("Revoked", "停用时间"), _moment(one.revoked_at)),
        (("Chain then", "停用时链尾"), f"{one.revoked_n} {one.revoked_hash}"),
        (("Delivered", "已送达"), text(
            f"{one.operations} operations, {lost.files_arrived} files",
            f"{one.operations} 项操作，{lost.files_arrived} 个文件")),
        (("Held back", "被隔离"), one.held_back + one.parked + one.forked),
        (("It followed", "订阅数据"), " ".join(lost.buckets) or "–"),
    ]  # fmt: skip
    for words, value in rows:
        say(f"  {words[0]}: {value}", f"  {words[1]}：{value}")
    say(
        f"Tasks that it held: {len(lost.tasks)}; recorded on this device:",
        f"终端上的任务：{len(lost.tasks)} 项；该终端已记录：",
    )
    for task in lost.tasks:
        nothing = text("NOTHING DELIVERED", "未送达任何记录")
        count = text(f"{task.recorded} operations", f"{task.recorded} 项操作")
        say(*(f"  {task.id}  {task.name}  {count if task.recorded else nothing}",) * 2)
    say(f"Files never delivered: {len(lost.missing)}", f"未送达的文件：{len(lost.missing)} 个")
    for file in lost.missing:
        bytes_ = text(f"{file.size} bytes", f"{file.size} 字节")
        say(*(f"  {file.sha256}  {bytes_}  {file.inspection}:{file.n}",) * 2)
    say(
        "What it recorded and never sent is not known here; it can still be delivered, and is then"
        " held back until someone releases it: evenhand office quarantine.",
        "终端已记录但从未发送的内容，此处无从得知；日后仍可送达，届时将先隔离，待人工解除："
        "evenhand office quarantine。",
    )


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at else "–"


commands: list[click.Command] = [devices]
