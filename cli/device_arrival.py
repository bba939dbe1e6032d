"""到达现场 (扫码入企): open a visit by the establishment's code or by ours, with place and time."""

import re
from pathlib import Path

import click

from cli.device_identity import home_option
from cli.device_recording import recording, say_recorded
from cli.device_tasks import TaskBody, approval_of, certificates_of, role_word, task_of
from cli.output import json_option, say, text
from cli.place import located
from cli.qr import draw
from sync.ops import ArrivalHow, Arrive
from sync.refusals import Reason, Refused


@click.command()
@click.argument("inspection")
@click.option("--code", default="", help="The establishment's code, as it was scanned. 企业码。")
@click.option("--shown", is_flag=True, help="They scanned ours. 已出示检查码。")
@click.option("--stated", is_flag=True, help="Neither could be scanned. 无法扫码。")
@click.option("--anyway", is_flag=True, help="It is here, whatever the code says. 仍予确认。")
@click.option("--approval", default="", help="Reference of the approval. 检查审批编号。")
@located
@click.option("--accuracy", default="", help="Metres. 精度（米）。")
@click.option(
    "--png",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw our code here, not in the terminal. 将检查码存为图片。",
)
@home_option
@json_option
def arrive(
    inspection: str,
    code: str,
    shown: bool,
    stated: bool,
    anyway: bool,
    approval: str,
    longitude: str,
    latitude: str,
    datum: str,
    accuracy: str,
    png: Path | None,
    folder: Path,
) -> None:
    """Open the visit: by their code (--code), by ours (--shown), or stating it. 扫码入企。"""
    if [bool(code), shown, stated].count(True) != 1:
        raise click.UsageError(
            text("Give one of --code, --shown, --stated.", "--code、--shown、--stated 三者择一。")
        )
    how: ArrivalHow = "scanned" if code else "shown" if shown else "stated"
    if png and not shown:
        raise click.UsageError(text("--png draws what --shown shows.", "--png 须与 --shown 同用。"))
    with recording(folder, inspection) as (home, one):
        task = task_of(home.replica, one)
        if png:
            draw(our_code(task, approval or approval_of(task)), png)  # before anything is recorded
        expected = str(task.establishment["code"])
        elsewhere = how == "scanned" and not names(code, expected)
        if elsewhere and not anyway:
            raise Refused(Reason.ARRIVAL_ELSEWHERE, scanned=code, expected=expected)
        mine = home.replica.tell(
            one,
            lambda stamp: Arrive(
                how=how,
                code=code,
                approval=approval or approval_of(task),
                certificates=certificates_of(task),
                longitude=longitude,
                latitude=latitude,
                datum=datum,
                accuracy=accuracy,
                **stamp,
            ),
        )
    if elsewhere:
        say(
            f"WARNING: the code scanned is not that of {task.establishment['name']} ({expected}).",
            f"警告：所扫企业码不是{task.establishment['name']}（{expected}）的编码。",
        )
    _card(task, approval or approval_of(task))
    if shown and not png:
        draw(our_code(task, approval or approval_of(task)), None)
    say_recorded(mine.n)


def names(scanned: str, code: str) -> bool:
    """Tell whether a scanned text names an establishment: as it is, or as a part of an address."""
    return code.upper() in re.split(r"[^0-9A-Z\-]+", scanned.upper())


def _card(task: TaskBody, approval: str) -> None:
    """Show what is shown on site (亮证): who comes, with which certificates, by whose approval."""
    say(
        f"Inspection of {task.establishment['name']}, approval {approval}",
        f"检查对象：{task.establishment['name']}　检查审批编号：{approval}",
    )
    for role, who in (("lead", task.lead), ("second", task.second)):
        word = role_word(role)
        say(
            f"  {word}: {who.name}, certificate {who.certificate}",
            f"  {word}：{who.name}　执法证号 {who.certificate}",
        )
    ours = our_code(task, approval)
    say(f"  our code: {ours}", f"  检查码：{ours}")


def our_code(task: TaskBody, approval: str) -> str:
    """Write what whoever scans ours reads: the approval, the inspection, both certificates."""
    return " ".join(dict.fromkeys((approval, task.id, *certificates_of(task))))


commands: list[click.Command] = [arrive]
