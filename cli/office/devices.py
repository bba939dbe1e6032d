"""执法终端: inviting, listing and revoking devices."""

import click

from backend.wire import DeviceView, EntryView, InviteView, NewInvite
from cli import client
from cli.output import json_option, show

COLUMNS = {
    "id": ("device", "终端"),
    "certificate": ("certificate", "执法证号"),
    "name": ("inspector", "执法人员"),
    "operations": ("operations", "操作数"),
    "seen_at": ("last seen", "最近同步"),
    "skew_ms": ("clock off by ms", "时钟偏差（毫秒）"),
    "revoked_at": ("revoked", "停用时间"),
}


@click.group("device")
def device() -> None:
    """Invite, list and revoke devices. 终端管理。"""


@device.command()
@click.argument("certificate")
@json_option
def invite(certificate: str) -> None:
    """Make a one-time code for an inspector's device; it is shown once. 生成登记码。"""
    show(client.post("/office/devices/invites", InviteView, NewInvite(certificate)))


@device.command("list")
@json_option
def list_devices() -> None:
    """List devices, those longest unseen first. 终端列表。"""
    show(client.get("/office/devices", list[DeviceView]), COLUMNS)


@device.command()
@click.argument("device_id")
@json_option
def revoke(device_id: str) -> None:
    """Revoke a device at once; what it still sends goes to quarantine. 停用终端。"""
    show(client.post(f"/office/devices/{device_id}/revoke", DeviceView), COLUMNS)


@device.command("log")
@click.argument("device_id")
@click.option("--after", default=0, show_default=True, help="Begin after this number.")
@json_option
def read_log(device_id: str, after: int) -> None:
    """Read a device's operations from the ledger, a thousand at a time. 操作日志。"""
    show(client.get(f"/office/devices/{device_id}/log", list[EntryView], after=after))


commands: list[click.Command] = [device]
