"""适用规定: of figures that differ by division and day, those that hold. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeVar


class Dated(Protocol):
    """Something that holds in a division (its longest code governs) from a day on."""

    @property
    def division(self) -> str:
        """Name the division; empty for the country."""
        ...

    @property
    def since(self) -> date:
        """Give the first day."""
        ...


D = TypeVar("D", bound=Dated)


def governing(known: Iterable[D], division: str, day: date) -> D:
    """Choose for a division on a day: the longest that governs it, then the newest, then the last.

    What holds in the country must hold from the beginning, so that there always is one.
    """
    fitting = [one for one in known if division.startswith(one.division) and one.since <= day]
    assert fitting, "the country's figures hold from the beginning"
    return sorted(fitting, key=lambda one: (len(one.division), one.since))[-1]
