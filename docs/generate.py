"""Write the pages of docs/reference that the code already knows, so that they cannot drift.

Run as a script it writes them; with `--check` it writes nothing and fails when one is out of date.
"""

import ast
import difflib
import inspect
import os
import sys
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, cast, get_args, get_origin

os.environ["EVENHAND_LANG"] = "en"

REFERENCE = Path(__file__).parent / "reference"
WIDTH = 100


# -- the pages -----------------------------------------------------------------------------------


def refusals() -> str:
    """Every refusal (拒绝): its code, what happened and what to do."""
    from backend.routes.problems import STATUS
    from sync.refusals import Kind, Reason

    lines = [
        'Every expected "no" has a code. Over HTTP it is the `code` of a problem document',
        "(`application/problem+json`, RFC 9457); inside a push it is the `why` of an exception; on",
        "the command line it gives the exit status. A code is never reused.",
        "",
        "Not in the table: exit status 2 is a wrong use of the command line, and 75 says that the",
        "server could not be reached, which refuses nothing: try again.",
    ]
    for kind in Kind:
        reasons = [reason for reason in Reason if reason.kind is kind]
        if not reasons:
            continue
        lines += ["", f"## {kind.name}: HTTP {int(STATUS[kind])}, exit {int(kind)}", ""]
        lines += table(
            ("code", "what happened", "发生了什么", "what to do", "怎么办"),
            ((f"`{r.code}`", r.en, r.zh, r.remedy_en, r.remedy_zh) for r in reasons),
        )
    return page("Refusals", "拒绝代码", "`sync/refusals/`", lines)


def settings() -> str:
    """Every environment variable that a server reads."""
    import msgspec

    from backend.settings import ASKERS, Settings

    notes = remarks(Settings)
    rows: list[tuple[str, ...]] = []
    for field in msgspec.structs.fields(Settings):
        default = "required" if field.required else f"`{field.default}`" if field.default else ""
        rows.append(
            (f"`EVENHAND_{field.name.upper()}`", type_name(field.type), default, notes[field.name])
        )
    lines = [
        *paragraph(Settings),
        "",
        "A misspelt name is an error when the server starts. A device has no environment: its",
        "settings live in its own store after it has enrolled.",
        "",
        *table(("variable", "type", "default", "meaning"), rows),
        "",
        f"Commands also read {', '.join(f'`EVENHAND_{name.upper()}`' for name in ASKERS)}.",
    ]
    return page("Settings", "设置", "`backend/settings.py`", lines)


def tables() -> str:
    """Every table of the server's database."""
    from sqlalchemy import Table
    from sqlmodel import SQLModel

    import backend.tables

    lines = [
        "For whoever reads the database beside the server: reports, audits, exports. Times are",
        "UTC. The schema is made by the migrations; a test compares the two.",
    ]
    for model in vars(backend.tables).values():
        if not (inspect.isclass(model) and issubclass(model, SQLModel)):
            continue
        if "__table__" not in vars(model):  # columns that several tables share
            continue
        relation = cast("Table", vars(model)["__table__"])
        notes = {
            name: note
            for one in reversed(model.__mro__)
            if one.__module__ == model.__module__
            for name, note in remarks(one).items()
        }
        lines += ["", f"## {relation.name}", "", *paragraph(model), ""]
        rows: list[tuple[str, ...]] = []
        for column in relation.columns:
            key = ["primary key"] if column.primary_key else ["unique"] if column.unique else []
            key += [f"→ {foreign.target_fullname}" for foreign in column.foreign_keys]
            null = "yes" if column.nullable else ""
            kind = str(column.type).lower()
            rows.append((f"`{column.name}`", kind, null, ", ".join(key), notes[column.name]))
        lines += table(("column", "type", "null", "key", "meaning"), rows)
    return page("Tables", "数据表", "`backend/tables/`", lines)


def cli() -> str:
    """Every command, as `--help` shows it."""
    import click

    from cli.main import main

    def walk(command: click.Command, above: click.Context | None, name: str) -> Iterator[str]:
        context = click.Context(command, info_name=name, parent=above, terminal_width=WIDTH)
        yield from ("", f"## {context.command_path}", "", "```text")
        yield from command.get_help(context).splitlines()
        yield "```"
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found is not None, below
                if not found.hidden:
                    yield from walk(found, context, below)

    lines = ["Every command answers `--help`. Exit statuses: [refusals](refusals.md)."]
    return page("Command line", "命令行", "`cli/`", [*lines, *walk(main, None, "evenhand")])


def http() -> str:
    """Every route, by door."""
    from litestar.handlers import HTTPRouteHandler
    from litestar.routes import HTTPRoute

    from backend.app import create_app, door
    from backend.settings import Settings

    app = create_app(Settings(database_url="sqlite+aiosqlite://"))
    paths = cast("dict[str, dict[str, Any]]", app.openapi_schema.to_schema()["paths"])
    doors: dict[str, list[tuple[str, ...]]] = {"office": [], "device": [], "public": [], "open": []}
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/schema"):
            continue
        for handler in cast("tuple[HTTPRouteHandler, ...]", route.route_handlers):
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                described = paths.get(route.path_format, {}).get(method.lower(), {})
                good = {k: v for k, v in described.get("responses", {}).items() if k < "3"}
                doors[door(handler, route.path)].append(
                    (
                        f"`{method} {route.path_format}`",
                        (inspect.getdoc(handler.fn) or "").partition("\n\n")[0],
                        body(described.get("requestBody", {})),
                        ", ".join(f"{k} {body(v)}".strip() for k, v in good.items()),
                    )
                )
    lines = [
        "A running server describes itself: `GET /schema` for people, `GET /schema/openapi.json`",
        "for machines. Every route may also answer with a problem document:",
        "[refusals](refusals.md). A device's pushes and files are not JSON and show no type here.",
        "A list ends after a thousand rows; if there are more, a header says `Evenhand-More: yes`.",
    ]
    notes = {
        "office": "Needs `Authorization: Bearer` with the token of a log-in.",
        "device": "Needs a device's signature or its upload token.",
        "public": "Read only, for everyone.",
        "open": "Checked by what the body itself carries: a password, a code, a signature.",
    }
    for name, rows in doors.items():
        heads = ("route", "what it does", "takes", "answers")
        rows.sort(key=lambda row: row[0].strip("`").split()[::-1])  # by path, then method
        lines += ["", f"## The {name} door", "", notes[name], "", *table(heads, rows)]
    return page("HTTP", "接口", "the routes and the OpenAPI document", lines)


PAGES: tuple[Callable[[], str], ...] = (refusals, settings, tables, cli, http)


# -- their parts ---------------------------------------------------------------------------------


def page(title: str, zh: str, source: str, lines: Iterable[str]) -> str:
    """Put a page together."""
    head = [f"# {title} ({zh})", "", f"Generated from {source} by `make docs`; do not edit.", ""]
    return "\n".join([*head, *lines]).rstrip() + "\n"


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Write a Markdown table."""
    clean = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *clean)]


def paragraph(of: type) -> list[str]:
    """Return a class's docstring."""
    return textwrap.dedent(inspect.getdoc(of) or "").splitlines()


def remarks(of: type) -> dict[str, str]:
    """Return what a class says of each field: the comment on its lines, or the string after it."""
    source = textwrap.dedent(inspect.getsource(of))
    comments: dict[int, str] = {}
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.removeprefix("#").strip()
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            said = [comments.get(n, "") for n in range(node.lineno, (node.end_lineno or 0) + 1)]
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    said.append(text)
                case _:
                    pass
            found[node.target.id] = " ".join(filter(None, said))
    return found


def type_name(of: object) -> str:
    """Return a type, and its lower limit, as a person writes it."""
    if isinstance(of, type):
        return of.__name__.lower()
    if get_origin(of) is Annotated:
        plain, *limits = get_args(of)
        least = [f", at least {limit.ge}" for limit in limits if getattr(limit, "ge", None)]
        return "".join([type_name(plain), *least])
    return str(of)


def body(part: dict[str, Any]) -> str:
    """Return what a request or an answer holds: its schema, else its media type."""
    said: list[str] = []
    for media, content in part.get("content", {}).items():
        schema = content.get("schema", {})
        many = schema.get("type") == "array"
        reference = (schema.get("items", {}) if many else schema).get("$ref", "")
        name = reference.rsplit("/", 1)[-1].rsplit("_", 1)[-1]
        if name or media != "application/json":
            said.append((name or f"`{media}`") + ("[]" if many else ""))
    return ", ".join(said)


# -- write or check ------------------------------------------------------------------------------


def run(*, check: bool) -> int:
    """Write every page, or say how each differs; return the exit status."""
    bad = 0
    for make in PAGES:
        path = REFERENCE / f"{make.__name__}.md"
        new = make()
        old = path.read_text("utf-8") if path.exists() else ""
        if check and new != old:
            bad += 1
            diff = difflib.unified_diff(old.splitlines(), new.splitlines(), "written", "code", n=0)
            print(f"docs/reference/{path.name} is out of date; run `make docs`:")
            print("\n".join(list(diff)[2:22]))
        elif not check:
            path.write_text(new, "utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
