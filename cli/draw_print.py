"""打印: `evenhand draw print`, from a bundle to what is put up, handed out and sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.rules.verification import verify
from cli.output import json_option, language, say, show, text
from cli.printing import fonts_option, needed
from cli.verify import read_bundle
from sync.refusals import Reason, Refused

if TYPE_CHECKING:
    from backend.prints.sheet import Name

SHOWN_MAX = 8
PATH = click.Path(path_type=Path)


@click.command("print")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pdf", type=PATH, help="The list for the notice board. 名单（A4）。")
@click.option("--xlsx", type=PATH, help="The list as a workbook. 名单（工作簿）。")
@click.option("--notices", type=PATH, help="A folder: a PDF for each inspector. 任务通知。")
@click.option("--ics", type=PATH, help="A folder: a calendar for each inspector. 日历。")
@click.option(
    "--names", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Exports of the registers, for what a bundle does not say. 名称来源。",
)  # fmt: skip
@click.option("--address", default="", help="Where it can be checked; goes into the QR. 复核网址。")
@fonts_option
@json_option
def print_draw(
    folder: Path,
    pdf: Path | None,
    xlsx: Path | None,
    notices: Path | None,
    ics: Path | None,
    names: tuple[Path, ...],
    address: str,
    fonts: Path | None,
) -> None:
    """Print a draw: list, notices, calendars. 打印名单与通知。

    The bundle is verified first. The same bundle, names, language and fonts give the same bytes.
    """
    if not (pdf or xlsx or notices or ics):
        raise click.UsageError(text("Name what to write: --pdf, --xlsx, --notices or --ics.",
                                    "请指定输出：--pdf、--xlsx、--notices 或 --ics。"))  # fmt: skip
    files = read_bundle(folder)
    _require_true(files)
    needed("draw print", "typst", "segno", "xlsxwriter")
    from backend.prints import ics as calendars
    from backend.prints import pages, sheet, typeset, workbook

    known: dict[str, Name] = {}
    for one in names:
        known |= sheet.read_names(one.read_bytes())
    list_, lang = sheet.read(files, known, address=address), language()
    made: dict[Path, bytes] = {}
    if xlsx:
        made[xlsx] = workbook.write(list_, lang)
    if pdf or notices:
        chosen = typeset.fonts(fonts)
        if pdf:
            made[pdf] = pages.print_list(list_, chosen, lang)
        if notices:
            for who, body in pages.print_notices(list_, chosen, lang).items():
                made[notices / f"{pages.file_name(who)}.pdf"] = body
    if ics:
        for who, rows in sheet.inspectors(list_).items():
            made[ics / f"{pages.file_name(who)}.ics"] = calendars.calendar(list_, who, rows, lang)
    for path, body in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    written = list(made)
    show({"written": [str(path) for path in written]}, {})
    for path in written[:SHOWN_MAX]:
        say(f"Written: {path}", f"已写入：{path}")
    if (more := len(written) - SHOWN_MAX) > 0:
        say(f"and {more} more", f"另有 {more} 个文件")


def _require_true(files: Mapping[str, bytes]) -> None:
    """Refuse to print what a verifier refutes."""
    failed = next((step for step in verify(files, public=True) if step.ok is False), None)
    if failed is not None:
        raise Refused(
            Reason.BUNDLE_UNREADABLE, step=failed.name, problem=text(failed.en, failed.zh)
        )
