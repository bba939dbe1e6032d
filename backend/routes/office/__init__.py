"""监管机关: the door of those who keep registers, plan, draw, review and publish."""

from litestar import Router

from backend.auth import office_door
from backend.routes.office import (
    accounts,
    amendments,
    assignments,
    catalogues,
    ceremonies,
    changes,
    complaints,
    conflicts,
    devices,
    divisions,
    exports,
    followup,
    handovers,
    inspections,
    ledger,
    papers,
    pictures,
    plans,
    quarantine,
    registers,
    rehearsals,
    search,
)

office = Router(
    "/office",
    guards=[office_door],
    route_handlers=[
        *accounts.handlers,
        *registers.handlers,
        *search.handlers,
        *exports.handlers,
        *changes.handlers,
        *divisions.handlers,
        *plans.handlers,
        *rehearsals.handlers,
        *ceremonies.handlers,
        *amendments.handlers,
        *assignments.handlers,
        *devices.handlers,
        *handovers.handlers,
        *quarantine.handlers,
        *conflicts.handlers,
        *ledger.handlers,
        *inspections.handlers,
        *catalogues.handlers,
        *complaints.handlers,
        *papers.handlers,
        *pictures.handlers,
        *followup.handlers,
    ],
    security=[{"office": []}],
)
