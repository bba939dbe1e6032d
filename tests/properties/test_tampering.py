"""Whatever is done to a bundle is found by both verifiers, at the step that it is done to.

Three cheats: one without the office's key, one with it who keeps the commitment, and one who
rewrites all, whom only the commitment as it was published can stop.
"""

import json
import re
from collections.abc import Callable, Mapping
from random import Random

import bundles
import drawings
import msgspec
import published
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.rules import bundle, canonical, papers
from backend.rules.bundle import Files
from backend.rules.verification import verify

SMALL = 12  # sites of the bundle whose every byte is changed
SAMPLED = 25  # bytes of each file of the larger ones
OTHER_KEY = "08" * 32
TABLES = ("frame.tsv.gz", "roster.tsv", "recusal.tsv", "selection.tsv", "assignment.tsv")
STEPS = {  # the step that must fail when a file is altered and all hashes around it made to fit
    "task.json": "commitment",
    "frame.tsv.gz": "frame",
    "roster.tsv": "roster",
    "recusal.tsv": "roster",
    "randomness.json": "seed",
    "seed.json": "seed",
    "allocation.json": "allocation",
    "selection.tsv": "selection",
    "assignment.tsv": "assignment",
    "pairing.json": "assignment",
}


def ours(files: Mapping[str, bytes], commitment: str | None = None) -> list[str]:
    return [step.name for step in verify(files, commitment=commitment) if step.ok is False]


def theirs(files: Mapping[str, bytes], commitment: str | None = None) -> list[str]:
    return published.refuted(files, commitment)


def signed(files: Files, secret: str = drawings.SECRET) -> Files:
    """The manifest is made anew and signed."""
    return bundle.seal({n: b for n, b in files.items() if n not in papers.SEALS}, secret)


def relogged(files: Files, **changes: object) -> Files:
    """The log is made to agree with the result, and chained anew."""
    hashes: dict[str, object] = {
        name: canonical.digest(files[f"{name}.tsv"]) for name in ("selection", "assignment")
    }
    hashes["seed"] = json.loads(files["seed.json"])["root"]
    log = b""
    for event in papers.read_log(files["log.ndjson"]):
        fits = hashes | changes if event.event == "draw" else {}
        log = papers.append_log(log, msgspec.structs.replace(event, **fits))
    return files | {"log.ndjson": log}


def rows_of(files: Files, name: str) -> list[bytes]:
    packed = name.endswith(".gz")
    return list(bundle.frame_rows(files[name])) if packed else canonical.lines(files[name])


def with_rows(files: Files, name: str, rows: list[bytes]) -> Files:
    body = canonical.table(rows)
    if name.endswith(".gz"):
        import gzip

        body = gzip.compress(body, mtime=0)
    return files | {name: body}


# -- without the key -------------------------------------------------------------------------------


def altered(body: bytes, place: int, random: Random) -> bytes:
    return body[:place] + bytes([body[place] ^ random.randrange(1, 256)]) + body[place + 1 :]


def test_every_byte_of_a_small_bundle_is_under_the_manifest_or_its_signature() -> None:
    whole = bundles.drawn(bundles.task(), sites=SMALL)
    random = Random(1)

    for name in sorted(whole):
        for place in range(len(whole[name])):
            forged = whole | {name: altered(whole[name], place, random)}
            step = "signature" if name == "MANIFEST.sig" else "manifest"
            found = next(one for one in verify(forged) if one.ok is False)
            with pytest.raises(Exception, match=_named(name)):
                getattr(published.VERIFIER, step)(published.VERIFIER.Bundle(forged))
            assert (found.name, bool(re.search(_named(name), found.en))) == (step, True), (
                name,
                place,
            )


def _named(name: str) -> str:
    """What the message must have in it; of the manifest itself it may be anything."""
    return "." if name in papers.SEALS else name


@pytest.mark.parametrize("kind", bundles.KINDS)
def test_bytes_lines_and_files_of_every_kind_of_bundle_are_held(kind: str) -> None:
    whole, random = bundles.make(kind), Random(kind)

    for name, body in whole.items():
        for place in random.sample(range(len(body)), min(SAMPLED, len(body))):
            found = ours(whole | {name: altered(body, place, random)})
            assert found[:1] in (["manifest"], ["signature"]), (name, place)
    for name in sorted(whole):
        gone = {other: body for other, body in whole.items() if other != name}
        longer = whole | {name: whole[name] + b"\n"}
        lines = whole[name].splitlines(keepends=True)
        for forged in (gone, longer, whole | {name: b""}, whole | {name: b"".join(lines[::-1])}):
            if forged == whole:
                continue
            assert ours(forged)[:1] in (["manifest"], ["signature"]), name
            if forged is gone and name in papers.AUDITOR_ONLY:  # the page is for the public
                assert published.told(forged)["assignment"] is None
            else:
                assert theirs(forged)[:1] in (["manifest"], ["signature"]), name
    for found in ours(whole | {"note": b""}), theirs(whole | {"note": b""}):
        assert found == ["manifest"]


def test_another_key_does_not_sign_for_the_office() -> None:
    forged = signed(bundles.make("single"), OTHER_KEY)

    assert ours(forged) == theirs(forged) == ["signature"]


# -- with the key, the commitment kept -------------------------------------------------------------


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    kind=st.sampled_from(["strata, hamilton", "joint departments", "a ladder taken", "weights"]),
    name=st.sampled_from(TABLES),
    change=st.sampled_from(["drop", "add", "swap", "edit"]),
    data=st.data(),
)
def test_any_line_changed_with_all_hashes_made_to_fit_is_found_by_both_at_its_step(
    kind: str, name: str, change: str, data: st.DataObject
) -> None:
    whole = bundles.make(kind)
    rows = rows_of(whole, name)
    n = data.draw(st.integers(0, len(rows) - 1))
    match change:
        case "drop":
            rows = rows[:n] + rows[n + 1 :]
        case "add":
            rows = [*rows[: n + 1], rows[n] + b"x", *rows[n + 1 :]]
        case "swap":
            m = data.draw(st.integers(0, len(rows) - 1))
            rows[n], rows[m] = rows[m], rows[n]
        case _:
            place = data.draw(st.integers(0, len(rows[n]) - 1))
            rows[n] = rows[n][:place] + data.draw(st.binary(min_size=1)) + rows[n][place + 1 :]
    if rows == rows_of(whole, name):
        return

    forged = signed(relogged(with_rows(whole, name, rows)))

    assert ours(forged)[:1] == theirs(forged)[:1] == [STEPS[name]]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    name=st.sampled_from([name for name in STEPS if name.endswith(".json")]),
    data=st.data(),
)
def test_any_value_changed_in_any_paper_is_found_by_both_at_its_step(
    name: str, data: st.DataObject
) -> None:
    whole = bundles.make("a ladder taken")
    paper = json.loads(whole[name])
    holders = [paper, *(one for one in paper.values() if isinstance(one, dict) and one)]
    holder = data.draw(st.sampled_from(holders))
    field = data.draw(st.sampled_from(sorted(holder)))
    match holder[field]:
        case bool() | int() as number:
            holder[field] = number + data.draw(st.integers(1, 9))
        case str() as text:
            holder[field] = text[:-1] if text else "x"
        case list() as items:
            holder[field] = [*items, "x"]
        case _:
            holder["x"] = holder.pop(field)

    forged = signed(relogged(whole | {name: canonical.encode(paper)}))

    assert theirs(forged)[:1] == ours(forged)[:1]
    assert ours(forged)[0] in (STEPS[name], "randomness", "log")


def swapped_inspectors(files: Files) -> Files:
    rows = [row.split(b"\t") for row in rows_of(files, "assignment.tsv")]
    n = next(n for n in range(1, len(rows)) if rows[n][2] != rows[0][2])
    rows[0][2], rows[n][2] = rows[n][2], rows[0][2]
    return relogged(with_rows(files, "assignment.tsv", [b"\t".join(row) for row in rows]))


def exchanged_lot(files: Files) -> Files:
    """A friend goes out of the list, and the first reserve comes in with its own ticket."""
    rows = [row.split(b"\t") for row in rows_of(files, "selection.tsv")]
    rows[0][2:4], rows[-1][2:4] = rows[-1][2:4], rows[0][2:4]
    return relogged(with_rows(files, "selection.tsv", [b"\t".join(row) for row in rows]))


def rerolled(files: Files, digits: str) -> Files:
    start = {
        name: body for name, body in files.items()
        if name not in papers.RESULT_FILES | {papers.STANDING}
    }  # fmt: skip
    log = canonical.lines(files["log.ndjson"])[0] + b"\n"
    return bundles.held(start | {"log.ndjson": log}, {drawings.DICE: digits})


def half_rerolled(files: Files) -> Files:
    """The list of another roll is put in, and the digits are left as they were seen."""
    other = rerolled(files, drawings.DIGITS[::-1])
    return other | {"randomness.json": files["randomness.json"]}


def without_draw(files: Files) -> Files:
    return files | {"log.ndjson": canonical.lines(files["log.ndjson"])[0] + b"\n"}


def drawn_earlier(files: Files) -> Files:
    return relogged(files, at="2026-11-22T08:59:59+08:00")


def another_nonce(files: Files) -> Files:
    paper = json.loads(files["randomness.json"])
    paper["nonces"]["notary"] = "33" * 32
    return files | {"randomness.json": canonical.encode(paper)}


def unasked_step(files: Files) -> Files:
    """The pairing is said to stand on the last rung, though it stood on the first."""
    standing = {"relaxed": ["cap+1"], "level": 0, "least": 0, "most": 2, "failed": []}
    return files | {"pairing.json": canonical.encode(standing)}


SMART: list[tuple[str, Callable[[Files], Files], str]] = [
    ("single", swapped_inspectors, "assignment"),
    ("joint departments", swapped_inspectors, "assignment"),
    ("single", exchanged_lot, "selection"),
    ("weights", exchanged_lot, "selection"),
    ("single", half_rerolled, "seed"),
    ("single", without_draw, "log"),
    ("single", drawn_earlier, "log"),
    ("single", another_nonce, "randomness"),
    ("a ladder not needed", unasked_step, "assignment"),
]


@pytest.mark.parametrize(("kind", "change", "step"), SMART)
def test_a_smart_cheat_with_the_key_is_found_by_both_with_the_right_message(
    kind: str, change: Callable[[Files], Files], step: str
) -> None:
    forged = signed(change(bundles.make(kind)))

    assert ours(forged)[:1] == theirs(forged)[:1] == [step]


def test_a_round_of_drand_cannot_be_rerolled() -> None:
    whole = bundles.make("drand")
    found = json.loads(whole["randomness.json"])
    name = next(iter(found["sources"]))
    found["sources"][name]["value"] = "ab" * 32

    forged = signed(whole | {"randomness.json": canonical.encode(found)})

    assert ours(forged)[0] == "sources"  # the signature
    assert theirs(forged)[0] == "randomness"  # the hash of the signature


# -- with the key, all rewritten -------------------------------------------------------------------


def test_a_commitment_moved_after_its_round_is_found_by_both() -> None:
    whole = bundles.make("drand")
    late = json.loads(whole["commit.json"]) | {"created_at": "2023-09-16T02:00:00+08:00"}
    whole["commit.json"] = canonical.encode(late)
    events = papers.read_log(whole["log.ndjson"])
    first = msgspec.structs.replace(
        events[0], commit=canonical.digest(whole["commit.json"]), at=late["created_at"]
    )
    log = papers.append_log(papers.append_log(b"", first), events[1])

    forged = signed(whole | {"log.ndjson": log})

    assert ours(forged) == theirs(forged) == ["commitment"]


@pytest.mark.parametrize("kind", ["single", "drand", "a ladder taken", "weights"])
def test_only_the_published_commitment_tells_a_draw_that_was_rewritten_as_a_whole(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = bundle.commit_hash(bundles.make(kind))
    crew = bundles.crew
    monkeypatch.setattr(bundles, "crew", lambda *a, **k: [*crew(*a, **k), bundles.person(40)])
    monkeypatch.setattr(bundles, "SITES", bundles.SITES - 1)
    forged = bundles.committed(bundles.task(), sites=bundles.SITES)

    assert ours(bundles.make(kind), true) == theirs(bundles.make(kind), true) == []
    assert ours(forged) == theirs(forged) == []
    assert ours(forged, true)[:1] == theirs(forged, true)[:1] == ["commitment"]


def test_dice_rolled_again_by_who_has_the_key_are_shown_so_that_witnesses_can_tell() -> None:
    whole = bundles.make("single")
    forged = rerolled(whole, drawings.DIGITS[::-1])

    said = next(step for step in verify(forged) if step.name == "sources")
    also = str(published.VERIFIER.verify(forged)[published.VERIFIER.randomness])

    assert ours(forged) == theirs(forged) == []
    assert drawings.DIGITS[::-1] in said.en
    assert drawings.DIGITS[::-1] in also
    assert bundle.commit_hash(forged) == bundle.commit_hash(whole)
