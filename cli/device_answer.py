"""填写检查项: answers of every kind, each written as its item takes it; tables come from files."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from cli.device_identity import home_option
from cli.device_recording import recording, say_recorded
from cli.output import json_option, text
from sync import answers, checklist
from sync.checklist import Item
from sync.ops import Answer
from sync.refusals import Reason, Refused

FILE = "@"
CELLS_BYTES_MAX = 1024 * 1024


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
        mine = home.replica.answer(one, replies)
    say_recorded(mine.n)


def reply(items: Mapping[str, Item], ref: str, value: str, *, how: How, note: str) -> Answer:
    """Write what was typed as the answer that an item takes; whether it is one is not judged."""
    item = items.get(ref)
    if item is None or value == "na":
        return Answer(value, note)
    match item.kind:
        case "number" | "temperature":
            limit = how.limit or (item.limits[0].code if len(item.limits) == 1 else "")
            return Answer(
                value, note, "number", how.unit or item.unit, how.instrument, how.probe, limit
            )
        case "choice":
            return Answer(" ".join(sorted(set(value.replace(",", " ").split()))), note, "choice")
        case "count" | "text" | "date":
            return Answer(value, note, item.kind)
        case "table":
            if not value.startswith(FILE):
                raise Refused(Reason.TABLE_FILE, item=ref, problem=value)
            rows = table(item, ref, Path(value.removeprefix(FILE)))
            return Answer(str(len(rows)), note, "table", rows=rows)
        case _:
            return Answer(value, note)


def table(item: Item, ref: str, file: Path) -> tuple[dict[str, str], ...]:
    """Read the rows of a table from CSV (UTF-8); columns are named by code or by their texts.

    Refuses with TABLE_FILE a file that is none, with TABLE_CELL naming the first wrong cell.
    """
    columns = {
        name: one.code for one in item.columns for name in (one.code, one.text.en, one.text.zh)
    }
    try:
        if file.stat().st_size > CELLS_BYTES_MAX:
            raise Refused(Reason.TABLE_FILE, item=ref, problem=f"over {CELLS_BYTES_MAX} bytes")
        with file.open(encoding="utf-8-sig", newline="") as lines:
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
        if wrong := answers.wrong_cell(item, told):
            raise Refused(Reason.TABLE_CELL, item=ref, row=number, column=wrong, value=told[wrong])
        rows.append(told)
    return tuple(rows)


commands: list[click.Command] = [answer]
