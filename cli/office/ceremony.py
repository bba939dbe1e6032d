"""抽取仪式: commit to sources, type what they gave, and hold the draw on a wall (`--ceremony`)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import NamedTuple, cast

import click
import httpx
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backend.rules import drand, nist
from backend.rules.canonical import lines
from backend.wire import DrawView, TaskView
from cli import client
from cli.output import text

BEACON_SECONDS_MAX = 20.0
BEACON_BYTES_MAX = 100_000
LISTED_MAX = 40  # a wall has so many lines
PAIR = 2  # seats that every task has: lead and second; experts and partners come behind them
Clock = Callable[[], datetime]
Pause = Callable[[float], None]


class Given(NamedTuple):
    """What a beacon gave for one source."""

    value: str
    proof: dict[str, str]


# -- beacons ---------------------------------------------------------------------------------------


def beacon(source: str, origin: str) -> Given:
    """Read the value of a source from a file, or from a relay by its address.

    Nothing here is trusted: the server and every verifier check the signature.
    """
    body = _fetch(source, origin) if "://" in origin else Path(origin).read_bytes()
    try:
        found = msgspec.json.decode(body, type=dict[str, object])
        kind = source.partition(":")[0]
        return _round(found) if kind == "drand" else _pulse(found)
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise click.UsageError(
            text(f"{origin} is no answer of a beacon: {error}", f"{origin} 不是信标数据：{error}")
        ) from None


def address(source: str, relay: str) -> str:
    """Give the address of a source's value at a relay; an address with a path is taken as it is."""
    if httpx.URL(relay).path.strip("/"):
        return relay
    kind, chain, rest = source.split(":", 2)
    base = relay.rstrip("/")
    if kind == "drand":
        return f"{base}/{chain}/public/{rest}"
    milliseconds = int(datetime.fromisoformat(rest).timestamp()) * 1_000
    return f"{base}/beacon/2.0/chain/{chain}/pulse/time/{milliseconds}"


def _fetch(source: str, relay: str) -> bytes:
    url = address(source, relay)
    try:
        with httpx.Client(timeout=BEACON_SECONDS_MAX, follow_redirects=True) as web:
            answer = web.get(url).raise_for_status()
    except httpx.HTTPError as error:
        raise client.Unreachable(f"{url}: {error}") from None
    if len(answer.content) > BEACON_BYTES_MAX:
        raise client.Failed(f"{url} answered with {len(answer.content)} bytes")
    return answer.content


def _round(found: dict[str, object]) -> Given:
    signature = str(found["signature"])
    proof = {"signature": signature}
    if previous := found.get("previous_signature"):
        proof["previous"] = str(previous)
    return Given(drand.randomness(signature), proof)


def _pulse(found: dict[str, object]) -> Given:
    inner = found.get("pulse", found)
    if not isinstance(inner, dict):
        raise ValueError("pulse")
    pulse = cast(dict[str, object], inner)
    return Given(str(pulse["outputValue"]).lower(), nist.flatten(pulse))


# -- words -----------------------------------------------------------------------------------------

_START = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu",
          "zo")  # fmt: skip
_END = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "x", "z")


def spoken(digest: str) -> str:
    """Give the first 64 bits of a hash as eight syllables that can be read aloud and compared."""
    return "-".join(
        _START[int(first, 16)] + _END[int(second, 16)]
        for first, second in zip(digest[0:16:2], digest[1:16:2], strict=True)
    )


# -- the wall --------------------------------------------------------------------------------------


class Wall:
    """What is projected: it only grows, and each line says one thing that happened."""

    def __init__(self, console: Console, *, pace: float, now: Clock, pause: Pause = sleep) -> None:
        self.console, self.pace, self.now, self.pause = console, pace, now, pause

    def commitment(self, draw: DrawView) -> None:
        """Show what was published before the seed could exist."""
        self._head("1", "Committed before the seed exists", "种子产生之前的承诺")
        self._fact("commitment", "承诺", draw.commit_hash)
        self._fact("read aloud", "口读", spoken(draw.commit_hash))
        self._fact("number", "序号", f"{draw.agency} / {draw.seq}")
        self._fact("eligible", "可抽", f"{draw.eligible:,} / {draw.in_scope:,}")
        for name, announced in draw.sources.items():
            self._fact("source", "随机源", f"{name}  ({announced})")
        if not draw.verifiable:
            self._loud(
                "UNVERIFIABLE: the seed comes from the office's own server.",
                "不可验证：种子由机关服务器产生。",
            )

    def countdown(self, until: datetime) -> None:
        """Count down to the time from which every source has its value."""
        left = until - self.now()
        if left <= timedelta():
            return
        self._head("2", "Waiting for the announced time", "等待公布的时间")
        with Live(self._clock(left), console=self.console, refresh_per_second=4) as live:
            while left > timedelta():
                self.pause(min(1.0, left.total_seconds()))
                left = until - self.now()
                live.update(self._clock(max(left, timedelta())))

    def seed(self, derived: str) -> None:
        """Show the lines that the seed is made of, as they were hashed."""
        paper = msgspec.json.decode(derived, type=dict[str, str])
        self._head("3", "The seed", "种子")
        for line in paper["text"].splitlines():
            self.console.print(Text(f"   {line}", overflow="fold"))
        self._fact("HMAC under the commitment", "以承诺为密钥的 HMAC", paper["root"])
        self._fact("seed of the tickets", "签号种子", paper["objects"])

    def tickets(self, selection: bytes, names: dict[str, str]) -> None:
        """Let the tickets fall, one by one, the drawn before the reserves."""
        self._head("4", "Tickets: the smallest are drawn", "签号：最小者中签")
        rows = [row.decode().split("\t") for row in lines(selection)]
        with Live(self._count(0), console=self.console, refresh_per_second=4) as live:
            for n, row in enumerate(sorted(rows, key=lambda row: row[4]), start=1):
                live.console.print(_ticket(row, names.get(row[2], "")))
                live.update(self._count(n))
                if self.pace:
                    self.pause(self.pace)

    def sites(self, tasks: list[TaskView]) -> None:
        """Show the list with its inspectors."""
        self._head("5", "The list", "抽查名单")
        table = Table(box=None, pad_edge=False)
        columns = [("", ""), ("establishment", "检查对象"), ("lead", "主办"), ("second", "协办")]
        if any(len(one.seats) > PAIR for one in tasks):
            columns.append(("with them", "同行"))
        for en, zh in columns:
            table.add_column(text(en, zh), overflow="fold")
        for one in tasks[:LISTED_MAX]:
            site = one.establishment
            others = "  ".join(seat.inspector.name for seat in one.seats[PAIR:])
            cells = [f"{site.name}  {site.code}", one.lead.name, one.second.name, others]
            table.add_row(str(one.place), *cells[: len(columns) - 1])
        self.console.print(table)
        if len(tasks) > LISTED_MAX:
            left = len(tasks) - LISTED_MAX
            self.console.print(text(f"   and {left} more", f"   另有 {left} 户"))

    def where(self, draw: DrawView) -> None:
        """Say where anyone can check all of it."""
        self._head("6", "Check it yourself", "自行核对")
        self._fact("bundle", "抽取档案包", draw.bundle_sha256 or "")
        self._fact("files", "文件", f"{client.server()}/public/draws/{draw.id}/")
        self._fact("command", "命令", "evenhand verify draw FOLDER")
        if draw.sealed_until is not None and draw.unsealed_at is None:
            until = draw.sealed_until.isoformat(timespec="minutes")
            self._loud(f"Sealed until {until}; the hash is public now.",
                       f"封存至 {until}；散列值现已公布。")  # fmt: skip

    def _count(self, fallen: int) -> Text:
        return Text(text(f"   {fallen} tickets", f"   已出 {fallen} 签"), style="bold")

    def _clock(self, left: timedelta) -> Text:
        seconds = -(-left // timedelta(seconds=1))
        hours, rest = divmod(seconds, 3_600)
        return Text(f"   {hours:02}:{rest // 60:02}:{rest % 60:02}", style="bold")

    def _head(self, number: str, en: str, zh: str) -> None:
        self.console.print()
        self.console.print(Text(f"{number}  {text(en, zh)}", style="bold"))

    def _fact(self, en: str, zh: str, value: str) -> None:
        self.console.print(Text(f"   {text(en, zh)}: {value}", overflow="fold"))

    def _loud(self, en: str, zh: str) -> None:
        self.console.print(Text(f"   {text(en, zh)}", style="bold red"))


def _ticket(row: list[str], name: str) -> Text:
    stratum, rank, id, ticket, status = row
    drawn = status == "P"
    mark = text("drawn  ", "中签") if drawn else text("reserve", "候补")
    where = "" if stratum == "all" else f"{stratum}  "
    line = f"   {mark}  {rank:>4}  {ticket[:16]}  {where}{id}  {name}"
    return Text(line, style="bold green" if drawn else "dim", overflow="fold")


def hall(draw: DrawView, wall: Wall, hold: Callable[[], DrawView]) -> DrawView:
    """Hold a draw before everybody: commitment, countdown, values, tickets, list."""
    wall.commitment(draw)
    wall.countdown(draw.ready_at)
    held = hold()
    files = f"/office/draws/{held.id}/files"
    tasks = client.get(f"/office/plans/{held.plan_id}/tasks", list[TaskView])
    names = {one.establishment.code: one.establishment.name for one in tasks}
    wall.seed(client.fetch(f"{files}/seed.json").decode())
    wall.tickets(client.fetch(f"{files}/selection.tsv"), names)
    wall.sites(tasks)
    wall.where(held)
    return held
