"""导入批次: what an import found, as a workbook; what revisions did, and undoing them."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from backend.rules.records import REGISTERS
from backend.wire import FieldChange, ImportView, RevisionView, UndoRevision, UndoView, VersionView
from cli import client
from cli.output import as_json, json_option, say, show, text

REVISIONS = {
    "id": ("revision", "批次"),
    "at": ("at", "时间"),
    "actor": ("by", "操作人"),
    "register_name": ("register", "名录库"),
    "source_name": ("files", "文件"),
    "created": ("new", "新增"),
    "changed": ("changed", "变更"),
    "undone_id": ("undone by", "撤销批次"),
}
PROBLEMS = (
    ("file", "文件", 24), ("row", "行号", 8), ("column", "列", 18), ("value", "值", 30),
    ("code", "代码", 22), ("imported", "已导入", 9), ("what", "What is wrong", 40),
    ("问题", "问题", 30), ("remedy", "What to do", 50), ("处理", "处理办法", 40),
)  # fmt: skip
CHANGES = (
    ("kind", "类别", 12), ("code", "编号", 22), ("name", "名称", 30), ("field", "字段", 14),
    ("before", "原值", 30), ("after", "新值", 30),
)  # fmt: skip
KINDS = {"new": "新增", "changed": "变更", "reappeared": "重现", "missing": "缺失"}


@click.command("history")
@click.argument("code", required=False)
@click.option(
    "--register",
    type=click.Choice(list(REGISTERS)),
    default="establishments",
    show_default=True,
    help="Whose code it is: a licence's number, a certificate, … 名录库。",
)
@json_option
def show_history(code: str | None, register: str) -> None:
    """List imports and undos, or what they did to the rows of a code. 导入与变更历史。"""
    if code is None:
        show(client.get("/office/registers/revisions", list[RevisionView]), REVISIONS)
        return
    found = client.get(
        "/office/registers/versions", list[VersionView], code=code, register=register
    )
    if as_json():
        show(found)
        return
    done = {"created": "新增", "changed": "变更", "removed": "移除"}
    for one in found:
        kind = text(one.kind, done[one.kind])
        what = "" if one.key == code else f" {one.key}"
        by = f"{one.actor} · {one.source} · {one.revision}"
        click.echo(f"{one.at:%Y-%m-%d %H:%M}{what} {kind} · {by}")
        for field in one.fields:
            click.echo(f"  {field.field}: {field.before or '∅'} → {field.after or '∅'}")


@click.command("undo")
@click.argument("revision")
@click.option("--force", is_flag=True, help="Give later changes up. 放弃之后的变更。")
@json_option
def undo_revision(revision: str, force: bool) -> None:
    """Restore what was there before an import. 撤销一次导入。"""
    path = f"/office/registers/revisions/{revision}/undo"
    done = client.post(path, UndoView, UndoRevision(force=force))
    say(
        f"Undone: {done.restored} restored, {done.removed} removed, "
        f"{done.lost} later changes given up.",
        f"已撤销：恢复 {done.restored}，移除 {done.removed}，放弃之后的变更 {done.lost}。",
    )
    show(done, {"revision": REVISIONS["id"]})


def write_report(path: Path, done: ImportView) -> None:
    """Write what an import found as XLSX, one row for each problem and each changed field."""
    xlsxwriter: Any = import_module("xlsxwriter")  # has no types, and only a report needs it
    texts = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, **texts})
    head = book.add_format({"bold": True, "bottom": 1})
    problems = _sheet(book, text("problems", "问题"), PROBLEMS, head)
    for n, one in enumerate(done.problems, start=1):
        kept = text("yes", "是") if one.kept else text("no", "否")
        cells = (
            one.source, one.row, one.column, one.value, one.code, kept, one.en, one.zh,
            one.remedy_en, one.remedy_zh,
        )  # fmt: skip
        problems.write_row(n, 0, cells)
    changes = _sheet(book, text("changes", "变更"), CHANGES, head)
    n = 0
    for change in done.changes:
        kind = text(change.kind, KINDS[change.kind])
        for field in change.fields or [FieldChange("", "", "")]:
            n += 1
            told = (field.field, field.before, field.after)
            changes.write_row(n, 0, (kind, change.code, change.name, *told))
    book.close()


def tell_changes(done: ImportView) -> None:
    """Tell a person which fields change, whom the files do not name, and who is back."""
    if done.fields:
        fields = ", ".join(f"{name} {count}" for name, count in done.fields.items())
        say(f"Changed fields: {fields}.", f"变更字段：{fields}。")
    if done.reappeared:
        say(
            f"{done.reappeared} that were missing are back.",
            f"{done.reappeared} 条曾缺失的记录重新出现。",
        )
    if done.missing:
        fate = {
            "keep": text("kept as they are (--missing keep)", "保持不变（--missing keep）"),
            "mark": text("marked as missing", "标记为缺失"),
            "close": text("closed", "予以关闭"),
        }
        say(
            f"{done.missing} are not in the files: {fate[done.policy]}.",
            f"{done.missing} 条记录不在文件中：{fate[done.policy]}。",
        )
    if done.dry_run:
        say("Nothing was written (--dry-run).", "未写入任何内容（--dry-run）。")


def _sheet(book: Any, name: str, columns: tuple[tuple[str, str, int], ...], head: Any) -> Any:
    sheet = book.add_worksheet(name)
    for place, (en, zh, width) in enumerate(columns):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, text(en, zh), head)
    sheet.freeze_panes(1, 0)
    return sheet
