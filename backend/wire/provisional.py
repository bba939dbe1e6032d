"""临时对象: places that are in no register."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Place = Annotated[str, Meta(min_length=1, max_length=300)]
Degrees = Annotated[float, Meta(ge=-180, le=180)]
Known = Annotated[str, Meta(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$(?!\n)")]


class NewPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """A place that nobody registered; its division is a county at least."""

    name: Place
    address: Annotated[str, Meta(min_length=1, max_length=500)]
    category: Annotated[str, Meta(min_length=1, max_length=60)]
    division: Known
    longitude: Degrees | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    datum: Literal["WGS-84", "GCJ-02", "BD-09", ""] = ""


class ProvisionalLine(Struct, frozen=True):
    """A place that waits for the admin."""

    code: str
    name: str
    category: str
    division: str
    address: str
    since: datetime
    inspections: int  # begun there


class MatchOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which registered establishment a place turned out to be."""

    into: Annotated[str, Meta(min_length=1, max_length=64)]


class RegisterOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Under which number a place was registered; empty is what it was described as."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Annotated[str, Meta(max_length=300)] = ""
    category: Annotated[str, Meta(max_length=60)] = ""
    address: Annotated[str, Meta(max_length=500)] = ""
