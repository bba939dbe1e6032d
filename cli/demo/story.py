"""Telling the day (讲述): chapters, facts and checks, in English or Chinese.

A check that fails does not stop the story; it fails the demo at its end.
"""

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.rule import Rule
from rich.table import Column, Table

from cli.output import text


class Check(Struct, frozen=True):
    """An invariant, and whether it held."""

    en: str
    zh: str
    holds: bool


class Story:
    """What is told so far, and what did not hold."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.checks: list[Check] = []
        self._began = monotonic()
        self._chapter = 0

    def chapter(self, en: str, zh: str) -> None:
        """Begin a chapter; the other language stands beside the title."""
        self._chapter += 1
        title = f"{self._chapter}. {text(en, zh)} · {text(zh, en)}"
        self.console.print()
        self.console.print(Rule(f"[bold]{title}[/]", align="left"))

    def tell(self, en: str, zh: str) -> None:
        """Tell a fact."""
        self._line(" ", text(en, zh))

    def command(self, line: str, who: str) -> None:
        """Show a command that an officer types."""
        line = f"  [dim]{who} $ {escape(line)}[/]"
        self.console.print(line, overflow="ellipsis", no_wrap=True)

    def check(self, holds: bool, en: str, zh: str) -> None:
        """Tell an invariant and whether it holds."""
        self.checks.append(Check(en, zh, holds))
        mark = "[green]✓[/]" if holds else "[bold red]✗[/]"
        self._line(mark, text(en, zh))

    def table(self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]) -> None:
        """Show a small table."""
        table = Table(box=None, pad_edge=True, header_style="bold", padding=(0, 2, 0, 1))
        for column in columns:
            table.add_column(text(*column), overflow="fold")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print(table)

    @contextmanager
    def progress(self, en: str, zh: str, total: int) -> Generator["Step"]:
        """Show progress of a long part."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bars:
            yield Step(bars, bars.add_task(text(en, zh), total=total))

    def picture(self, path: Path) -> None:
        """Keep what was told as an SVG that needs nothing from elsewhere."""
        picture = self.console.export_svg(title="make demo")
        picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
        # Lengths are counted in characters, which squeezes Chinese ones to half their width.
        path.write_text(re.sub(r' textLength="[0-9.]+"', "", picture), "utf-8")

    def _line(self, mark: str, words: str) -> None:
        grid = Table.grid("", "", Column(overflow="fold"), padding=(0, 1, 0, 0))
        grid.add_row(" ", mark, words)
        self.console.print(grid)

    def end(self) -> bool:
        """Close the story; tell whether everything held."""
        seconds = monotonic() - self._began
        self.console.print()
        self.console.print(Rule(align="left"))
        failed = [one for one in self.checks if not one.holds]
        if failed:
            told = text("of the invariants failed:", "项不变式不成立：")
            self.console.print(f"  [bold red]{len(failed)}[/] {told}")
            for one in failed:
                self.console.print(f"  ✗ {text(one.en, one.zh)}")
        else:
            self.tell(
                f"All {len(self.checks)} invariants held, in {seconds:.0f} s.",
                f"{len(self.checks)} 项不变式全部成立，用时 {seconds:.0f} 秒。",
            )
        return not failed


class Step:
    """One bar of progress."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def __call__(self, by: int = 1) -> None:
        """Move on."""
        self._bars.advance(self._task, by)
