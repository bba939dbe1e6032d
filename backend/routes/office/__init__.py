"""监管机关: the door of those who keep registers, plan, draw, review and publish."""

from importlib import import_module
from importlib.util import find_spec

from litestar import Router

from backend.auth import office_door

ROOMS = ("accounts", "registers", "plans", "devices", "inspections")

_rooms = [import_module(f"{__name__}.{room}") for room in ROOMS if find_spec(f"{__name__}.{room}")]

office = Router(
    "/office",
    guards=[office_door],
    route_handlers=[handler for room in _rooms for handler in getattr(room, "handlers", [])],
    security=[{"office": []}],
)
