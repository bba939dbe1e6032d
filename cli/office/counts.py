"""计数: how many different values a column of somebody's files has, over all of them."""

from collections import Counter
from pathlib import Path

import click
from msgspec import Struct

from backend.rules.headers import headed
from backend.rules.mapping import Source, Table, bind
from backend.rules.sources import tables
from cli.office.files import a_source, opened
from cli.office.registers import register_group
from cli.output import json_option, show

COUNTED = {
    "column": ("column", "列"),
    "rows": ("rows", "行数"),
    "different": ("different values", "不同值"),
    "empty": ("empty", "空值"),
}


class Counted(Struct, frozen=True):
    """What is in a column."""

    column: str
    rows: int
    different: int
    empty: int


@register_group.command("count")
@click.argument("files", nargs=-1, required=True, type=a_source)
@click.option("--column", "columns", multiple=True, required=True, help="May be repeated. 列名。")
@click.option("--sheet", default="", help="Sheet of a workbook. 工作表名称。")
@json_option
def count_values(files: tuple[Path, ...], columns: tuple[str, ...], sheet: str) -> None:
    """Count the different values of columns, over all files. 统计各列不同值。

    Tells how many visits or licences rows stand for, before or after they collapse into
    establishments. Asks no server; the values are held in memory.
    """
    table = Table(fields={name: Source(column=name) for name in columns}, sheet=sheet)
    values = {name: Counter[str]() for name in columns}
    for path in files:
        with opened(path) as (source, file):
            for one in tables(source, file, table):
                header, lines = headed(one, table)
                fields = bind(table, header)
                for line in lines:
                    if line.cells is None or len(line.cells) != len(header):
                        continue
                    for field in fields:
                        values[field.name][line.cells[field.places[0]].strip()] += 1
                one.close()
    counted = [
        Counted(name, of.total(), len(of) - ("" in of), of[""]) for name, of in values.items()
    ]
    show(counted, COUNTED)


commands: list[click.Command] = []  # it joined the group `register`
