"""Changes after the draw of `drawings`, for the tests of what follows a draw."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import drawings
from msgspec import Struct

from backend.rules import amendments, events, papers
from backend.rules.amendments import Away, Outcome, Wanted
from backend.rules.bundle import Files
from backend.rules.verification import Step, verify

EARLIER = "2026-11-01"  # before the draw of `drawings` was committed to
LATER = drawings.HELD + timedelta(days=3)


def made(
    files: Files, wanted: Wanted, away: Sequence[Away] = (), *, by: str = "a", approved: str = "b"
) -> Files:
    book = events.open_book(files, {wanted.stratum: wanted.count})
    outcome = amendments.decide(book, events.replay(files, book), wanted, away)
    return written(files, wanted, outcome, away, by=by, approved=approved)


def written(
    files: Files,
    wanted: Wanted,
    outcome: Outcome,
    away: Sequence[Away] = (),
    *,
    by: str = "a",
    approved: str = "b",
) -> Files:
    """Write a change whatever it is, as a cheat in the office would."""
    return events.amend(
        files, wanted, outcome, away, by=by, approved_by=approved, now=LATER, salt="5a" * 32,
        secret=drawings.SECRET,
    )  # fmt: skip


def substitution(site: str, reason: str = "X01-moved", since: str = EARLIER) -> Wanted:
    return Wanted(
        kind="substitute", reason=reason, evidence="登记档案 2026-118", site=site, since=since
    )


def replacement(
    files: Files, site: str, reason: str = "I02-illness", position: str = "1主办"
) -> Wanted:
    sitting = {
        key: who
        for key, who in events.replay(files).seats.items()
        if f"/{site}/" in key[0] and key[1] == position
    }
    return Wanted(
        kind="replace", reason=reason, evidence="病假条 7", inspector=next(iter(sitting.values())),
        sites=[site],
    )  # fmt: skip


def extension(count: int, reason: str = "E02-findings") -> Wanted:
    return Wanted(kind="extend", reason=reason, evidence="会议纪要 12", stratum="all", count=count)


def drawn(files: Files) -> list[str]:
    return [lot.id for lot in sorted(events.replay(files).drawn.values(), key=lambda one: one.rank)]


class Names(Struct, frozen=True):
    """Who had which part in the changes: sites, and the inspectors of one seat."""

    gone: str
    called: str
    more: str
    reseated: str
    left: str
    came: str
    untouched: str


def made_of_each() -> tuple[Files, Names]:
    """Make a draw that one change of every kind followed."""
    files = whole_draw()
    gone, reseated, untouched, *_ = drawn(files)
    files = made(files, substitution(gone))
    ill = replacement(files, reseated)
    files = made(files, ill)
    files = made(files, extension(1))
    called, replaced, more = events.changes(papers.read_log(files["log.ndjson"]))
    return files, Names(
        gone=gone, called=called.lots[0][2], more=more.lots[0][2], reseated=reseated,
        left=ill.inspector, came=replaced.seats[0][2], untouched=untouched,
    )  # fmt: skip


def write(files: Files, folder: Path) -> None:
    """Write a bundle into a folder."""
    for name, body in files.items():
        (folder / name).write_bytes(body)


def whole_draw() -> Files:
    """A draw with enough inspectors for any change."""
    return drawings.held(drawings.committed(inspectors=drawings.roster(24))).files


def changed_draw(whole: Files) -> Files:
    """A draw that all three kinds of change followed."""
    first, second, *_ = drawn(whole)
    files = made(whole, substitution(first))
    files = made(files, replacement(files, second))
    return made(files, extension(2))


def failing(files: Files, *, public: bool = False) -> list[Step]:
    """Give the steps at which a verifier finds something wrong."""
    return [step for step in verify(files, public=public) if step.ok is False]
