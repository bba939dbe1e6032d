"""How a device stands (终端状态): what waits, since when, what is held back and what disagrees."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import Struct

from cli.device_files import Waiting, waiting
from cli.device_identity import home_option, opened
from cli.device_tasks import people_of, task_of
from cli.home import Home
from cli.output import json_option, reason, say, show, text
from sync.merge import Inspection, Item
from sync.ops import op_id
from sync.replica import Replica, understood
from sync.store import EXCLUDED

SYNCED = "synced"  # the setting that keeps when the last exchange ended, by the device's clock


class HeldBack(Struct, frozen=True):
    """An operation of this device that does not count, as the server said at the last sync."""

    n: int
    inspection: str
    state: str  # parked | quarantined
    why: str
    since: str


class Voice(Struct, frozen=True):
    """One of the answers that stand in a conflict."""

    who: str
    value: str
    note: str
    op: str


class Disputed(Struct, frozen=True):
    """An item on which different answers stand, as this device knows it."""

    inspection: str
    establishment: str
    item: str
    since: str
    said: list[Voice]


class Status(Struct, frozen=True):
    """How a device stands; every moment is by its own clock."""

    device: str
    inspector: str
    synced_at: str
    recorded: int
    unsent: int
    unsent_since: str
    files_left: int
    files: list[Waiting]
    held_back: list[HeldBack]
    conflicts: list[Disputed]
    late: list[str]
    revoked: bool
    storage: str


HELD = {"parked": ("not understood", "未能识别"), "quarantined": ("held back", "已隔离")}


@click.command()
@home_option
@json_option
def status(folder: Path) -> None:
    """Show what waits to be sent, is held back or in conflict, and since when. 终端状态。"""
    with opened(folder) as home:
        state = standing(home)
    show(state, {})
    _print(state)


def standing(home: Home) -> Status:
    """Say how a device stands."""
    replica, store = home.replica, home.store
    enrolled = replica.identity.enrolled
    last, files = store.last(), waiting(home)
    unsent = store.log(replica.acked() + 1, 1)
    states = {row.id: replica.inspection(row.id) for row in replica.tasks()}
    return Status(
        device=enrolled.device,
        inspector=f"{enrolled.name} {enrolled.certificate}",
        synced_at=moment(int(store.get(SYNCED) or 0)),
        recorded=last.n if last else 0,
        unsent=replica.unsent(),
        unsent_since=_recorded_at(unsent[0].raw) if unsent else "",
        files_left=len(files),
        files=files,
        held_back=[
            HeldBack(one.n, one.inspection, one.note, one.why, _recorded_at(one.raw))
            for one in store.noted()
            if one.note in EXCLUDED
        ],
        conflicts=[
            one
            for inspection, state in states.items()
            if state.conflicts
            for one in _disputed(replica, inspection, state)
        ],
        late=[op for state in states.values() for op in state.late],
        revoked=bool(store.get("revoked")),
        storage=_storage(home),
    )


def moment(wall: int) -> str:
    """Write a wall clock's milliseconds in UTC; empty for none, and for what no calendar has."""
    try:
        at = datetime.fromtimestamp(wall / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return str(wall)
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if wall else ""


def _recorded_at(raw: bytes) -> str:
    op = understood(raw)
    return moment(op.w) if op is not None else ""


def _disputed(replica: Replica, inspection: str, state: Inspection) -> list[Disputed]:
    """List the items of an inspection on which different answers stand, with whose they are."""
    task, clocks = task_of(replica, inspection), _clocks(replica, inspection)
    people = people_of(task)
    return [
        Disputed(
            inspection=inspection,
            establishment=str(task.establishment["name"]),
            item=ref,
            since=moment(_since(item, clocks)),
            said=[
                Voice(people.get(one.who, one.who), one.v, one.note, one.op)
                for one in item.standing
            ],
        )
        for ref, item in state.items.items()
        if item.conflict
    ]


def _clocks(replica: Replica, inspection: str) -> dict[str, int]:
    """Give when each operation of an inspection was recorded, as its own device believed."""
    device = replica.identity.enrolled.device
    raws = [(op_id(device, mine.n), mine.raw) for mine in replica.store.log_of(inspection)]
    raws += [(theirs.id, theirs.raw) for theirs in replica.store.theirs_of(f"i:{inspection}")]
    return {name: op.w for name, raw in raws if (op := understood(raw)) is not None}


def _since(item: Item, clocks: Mapping[str, int]) -> int:
    """Say when the second of the different answers was recorded."""
    first: dict[object, int] = {}
    for one in item.standing:
        at = clocks.get(one.op, 0)
        first[repr(one.says)] = min(at, first.get(repr(one.says), at))
    return sorted(first.values())[1]


def _storage(home: Home) -> str:
    file = home.store.file
    read = text(f"{file.library}, only to read", f"{file.library}，只读")
    return file.library if file.writable else read


def _print(state: Status) -> None:
    since = text(f", since {state.unsent_since}", f"，自 {state.unsent_since}")
    lines = (
        ("device", "终端", state.device),
        ("inspector", "执法人员", state.inspector),
        ("last synced", "最近同步", state.synced_at or text("never", "从未")),
        ("operations recorded", "已记录操作", state.recorded),
        ("not yet acknowledged", "未确认操作", f"{state.unsent}{since if state.unsent else ''}"),
        ("files not yet sent", "未上传文件", state.files_left),
        ("held back", "未生效", len(state.held_back)),
        ("in conflict", "结论不一致", len(state.conflicts)),
        ("late", "逾期未计入", len(state.late)),
        ("storage", "存储", state.storage),
    )
    for en, zh, value in lines:
        say(f"{en}: {value}", f"{zh}：{value}")
    if state.revoked:
        say(
            "This device is revoked: what it still sends is held back until a supervisor decides.",
            "本终端已停用：此后上传的内容将被隔离，待主管人员处理。",
        )
    _print_open(state)


def _print_open(state: Status) -> None:
    if state.files:
        say("On this device only:", "仅存于本终端：")
    for file in state.files:
        say(*(f"  {file.inspection}  {file.item or '-'}  {file.size / 1000:,.0f} kB",) * 2)
        say(*(f"    {file.sha256}  {file.caption}".rstrip(),) * 2)
    if state.held_back:
        say("Not counted, as the server said:", "服务器未予生效：")
    for one in state.held_back:
        words = text(*HELD[one.state])
        say(
            f"  operation {one.n} of {one.inspection}, recorded {one.since}: {words}",
            f"  第 {one.n} 号操作（{one.inspection}，记录于 {one.since}）：{words}",
        )
        if known := reason(one.why):
            say(f"    {known.en} {known.remedy_en}", f"    {known.zh}。{known.remedy_zh}")
    if state.conflicts:
        say("In conflict, until one of you answers again:", "结论不一致，须有一人重新作答：")
    for item in state.conflicts:
        where = f"{item.inspection}  {item.establishment}  {item.item}"
        say(f"  {where}, since {item.since}", f"  {where}，自 {item.since}")
        for voice in item.said:
            say(*(f"    {voice.value}  {voice.who}  {voice.note}".rstrip(),) * 2)
    if state.late:
        say(f"Late, not counted: {', '.join(state.late)}", f"逾期未计入：{'、'.join(state.late)}")


commands: list[click.Command] = [status]
