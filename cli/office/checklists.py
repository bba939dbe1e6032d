"""检查表: write checklists from workbooks, release them, read and print them."""

from pathlib import Path
from typing import Literal, cast

import click

from backend.prints.limits import bounds
from backend.workbooks import Workbook
from cli import client
from cli.office.files import Target
from cli.office.releases import release, show_listed
from cli.output import as_json, json_option, language, say, show, text
from cli.printing import fonts_option, needed
from sync.checklist import Checklist, Item, digest, parse
from sync.refusals import Reason, Refused

FORM_BYTES_MAX = 16 << 20
SHEETS_MAX = 20

ITEMS = {
    "ref": ("item", "编号"),
    "key": ("key", "重点"),
    "text": ("what is asked", "检查内容"),
    "limits": ("limits", "限值"),
    "basis": ("legal basis", "依据"),
}

a_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("checklist")
def checklist_group() -> None:
    """Write, release, read and print checklists. 检查表管理。"""


@checklist_group.command("release")
@click.argument("file", type=a_file)
@json_option
def release_checklist(file: Path) -> None:
    """Release a checklist; the same file again changes nothing. 检查表定版。"""
    release("/office/checklists", file, parse)


@checklist_group.command("list")
@json_option
def list_checklists() -> None:
    """List the released checklists. 检查表列表。"""
    show_listed("/office/checklists")


@checklist_group.command("show")
@click.argument("name")
@json_option
def show_checklist(name: str) -> None:
    """Show a checklist: a digest, the newest of a code, or a file. 查看检查表。"""
    found = _found(name)
    if as_json():
        show(found)
        return
    say(f"{found.title.en} ({found.version})", f"{found.title.zh}（{found.version}）")
    for section in found.sections:
        click.echo()
        say(section.title.en, section.title.zh)
        show([_line(item) for item in section.items], ITEMS)
    click.echo()
    click.echo(digest(found))


@checklist_group.command("import")
@click.argument("file", type=a_file)
@click.option("--code", default="", help="The code of the checklist. 检查表代码。")
@click.option("--version", default="", help="Its version. 版本。")
@click.option("--output", type=Target(), help="The file to write; else it is shown. 输出文件。")
@json_option
def import_checklist(file: Path, code: str, version: str, output: Path | None) -> None:
    """Turn an XLSForm workbook into a checklist to read and amend. 导入 XLSForm。

    Nothing is released, and no server is asked. What a checklist cannot say is told by its row.
    """
    if file.stat().st_size > FORM_BYTES_MAX:
        raise Refused(
            Reason.XLSFORM_UNREADABLE, file=file.name, problem=f"more than {FORM_BYTES_MAX} bytes"
        )
    from backend.rules.xlsforms import convert  # 0.2 s to import, and only this needs it

    found = convert(_cells(file), file.name, code=code, version=version)
    show(found, {})
    for one in found.problems:
        where = f"{one.sheet}:{one.row}" if one.row else one.sheet
        at = " ".join(part for part in (where, one.column, one.value) if part)
        mark = text("REFUSED", "拒绝") if one.stops else text("note", "提示")
        said = text(f"{one.en}. {one.remedy_en}", f"{one.zh}。{one.remedy_zh}")
        click.echo(f"{mark} {at}: {said}", err=True)
    if not found.toml:
        stopped = sum(one.stops for one in found.problems)
        raise Refused(Reason.XLSFORM_REFUSED, file=file.name, problems=stopped)
    if output is not None:
        output.write_text(found.toml, "utf-8")
        say(
            f"Written: {output}, {found.items} items in {found.sections} sections. Read it, amend "
            "it, then release it.",
            f"已写入 {output}：{found.sections} 个分部，{found.items} 项。请核对、修改后定版。",
        )
    elif not as_json():
        click.echo(found.toml, nl=False)


@checklist_group.command("print")
@click.argument("name")
@click.option(
    "--as", "form", type=click.Choice(["pdf", "xlsx"]), default="pdf", show_default=True,
    help="A form to fill by hand, or a workbook. 空白表或工作簿。",
)  # fmt: skip
@click.option(
    "--language", "chosen", type=click.Choice(["en", "zh"]), help="Else as the terminal. 语言。"
)
@click.option("--output", type=Target(), help="The file to write; else CODE-VERSION. 输出文件。")
@fonts_option
@json_option
def print_checklist(
    name: str, form: str, chosen: str | None, output: Path | None, fonts: Path | None
) -> None:
    """Print a checklist: a digest, the newest of a code, or a file. 打印检查表。

    The same checklist, language and fonts give the same bytes.
    """
    found = _found(name)
    speech = cast(Literal["en", "zh"], chosen or language())
    needed("office checklist print", "typst", "xlsxwriter")
    from backend.prints import forms, forms_workbook, typeset

    if form == "pdf":
        made = forms.print_form(found, typeset.fonts(fonts), speech)
    else:
        made = forms_workbook.write(found, speech)
    path = output or Path(f"{found.code}-{found.version}.{form}")
    path.write_bytes(made)
    show({"written": str(path)}, {})
    say(f"Written: {path}", f"已写入：{path}")


def _found(name: str) -> Checklist:
    """Read a checklist from a file, or ask for one that was released."""
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return parse(path.read_bytes())
    return client.get(f"/office/checklists/{name}", Checklist)


def _cells(file: Path) -> dict[str, list[list[str]]]:
    """Read the cells of a workbook, sheet by sheet, in a process of their own."""
    try:
        with file.open("rb") as stream:
            book = Workbook(file.name, stream, "")
        sheets, rows = book.about.sheets, list[list[str]]()
        if book.about.sheet:
            rows = list(book.rows())
        book.close()
        if len(sheets) > SHEETS_MAX:
            raise Refused(
                Reason.XLSFORM_UNREADABLE, file=file.name, problem=f"more than {SHEETS_MAX} sheets"
            )
        if book.about.sheet:
            return {book.about.sheet: rows}
        found: dict[str, list[list[str]]] = {}
        for name in sheets:
            with file.open("rb") as stream:
                found[name] = list(Workbook(file.name, stream, name).rows())
        return found
    except Refused as refused:
        if refused.reason is not Reason.REGISTER_NOT_CSV:
            raise
        raise Refused(
            Reason.XLSFORM_UNREADABLE, file=file.name, problem=str(refused.details["problem"])
        ) from None


def _line(item: Item) -> dict[str, str]:
    texts = [one.text for one in item.limits] + [one.text for one in item.choices]
    named = [text(one.en, one.zh) for one in texts + [one.text for one in item.columns]]
    return {
        "ref": item.ref,
        "key": "★" if item.key else "",
        "text": text(item.text.en, item.text.zh),
        "limits": bounds(item, item.unit, language(), minus="-") or " · ".join(named),
        "basis": text(item.basis.en, item.basis.zh),
    }


commands: list[click.Command] = [checklist_group]
