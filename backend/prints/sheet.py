"""名单: what is printed of a draw, read from its bundle as it stands after every change.

A bundle has codes and certificates, no names; those come beside it, from the registers.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from backend.rules import beacons, bundle, canonical, exports, papers, scheme
from backend.rules.canonical import NotCanonical
from backend.rules.draw import Share
from backend.rules.papers import Commit, FrameLine, LogLine, Randomness, SeedPaper, TaskPaper
from sync.refusals import Reason, Refused

Words = tuple[str, str]  # English, 中文
ANY = "*"


class Name(Struct, frozen=True):
    """What people call a business or an inspector."""

    name: str
    address: str = ""


class Seat(Struct, frozen=True):
    """Who takes which position at a site."""

    department: str  # empty: any
    position: str
    certificate: str
    name: str


class Row(Struct, frozen=True):
    """One site of the list."""

    number: int
    id: str
    name: str
    address: str
    category: str
    risk: str
    region: str
    stratum: str
    rank: int
    ticket: str
    checklists: list[str]
    seats: list[Seat]


class Count(Struct, frozen=True):
    """One stratum of the list."""

    stratum: str
    eligible: int
    excluded: int
    drawn: int
    reserves: int


class Source(Struct, frozen=True):
    """One public value in the seed, and what proves it."""

    id: str
    value: str
    en: str
    zh: str


class Sheet(Struct, frozen=True):
    """All that is printed of one draw."""

    title: str
    agency: str
    agency_name: str  # or its code
    draw: str
    seq: int
    commit: str
    created_at: str
    drawn_at: str
    changed_at: str  # of the last event of the log
    opens_on: str
    closes_on: str
    eligible: int
    in_scope: int
    frame_root: str
    seed: str
    objects: str
    sources: list[Source]
    contributors: list[str]
    counts: list[Count]
    rows: list[Row]
    marks: list[Words]  # what nobody may overlook
    address: str  # where it can be checked; empty: not said
    void: bool


def read(files: Mapping[str, bytes], names: Mapping[str, Name], *, address: str = "") -> Sheet:
    """Read a bundle whose draw was held; it should have been verified before."""
    if not files.keys() >= papers.RESULT_FILES:
        raise Refused(Reason.BUNDLE_NOT_HELD)
    task = papers.read(files["task.json"], TaskPaper)
    commit = papers.read(files["commit.json"], Commit)
    seeds = papers.read(files["seed.json"], SeedPaper)
    found = papers.read(files["randomness.json"], Randomness)
    log = papers.read_log(files["log.ndjson"])
    lots, seats = _standing(files, log)
    lines = _lines(files["frame.tsv.gz"], task, set(lots))
    shares = bundle.shares_of(task, commit, seeds.rounding)
    return Sheet(
        title=task.title,
        agency=task.agency,
        agency_name=names.get(task.agency, Name("")).name or task.agency,
        draw=commit.draw,
        seq=commit.seq,
        commit=bundle.commit_hash(files),
        created_at=commit.created_at,
        drawn_at=next(one.at for one in log if one.event == "draw"),
        changed_at=log[-1].at,
        opens_on=task.opens_on,
        closes_on=task.closes_on,
        eligible=sum(by["E"] for by in commit.counts.values()),
        in_scope=commit.frame_size,
        frame_root=commit.frame_root,
        seed=seeds.root,
        objects=seeds.objects,
        sources=[
            Source(name, one.value, *task.sources[name].claim(one.value, one.evidence()))
            for name, one in sorted(found.sources.items())
        ],
        contributors=sorted(found.nonces),
        counts=_counts(commit, shares, lots),
        rows=_rows(task, lots, seats, lines, names),
        marks=_marks(task, log),
        address=address,
        void=any(one.event == "void" for one in log),
    )


def inspectors(sheet: Sheet) -> dict[str, list[Row]]:
    """List the sites of each inspector, by certificate."""
    found: dict[str, list[Row]] = {}
    for row in sheet.rows:
        for who in dict.fromkeys(seat.certificate for seat in row.seats):
            found.setdefault(who, []).append(row)
    return dict(sorted(found.items()))


def read_names(data: bytes) -> dict[str, Name]:
    """Read names by code or certificate from a CSV; an export of a register is one."""
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        columns = table.fieldnames or []
        key = next(one for one in ("code", "certificate") if one in columns)
        return {
            exports.unguard(row[key]): Name(
                canonical.optional_text(exports.unguard(row["name"])),
                canonical.optional_text(exports.unguard(row.get("address") or "")),
            )
            for row in table
            if row[key]
        }
    except (UnicodeDecodeError, csv.Error, NotCanonical, KeyError, StopIteration) as error:
        problem = str(error) or "no column `code` or `certificate`"
        raise Refused(Reason.NAMES_WRONG, problem=problem) from None


# -- as it stands ----------------------------------------------------------------------------------

Lots = dict[str, tuple[str, int, str]]  # by id: stratum, rank, ticket
Seats = dict[tuple[str, str], str]  # by group and position


def _standing(files: Mapping[str, bytes], log: list[LogLine]) -> tuple[Lots, Seats]:
    """Start with what the draw gave, then follow every change in the log."""
    tickets: dict[str, str] = {}
    lots: Lots = {}
    for row in canonical.lines(files["selection.tsv"]):
        name, place, id, ticket, status = row.decode().split("\t")
        tickets[id] = ticket
        if status == "P":
            lots[id] = (name, int(place), ticket)
    seats: Seats = {}
    for row in canonical.lines(files["assignment.tsv"]):
        group, position, who, _ = row.decode().split("\t")
        seats[group, position] = who
    for event in log:
        if event.event == "substitute":
            lots.pop(event.site, None)
        for stratum, rank, id in event.lots:
            lots[id] = (stratum, rank, tickets.get(id, ""))
        for group, position, who, _ in event.seats:
            seats[group, position] = who
    return lots, seats


def _lines(packed: bytes, task: TaskPaper, wanted: set[str]) -> dict[str, FrameLine]:
    return {line.id: line for _, line in bundle.parse_frame(packed, task) if line.id in wanted}


def _rows(
    task: TaskPaper,
    lots: Lots,
    seats: Seats,
    lines: Mapping[str, FrameLine],
    names: Mapping[str, Name],
) -> list[Row]:
    ordered = sorted(lots.items(), key=lambda item: (item[1][0].encode(), item[1][1]))
    rows: list[Row] = []
    for number, (id, (stratum, rank, ticket)) in enumerate(ordered, start=1):
        traits, known = lines[id].traits, names.get(id, Name(""))
        sitting: list[Seat] = []
        for place in task.positions:
            who = seats[f"{task.id}/{id}/{place.department}", place.name]
            department = "" if place.department == ANY else place.department
            sitting.append(Seat(department, place.name, who, names.get(who, Name("")).name))
        rows.append(
            Row(
                number=number,
                id=id,
                name=known.name,
                address=known.address,
                category=traits.category,
                risk=traits.risk,
                region=traits.region,
                stratum=stratum,
                rank=rank,
                ticket=ticket,
                checklists=_checklists(task, traits.category),
                seats=sitting,
            )
        )
    return rows


def _checklists(task: TaskPaper, category: str) -> list[str]:
    """List the checklists that go with a category, the lead's first, by digest."""
    given = [task.checklists, *(party.checklists for party in task.parties)]
    found = [one.get(scheme.escaped(category)) or one.get(ANY, "") for one in given]
    return list(dict.fromkeys(filter(None, found)))


def _counts(commit: Commit, shares: Mapping[str, Share], lots: Lots) -> list[Count]:
    drawn = Counter(stratum for stratum, _, _ in lots.values())
    return [
        Count(name, by["E"], by["X"], drawn[name], shares[name].reserves)
        for name, by in sorted(commit.counts.items(), key=lambda item: item[0].encode())
    ]


def _marks(task: TaskPaper, log: list[LogLine]) -> list[Words]:
    marks: list[Words] = []
    for event in log:
        if event.event == "void":
            marks.append((f"VOID: {event.reason}", f"本次抽取已作废：{event.reason}"))
    if not beacons.verifiable(task.sources):
        marks.append(
            (
                "UNVERIFIABLE: the seed comes from the office's own server",
                "不可验证：种子由机关服务器产生",
            )
        )
    if task.mode == "sealed":
        marks.append(
            (
                f"SEALED until {task.sealed_until}: not for the public before",
                f"封存至 {task.sealed_until}，此前不得公开",
            )
        )
    changes = [one for one in log if one.event not in ("commit", "draw", "void")]
    if changes:
        marks.append(
            (
                f"As it stands after {len(changes)} changes, the last on {changes[-1].at[:10]}",
                f"已作 {len(changes)} 次变更，最近一次 {changes[-1].at[:10]}",
            )
        )
    return marks
