"""监管机关: what the office asks of its server, or of the local database."""

from importlib import import_module
from importlib.util import find_spec

import click

ROOMS = ("accounts", "registers", "plans", "devices", "inspections")


@click.group("office")
def group() -> None:
    """Keep registers, plan, draw, review and publish.

    Asks the server at EVENHAND_SERVER, or without it runs on the local database.
    """


for _room in ROOMS:
    if find_spec(f"{__name__}.{_room}"):
        for _command in import_module(f"{__name__}.{_room}").commands:
            group.add_command(_command)
