"""经过: what followed a draw for one business or one inspector, as its log tells it.

It takes the log at its word; `verification` proves it.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from backend.rules import events, papers
from backend.rules.amendments import State
from backend.rules.papers import GROUNDS, LogLine

Part: TypeAlias = Literal[
    "gave-way",  # a site that was substituted
    "called",  # the reserve that came in its place
    "more",  # a lot of an extension
    "left",  # an inspector who gave up seats
    "came",  # one who took them, or the seats of a site that was added
]
Place: TypeAlias = tuple[str, str, str]  # site, position, inspector


class Passage(Struct, frozen=True):
    """One change that one business or inspector had a part in."""

    n: int  # its line in the log
    at: str
    event: str
    part: Part
    reason: str = ""  # of a replacement: empty where the auditor keeps it
    other: str = ""  # the site that came instead, or gave way; the inspector who left
    rank: int = 0  # of a lot that was called
    places: list[Place] = []  # seats that were given by it


class Course(Struct, frozen=True):
    """All that followed, and what stands now."""

    passages: list[Passage]
    listed: bool  # whether the business is on the list, or the inspector has a seat
    seats: list[Place]


def of_site(files: Mapping[str, bytes], id: str) -> Course | None:
    """Tell what followed for a business of a draw that was held; none if nothing followed it."""
    changes = _changes(files)
    if not changes:
        return None
    state = events.replay(files)
    return Course(
        passages=[one for line in changes for one in _at_site(line, id)],
        listed=id in state.drawn,
        seats=[one for one in _seats(state) if one[0] == id],
    )


def of_inspector(files: Mapping[str, bytes], who: str) -> Course | None:
    """Tell what followed for an inspector of a draw that was held; none if nothing followed it."""
    changes = _changes(files)
    if not changes:
        return None
    seats = [one for one in _seats(events.replay(files)) if one[2] == who]
    return Course(
        passages=[one for line in changes for one in _of_person(line, who)],
        listed=bool(seats),
        seats=seats,
    )


def _at_site(line: LogLine, id: str) -> Iterator[Passage]:
    places = [one for one in _given(line) if one[0] == id]
    called = {site: rank for _, rank, site in line.lots}
    if line.event == "substitute" and line.site == id:
        yield _passage(line, "gave-way", other=next(iter(called), ""))
    if id in called:
        part: Part = "called" if line.event == "substitute" else "more"
        yield _passage(line, part, other=line.site, rank=called[id], places=places)
    if line.event == "replace" and id in line.sites:
        yield _passage(line, "left", other=line.inspector, places=places)


def _of_person(line: LogLine, who: str) -> Iterator[Passage]:
    if line.event == "replace" and line.inspector == who:
        yield _passage(line, "left", places=_given(line))
    if mine := [one for one in _given(line) if one[2] == who]:
        yield _passage(line, "came", other=line.inspector, places=mine)


def _passage(
    line: LogLine, part: Part, *, other: str = "", rank: int = 0, places: list[Place] | None = None
) -> Passage:
    return Passage(
        n=line.n, at=line.at, event=line.event, part=part, reason=line.reason, other=other,
        rank=rank, places=places or [],
    )  # fmt: skip


def _changes(files: Mapping[str, bytes]) -> list[LogLine]:
    """List the changes, with the reason of a replacement where the grounds are at hand."""
    grounds = events.read_grounds(files.get(GROUNDS, b""))
    given = events.changes(papers.read_log(files["log.ndjson"]))
    return [events.reasoned(line, grounds.get(line.n)) for line in given]


def _given(line: LogLine) -> list[Place]:
    return sorted((_site_of(group), position, who) for group, position, who, _ in line.seats)


def _seats(state: State) -> list[Place]:
    return sorted((_site_of(group), place, who) for (group, place), who in state.seats.items())


def _site_of(group: str) -> str:
    """Take the site out of task/site/department."""
    return group.partition("/")[2].rpartition("/")[0]
