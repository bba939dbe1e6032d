"""监管机关: what the office asks of its server, or of the local database."""

import click

from cli.office import (
    accounts,
    amendments,
    catalogues,
    changes,
    checklists,
    complaints,
    conflicts,
    counts,
    devices,
    divisions,
    exports,
    followup,
    handovers,
    inspections,
    ledger,
    pictures,
    plans,
    provisional,
    quarantine,
    registers,
    risk,
    search,
)


@click.group("office")
def group() -> None:
    """Keep registers, plan, draw, review and publish.

    Asks the server at EVENHAND_SERVER, or without it runs on the local database.
    """


for _room in (
    accounts, registers, checklists, counts, divisions, search, exports, changes, plans,
    provisional, devices, handovers, quarantine, conflicts, ledger, inspections, followup, risk,
    catalogues, complaints, pictures,
):  # fmt: skip
    for _command in _room.commands:
        group.add_command(_command)

inspections.inspection.add_command(pictures.print_contact_sheet)

for _command in amendments.commands:
    plans.draw.add_command(_command)
