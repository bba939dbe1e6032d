"""The known answers of `sjdraw/1`, and what each rule says in small."""

import json
from pathlib import Path

import drawings
import pytest
from conftest import shared_data

from backend.rules import beacons, bundle, canonical, draw, eligibility, merkle, papers
from backend.rules.beacons import Dice, Drand
from backend.rules.canonical import NotCanonical
from backend.rules.pairing import Bottleneck
from backend.rules.scheme import Traits
from sync.refusals import Reason, Refused

COMMIT_HASH = "8f9e6b4d18be345239e2216b5eedeeac33918abcd18ae183f954efa435c0575c"
DRAND = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971:657413"
ROUND = "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587"


def known() -> dict[str, str]:
    """The published answers by the words each line begins with."""
    text = (shared_data() / "test_vectors" / "draw_known_answers.txt").read_text()
    heads = ("frame sha256", "frame root", "commit json", "commit hash", "seed text", "root seed",
             "S_obj", "S_rnd", "S_ins")  # fmt: skip
    return {
        head: line.removeprefix(head).strip()
        for line in text.splitlines()
        for head in heads
        if line.startswith(head + " ")
    }


def lots(seed: str) -> list[draw.Lot]:
    rows = [row.decode().split("\t") for row in drawings.known_frame()]
    shares = {name: draw.Share(eligible=0, primary=1, reserves=2) for name in "ABD"}
    return draw.select(seed, [(r[0].encode(), r[1]) for r in rows if r[3] == "E"], shares)


def test_the_known_frame_has_its_known_hash_and_root() -> None:
    rows = drawings.known_frame()

    frame = bundle.freeze(rows)

    assert f"{frame.sha256} {frame.size}" == known()["frame sha256"]
    assert frame.root == known()["frame root"]
    assert {name: by["E"] for name, by in frame.counts.items()} == {"A": 19, "B": 12, "D": 8}


def test_the_known_commitment_and_seed_come_out() -> None:
    text = known()["commit json"].encode()
    commit = canonical.decode(text)
    assert isinstance(commit, dict)

    seed_text = draw.seed_text({DRAND: ROUND}, drawings.NONCES)
    seeds = draw.derive(canonical.digest(text), seed_text, "T2026-001")

    assert canonical.encode(commit) == text
    assert canonical.digest(text) == known()["commit hash"] == COMMIT_HASH
    assert repr(seed_text.decode()) == known()["seed text"]
    assert seeds.root == known()["root seed"]
    assert seeds.objects == known()["S_obj"] == drawings.OBJECTS_SEED
    assert seeds.rounding == known()["S_rnd"]
    assert seeds.inspectors == known()["S_ins"] == drawings.INSPECTORS_SEED
    assert commit["nonce_commits"] == {
        who: draw.nonce_commitment(who, nonce) for who, nonce in drawings.NONCES.items()
    }


def test_the_known_lots_are_drawn() -> None:
    text = (shared_data() / "test_vectors" / "draw_known_answers.txt").read_text()
    expected = [line for line in text.splitlines() if line[:2] in ("A ", "B ", "D ")]

    found = [
        f"{lot.stratum} {lot.rank} {lot.id} {lot.ticket} {lot.status}"
        for lot in lots(drawings.OBJECTS_SEED)
    ]

    assert found == [line for line in expected if "[" not in line]


def test_the_known_pairing_comes_out() -> None:
    text = (shared_data() / "test_vectors" / "draw_known_answers.txt").read_text()
    expected = [line for line in text.splitlines() if line.startswith("T2026-001/")]

    seats = drawings.seated(drawings.SEATS, drawings.CAPS, drawings.INSPECTORS_SEED)

    assert isinstance(seats, list)
    assert [f"{s.group} {s.position} {s.inspector}" for s in seats] == expected


def test_the_known_bottleneck_is_named() -> None:
    seats = drawings.SEATS | drawings.ONE_TOO_MANY

    cut = drawings.seated(seats, drawings.CAPS, drawings.INSPECTORS_SEED)

    assert cut == Bottleneck(
        positions=(("T2026-001/S3/市监", "1组长"), ("T2026-001/S5/市监", "1组长")),
        inspectors=("I04",),
        seats=1,
    )


def test_our_vectors_are_what_the_code_computes() -> None:
    kept = json.loads(drawings.VECTORS.read_text())

    assert kept == drawings.vectors()


@pytest.mark.parametrize(
    ("eligible", "minimum", "primary", "reserves"),
    [
        (2_000, 20, 60, 12),
        (100, 20, 20, 4),
        (101, 1, 4, 3),
        (1, 1, 1, 0),
        (5, 5, 5, 0),
        (0, 9, 0, 0),
    ],
)
def test_shares_are_rounded_up_and_stay_within_what_there_is(
    eligible: int, minimum: int, primary: int, reserves: int
) -> None:
    paper = drawings.task(minimum=minimum)

    share = bundle.shares(paper, {"all": eligible}, "")["all"]

    assert (share.primary, share.reserves) == (primary, reserves)


def test_strata_are_drawn_apart_and_in_the_order_of_their_names() -> None:
    shares = bundle.shares(drawings.task(strata=["risk"], minimum=2), {"B": 12, "A": 19}, "")

    assert list(shares) == ["A", "B"]
    assert [share.primary for share in shares.values()] == [2, 2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [1, True], "a": "冷\n\u001f"}, '{"a":"冷\\n\\u001f","b":[1,true]}'),
        ([], "[]"),
        ('\u007f/"\\', '"\u007f/\\"\\\\"'),
    ],
)
def test_json_has_one_canonical_form(value: canonical.Value, text: str) -> None:
    assert canonical.encode(value) == text.encode()
    assert canonical.decode(text.encode()) == value


@pytest.mark.parametrize(
    "data",
    [b"1.0", b"null", b'{"a":1,"a":1}', b'{"b":1,"a":1}', b"[1, 2]", b"9007199254740992",
     b'"\\u0041"', b'{"\xc3\xa9":1}', b"", b"[", b"NaN", b'"\xff"', b"1\n",
     b"[" * 100_000, b"1" * 5_000],
)  # fmt: skip
def test_what_is_not_canonical_json_is_not_read(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.decode(data)


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "e\u0301", "a\u0085", "\u2028", "\ud800", ""])
def test_a_field_is_plain_text(text: str) -> None:
    with pytest.raises(NotCanonical):
        canonical.text(text)


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, "E\t\t310101001\tcold-store\tB"),
        ({"status": "closed"}, "X\tX01-not-active\t310101001\tcold-store\tB"),
        ({"category": "market"}, "X\tX06-not-of-category\t310101001\tmarket\tB"),
        ({"category": "market", "wanted": ""}, "E\t\t310101001\tmarket\tB"),
    ],
)
def test_who_cannot_be_drawn_is_kept_in_the_frame_with_the_reason(
    changes: dict[str, str], end: str
) -> None:
    plain = {"division": "310101001", "category": "cold-store", "risk": "B"}
    given = plain | {"status": "active", "wanted": "cold-store"} | changes
    subject = eligibility.Subject(
        code="食摊-1",
        status=given["status"],
        traits=Traits(given["division"], given["category"], given["risk"]),
    )

    row = eligibility.line_writer(drawings.task(category=given["wanted"]))(subject)

    assert row.decode() == f"食摊-1\tall\t1\t{end}"


@pytest.mark.parametrize(
    ("source", "value", "fits"),
    [
        (Dice(sides=10, rolls=3), "099", True),
        (Dice(sides=10, rolls=3), "09", False),
        (Dice(sides=10, rolls=3), "09٣", False),
        (Dice(sides=6, rolls=3), "166", True),
        (Dice(sides=6, rolls=3), "167", False),
        (Dice(sides=6, rolls=3), "106", False),
        (Dice(sides=8, rolls=1), "8", True),
        (Drand(chain="ab" * 32, round=7), ROUND, True),
        (Drand(chain="ab" * 32, round=7), ROUND.upper(), False),
    ],
)
def test_a_source_gives_only_what_was_announced(
    source: Dice | Drand, value: str, fits: bool
) -> None:
    assert source.admits(value) is fits


def test_a_recused_inspector_never_sits_there() -> None:
    files = drawings.committed()

    held = drawings.held(files)

    recused = {(id, who) for id, who, _ in papers.read_recusals(files["recusal.tsv"])}
    seated = {(seat.group.split("/")[1], seat.inspector) for seat in held.seats}
    assert not recused & seated


def test_public_sources_must_be_too_large_to_try_out() -> None:
    with pytest.raises(Refused) as refused:
        beacons.require_public(
            {"dice:1": Dice(sides=10, rolls=10), "dice:2": Dice(sides=6, rolls=9)}
        )

    assert refused.value.reason is Reason.SEED_TOO_SHORT


def test_a_frame_is_packed_to_the_same_bytes_every_time() -> None:
    rows = drawings.known_frame()

    one, two = bundle.freeze(rows), bundle.freeze(rows)

    assert one == two
    assert list(bundle.frame_rows(one.packed, block=7)) == rows


def test_the_vectors_need_no_code_of_ours_to_be_read() -> None:
    kept = json.loads(Path(drawings.VECTORS).read_text())
    from hashlib import sha256

    tickets = [sha256(f"{one['seed']}|{one['id']}".encode()).hexdigest() for one in kept["tickets"]]

    assert tickets == [one["ticket"] for one in kept["tickets"]]
    assert merkle.root([]).hex() == sha256(b"").hexdigest() == kept["tree"]["roots"][0]
