"""填写检查项: answers of every kind, each written as its item takes it; tables come from files."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import click

from cli.device_identity import home_option
from cli.device_recording import recording, say_recorded
from cli.output import json_option, text
from sync import answers, checklist
from sync.checklist import Choice, Column, Item
from sync.ops import Answer
from sync.refusals import Reason, Refused

FILE = "@"
CELLS_BYTES_MAX = 1024 * 1024
VERDICTS = {
    "符合": "pass", "合格": "pass", "不符合": "fail", "不合格": "fail", "不适用": "na",
    "合理缺项": "na",
}  # fmt: skip
DAY = re.compile(r"([0-9]{4})(?:/|年)([0-9]{1,2})(?:/|月)([0-9]{1,2})日?", re.ASCII)


class How(NamedTuple):
    """How it was measured, of every number that is given at once."""

    unit: str = ""
    instrument: str = ""
    probe: str = ""
    limit: str = ""


@click.command()
@click.argument("inspection")
@click.argument("given", nargs=-1, required=True, metavar="ITEM=VALUE...")
@click.option("--note", default="", help="A remark on these answers. 备注。")
@click.option("--unit", default="", help="Of a number; that of the item is meant. 单位。")
@click.option("--instrument", default="", help="What it was measured with. 仪器编号。")
@click.option("--probe", default="", help="Where it was measured: air, core … 探头位置。")
@click.option("--limit", default="", help="The code of the limit that applies. 适用限值。")
@home_option
@json_option
def answer(
    inspection: str,
    given: tuple[str, ...],
    note: str,
    unit: str,
    instrument: str,
    probe: str,
    limit: str,
    folder: Path,
) -> None:
    """Answer items: pass, fail, na, a number, a count, codes, a text, a day. 填写检查项。

    A table comes from a CSV file whose first line names the columns: 3.2=@prices.csv.
    """
    pairs = [one.partition("=") for one in given]
    for ref, mark, _ in pairs:
        if not (ref and mark):
            raise click.UsageError(text(f"{ref!r} is not ITEM=VALUE", f"{ref!r} 应写作 项=值"))
    how = How(unit, instrument, probe, limit)
    with recording(folder, inspection) as (home, one):
        items = checklist.asked(home.replica.checklists(one))
        replies = {
            ref.strip(): reply(items, ref.strip(), value.strip(), how=how, note=note)
            for ref, _, value in pairs
        }
        for ref, given_reply in replies.items():
            _require_fitting(items.get(ref), ref, given_reply)
        mine = home.replica.answer(one, replies)
    say_recorded(mine.n)


def reply(items: Mapping[str, Item], ref: str, value: str, *, how: How, note: str) -> Answer:
    """Write what was typed as the answer that an item takes; whether it is one is not judged."""
    item = items.get(ref)
    if item is None:
        return Answer(value, note)
    if item.kind != "text" and value not in _codes(item.choices):
        value = VERDICTS.get(value, value)
    if value == "na":
        return Answer(value, note)
    match item.kind:
        case "number" | "temperature":
            limit = how.limit or (item.limits[0].code if len(item.limits) == 1 else "")
            return Answer(
                value, note, "number", how.unit or item.unit, how.instrument, how.probe, limit
            )
        case "choice":
            known = _codes(item.choices)
            chosen = [value] if value in known else re.split(r"[\s,，、]+", value)
            codes = {known.get(one, one) for one in chosen}
            return Answer(" ".join(sorted(codes)), note, "choice")
        case "date":
            return Answer(_day(value), note, "date")
        case "count" | "text":
            return Answer(value, note, item.kind)
        case "table":
            if not value.startswith(FILE):
                raise Refused(Reason.TABLE_FILE, item=ref, problem=value)
            rows = table(item, ref, Path(value.removeprefix(FILE)))
            return Answer(str(len(rows)), note, "table", rows=rows)
        case _:
            return Answer(value, note)


def table(item: Item, ref: str, file: Path) -> tuple[dict[str, str], ...]:
    """Read the rows of a table from CSV, UTF-8 or as Chinese spreadsheets write it (GB 18030).

    Columns and what one chooses are named by their codes or by their texts.

    Refuses with TABLE_FILE a file that is none, with TABLE_CELL naming the first wrong cell.
    """
    columns = {
        name: one.code for one in item.columns for name in (one.code, one.text.en, one.text.zh)
    }
    try:
        if file.stat().st_size > CELLS_BYTES_MAX:
            raise Refused(Reason.TABLE_FILE, item=ref, problem=f"over {CELLS_BYTES_MAX} bytes")
        lines = io.StringIO(_decoded(file.read_bytes()), newline="")
        read = [
            (number, row)
            for number, row in enumerate(csv.reader(lines, strict=True), start=1)
            if any(row)
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused(Reason.TABLE_FILE, item=ref, problem=f"{file.name}: {error}") from error
    top, head = read[0] if read else (1, list[str]())
    names = [columns.get(name.strip(), "") for name in head]
    for at, name in enumerate(names):
        if not name or name in names[:at]:
            raise Refused(Reason.TABLE_CELL, item=ref, row=top, column=at + 1, value=head[at])
    missing = [one.code for one in item.columns if one.code not in names and one.required]
    if missing:
        raise Refused(Reason.TABLE_CELL, item=ref, row=top, column=" ".join(missing), value="")
    rows: list[dict[str, str]] = []
    for number, cells in read[1:]:
        if len(cells) > len(names):
            extra = len(names) + 1
            raise Refused(
                Reason.TABLE_CELL, item=ref, row=number, column=extra, value=cells[extra - 1]
            )
        told = dict.fromkeys((one.code for one in item.columns), "")
        told |= {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        told |= {one.code: _cell(one, told[one.code]) for one in item.columns}
        if wrong := answers.wrong_cell(item, told):
            raise Refused(Reason.TABLE_CELL, item=ref, row=number, column=wrong, value=told[wrong])
        rows.append(told)
    return tuple(rows)


def _require_fitting(item: Item | None, ref: str, one: Answer) -> None:
    """Refuse what an item does not take, saying what to add or what there is to choose."""
    if item is None or (answers.well_formed(one) and answers.fits(item, one)):
        return
    add = [
        option
        for option, lacks in (
            ("--note", one.v == "na" and item.na_remark and not one.note.strip()),
            ("--instrument", one.kind == "number" and item.instrument and not one.instrument),
            ("--probe", one.kind == "number" and item.probe and not one.probe),
            ("--limit", one.kind == "number" and item.limits and not one.limit),
        )
        if lacks
    ]
    codes = [*(choice.code for choice in item.choices)]
    codes += [limit.code for limit in item.limits if "--limit" in add]
    hints = {"add": " ".join(add), "choose": " ".join(codes)}
    told = {name: said for name, said in hints.items() if said}
    raise Refused(Reason.ANSWER_INADMISSIBLE, item=ref, value=one.v, **told)


def _cell(column: Column, value: str) -> str:
    """Write a cell as its column takes it; whether it does is not judged."""
    if column.kind == "date":
        return _day(value)
    return _codes(column.choices).get(value, value) if column.kind == "choice" else value


def _codes(choices: Iterable[Choice]) -> dict[str, str]:
    """Find codes by themselves, and by their words in either language."""
    choices = tuple(choices)
    words = {name: one.code for one in choices for name in (one.text.en, one.text.zh)}
    return words | {one.code: one.code for one in choices}


def _day(value: str) -> str:
    """Write a day as 2026-03-01, also from 2026/3/1 as spreadsheets write it, or 2026年3月1日."""
    if not (parts := DAY.fullmatch(value)):
        return value
    year, month, day = map(int, parts.groups())
    return f"{year:04}-{month:02}-{day:02}"


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030")


commands: list[click.Command] = [answer]
