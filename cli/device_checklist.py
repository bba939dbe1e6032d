"""检查表换版: see what another version of the checklist would change, and go on under it."""

from pathlib import Path

import click

from cli.device_identity import home_option, opened
from cli.device_tasks import named
from cli.output import json_option, say, show
from sync import following


@click.command()
@click.argument("inspection")
@click.option("--to", "version", default="", metavar="VERSION", help="Which version. 换用的版本。")
@click.option("--look", is_flag=True, help="Only show what would change. 只显示差异。")
@home_option
@json_option
def carry(inspection: str, version: str, look: bool, folder: Path) -> None:
    """Go on under another version of the checklist, keeping the answers. 检查表换版。"""
    with opened(folder) as home:
        inspection = named(home.replica, inspection)
        plan = following.plan(home.replica, inspection, version)
        n = None if look else following.carry(home.replica, inspection, plan.to).n
    found = plan.difference
    for refs, en, zh in (
        (found.kept, "kept", "保留"),
        (found.changed, "to be answered again", "须重新作答"),
        (found.gone, "gone", "取消"),
        (found.new, "new", "新增"),
    ):
        say(f"{en}: {', '.join(refs) or '-'}", f"{zh}：{'、'.join(refs) or '-'}")
    if n is not None:
        say(
            f"Version {plan.version} from now on; recorded as operation {n}.",
            f"此后按 {plan.version} 版检查，已记录为第 {n} 号操作。",
        )
    show({"to": plan.to, "version": plan.version, "difference": found, "n": n}, {})


commands: list[click.Command] = [carry]
