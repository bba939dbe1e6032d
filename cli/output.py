"""What the commands print: in English or Chinese for people, as JSON for programs.

With `--json` exactly one JSON document goes to standard output, and nothing that `say` says.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeVar, cast

import click
import msgspec

from sync.refusals import Reason, Refused

Words = tuple[str, str]  # English, 中文
AnyCommand = TypeVar("AnyCommand", bound=Callable[..., object])

_JSON = "evenhand.json"


def language() -> Literal["en", "zh"]:
    """Choose the language: EVENHAND_LANG, else the locale."""
    for name in ("EVENHAND_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if chosen := os.environ.get(name):
            return "zh" if chosen.lower().startswith("zh") else "en"
    return "en"


def text(en: str, zh: str) -> str:
    """Give the text in the chosen language."""
    return zh if language() == "zh" else en


def say(en: str, zh: str) -> None:
    """Tell a person something, unless a program is reading."""
    if not as_json():
        click.echo(text(en, zh))


def warn(en: str, zh: str) -> None:
    """Tell on standard error what a person must not miss, whoever reads the output."""
    click.echo(text(en, zh), err=True)


def as_json() -> bool:
    """Tell whether a program is reading."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_JSON))


def json_option(command: AnyCommand) -> AnyCommand:
    """Give a command the option `--json`."""

    def remember(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted:
            context.meta[_JSON] = True

    option = click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, is_eager=True,
        help="Print one JSON document. 输出 JSON。",
    )  # fmt: skip
    return option(command)


def show(value: object, columns: Mapping[str, Words] | None = None) -> None:
    """Print a value: JSON for a program; for a person a list as a table, anything else as lines.

    `columns` chooses fields and names them, `{}` none (people were told already by `say`); without
    it every field is shown under its own name.
    """
    if as_json():
        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
        return
    plain: object = msgspec.to_builtins(value, str_keys=True)
    if isinstance(plain, list):
        _table(cast(list[Mapping[str, object]], plain), columns)
    elif isinstance(plain, dict):
        fields = cast(dict[str, object], plain)
        named = {name: text(*columns[name]) for name in columns} if columns is not None else None
        for name, one in fields.items():
            if named is None or name in named:
                click.echo(f"{named[name] if named else name}: {_cell(one)}")
    elif plain is not None:
        click.echo(str(plain))


def complain(refused: Refused) -> int:
    """Tell on standard error what was refused and what to do; return the exit status."""
    reason = refused.reason
    if as_json():
        problem = {
            "code": reason.code,
            "title": reason.zh,
            "detail": reason.en,
            "remedy_en": reason.remedy_en,
            "remedy_zh": reason.remedy_zh,
            "details": refused.details,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(problem), indent=2).decode(), err=True)
    else:
        click.echo(f"{reason.code}: {text(reason.en, reason.zh)}", err=True)
        for name, value in _told(refused).items():
            click.echo(f"  {name}: {value}", err=True)
        click.echo(f"→ {text(reason.remedy_en, reason.remedy_zh)}", err=True)
    return int(reason.kind)


def fail(name: str, problem: str, remedy: Words) -> None:
    """Tell on standard error what went wrong without being refused, and what to do."""
    if as_json():
        told = {"code": name, "detail": problem, "remedy_en": remedy[0], "remedy_zh": remedy[1]}
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode(), err=True)
    else:
        click.echo(f"{name}: {problem}\n→ {text(*remedy)}", err=True)


def _told(refused: Refused) -> dict[str, object]:
    """Give the details, and of those that are there in both languages the reader's."""
    told: dict[str, object] = dict(refused.details)
    for en, zh, name in (("problem", "problem_zh", "problem"), ("en", "zh", "why")):
        if en in told and zh in told:
            told[name] = text(str(told.pop(en)), str(told.pop(zh)))
    return told


def reason(code: str) -> Reason | None:
    """Find a reason by its code; a newer server may use one that we do not know."""
    return next((one for one in Reason if one.code == code), None)


def _table(rows: Iterable[Mapping[str, object]], columns: Mapping[str, Words] | None) -> None:
    from rich.console import Console  # 0.1 s to import, and only tables need it
    from rich.table import Table

    listed = list(rows)
    names = (
        list(columns) if columns else list(dict.fromkeys(name for row in listed for name in row))
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(text(*columns[name]) if columns else name, overflow="fold")
    for row in listed:
        table.add_row(*(_cell(row.get(name)) for name in names))
    Console(file=sys.stdout, highlight=False, markup=False).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)
