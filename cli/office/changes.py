"""变更事件: `register feed`, which sends the lines of a change feed as they arrive.

The same line twice is applied once, so whatever was not answered is sent again.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import TypeVar

import click
import msgspec

from backend.wire import ChangesView, IndexView, RowProblem
from cli import client
from cli.office.feed import Batch, batches, ended_gently
from cli.office.files import a_source
from cli.office.registers import register_group
from cli.output import as_json, json_option, say, text
from sync.refusals import Kind, Refused

T = TypeVar("T")

EXAMPLES_SHOWN = 5  # lines of one kind that were kept
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds between attempts; the last again and again
SEARCHED = frozenset(("establishments", "licences", "listings"))  # the index has their terms


class Answer(ChangesView, frozen=True, kw_only=True):
    """What became of a batch; its problems count the lines of the whole feed."""

    first_line: int
    last_line: int


@register_group.command("feed")
@click.argument("file", type=a_source)
@click.option("--follow", is_flag=True, help="Go on as the file grows. 持续读取新增内容。")
@json_option
def feed_register(file: Path, *, follow: bool) -> None:
    """Send a change feed, `-` from standard input, as it arrives. 接收变更事件。

    Each line is JSON: source, id, register, kind (created, changed, cancelled), at and fields. Told
    is what became of each batch; with --json in one line of JSON a batch. With --follow a server
    that cannot be reached is tried again. Sending anything again is safe. The exit status is 10 if
    any line was refused.
    """
    refused = 0
    with ended_gently() as ending:
        for batch in batches(file, ending, follow=follow):
            try:
                done = _sent(batch, ending if follow else None)
            except (Refused, client.Unreachable, client.Failed):
                _tell_unanswered(batch)
                raise
            refused += done.refused
            _tell(done)
    if refused:
        sys.exit(int(Kind.INVALID))


def _sent(batch: Batch, ending: Event | None) -> Answer:
    """Send a batch, and have it searched for."""

    def change() -> ChangesView:
        return client.send_lines("/office/registers/changes", ChangesView, batch.body)

    def index() -> IndexView:
        return client.post("/office/registers/index", IndexView)

    view = _insisted(change, ending)
    if any(one.register in SEARCHED for one in view.registers):
        _insisted(index, ending)
    problems = [
        msgspec.structs.replace(one, row=batch.first_line + one.row - 1) for one in view.problems
    ]
    told = msgspec.structs.asdict(view) | msgspec.structs.asdict(batch) | {"problems": problems}
    return msgspec.convert(told, Answer, from_attributes=True)


def _insisted(ask: Callable[[], T], ending: Event | None) -> T:
    """Ask until there is an answer, or somebody asks to end; without an ending, ask once.

    A refusal is an answer, unless it says to come again.
    """
    tried = 0
    while True:
        try:
            return ask()
        except (Refused, client.Unreachable, client.Failed) as error:
            busy = not isinstance(error, Refused) or error.reason.kind is Kind.BUSY
            if not busy or ending is None or ending.is_set():
                raise
            problem = error.reason.code if isinstance(error, Refused) else str(error)
        seconds = PAUSES[min(tried, len(PAUSES) - 1)]
        tried += 1
        said = text(f"again in {seconds:g} s", f"{seconds:g} 秒后重试")
        click.echo(f"{problem}; {said}", err=True)
        ending.wait(seconds)


def _tell_unanswered(batch: Batch) -> None:
    line = batch.first_line
    click.echo(
        text(
            f"Not answered: line {line} and what follows. Send it again; nothing is done twice.",
            f"自第 {line} 行起未获应答，请重新发送；不会重复生效。",
        ),
        err=True,
    )


def _tell(done: Answer) -> None:
    """Tell what became of a batch."""
    if as_json():
        click.echo(msgspec.json.encode(done).decode())
        return
    span = f"{done.first_line}-{done.last_line}"
    if done.first_line == done.last_line:
        span = str(done.first_line)
    say(
        f"Lines {span}: {done.applied} applied ({done.released} of them had waited), "
        f"{done.known} known, {done.waiting} waiting, {done.stale} stale, {done.refused} refused.",
        f"第 {span} 行：生效 {done.applied}（其中 {done.released} 条曾等待），已知 {done.known}，"
        f"等待 {done.waiting}，过时 {done.stale}，拒绝 {done.refused}。",
    )
    for one in done.registers:
        say(
            f"  {one.register}: {one.created} new, {one.changed} changed, revision {one.revision}",
            f"  {one.register}：新增 {one.created}，变更 {one.changed}，批次 {one.revision}",
        )
    _tell_problems([one for one in done.problems if not one.kept], len(done.problems))
    kept = [one for one in done.problems if one.kept]
    for code in dict.fromkeys(one.code for one in kept):
        _tell_problems([one for one in kept if one.code == code], EXAMPLES_SHOWN)


def _tell_problems(problems: Sequence[RowProblem], shown: int) -> None:
    for one in problems[:shown]:
        where = " ".join(part for part in (one.column, one.value) if part)
        line = text(f"line {one.row}", f"第 {one.row} 行")
        click.echo(f"  {line} {where}: {one.code}: {text(one.en, one.zh)}")
        click.echo(f"    → {text(one.remedy_en, one.remedy_zh)}")
    if len(problems) > shown:
        say(
            f"  … and {len(problems) - shown} more (--json)",
            f"  ……另有 {len(problems) - shown} 条（--json）",
        )


commands: list[click.Command] = []  # it joined the group `register`
