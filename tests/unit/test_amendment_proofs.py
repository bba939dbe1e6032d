"""Who bends what followed a draw is found by the line."""

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import drawings
import msgspec
import pytest
from changes import (
    LATER,
    drawn,
    extension,
    failing,
    made,
    replacement,
    substitution,
)

from backend.rules import bundle, canonical, events, papers
from backend.rules.amendments import Away
from backend.rules.bundle import Files
from backend.rules.papers import GROUNDS, LogLine
from backend.rules.verification import verify

# -- what is proved --------------------------------------------------------------------------------


def test_all_of_it_is_proved(changed: Files) -> None:
    steps = verify(changed)

    assert [step.name for step in steps[-2:]] == ["changes", "reseating"]
    assert all(step.ok for step in steps)
    assert [line.event for line in papers.read_log(changed["log.ndjson"])] == [
        "commit", "draw", "substitute", "replace", "extend",
    ]  # fmt: skip


def test_the_public_part_tells_nothing_personal_and_proves_the_order(changed: Files) -> None:
    public = {name: body for name, body in changed.items() if name not in papers.AUDITOR_ONLY}

    states = {step.name: step.ok for step in verify(public, public=True)}

    assert states["changes"] is True
    assert states["reseating"] is None
    everything = b"".join(public.values()).decode(errors="replace")
    assert "I02-illness" not in everything
    assert "病假条 7" not in everything
    assert "X01-moved" in everything
    assert failing(public)[0].name == "manifest"


def test_a_void_draw_may_have_been_changed_before(changed: Files) -> None:
    files = bundle.void(changed, reason="wrong division", now=LATER, by="c", secret=drawings.SECRET)

    assert failing(files) == []
    assert "VOID" in next(step.en for step in verify(files) if step.name == "log")


def rechained(files: Files, lines: Iterable[LogLine]) -> Files:
    """What a cheat publishes: the log chained anew and signed with the office's own key."""
    log = b""
    for line in lines:
        log = papers.append_log(log, line)
    return resealed(files | {"log.ndjson": log})


def resealed(files: Files) -> Files:
    bare = {name: body for name, body in files.items() if name not in papers.SEALS}
    return bundle.seal(bare, drawings.SECRET)


def relined(n: int, **fields: Any) -> Callable[[Files], Files]:
    """Edit one line of the log, and chain it anew."""

    def change(files: Files) -> Files:
        log = papers.read_log(files["log.ndjson"])
        log[n - 1] = msgspec.structs.replace(log[n - 1], **fields)
        return rechained(files, log)

    return change


def reordered(*places: int) -> Callable[[Files], Files]:
    """Keep these lines of the log in this order, with their grounds numbered anew."""

    def change(files: Files) -> Files:
        log = papers.read_log(files["log.ndjson"])
        grounds = events.read_grounds(files[GROUNDS])
        lines, rows = [log[0], log[1]], list[bytes]()
        for n, place in enumerate(places, start=3):
            row = papers.write(msgspec.structs.replace(grounds[place], n=n))
            rows.append(row)
            lines.append(msgspec.structs.replace(log[place - 1], grounds=canonical.digest(row)))
        return rechained(files | {GROUNDS: canonical.table(rows)}, lines)

    return change


def other_grounds(files: Files) -> Files:
    return resealed(files | {GROUNDS: files[GROUNDS].replace("病假条 7".encode(), b"x")})


def raw(old: str, new: str) -> Callable[[Files], Files]:
    """Edit the bytes of the log without chaining it anew."""

    def change(files: Files) -> Files:
        assert old.encode() in files["log.ndjson"]
        return resealed(
            files | {"log.ndjson": files["log.ndjson"].replace(old.encode(), new.encode(), 1)}
        )

    return change


def without_line(n: int) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        rows = canonical.lines(files["log.ndjson"])
        return resealed(files | {"log.ndjson": canonical.table(rows[: n - 1] + rows[n:])})

    return change


def swapped(files: Files) -> Files:
    rows = canonical.lines(files["log.ndjson"])
    rows[2], rows[3] = rows[3], rows[2]
    return resealed(files | {"log.ndjson": canonical.table(rows)})


def another_reserve(files: Files) -> Files:
    """The reserve after the next is called."""
    line = papers.read_log(files["log.ndjson"])[2]
    stratum, rank, _ = line.lots[0]
    other = events.open_book(files).lots[stratum, rank + 1]
    return relined(3, lots=[(stratum, rank + 1, other.id)])(files)


def another_inspector(files: Files) -> Files:
    """Somebody else who may sit there takes the seat."""
    line = papers.read_log(files["log.ndjson"])[3]
    state = events.replay(files)
    book = events.open_book(files)
    group, place, who, _ = line.seats[0]
    beside = {one for (other, _), one in state.seats.items() if other == group}
    held = Counter(state.seats.values())
    other = next(
        one.inspector for one in book.people
        if "food" in one.qualifications and held[one.inspector] < one.cap
        and one.inspector not in {*beside, who, line.inspector}
    )  # fmt: skip
    return relined(4, seats=[(group, place, other, [])])(files)


def invented_away(files: Files) -> Files:
    """Who would be next is passed over, on paper for no reason of the list."""
    grounds = list(events.read_grounds(files[GROUNDS]).values())
    log = papers.read_log(files["log.ndjson"])
    who = log[3].seats[0][2]
    grounds[1] = msgspec.structs.replace(
        grounds[1], away=[Away(inspector=who, reason="busy", evidence="-")]
    )
    rows = [papers.write(one) for one in grounds]
    log[3] = msgspec.structs.replace(log[3], grounds=canonical.digest(rows[1]))
    return rechained(files | {GROUNDS: canonical.table(rows)}, log)


CHEATS: list[tuple[str, Callable[[Files], Files], str, str]] = [
    ("a line is dropped", without_line(4), "log", "not chained"),
    ("lines change places", swapped, "log", "not chained"),
    ("a byte is edited", raw("X01-moved", "X01-close"), "log", "not chained"),
    ("a change is told before the draw", lambda f: rechained(f, [
        (lines := papers.read_log(f["log.ndjson"]))[0], lines[2], lines[1], *lines[3:]]),
     "log", "not those of one draw"),
    ("a change is dropped and chained anew", reordered(4, 5), "changes", "calls"),
    ("changes are swapped and chained anew", reordered(5, 4, 3), "changes", "calls"),
    ("a change is told twice", reordered(3, 3, 4, 5), "changes", "not on the list"),
    ("a reason is edited", relined(3, reason="not-found"), "changes", "result of the inspection"),
    ("a reason of another list", relined(5, reason="X01-moved"), "changes", "for this reason"),
    ("the day is edited", relined(3, since="2026-12-01"), "changes", "frozen"),
    ("the evidence is taken out", relined(3, evidence=""), "changes", "no evidence"),
    ("one officer alone", relined(3, approved_by="a"), "changes", "nobody else"),
    ("nobody approved", relined(4, approved_by=""), "changes", "nobody else"),
    ("the time is set back", relined(4, at="2026-11-22T09:30:00+08:00"), "changes", "comes before"),
    ("the reserve after the next", another_reserve, "changes", "next is"),
    ("one more is drawn", relined(5, count=3), "changes", "next is"),
    ("a seat is left out", relined(5, seats=[]), "changes", "other seats"),
    ("somebody else is sent", another_inspector, "reseating", "must be"),
    ("somebody unknown is sent", relined(4, seats=[("x", "y", "z", [])]), "changes", "seats"),
    ("a rung is skipped", relined(5, relaxed=["cap+1"]), "changes", "ladder"),
    ("the reason of an absence is told", relined(4, reason="I02-illness"), "changes", "personal"),
    ("the grounds are edited", other_grounds, "changes", "other grounds"),
    ("the grounds are gone", lambda f: resealed(
        {n: b for n, b in f.items() if n != GROUNDS}), "changes", "missing"),
    ("grounds without a change", lambda f: rechained(
        f, papers.read_log(f["log.ndjson"])[:2]), "changes", "not about"),
    ("somebody is passed over", invented_away, "changes", "without a reason"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cheat", "step", "words"), [one[1:] for one in CHEATS], ids=[one[0] for one in CHEATS]
)
def test_a_cheat_with_the_log_is_found_by_the_line_that_shows_it(
    changed: Files, cheat: Callable[[Files], Files], step: str, words: str
) -> None:
    found = failing(cheat(changed))

    assert [one.name for one in found][:1] == [step]
    assert words in found[0].en
    assert found[0].zh.endswith("。")


def test_any_byte_changed_in_the_log_or_its_grounds_is_found(changed: Files) -> None:
    random = Random(11)
    for name in ("log.ndjson", GROUNDS):
        body = changed[name]
        last = body.rindex(b"\n", 0, -1)  # nothing in the files is chained to the last line
        for place in random.sample(range(len(body)), 60):
            altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

            assert failing(changed | {name: altered})
            if name == GROUNDS or place <= last:
                assert failing(resealed(changed | {name: altered})), (name, place)


# -- what anyone can prove -------------------------------------------------------------------------


def published(files: Files) -> Files:
    return {name: body for name, body in files.items() if name not in papers.AUDITOR_ONLY}


def reseated(files: Files, who: str) -> Files:
    """Somebody else takes the seat of the replacement, as the public part shows it."""
    line = papers.read_log(files["log.ndjson"])[3]
    group, place, _, _ = line.seats[0]
    return published(relined(4, seats=[(group, place, who, [])])(files))


def test_the_public_part_shows_who_cannot_have_been_seated(changed: Files) -> None:
    line = papers.read_log(changed["log.ndjson"])[3]
    state, book = events.replay(changed), events.open_book(changed)
    beside = next(
        who for (group, place), who in state.seats.items()
        if group == line.seats[0][0] and place != line.seats[0][1]
    )  # fmt: skip
    few = relined(4, seats=[(*line.seats[0][:2], "沪A0001", [])])
    assert {one.cap for one in book.people} == {3}

    words = {
        who: failing(reseated(changed, who), public=True)[0].en
        for who in (beside, line.inspector, "沪A9999")
    }

    assert f"seats {beside}, who has no free seat" in words[beside]
    assert f"seats {line.inspector} again" in words[line.inspector]
    assert "no free seat" in words["沪A9999"]
    assert failing(few(changed)) != []


def test_the_public_part_shows_a_cap_that_was_not_kept() -> None:
    people = [msgspec.structs.replace(one, cap=1) for one in drawings.roster(24)]
    files = drawings.held(drawings.committed(inspectors=people)).files
    site, other = drawn(files)[:2]
    files = made(files, replacement(files, site))
    busy = next(who for (group, _), who in events.replay(files).seats.items() if other in group)
    line = papers.read_log(files["log.ndjson"])[2]

    cheated = relined(3, seats=[(*line.seats[0][:2], busy, [])])(files)

    assert f"seats {busy}, who has no free seat" in failing(published(cheated), public=True)[0].en


@pytest.fixture(scope="module")
def laddered() -> Files:
    """A draw with no lead to spare, whose extension had to go down the ladder."""
    few = {f"沪A{n:04d}" for n in (1, 3, 5, 9)}  # who may lead
    people = [
        msgspec.structs.replace(one, cap=1)
        for one in drawings.roster(24)
        if one.inspector in few or not one.qualifications
    ]
    task = drawings.task(relaxations=["cap+1", "cap+2"])
    return made(drawings.held(drawings.committed(task, inspectors=people)).files, extension(1))


def test_the_ladder_is_never_climbed_again(laddered: Files) -> None:
    site = drawn(laddered)[0]

    files = made(laddered, replacement(laddered, site, position="2协办"))

    assert [line.relaxed for line in papers.read_log(files["log.ndjson"])[2:]] == [["cap+1"]] * 2
    assert failing(files) == []
    back = failing(relined(4, relaxed=[])(files))[0]
    assert (back.name, "leaves the declared ladder" in back.en) == ("changes", True)


def test_nothing_more_gives_way_than_has_to(laddered: Files) -> None:
    cheated = relined(3, relaxed=["cap+1", "cap+2"])(laddered)

    found = failing(cheated)

    assert [one.name for one in found] == ["reseating"]
    assert "another rung of the ladder" in found[0].en


def test_what_was_true_on_the_day_of_the_snapshot_counts(whole: Files) -> None:
    assert failing(made(whole, substitution(drawn(whole)[0], since="2026-11-22"))) == []
