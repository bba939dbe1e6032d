"""名录库: importing registers, and looking into them."""

from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import click
import msgspec

from backend.rules.mapping import choose_sheet
from backend.rules.records import Register
from backend.wire import (
    DepartmentRow,
    DivisionRow,
    EstablishmentView,
    ImportView,
    IndexView,
    InspectorView,
    LeaveRow,
    LicenceRow,
    ListingRow,
    RecusalView,
)
from cli import client
from cli.office.files import Target, a_source, guess_mapping, opened, show_sheets, tell_found
from cli.office.progress import watching
from cli.office.revisions import show_history, tell_changes, undo_revision, write_report
from cli.output import Words, as_json, json_option, say, show, text

EXAMPLES_SHOWN = 5  # rows of one kind of problem
PROBLEMS_TOLD, PROBLEMS_REPORTED = 1_000, 100_000

ESTABLISHMENTS = {
    "code": ("code", "编号"),
    "name": ("name", "名称"),
    "category": ("category", "业态"),
    "division": ("division", "区划"),
    "risk": ("risk", "风险"),
    "status": ("status", "状态"),
}
INSPECTORS = {
    "certificate": ("certificate", "执法证号"),
    "name": ("name", "姓名"),
    "department": ("department", "部门"),
    "qualifications": ("qualified for", "资质"),
    "cap": ("tasks at most", "任务上限"),
    "valid_to": ("valid until", "有效期至"),
    "active": ("active", "在岗"),
}
RECUSALS = {
    "code": ("code", "编号"),
    "establishment": ("establishment", "检查对象"),
    "certificate": ("certificate", "执法证号"),
    "inspector": ("inspector", "执法人员"),
    "reason": ("reason", "回避事由"),
}
LICENCES = {
    "number": ("number", "许可证编号"),
    "code": ("establishment", "检查对象"),
    "kind": ("kind", "类别"),
    "issuer": ("issued by", "发证机关"),
    "valid_to": ("valid until", "有效期至"),
    "status": ("status", "状态"),
    "id": ("id", "标识"),
}
LISTINGS = {
    "code": ("establishment", "检查对象"),
    "kind": ("list", "名单"),
    "listed_on": ("listed on", "列入日期"),
    "removed_on": ("removed on", "移出日期"),
    "reason": ("reason", "事由"),
    "id": ("id", "标识"),
}
LEAVE = {
    "certificate": ("certificate", "执法证号"),
    "first_day": ("from", "开始"),
    "last_day": ("until", "结束"),
    "reason": ("reason", "事由"),
    "id": ("id", "标识"),
}
DEPARTMENTS = {
    "name": ("department", "部门"),
    "division": ("division", "区划"),
    "parent": ("belongs to", "上级部门"),
    "code": ("code", "编号"),
    "id": ("id", "标识"),
}
DIVISIONS = {
    "code": ("code", "代码"),
    "name": ("name", "名称"),
    "since": ("since", "启用"),
    "until": ("until", "停用"),
    "successors": ("followed by", "后继"),
    "id": ("id", "标识"),
}
LISTED: dict[Register, tuple[Any, dict[str, Words]]] = {
    "establishments": (list[EstablishmentView], ESTABLISHMENTS),
    "licences": (list[LicenceRow], LICENCES),
    "listings": (list[ListingRow], LISTINGS),
    "inspectors": (list[InspectorView], INSPECTORS),
    "leave": (list[LeaveRow], LEAVE),
    "recusals": (list[RecusalView], RECUSALS),
    "departments": (list[DepartmentRow], DEPARTMENTS),
    "divisions": (list[DivisionRow], DIVISIONS),
}

a_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def which_register(command: click.decorators.FC) -> click.decorators.FC:
    """Give a command the choice of register; establishments when nothing is said."""
    for register, help in (
        ("divisions", "An edition of the list of divisions. 行政区划。"),
        ("departments", "The list of departments. 部门。"),
        ("recusals", "The list of recusals. 回避名单。"),
        ("leave", "The absences of inspectors. 请假。"),
        ("inspectors", "The register of inspectors. 执法检查人员名录库。"),
        ("listings", "The credit lists. 经营异常、严重违法名单。"),
        ("licences", "The licences of establishments. 许可证。"),
    ):
        flag = click.option(f"--{register}", "register", flag_value=register, help=help)
        command = flag(command)
    return command


@click.group("register")
def register_group() -> None:
    """Import the registers and look into them. 名录库管理。"""


@register_group.command("import")
@click.argument("files", nargs=-1, required=True, type=a_source)
@click.option(
    "--mapping",
    type=a_file,
    help="TOML: columns to fields; none for a file with our field names. 字段映射。",
)
@click.option("--sheet", default="", help="Sheet of a workbook; else the mapping's. 工作表名称。")
@click.option("--dry-run", is_flag=True, help="Tell what it would do, write nothing. 试运行。")
@click.option(
    "--missing",
    type=click.Choice(["keep", "mark", "close"]),
    default="keep",
    show_default=True,
    help="What becomes of rows that the files do not name. 文件中缺失的记录如何处理。",
)
@click.option(
    "--report",
    type=Target(),
    help="Write problems and changes to this XLSX file. 将问题与变更写入 XLSX。",
)
@which_register
@json_option
def import_register(
    files: tuple[Path, ...],
    mapping: Path | None,
    register: str | None,
    sheet: str,
    dry_run: bool,
    missing: str,
    report: Path | None,
) -> None:
    """Import files of one register, as one import. 导入名录库。

    CSV, NDJSON, XLSX, XLS or ODS, also in gzip or zip; `-` is standard input. Rows that cannot be
    read are reported and left out; odd ones are reported and imported.
    """
    register = register or "establishments"
    toml = mapping.read_bytes() if mapping else b""
    if sheet:
        toml = choose_sheet(toml or f"[{register}]".encode(), _register(register), sheet)
    with ExitStack() as stack:
        bodies = [stack.enter_context(opened(path)) for path in files]
        if not as_json():
            for name, file in bodies:
                tell_found(name, file, toml, register)
        begun = monotonic()
        watch = stack.enter_context(watching())
        done = client.send_files(
            f"/office/registers/{register}",
            ImportView,
            watch.files(bodies),
            {"mapping": toml},
            headers=watch.headers,
            dry_run=int(dry_run),
            told=PROBLEMS_REPORTED if report else PROBLEMS_TOLD,
            missing=missing,
        )
        if register == "establishments" and not dry_run:  # an act of its own: it may take longer
            watch.index()
            client.post("/office/registers/index", IndexView)
    if report:
        write_report(report, done)
    if as_json():
        show(done)
        return
    _tell(done, monotonic() - begun)


register_group.add_command(show_history)
register_group.add_command(undo_revision)
register_group.add_command(show_sheets)
register_group.add_command(guess_mapping)


@register_group.command("list")
@click.option("--search", default="", help="Part of a name, code or address. 名称、编号或地址。")
@click.option("--category", default="", help="市场 market, 冷库 cold-store, …")
@click.option("--after", default="", help="Go on after this code or id. 从该编号之后继续。")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@which_register
@json_option
def list_register(search: str, category: str, after: str, limit: int, register: str | None) -> None:
    """List a register, establishments by code. 查看名录库。

    Inspectors and recusals are listed whole, other rows as they arrived, from after an id.
    """
    shape, columns = LISTED[_register(register or "establishments")]
    path = f"/office/registers/{register or 'establishments'}"
    view = client.get(path, shape, search=search, category=category, after=after, limit=limit)
    show(view, columns)


def _register(name: str) -> Register:
    register: Register = msgspec.convert(name, Register)
    return register


def _tell(done: ImportView, seconds: float) -> None:
    """Tell a person what an import did, and what to do about its odd rows."""
    say(
        f"{done.rows} rows in {seconds:.1f} s: {done.created} new, {done.changed} changed, "
        f"{done.unchanged} unchanged, {done.refused} refused.",
        f"共 {done.rows} 行，用时 {seconds:.1f} 秒：新增 {done.created}，变更 {done.changed}，"
        f"未变 {done.unchanged}，拒绝 {done.refused}。",
    )
    tell_changes(done)
    for code, count in done.codes.items():
        of = [one for one in done.problems if one.code == code]
        if not of:  # only the first thousand problems travel
            click.echo(f"{code} × {count}")
            continue
        end = (
            text("imported all the same", "仍已导入") if of[0].kept else text("left out", "未导入")
        )
        click.echo(f"{code} × {count} ({end}): {text(of[0].en, of[0].zh)}")
        for one in of[:EXAMPLES_SHOWN]:
            where = " ".join(part for part in (one.column, one.value) if part)
            click.echo(f"  {one.source}:{one.row} {where}".rstrip())
        if count > EXAMPLES_SHOWN:
            say(
                f"  … and {count - EXAMPLES_SHOWN} more (--json)",
                f"  ……另有 {count - EXAMPLES_SHOWN} 条（--json）",
            )
        click.echo(f"  → {text(of[0].remedy_en, of[0].remedy_zh)}")


commands: list[click.Command] = [register_group]
