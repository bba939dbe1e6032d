"""复核步骤: what a verification proved, told step by step, and how it ends."""

import sys

import click

from backend.rules.verification import Step
from cli.output import as_json, say, show, text

REFUTED = 1  # exit status


def passed(steps: list[Step]) -> bool:
    """Whether nothing was refuted."""
    return all(step.ok is not False for step in steps)


STEPS_ZH = {
    "manifest": "清单", "signature": "签名", "commitment": "承诺", "log": "日志", "frame": "名录",
    "roster": "人员名册", "randomness": "随机数", "sources": "随机源", "seed": "种子",
    "allocation": "名额分配", "selection": "抽取", "assignment": "派员", "changes": "抽后变更",
    "reseating": "换员", "chain": "抽取链", "draw": "抽取", "results": "结果", "links": "链接",
    "privacy": "隐私", "choice": "公开范围", "file": "文件", "chains": "操作链",
    "signatures": "签名", "ledger": "账本", "journal": "留痕", "rulings": "裁定",
    "projection": "重演", "forks": "分叉", "witnesses": "见证", "judgement": "初次判定",
}  # fmt: skip


def step_name(name: str) -> str:
    """Name a step as the documents do, and in Chinese beside it: `frame 名录`."""
    known = [STEPS_ZH[word] for word in name.split() if word in STEPS_ZH]
    return text(name, " ".join([name, *known[-1:]]))


def _print_steps(steps: list[Step]) -> None:
    """Print one line per step, and what it comes to."""
    from rich.console import Console
    from rich.table import Table

    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):  # a hash is told to its end
        table.add_column(overflow=overflow)
    for step in steps:
        words = text(step.en, step.zh).replace("[", "\\[")
        table.add_row(marks[step.ok], step_name(step.name), words)
    Console(highlight=False).print(table)
    unproved = sum(step.ok is None for step in steps)
    if passed(steps):
        say(
            f"{len(steps) - unproved} steps proved, {unproved} open.",
            f"已证明 {len(steps) - unproved} 步，{unproved} 步未证明。",
        )


def tell_steps(steps: list[Step], **more: object) -> None:
    """Say what was proved; a program is told `more` besides."""
    if as_json():
        show({"ok": passed(steps), "steps": steps, **more})
    else:
        _print_steps(steps)


def end(steps: list[Step]) -> None:
    """End the command as refuted, naming the first step that failed, if one did."""
    failed = next((step for step in steps if step.ok is False), None)
    if failed is not None:
        named = step_name(failed.name)
        click.echo(text(f"FAILED at step {named}.", f"复核未通过：步骤 {named}。"), err=True)
        sys.exit(REFUTED)
