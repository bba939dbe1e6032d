"""打印执法文书: a device sets the documents of an inspection, without a network (extra `print`)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, cast

import click

from cli.device_identity import home_option, opened
from cli.device_tasks import named
from cli.output import AnyCommand, json_option, say, show
from cli.output import language as readers_language
from cli.printing import fonts_option, needed
from sync.checklist import Checklist
from sync.merge import Recorded
from sync.refusals import Reason, Refused
from sync.replica import Replica

WHATS = ("record", "result", "sampling", "notice")


class Printed(Protocol):
    """A document, and what it says is lacking."""

    @property
    def pdf(self) -> bytes:
        """Give the file."""
        ...

    @property
    def code(self) -> str:
        """Give what its QR code says."""
        ...

    @property
    def lacking(self) -> tuple[str, ...]:
        """Name what is not here."""
        ...


class Printing(Protocol):
    """`backend.prints.printing`, which not every device has."""

    def print_paper(
        self,
        what: str,
        language: str,
        *,
        task: bytes,
        forms: Iterable[Checklist],
        ops: Iterable[Recorded],
        read: Callable[[str], bytes | None],
        catalogue: Callable[[str], bytes | None],
        decision: bytes | None,
        fonts: Path | None,
        templates: Path | None,
    ) -> Printed:
        """Print what is known."""
        ...


def paper_options(command: AnyCommand) -> AnyCommand:
    """Give a command the options of every document."""
    options = (
        click.option(
            "--what", type=click.Choice(WHATS), default="record", show_default=True,
            help="Record, result, sampling sheet or order. 笔录、结果表、抽样单、责令改正。",
        ),
        click.option(
            "--language", type=click.Choice(("zh", "en")), default=readers_language,
            help="Of the document. 文书语言。",
        ),
        click.option(
            "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
            help="The PDF to write. 输出文件。",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("print")
@click.argument("inspection")
@paper_options
@click.option(
    "--templates",
    envvar="EVENHAND_TEMPLATES",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of templates to take before ours. 文书模板文件夹。",
)
@fonts_option
@home_option
@json_option
def print_inspection(
    inspection: str,
    what: str,
    language: str,
    output: Path,
    templates: Path | None,
    fonts: Path | None,
    folder: Path,
) -> None:
    """Print a document of an inspection as PDF/A: the same bytes as at the office. 打印执法文书。

    An order to rectify is provisional until the office's own has come with a sync.
    """
    with opened(folder) as home:
        here = {file.sha256: file.size for file in home.files()}

        def read(digest: str) -> bytes | None:
            return home.reader(digest)(0, here[digest]) if digest in here else None

        inspection = named(home.replica, inspection)
        printed = print_known(
            home.replica, read, inspection, what, language, templates=templates, fonts=fonts
        )
    output.write_bytes(printed.pdf)
    say(f"Written: {output}", f"已写入：{output}")
    for digest in printed.lacking:
        say(f"Not here: {digest}", f"不在本终端：{digest}")
    show({"written": str(output), "code": printed.code, "lacking": printed.lacking}, {})


def print_known(
    replica: Replica,
    read: Callable[[str], bytes | None],
    inspection: str,
    what: str,
    language: str,
    *,
    templates: Path | None = None,
    fonts: Path | None = None,
) -> Printed:
    """Set what a device knows of an inspection; `read` gives its files."""
    forms, ops = replica.checklists(inspection), replica.recorded(inspection)
    if not ops:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=inspection)

    def body(kind: str, name: str) -> bytes | None:
        row = replica.store.row(kind, name)
        return row.body if row is not None else None

    task = replica.task(inspection)
    assert task is not None, "its checklists are here"
    return _printing().print_paper(
        what,
        language,
        task=task.body,
        forms=forms,
        ops=ops,
        read=read,
        catalogue=lambda digest: body("catalogue", digest),
        decision=body("decision", inspection),
        fonts=fonts,
        templates=templates,
    )


def _printing() -> Printing:
    return cast(Printing, needed("print", "backend.prints.printing"))


commands: list[click.Command] = [print_inspection]
