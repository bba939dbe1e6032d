"""A bundle proves itself, and whatever is done to it is found, with the step that found it."""

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random

import drawings
import msgspec
import pytest

from backend.rules import bundle, canonical, draw, papers
from backend.rules.beacons import Dice
from backend.rules.bundle import Files
from backend.rules.ladder import Unstaffed
from backend.rules.verification import explain, verify
from sync.refusals import Reason, Refused

FLIPS_PER_FILE = 60


@pytest.fixture(scope="module")
def whole() -> Files:
    return drawings.held(drawings.committed()).files


def failed(files: Files) -> list[str]:
    return [step.name for step in verify(files) if step.ok is False]


def resealed(files: Files) -> Files:
    """What a cheat in the office would publish: the manifest made anew, signed with its own key."""
    return bundle.seal({n: b for n, b in files.items() if n not in papers.SEALS}, drawings.SECRET)


# -- sound bundles ---------------------------------------------------------------------------------


def test_every_step_of_a_draw_is_proved(whole: Files) -> None:
    steps = verify(whole)

    assert whole.keys() == papers.FILES
    assert [step.name for step in steps if step.ok] == [step.name for step in steps]
    assert len(steps) == 12


def test_a_commitment_is_proved_before_it_is_drawn() -> None:
    steps = verify(drawings.committed())

    states = {step.name: step.ok for step in steps}
    assert [name for name, ok in states.items() if ok is None] == [
        "randomness", "sources", "seed", "allocation", "selection", "assignment",
    ]  # fmt: skip
    assert False not in states.values()


def test_a_void_draw_says_so_and_still_proves_what_it_gave(whole: Files) -> None:
    voided = bundle.void(
        whole, reason="wrong division", now=drawings.HELD, by="officer-2", secret=drawings.SECRET
    )

    steps = verify(voided)

    assert all(step.ok for step in steps)
    assert "VOID" in next(step.en for step in steps if step.name == "log")


def test_without_the_auditors_file_the_rest_is_proved(whole: Files) -> None:
    public = {name: body for name, body in whole.items() if name not in papers.AUDITOR_ONLY}

    steps = verify(public, public=True)

    assert [step.name for step in steps if not step.ok] == ["roster", "assignment"]
    assert False not in {step.ok for step in steps}
    assert failed(public) == ["manifest", "roster"]


def test_a_rerun_gives_the_same_bytes() -> None:
    one, two = drawings.held(drawings.committed()), drawings.held(drawings.committed())

    assert one.files == two.files


def test_every_step_speaks_both_languages(whole: Files) -> None:
    for step in (*verify(whole), *verify({}), *verify(drawings.committed())):
        assert step.en.endswith("."), step
        assert step.zh.endswith("。"), step


def test_an_object_learns_its_place(whole: Files) -> None:
    lots = [row.decode().split("\t") for row in canonical.lines(whole["selection.tsv"])]
    drawn, reserve = lots[0], lots[-1]

    first, last = explain(whole, drawn[2]), explain(whole, reserve[2])
    closed, foreign = explain(whole, "913101010000000034"), explain(whole, "nobody")

    assert first is not None
    assert last is not None
    assert (first.rank, first.lot, first.ticket, len(first.inspectors)) == (1, "P", drawn[3], 2)
    assert (last.rank, last.lot, last.inspectors) == (len(lots), "R", [])
    assert first.command.endswith(f" {drawn[2]} | sha256sum")
    assert closed is not None
    assert (closed.status, closed.reason, closed.ticket) == ("X", "X01-not-active", "")
    assert foreign is None


# -- tampering -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(papers.FILES))
def test_any_byte_changed_in_any_file_is_found(whole: Files, name: str) -> None:
    random = Random(name)
    body = whole[name]
    places = {0, len(body) - 1, *random.choices(range(len(body)), k=FLIPS_PER_FILE)}

    for place in sorted(places):
        changed = body[place] ^ random.randrange(1, 256)
        altered = body[:place] + bytes([changed]) + body[place + 1 :]
        found = failed(whole | {name: altered})
        assert found, f"{name} byte {place} became {changed}"
        assert found[0] in ("manifest", "signature")


@pytest.mark.parametrize("name", sorted(papers.FILES))
def test_any_bit_flipped_cut_or_added_is_found(whole: Files, name: str) -> None:
    body = whole[name]
    for bit in range(8):
        flipped = bytes([body[0] ^ 1 << bit]) + body[1:]
        assert failed(whole | {name: flipped}), f"bit {bit}"

    assert failed(whole | {name: body + b"\n"})
    assert failed(whole | {name: body[:-1]})
    assert failed(whole | {name: b""})
    assert failed({other: rest for other, rest in whole.items() if other != name})


def test_a_file_too_many_is_found(whole: Files) -> None:
    assert failed(whole | {"note.txt": b"trust me"}) == ["manifest"]


def swapped_lines(name: str) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        rows = canonical.lines(files[name])
        return files | {name: canonical.table([rows[1], rows[0], *rows[2:]])}

    return change


def without_first_line(name: str) -> Callable[[Files], Files]:
    return lambda files: files | {name: canonical.table(canonical.lines(files[name])[1:])}


def edited(name: str, **changes: object) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        return files | {name: canonical.encode(json.loads(files[name]) | changes)}

    return change


def replaced(name: str, old: str, new: str) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        assert old.encode() in files[name]
        return files | {name: files[name].replace(old.encode(), new.encode(), 1)}

    return change


def refrozen(files: Files) -> Files:
    """One site is taken out of the frame."""
    return files | {
        "frame.tsv.gz": bundle.freeze(list(bundle.frame_rows(files["frame.tsv.gz"]))[1:]).packed
    }


def cheated_log(files: Files) -> Files:
    """Another site is put on the list, and the log made to agree."""
    rows = canonical.lines(files["selection.tsv"])
    first, last = rows[0].split(b"\t"), rows[-1].split(b"\t")
    first[2], last[2] = last[2], first[2]
    selection = canonical.table([b"\t".join(first), *rows[1:-1], b"\t".join(last)])
    return relogged(files | {"selection.tsv": selection})


def cheated_pair(files: Files) -> Files:
    """Two inspectors change places, and the log is made to agree."""
    rows = [row.split(b"\t") for row in canonical.lines(files["assignment.tsv"])]
    rows[0][2], rows[1][2] = rows[1][2], rows[0][2]
    return relogged(files | {"assignment.tsv": canonical.table(map(b"\t".join, rows))})


def relogged(files: Files) -> Files:
    events = papers.read_log(files["log.ndjson"])
    log = papers.append_log(b"", events[0])
    hashes = {
        "selection": canonical.digest(files["selection.tsv"]),
        "assignment": canonical.digest(files["assignment.tsv"]),
    }
    return files | {
        "log.ndjson": papers.append_log(log, msgspec.structs.replace(events[1], **hashes))
    }


def rerolled(files: Files) -> Files:
    """The dice are rolled until liked; everything after them is made to agree."""
    start = {name: body for name, body in files.items() if name not in papers.RESULT_FILES}
    rows = canonical.lines(files["log.ndjson"])
    other = drawings.held(start | {"log.ndjson": rows[0] + b"\n"}, drawings.DIGITS[::-1]).files
    return files | {name: other[name] for name in papers.RESULT_FILES - {"randomness.json"}}


CHEATS: list[tuple[str, Callable[[Files], Files], str]] = [
    ("the rate is raised", edited("task.json", rate=[9, 100]), "commitment"),
    ("a field is added", edited("task.json", note="x"), "commitment"),
    ("the number is changed", edited("commit.json", seq=2), "commitment"),
    ("another frame hash", edited("commit.json", frame_sha256="0" * 64), "log"),
    ("another key", edited("commit.json", key="0" * 64), "signature"),
    ("a site is removed", refrozen, "frame"),
    ("an inspector is removed", without_first_line("roster.tsv"), "roster"),
    ("a recusal is removed", without_first_line("recusal.tsv"), "roster"),
    ("the roster is reordered", swapped_lines("roster.tsv"), "roster"),
    ("a cap is raised", replaced("roster.tsv", "\t3\t", "\t9\t"), "roster"),
    ("a digit is changed", replaced("randomness.json", "3141", "3142"), "seed"),
    ("a digit is left out", replaced("randomness.json", "3141", "314"), "randomness"),
    ("a nonce is changed", replaced("randomness.json", "2222", "2223"), "randomness"),
    ("the seed is changed", edited("seed.json", objects="0" * 64), "seed"),
    ("the dice are rolled again", rerolled, "log"),
    ("one more is drawn", replaced("allocation.json", '"primary":4', '"primary":5'), "allocation"),
    ("the list is reordered", swapped_lines("selection.tsv"), "log"),
    ("a lot is dropped", without_first_line("selection.tsv"), "log"),
    ("a site is put on the list", cheated_log, "selection"),
    ("inspectors change places", cheated_pair, "assignment"),
    ("the draw is taken out of the log", lambda f: f | {"log.ndjson": canonical.table(
        canonical.lines(f["log.ndjson"])[:1])}, "log"),
    ("the time is set back", replaced("log.ndjson", "T10:00:00", "T08:00:00"), "log"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "step"), [c[1:] for c in CHEATS], ids=[c[0] for c in CHEATS])
def test_a_cheat_who_signs_anew_is_found_by_the_step_that_knows(
    whole: Files, change: Callable[[Files], Files], step: str
) -> None:
    found = failed(resealed(change(whole)))

    assert found
    assert found[0] == step


# -- refusals --------------------------------------------------------------------------------------


def test_a_draw_is_not_held_before_its_time() -> None:
    files = drawings.committed()

    with pytest.raises(Refused) as refused:
        bundle.hold(
            files, {drawings.DICE: drawings.DIGITS}, drawings.NONCES,
            now=drawings.COMMITTED - timedelta(seconds=1), by="x", secret=drawings.SECRET,
        )  # fmt: skip

    assert refused.value.reason is Reason.DRAW_TOO_EARLY


@pytest.mark.parametrize(
    ("values", "nonces", "reason"),
    [
        ({}, drawings.NONCES, Reason.RANDOMNESS_INCOMPLETE),
        ({drawings.DICE: drawings.DIGITS}, {}, Reason.RANDOMNESS_INCOMPLETE),
        ({drawings.DICE: "7"}, drawings.NONCES, Reason.DIGITS_WRONG),
        (
            {drawings.DICE: drawings.DIGITS},
            drawings.NONCES | {"notary": "00" * 32},
            Reason.NONCE_WRONG,
        ),
    ],
)
def test_only_what_was_committed_to_opens_the_draw(
    values: dict[str, str], nonces: dict[str, str], reason: Reason
) -> None:
    with pytest.raises(Refused) as refused:
        bundle.hold(
            drawings.committed(), values, nonces, now=drawings.HELD, by="x", secret=drawings.SECRET
        )

    assert refused.value.reason is reason


def test_a_draw_of_a_small_source_is_refused_by_the_verifier_too() -> None:
    files = drawings.committed(drawings.task(sources={drawings.DICE: Dice(sides=10, rolls=3)}))

    with pytest.raises(Refused) as refused:
        drawings.held(files, "314")

    assert refused.value.reason is Reason.SEED_TOO_SHORT


def test_too_few_inspectors_are_named_in_a_bottleneck() -> None:
    files = drawings.committed(inspectors=drawings.roster(2))

    result = bundle.hold(
        files, {drawings.DICE: drawings.DIGITS}, drawings.NONCES,
        now=drawings.HELD, by="x", secret=drawings.SECRET,
    )  # fmt: skip

    assert isinstance(result, Unstaffed)
    assert result.failed[-1].seats < len(result.failed[-1].positions)
    assert result.failed[-1].causes == ["cap"]


def test_a_rehearsed_nonce_is_bound_to_its_owner() -> None:
    nonce = "11" * 32

    assert draw.nonce_commitment("notary", nonce) != draw.nonce_commitment("regulator", nonce)
