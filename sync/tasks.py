"""检查任务 as a device was told of it: whose it is, and which draw chose the site."""

from msgspec import Struct


class Who(Struct, frozen=True):
    """An inspector, as the task names them."""

    id: str
    name: str = ""
    certificate: str = ""


class Seat(Struct, frozen=True):
    """A place in the task and who fills it."""

    inspector: Who
    department: str = ""


class Drawn(Struct, frozen=True):
    """The draw that chose the site."""

    commit_hash: str = ""


class Told(Struct, frozen=True, kw_only=True):
    """The part of a task that whoever reads one needs."""

    id: str
    lead: Who
    second: Who
    seats: tuple[Seat, ...] = ()
    draw: Drawn | None = None
    must: tuple[str, ...] = ()  # items to be answered this time
    asks: str = "whole"  # or must, by a recheck; older servers know of no other

    @property
    def narrow(self) -> bool:
        """Tell whether only what must be answered is asked, and what that opens (复查)."""
        return self.asks == "must"

    @property
    def inspectors(self) -> tuple[Who, ...]:
        """List who goes, lead and second first; whoever has a seat stands there again."""
        return (self.lead, self.second, *(seat.inspector for seat in self.seats))
