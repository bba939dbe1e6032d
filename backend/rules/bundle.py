"""抽取档案包: the files of a draw, built twice: at the commitment, and when the draw has been held.

Everything is a function of its arguments; `verification` recomputes it from the files alone.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import chain
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import UNSET, Struct

from backend.rules import (
    beacons,
    canonical,
    draw,
    eligibility,
    ladder,
    papers,
    quotas,
    scheme,
    weighted,
)
from backend.rules import frame as frames
from backend.rules.canonical import NotCanonical
from backend.rules.draw import Lot, Share
from backend.rules.ladder import Site, Staffed, Unstaffed
from backend.rules.pairing import Seat, Spread
from backend.rules.papers import (
    Commit,
    FrameLine,
    LogLine,
    Randomness,
    RosterLine,
    SeedPaper,
    Software,
    SourceValue,
    TaskPaper,
)
from sync.refusals import Reason, Refused

Files = dict[str, bytes]
Frame: TypeAlias = frames.Frame
freeze, table_of = frames.freeze, frames.table_of


class Held(Struct, frozen=True):
    """What a draw gave."""

    files: Files
    lots: list[Lot]
    seats: list[Seat]


# -- frame ---------------------------------------------------------------------------------------


def frame_blocks(packed: bytes, *, block: int = 1 << 14) -> Iterator[list[bytes]]:
    """Read the lines of frame.tsv.gz, some thousands at a time."""
    press = zlib.decompressobj(31)
    rest = b""
    try:
        for start in range(0, len(packed), block):
            rows = (rest + press.decompress(packed[start : start + block])).split(b"\n")
            rest = rows.pop()
            yield rows
    except zlib.error as error:
        raise NotCanonical(f"frame.tsv.gz does not unpack: {error}") from error
    if rest or not press.eof or press.unused_data:
        raise NotCanonical("frame.tsv.gz is cut short, or has more behind its end")


def frame_rows(packed: bytes, *, block: int = 1 << 14) -> Iterator[bytes]:
    """Read the lines of frame.tsv.gz without holding them all."""
    return chain.from_iterable(frame_blocks(packed, block=block))


def eligible(packed: bytes) -> Iterator[tuple[bytes, str]]:
    """List the (id, stratum) of those who may be drawn."""
    strata: dict[bytes, str] = {}  # by what follows the id; empty for who may not

    def learn(tail: bytes) -> str:
        if len(strata) >= frames.ALIKE_MAX:
            strata.clear()
        stratum, _, status, _ = tail.split(b"\t", 3)
        return strata.setdefault(tail, stratum.decode() if status == b"E" else "")

    def of(rows: list[bytes]) -> list[tuple[bytes, str]]:
        found: list[tuple[bytes, str]] = []
        for row in rows:
            id, _, tail = row.partition(b"\t")
            stratum = strata.get(tail)
            if stratum is None:
                stratum = learn(tail)
            if stratum:
                found.append((id, stratum))
        return found

    return chain.from_iterable(map(of, frame_blocks(packed)))


def weighed(packed: bytes) -> Iterator[tuple[bytes, str, int]]:
    """List the (id, stratum, weight) of those who may be drawn."""
    for row in frame_rows(packed):
        id, stratum, weight, status, _ = row.split(b"\t", 4)
        if status == b"E":
            yield id, stratum.decode(), int(weight)


# -- commitment ----------------------------------------------------------------------------------


def commit(
    task: TaskPaper,
    frame: Frame,
    roster: list[RosterLine],
    recusals: list[tuple[str, str, str]],
    *,
    draw_id: str,
    seq: int,
    prev: str,
    nonce_commits: dict[str, str],
    not_before: datetime,
    now: datetime,
    by: str,
    version: str,
    secret: str,
) -> Files:
    """Write the commitment (承诺): all of it is public before the seed can exist."""
    files = {
        "task.json": papers.write(task),
        "frame.tsv.gz": frame.packed,
        "roster.tsv": papers.write_roster(roster),
        "recusal.tsv": papers.write_recusals(recusals),
    }
    paper = Commit(
        spec=draw.SPEC,
        draw=draw_id,
        agency=task.agency,
        seq=seq,
        prev=prev,
        task=canonical.digest(files["task.json"]),
        frame_sha256=frame.sha256,
        frame_root=frame.root,
        frame_size=frame.size,
        counts=frame.counts,
        roster_sha256=canonical.digest(files["roster.tsv"]),
        recusal_sha256=canonical.digest(files["recusal.tsv"]),
        nonce_commits=nonce_commits,
        sources=sorted(task.sources, key=str.encode),
        not_before=papers.moment(not_before),
        created_at=papers.moment(now),
        software=Software(name="evenhand", version=version),
        key=_key(secret).public_key().public_bytes_raw().hex(),
    )
    files["commit.json"] = papers.write(paper)
    opening = _event("commit", now, by, commit=commit_hash(files))
    files["log.ndjson"] = papers.append_log(b"", opening)
    return seal(files, secret)


def commit_hash(files: Mapping[str, bytes]) -> str:
    """Give the one hash that stands for the whole commitment."""
    return canonical.digest(files["commit.json"])


def seal(files: Files, secret: str) -> Files:
    """List every file's hash in MANIFEST.sha256 and sign that list."""
    listed = manifest(files)
    signature = _key(secret).sign(listed).hex().encode() + b"\n"
    return files | {"MANIFEST.sha256": listed, "MANIFEST.sig": signature}


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Write the list in the form that `sha256sum -c` reads."""
    return b"".join(
        f"{canonical.digest(files[name])}  {name}\n".encode()
        for name in sorted(files)
        if name not in papers.SEALS
    )


# -- draw ----------------------------------------------------------------------------------------


def hold(
    files: Files,
    values: Mapping[str, str],
    nonces: Mapping[str, str],
    *,
    proofs: Mapping[str, dict[str, str]] = MappingProxyType({}),
    now: datetime,
    by: str,
    secret: str,
    spread: Spread = map,
) -> Held | Unstaffed:
    """Hold the draw that was committed to, with what the ceremony gave and what proves it."""
    task = papers.read(files["task.json"], TaskPaper)
    paper = papers.read(files["commit.json"], Commit)
    if papers.moment(now) < paper.not_before:
        raise Refused(Reason.DRAW_TOO_EARLY, not_before=paper.not_before)
    found = Randomness(
        sources={
            name: SourceValue(value, proofs.get(name) or UNSET) for name, value in values.items()
        },
        nonces=dict(nonces),
    )
    admit(task, paper, found)
    prove(task, found)
    seeds = seeds_of(files, task, found)
    shares = shares_of(task, paper, seeds.rounding)
    lots = lots_of(files, task, seeds.objects, shares)
    staffed = seats_of(files, task, seeds.inspectors, lots, spread)
    if isinstance(staffed, Unstaffed):
        return staffed
    selection, assignment = papers.write_lots(lots), papers.write_seats(staffed.seats)
    event = _event(
        "draw", now, by,
        seed=seeds.root,
        selection=canonical.digest(selection),
        assignment=canonical.digest(assignment),
    )  # fmt: skip
    made: Files = {
        "randomness.json": papers.write(found),
        "seed.json": papers.write(seeds),
        "allocation.json": papers.write_shares(shares),
        "selection.tsv": selection,
        "assignment.tsv": assignment,
        "log.ndjson": papers.append_log(files["log.ndjson"], event),
    }
    if task.tells_standing():
        made[papers.STANDING] = papers.write(staffed.standing)
    return Held(files=seal(files | made, secret), lots=lots, seats=staffed.seats)


def admit(task: TaskPaper, paper: Commit, found: Randomness) -> None:
    """Refuse randomness that is not exactly what was committed to."""
    beacons.require_public(task.sources)
    given = sorted(found.sources, key=str.encode), sorted(found.nonces, key=str.encode)
    wanted = paper.sources, sorted(paper.nonce_commits, key=str.encode)
    if given != wanted:
        raise Refused(
            Reason.RANDOMNESS_INCOMPLETE, sources=", ".join(wanted[0]), nonces=", ".join(wanted[1])
        )
    for name, source in task.sources.items():
        beacons.require_form(name, source, found.sources[name].value)
    for who, nonce in found.nonces.items():
        if draw.nonce_commitment(who, nonce) != paper.nonce_commits[who]:
            raise Refused(Reason.NONCE_WRONG, who=who)


def prove(task: TaskPaper, found: Randomness) -> None:
    """Refuse values that their signatures do not prove."""
    for name, source in task.sources.items():
        one = found.sources[name]
        beacons.require_proof(name, source, one.value, one.evidence())


def void(files: Files, *, reason: str, now: datetime, by: str, secret: str) -> Files:
    """Write into the log that a draw is void (作废); nothing is taken out of the bundle."""
    event = _event("void", now, by, reason=reason)
    return seal(files | {"log.ndjson": papers.append_log(files["log.ndjson"], event)}, secret)


def seeds_of(files: Mapping[str, bytes], task: TaskPaper, found: Randomness) -> SeedPaper:
    """Derive the seed from the commitment and what was not known then."""
    values = {name: source.value for name, source in found.sources.items()}
    text = draw.seed_text(values, found.nonces)
    seeds = draw.derive(commit_hash(files), text, task.id)
    return SeedPaper(
        commit=commit_hash(files),
        text=text.decode(),
        root=seeds.root,
        objects=seeds.objects,
        inspectors=seeds.inspectors,
        rounding=seeds.rounding,
    )


def shares_of(task: TaskPaper, paper: Commit, seed: str) -> dict[str, Share]:
    """Compute how many each stratum gives; `seed` is the one for rounding."""
    return shares(task, {name: by_status["E"] for name, by_status in paper.counts.items()}, seed)


def shares(task: TaskPaper, counts: Mapping[str, int], seed: str) -> dict[str, Share]:
    """Compute how many each stratum gives of so many eligible."""
    return quotas.allocate(
        counts,
        asked(task, counts),
        rounding=task.rounding,
        total=task.total,
        minimum=task.minimum,
        reserve_rate=task.reserves.rate,
        reserve_minimum=task.reserves.minimum,
        seed=seed,
    )


def most_lots(task: TaskPaper, counts: Mapping[str, int]) -> int:
    """Give the largest number of lots that any seed could lead to."""
    return quotas.most_lots(
        counts,
        asked(task, counts),
        rounding=task.rounding,
        total=task.total,
        minimum=task.minimum,
    )


def most_of_each(task: TaskPaper, counts: Mapping[str, int]) -> dict[str, int]:
    """Give the largest number of lots of each stratum that any seed could lead to."""
    return quotas.most_of_each(
        counts,
        asked(task, counts),
        rounding=task.rounding,
        total=task.total,
        minimum=task.minimum,
    )


def asked(task: TaskPaper, counts: Mapping[str, int]) -> dict[str, Fraction]:
    """Compute every stratum's exact quota."""
    return scheme.asked(task.dimensions(), task.quotas, task.rate, counts)


def lots_of(
    files: Mapping[str, bytes], task: TaskPaper, seed: str, shares: Mapping[str, Share]
) -> list[Lot]:
    """Draw the lots, by weight if the task has weights."""
    packed = files["frame.tsv.gz"]
    if task.weighted():
        return weighted.select(seed, weighed(packed), shares)
    return draw.select(seed, eligible(packed), shares)


def seats_of(
    files: Mapping[str, bytes],
    task: TaskPaper,
    seed: str,
    lots: Iterable[Lot],
    spread: Spread = map,
) -> Staffed | Unstaffed:
    """Draw the inspectors of the lots, on the first rung of the ladder that has a pairing."""
    roster = papers.read_roster(files["roster.tsv"])
    recusals = papers.read_recusals(files["recusal.tsv"])
    drawn = [lot.id for lot in lots if lot.status == "P"]
    where = regions(files["frame.tsv.gz"], drawn) if task.staffing is not None else {}
    sites = [Site(id, where.get(id, "")) for id in drawn]
    return ladder.staff(task.terms(), sites, roster, recusals, seed=seed, spread=spread)


def strata(packed: bytes, ids: Iterable[str]) -> dict[str, str]:
    """Read the strata of some objects out of the frame."""
    return _field(packed, ids, 1)


def regions(packed: bytes, ids: Iterable[str]) -> dict[str, str]:
    """Read the divisions of some objects out of the frame."""
    return _field(packed, ids, 5)


def categories(packed: bytes, ids: Iterable[str]) -> dict[str, str]:
    """Read the categories of some objects out of the frame."""
    return _field(packed, ids, 6)


def _field(packed: bytes, ids: Iterable[str], place: int) -> dict[str, str]:
    wanted = {id.encode() for id in ids}
    rows = (row.split(b"\t", place + 1) for row in frame_rows(packed))
    return {parts[0].decode(): parts[place].decode() for parts in rows if parts[0] in wanted}


def parse_frame(packed: bytes, task: TaskPaper) -> Iterator[tuple[bytes, FrameLine]]:
    """Read the frame line by line, each checked against the rules of the task."""
    read = eligibility.line_reader(task)
    for row in frame_rows(packed):
        yield row, read(row)


def _event(
    kind: Literal["commit", "draw", "void"], now: datetime, by: str, **facts: str
) -> LogLine:
    bare = LogLine(n=0, prev=papers.NO_HASH, at=papers.moment(now), by=by, event=kind)
    return msgspec.structs.replace(bare, **facts)


def _key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
