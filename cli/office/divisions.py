"""行政区划: fold editions of the national list into one with its history, and look a code up."""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import click
from msgspec.structs import astuple

from backend.rules.divisions import DivisionLine, Named, fold, is_edition
from backend.rules.mapping import Table, parse
from backend.rules.reader import Row, read
from backend.wire import DivisionNameView, DivisionView
from cli import client
from cli.office.files import opened
from cli.office.registers import register_group
from cli.output import as_json, json_option, show, text
from sync.refusals import Reason, Refused

PLAIN = Table(fields={"code": "code", "name": "name"})


@register_group.command("editions")
@click.argument("editions", nargs=-1, required=True, metavar="EDITION=FILE...")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML with [divisions], where the columns are not code and name. 字段映射。",
)
def fold_editions(editions: tuple[str, ...], mapping: Path | None) -> None:
    """Fold editions of the list of divisions into one register. 合并行政区划各版本。

    Writes CSV: each code under each of its names, since when, until when, and what followed, which
    is concluded from names. All editions are given at once, such as 2002-12=old.tsv 2023=new.csv.
    """
    table = parse(mapping.read_bytes(), "divisions") if mapping else PLAIN
    lists: dict[str, list[Named]] = defaultdict(list)
    for one in editions:
        edition, _, path = one.partition("=")
        if not is_edition(edition) or not path:
            raise Refused(Reason.EDITION_INVALID, edition=one, problem="EDITION=FILE")
        lists[edition] += _entries(Path(path), edition, table)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(DivisionLine.__struct_fields__)
    out.writerows(astuple(line) for line in fold(lists))


@register_group.command("division")
@click.argument("code")
@json_option
def show_division(code: str) -> None:
    """Show what a code is, was and became. 查看行政区划及沿革。"""
    found = client.get(f"/office/divisions/{code}", DivisionView)
    if as_json():
        show(found)
        return
    state = text("in force", "现行") if found.in_force else text("historical", "已停用")
    click.echo(f"{found.code} {found.names[-1].name} ({state})")
    for one in found.names:
        click.echo(f"  {' / '.join(one.path)}, {_when(one)}")
        for after in one.successors:
            click.echo(f"    → {after.code} {after.name}".rstrip())


def _entries(path: Path, edition: str, table: Table) -> list[Named]:
    if not path.is_file():
        raise Refused(Reason.EDITION_INVALID, edition=edition, problem=f"no file {path.name}")
    with opened(path) as file:
        reading = read([file], table, _named, lambda one: f"{one.code} {one.name}")
    for problem in reading.problems.first:
        where = " ".join(part for part in (problem.column, problem.value) if part)
        click.echo(f"{problem.reason.code}: {problem.source}:{problem.row} {where}", err=True)
    return list(reading.records.values())


def _named(row: Row) -> Named:
    return Named(code=row.division("code"), name=row.text("name", 120, required=True))


def _when(one: DivisionNameView) -> str:
    if not one.until:
        return text(f"since {one.since}", f"{one.since} 起")
    return text(f"{one.since} to {one.until}", f"{one.since} 至 {one.until}")


commands: list[click.Command] = []  # they joined the group `register`
