"""催办 on a device: what falls due of the inspections that it holds."""

from datetime import date
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from cli.device_identity import home_option, opened
from cli.output import as_json, json_option, show
from cli.reminders import COLUMNS, worded


class Reminded(Struct, frozen=True):
    """The part of a reminder that a device shows."""

    kind: str
    name: str
    step: str
    due_on: date
    inspection: str


@click.command("reminders")
@home_option
@json_option
def list_reminders(folder: Path) -> None:
    """List what falls due here, as of the last exchange. 催办。"""
    with opened(folder) as home:
        rows = home.replica.store.rows("reminder")
    found = sorted((msgspec.json.decode(row.body, type=Reminded) for row in rows), key=_order)
    told = found if as_json() else [worded(one) for one in found]
    show(told, COLUMNS | {"inspection": ("inspection", "检查编号")})


commands: list[click.Command] = [list_reminders]


def _order(one: Reminded) -> tuple[date, str]:
    return one.due_on, one.inspection
