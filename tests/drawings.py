"""A small draw with everything in it, for the tests of the draw; also writes the golden vectors.

`python tests/drawings.py` writes fixtures/vectors/draw.json anew.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from backend.rules import bundle, canonical, draw, eligibility, merkle
from backend.rules.beacons import Dice
from backend.rules.pairing import Bottleneck, Position, Seat, pair
from backend.rules.papers import Extra, Place, RosterLine, TaskPaper
from backend.rules.scheme import Traits

VECTORS = Path(__file__).parent.parent / "fixtures" / "vectors" / "draw.json"
SECRET = "07" * 32
NONCES = {"notary": "22" * 32, "regulator": "11" * 32}
DICE = "dice:2026-11-22-hall"
DIGITS = "31415926535897932384"
COMMITTED = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
HELD = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

# -- the known answers of the specification: its frame and its pairing -----------------------------

INSPECTORS_SEED = "d9e5dcf2eaae8b0c103c5fa38ef2b1468e04ce17cef84c24304065b93a824884"
OBJECTS_SEED = "b394f252a1af548f9915dd2131139b5ba0b9485d099be177abdb4082821b026c"
CAPS = {"F01": 1, "F02": 1, "I01": 2, "I02": 2, "I03": 2, "I04": 1, "I05": 2}
SEATS = {
    "S1/市监": {"1组长": ["I01", "I02"], "2组员": ["I01", "I02", "I03", "I04", "I05"]},
    "S2/市监": {"1组长": ["I02", "I03"], "2组员": ["I01", "I02", "I03", "I04"]},
    "S3/市监": {"1组长": ["I04"], "2组员": ["I03", "I04", "I05"]},
    "S3/消防": {"1成员": ["F01", "F02"], "2成员": ["F01", "F02"]},
    "S4/市监": {"1组长": ["I01", "I05"], "2组员": ["I01", "I02", "I04", "I05"]},
}
ONE_TOO_MANY = {"S5/市监": {"1组长": ["I04"], "2组员": ["I03", "I04"]}}


def known_frame() -> list[bytes]:
    excluded = {5: "X02-annual-cap", 27: "X01-deregistered"}
    rows = [
        canonical.line(
            (
                f"9131010{i:011d}",
                "A" if i <= 20 else "B" if i <= 32 else "D",
                str(1 + 7 * i % 13),
                "X" if i in excluded else "E",
                excluded.get(i, ""),
            )
        )
        for i in range(1, 41)
    ]
    return sorted([*rows, canonical.line(("食摊-上海-0001", "B", "3", "E", ""))])


def seated(
    seats: Mapping[str, Mapping[str, list[str]]], caps: Mapping[str, int], seed: str
) -> list[Seat] | Bottleneck:
    roster = sorted(caps)
    positions = [
        Position(f"T2026-001/{group}", name, sum(1 << roster.index(who) for who in eligible))
        for group, by_name in seats.items()
        for name, eligible in by_name.items()
    ]
    return pair(seed, roster, caps, positions)


# -- a whole draw ----------------------------------------------------------------------------------


def task(**changes: Any) -> TaskPaper:
    plain = TaskPaper(
        spec="sjdraw/1",
        id="T2026-001",
        title="2026 年冷库抽查",
        agency="310101",
        division="310101",
        category="cold-store",
        checklists={"*": "ab" * 32},
        strata="single",
        rounding="ceil",
        rate=(3, 100),
        minimum=4,
        reserves=Extra(rate=(1, 5), minimum=3),
        positions=[Place("1主办", "*", ["food"]), Place("2协办", "*", [])],
        inspectors_under="310101",
        opens_on="2026-12-01",
        closes_on="2026-12-31",
        relaxations=[],
        mode="open",
        sources={DICE: Dice(sides=10, rolls=20)},
    )
    return msgspec.structs.replace(plain, **changes)


def frame(paper: TaskPaper, sites: int = 60) -> bundle.Frame:
    write = eligibility.line_writer(paper)
    rows = [
        write(
            eligibility.Subject(
                code=f"91310101{n:010d}" if n % 9 else f"食摊-上海-{n:04d}",
                status="active" if n % 17 else "closed",
                traits=Traits(
                    region="310101001" if n % 2 else "310101002",
                    category="cold-store" if n % 10 else "market",
                    risk="ABCD"[n % 4],
                ),
                revision="r1",
            )
        )
        for n in range(1, sites + 1)
    ]
    return bundle.freeze(sorted(rows))


def roster(count: int = 8) -> list[RosterLine]:
    return [
        RosterLine(
            inspector=f"沪A{n:04d}",
            department="market",
            region="310101",
            qualifications=("food",) if n % 2 else (),
            cap=3,
            valid_from="2024-01-01",
            valid_to="2027-12-31" if n % 7 else "2026-12-15",
            status="active",
        )
        for n in range(1, count + 1)
    ]


def committed(
    paper: TaskPaper | None = None,
    *,
    inspectors: list[RosterLine] | None = None,
    sites: int = 60,
    frozen: bundle.Frame | None = None,
) -> bundle.Files:
    paper = paper or task()
    return bundle.commit(
        paper,
        frozen or frame(paper, sites),
        roster() if inspectors is None else inspectors,
        [("913101010000000001", "沪A0001", "R01"), ("913101010000000002", "沪A0003", "R01")],
        draw_id="0190d000-0000-7000-8000-000000000001",
        seq=1,
        prev="0" * 64,
        nonce_commits={who: draw.nonce_commitment(who, nonce) for who, nonce in NONCES.items()},
        not_before=COMMITTED,
        now=COMMITTED,
        by="officer-1",
        version="0.1.0",
        secret=SECRET,
    )


def held(files: bundle.Files, digits: str = DIGITS) -> bundle.Held:
    result = bundle.hold(files, {DICE: digits}, NONCES, now=HELD, by="officer-1", secret=SECRET)
    assert isinstance(result, bundle.Held)
    return result


# -- golden vectors --------------------------------------------------------------------------------


def vectors() -> dict[str, Any]:
    """Compute, in plain values that any language can read, what every implementation must give."""
    rows = known_frame()
    lots = draw.select(
        OBJECTS_SEED,
        [(r.split(b"\t")[0], r.split(b"\t")[1].decode()) for r in rows if b"\tE\t" in r],
        {name: draw.Share(eligible=0, primary=1, reserves=2) for name in "ABD"},
    )
    text = draw.seed_text({DICE: DIGITS}, NONCES)
    good, bad = (
        seated(SEATS, CAPS, INSPECTORS_SEED),
        seated(SEATS | ONE_TOO_MANY, CAPS, INSPECTORS_SEED),
    )
    files = held(committed()).files
    shown = ("commit.json", "randomness.json", "seed.json", "allocation.json", "log.ndjson")
    return {
        "spec": draw.SPEC,
        "tickets": [
            {"seed": OBJECTS_SEED, "id": id, "ticket": draw.ticket(OBJECTS_SEED, id)}
            for id in ("食摊-上海-0001", "913101000000000017", "a", "é")
        ],
        "seed": {
            "commit_hash": "ab" * 32,
            "task": "T2026-001",
            "text": text.decode(),
            "nonce_commits": {who: draw.nonce_commitment(who, n) for who, n in NONCES.items()},
            "seeds": plain(draw.derive("ab" * 32, text, "T2026-001")),
        },
        "tree": {
            "lines": [row.decode() for row in rows],
            "roots": [merkle.root(rows[:n]).hex() for n in range(len(rows) + 1)],
            "inclusion": [proof(merkle.prove(rows, n)) for n in (0, 1, 20, 39, 40)],
            "absence": [
                {
                    "id": id,
                    **{
                        side: proof(getattr(merkle.prove_absence(rows, id.encode()), side))
                        for side in ("left", "right")
                    },
                }
                for id in ("0", "913101000000000020a", "龙")
            ],
        },
        "selection": [plain(lot) for lot in lots],
        "pairing": {
            "seed": INSPECTORS_SEED,
            "caps": CAPS,
            "task": "T2026-001",
            "seats": SEATS,
            "assignment": plain(good),
            "one_too_many": ONE_TOO_MANY,
            "bottleneck": plain(bad),
        },
        "bundle": {
            "hashes": {
                name: canonical.digest(body)
                for name, body in sorted(files.items())
                if name not in ("frame.tsv.gz", "MANIFEST.sha256", "MANIFEST.sig")
            },
            "files": {name: files[name].decode() for name in shown},
            "selection": files["selection.tsv"].decode(),
            "assignment": files["assignment.tsv"].decode(),
        },
    }


def proof(inclusion: merkle.Inclusion | None) -> dict[str, Any]:
    if inclusion is None:
        return {}
    return {
        "index": inclusion.index,
        "line": inclusion.line.decode(),
        "path": [node.hex() for node in inclusion.path],
    }


def plain(value: Any) -> Any:
    return json.loads(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


if __name__ == "__main__":
    VECTORS.parent.mkdir(parents=True, exist_ok=True)
    VECTORS.write_text(json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n")
