"""文件: what a register is taken for, a mapping proposed for it, and the digest of a document."""

import os
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import click
import msgspec
from msgspec import Struct

from backend.rules import mapping
from backend.rules.guess import guess
from backend.rules.headers import headed
from backend.rules.mapping import Table
from backend.rules.records import Register
from backend.rules.sources import SHEETS_BETWEEN, Opened, tables
from cli.output import as_json, json_option, show, text
from sync.refusals import Reason, Refused

KEPT_BYTES = 16 << 20  # of standard input, in memory; the rest goes to a temporary file

FOUND = {
    "source": ("file", "文件"),
    "form": ("format", "格式"),
    "encoding": ("encoding", "编码"),
    "delimiter": ("delimiter", "分隔符"),
    "sheet": ("sheet", "工作表"),
    "header_row": ("header row", "表头行"),
    "columns": ("columns", "列"),
}


class Target(click.Path):
    """A file to write, in a folder that takes one: refused before anything is done."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(dir_okay=False, writable=True, allow_dash=allow_dash, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Take the path."""
        path, folder = super().convert(value, param, ctx), Path(value).parent
        if str(value) != "-" and not os.access(folder, os.W_OK | os.X_OK):
            self.fail(text(f"No file can be written in {folder}.", f"无法写入目录 {folder}。"))
        return path


a_source = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_delimiters = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
_encodings = {"utf-8-sig": "UTF-8", "gb18030": "GB18030", "cp950": "Big5 (cp950)"}


class Found(Struct, frozen=True):
    """What one table of a file was taken for."""

    source: str
    form: str
    encoding: str
    delimiter: str
    sheet: str
    header_row: int
    columns: int
    names: tuple[str, ...]


@contextmanager
def opened(path: Path) -> Generator[tuple[str, IO[bytes]]]:
    """Open a file by its name, or standard input, which is kept until it was read."""
    if str(path) != "-":
        with path.open("rb") as file:
            yield path.name, file
        return
    with SpooledTemporaryFile(KEPT_BYTES) as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.seek(0)
        yield "stdin", kept


def survey(name: str, file: IO[bytes], table: Table, *, every: bool) -> Iterator[Found]:
    """Tell what each table of a file was taken for; of a workbook, each sheet if `every`."""
    try:
        for one in tables(name, file, table):
            yield _found(one, table)
            if every and len(one.detected.sheets) > 1:
                yield from _sheets(name, file, one.detected.sheets, but=one.detected.sheet)
    except Refused as refused:
        if refused.reason != Reason.REGISTER_SHEET_MISSING or not every:
            raise
        yield from _sheets(name, file, tuple(str(refused.details["sheets"]).split(SHEETS_BETWEEN)))
    finally:
        file.seek(0)


def _sheets(name: str, file: IO[bytes], sheets: tuple[str, ...], but: str = "") -> Iterator[Found]:
    for sheet in sheets:
        if sheet != but:
            file.seek(0)
            for one in tables(name, file, Table(fields={}, sheet=sheet)):
                yield _found(one, None)


def _found(one: Opened, table: Table | None) -> Found:
    detected = one.detected
    try:
        header, _ = headed(one, table if table and table.fields else None)
    except Refused as refused:
        if refused.reason != Reason.REGISTER_NOT_CSV:
            raise
        header = []  # an empty sheet
    finally:
        one.close()
    return Found(
        source=detected.source,
        form=" in ".join(part for part in (detected.form, detected.packed) if part),
        encoding=_encodings.get(detected.encoding, detected.encoding.upper()),
        delimiter=_delimiters.get(detected.delimiter, detected.delimiter),
        sheet=detected.sheet,
        header_row=one.header_row,
        columns=len(header),
        names=tuple(header),
    )


def tell_found(name: str, file: IO[bytes], toml: bytes, register: str) -> None:
    """Tell a person in a line what a file was taken for, before it is imported."""
    table = mapping.parse(toml, msgspec.convert(register, Register))
    for one in survey(name, file, table, every=False):
        parts = (
            one.form,
            one.encoding,
            text(f"delimiter {one.delimiter}", f"分隔符 {one.delimiter}") if one.delimiter else "",
            text(f"sheet {one.sheet}", f"工作表 {one.sheet}") if one.sheet else "",
            text(f"{one.columns} columns", f"{one.columns} 列"),
        )
        click.echo(f"{one.source}: {', '.join(part for part in parts if part)}")


@click.command("sheets")
@click.argument("file", type=a_source)
@json_option
def show_sheets(file: Path) -> None:
    """Show what a file is taken for, and the sheets of a workbook. 查看文件格式与工作表。"""
    with opened(file) as (name, body):
        found = list(survey(name, body, Table(fields={}), every=True))
    said = {name: words for name, words in FOUND.items() if any(getattr(f, name) for f in found)}
    if len({one.source for one in found}) == 1:
        del said["source"]
    show(found, said)


@click.command("guess")
@click.argument("file", type=a_source)
@click.option("--sheet", default="", help="Sheet of a workbook. 工作表名称。")
@json_option
def guess_mapping(file: Path, sheet: str) -> None:
    """Propose a mapping for a file, and say how sure each field is. 建议字段映射。

    The mapping goes to standard output, what is to be decided to standard error.
    """
    with opened(file) as (name, body):
        one = next(tables(name, body, Table(fields={}, sheet=sheet)))
        try:
            guessed = guess(one.detected, *headed(one, None))
        finally:
            one.close()
    if as_json():
        show(guessed)
        return
    click.echo(guessed.toml, nl=False)
    for field in guessed.fields:
        if field.sure < 50:
            click.echo(
                text(
                    f"Not sure of {field.field}: {field.en}.", f"{field.field} 不确定：{field.zh}。"
                ),
                err=True,
            )
    for name in guessed.open:
        click.echo(text(f"Open: {name} must be filled in.", f"待补：{name} 必须填写。"), err=True)


def digest(document: Path) -> str:
    """Hash a document that proves something: SHA-256, in hex."""
    with document.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
