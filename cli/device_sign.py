"""签名: both inspectors and the person in charge on site, drawn as strokes or refused."""

from hashlib import sha256
from pathlib import Path

import click

from cli.device_identity import home_option
from cli.device_items import say_open, say_unproven, verdicts
from cli.device_on_site import parts_of, say_absent
from cli.device_recording import recording, say_recorded
from cli.device_tasks import people_of, role_at, task_of
from cli.home import Home
from cli.output import json_option, text
from sync import strokes
from sync.merge import SITE
from sync.store import File


@click.command()
@click.argument("inspection")
@click.option("--site", default="", help="Sign for this person in charge on site. 现场负责人。")
@click.option(
    "--strokes",
    "drawn",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The signature as it was drawn. 签名笔迹文件。",
)
@click.option("--refused", default="", help="Why the person would not sign. 拒签理由。")
@click.option("--witness", default="", help="Who saw the refusal. 见证人。")
@click.option("--reason", default="", help="Why an earlier signature is amended. 补签原因。")
@home_option
@json_option
def sign(
    inspection: str,
    site: str,
    drawn: Path | None,
    refused: str,
    witness: str,
    reason: str,
    folder: Path,
) -> None:
    """Sign all that this device knows of the inspection. 签名。

    For the person in charge: --site NAME --strokes FILE, or --refused REASON --witness NAME.
    """
    if refused and drawn is not None:
        raise click.UsageError(text("who refuses draws nothing", "拒签不应有签名笔迹"))
    with recording(folder, inspection) as (home, one):
        task = task_of(home.replica, one)
        own = home.replica.identity.enrolled.inspector
        mine = home.replica.sign(
            one,
            SITE if site or refused or witness else role_at(task, own),
            name=site,
            reason=reason,
            strokes=_kept(home, drawn),
            refused=refused,
            witness=witness,
        )
        told = parts_of(home.replica, task)
        judged = verdicts(home.replica.checklists(one), home.replica.inspection(one), task)
    say_recorded(mine.n)
    say_absent(told, people_of(task))
    say_open(judged)
    say_unproven(judged)


def _kept(home: Home, file: Path | None) -> File | None:
    """Keep a file with strokes as evidence, if it is one; else STROKES_INVALID."""
    if file is None:
        return None
    with file.open("rb") as drawing:
        body = drawing.read(strokes.BYTES_MAX + 1)
    strokes.read(body)
    digest = sha256(body).hexdigest()
    home.keep_body(digest, body)
    return File(digest, len(body), strokes.MIME)


commands: list[click.Command] = [sign]
