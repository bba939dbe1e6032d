"""抽取文书: the papers of a draw and how each is written: docs/reference/bundle.md says it in full.

Values and bytes only. Whatever is read back must be exactly what would have been written.
"""

import re
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from backend.rules import canonical, ladder
from backend.rules.beacons import Source
from backend.rules.canonical import NotCanonical
from backend.rules.draw import Lot, Share
from backend.rules.pairing import Seat
from backend.rules.scheme import (
    Column,
    Exclusion,
    Quota,
    Rate,
    Rounding,
    Scope,
    Traits,
    Weighing,
)
from sync.moments import CHINA

GROUNDS = "grounds.ndjson"  # of a draw that was changed: why inspectors were passed over
AUDITOR_ONLY = frozenset({"recusal.tsv", GROUNDS})  # tier A: the hash is public, the content not
COMMITMENT_FILES = frozenset(
    {"task.json", "commit.json", "frame.tsv.gz", "roster.tsv", "recusal.tsv", "log.ndjson"}
)
RESULT_FILES = frozenset(
    {"randomness.json", "seed.json", "allocation.json", "selection.tsv", "assignment.tsv"}
)
STANDING = "pairing.json"  # of a draw whose task declares how it is staffed, or a ladder
SEALS = frozenset({"MANIFEST.sha256", "MANIFEST.sig"})
FILES = COMMITMENT_FILES | RESULT_FILES | SEALS
UNSEALED = SEALS | {"commit.json"}  # public at once, even of a sealed draw

NO_HASH = "0" * 64
HASH = re.compile("[0-9a-f]{64}")
EXCLUSIONS = {  # the closed list of why an object in scope cannot be drawn
    "X01": ("deregistered, revoked or not active", "已注销、吊销、迁出或非在营"),
    "X02": ("its inspections of this year are used up", "年度检查频次上限已满"),
    "X03": ("inspected by a superior within three months", "上级三个月内已查同项"),
    "X04": ("under investigation", "已立案或个案检查中"),
    "X05": ("under full key supervision", "属重点监管全覆盖"),
    "X06": ("not an object of this plan", "非本辖区或非本事项对象"),
    "X07": ("exempt by a named document", "依文件豁免"),
    "X08": ("already drawn this year", "本年度已抽查"),
    "X09": ("wrong in the register, corrected", "数据错误，已更正"),
}
NAMED = ("X03-named", "X04-named", "X05-named", "X07-named", "X09-named")  # by a document
REASONS = frozenset(
    {
        "X01-not-active", "X01-suspended", "X01-revoked", "X01-cancelled", "X01-moved",
        "X01-merged", "X02-annual-cap", "X03-superior", "X05-key-object", "X06-not-of-category",
        "X06-not-of-risk", "X06-not-of-credit", "X06-not-of-credit-class", "X06-not-of-product",
        "X06-not-key", "X08-drawn", "X08-campaign", "X08-cycle", *NAMED,
    }
)  # fmt: skip

Place: TypeAlias = ladder.Place
RosterLine: TypeAlias = ladder.Person
Paper = TypeVar("Paper", bound=Struct)
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Hash: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


# -- task.json -----------------------------------------------------------------------------------


class Extra(Struct, frozen=True):
    """How many reserves stand behind the lots: a share of them, at least `minimum`."""

    rate: Rate
    minimum: Count


class Party(Struct, frozen=True):
    """部门联合: one department's part in a joint plan, the lead's first."""

    department: str
    matter: str
    checklists: dict[str, str]


class TaskPaper(Struct, frozen=True, omit_defaults=True):
    """task.json: every parameter of the draw, so that none is chosen after the seed.

    Fields with a default are absent while they have it: bundles from before them stay as they are.
    """

    spec: str
    id: str
    title: str
    agency: str
    division: str  # objects of this division and below
    category: str  # empty: every category
    checklists: dict[str, str]
    strata: Literal["single"] | list[str]
    rounding: Rounding
    rate: Rate  # of every stratum that no quota speaks of
    minimum: Count  # of every stratum
    reserves: Extra
    positions: list[Place]
    inspectors_under: str  # inspectors of this division and below
    opens_on: str
    closes_on: str
    relaxations: list[ladder.Step]  # the ladder for an infeasible pairing, in order; empty: none
    mode: Literal["open", "sealed"]
    sources: dict[str, Source]
    sealed_until: str | UnsetType = UNSET  # sealed: the time at which the content is public at last
    scope: Scope | None = None
    total: Count = 0
    at_most: Rate | None = None  # 不超过, of every stratum that no quota speaks of
    quotas: list[Quota] = []
    weights: list[Weighing] = []
    exclusion: Exclusion | None = None
    columns: list[Column] = []  # of the frame, after the risk class
    snapshot: str = ""  # the day whose registers were frozen
    campaign: str = ""  # 专项行动: the plan that this one belongs to
    parties: list[Party] = []
    staffing: ladder.Staffing | None = None

    def terms(self) -> ladder.Terms:
        """Pick out what decides who may hold a position."""
        return ladder.Terms(
            id=self.id,
            division=self.division,
            inspectors_under=self.inspectors_under,
            opens_on=self.opens_on,
            closes_on=self.closes_on,
            places=self.positions,
            staffing=self.staffing or ladder.Staffing(),
            relaxations=self.relaxations,
        )

    def tells_standing(self) -> bool:
        """Whether the bundle says on which rung its pairing stands: where there are rungs."""
        return self.staffing is not None or bool(self.relaxations)

    def dimensions(self) -> list[str]:
        """List what the strata are told apart by."""
        return [] if self.strata == "single" else self.strata

    def weighted(self) -> bool:
        """Whether some objects are drawn with more chance than others."""
        return bool(self.weights) or "size" in self.columns


class Software(Struct, frozen=True):
    """What wrote the commitment."""

    name: str
    version: str


class Commit(Struct, frozen=True):
    """commit.json: its hash is what is published before the seed can exist."""

    spec: str
    draw: str
    agency: str
    seq: Annotated[int, Meta(ge=1)]
    prev: Hash
    task: Hash
    frame_sha256: Hash
    frame_root: Hash
    frame_size: Count
    counts: dict[str, dict[str, Count]]
    roster_sha256: Hash
    recusal_sha256: Hash
    nonce_commits: dict[str, Hash]
    sources: list[str]
    not_before: str
    created_at: str
    software: Software
    key: Hash  # Ed25519, signs MANIFEST.sha256


class SourceValue(Struct, frozen=True):
    """What one public source gave, and what proves it: a signature, if the source has one."""

    value: str
    proof: dict[str, str] | UnsetType = UNSET

    def evidence(self) -> dict[str, str]:
        """Give the proof, empty if there is none."""
        return {} if isinstance(self.proof, UnsetType) else self.proof


class Randomness(Struct, frozen=True):
    """randomness.json: all that was not known at the commitment."""

    sources: dict[str, SourceValue]
    nonces: dict[str, Hash]


class SeedPaper(Struct, frozen=True):
    """seed.json: the text that was hashed and what came of it."""

    commit: Hash
    text: str
    root: Hash
    objects: Hash
    inspectors: Hash
    rounding: Hash


# -- lines ---------------------------------------------------------------------------------------


class FrameLine(Struct, frozen=True):
    """One object in scope: E may be drawn, X may not, for a reason."""

    id: str
    stratum: str
    weight: str
    status: str
    reason: str
    traits: Traits
    evidence: str = ""

    width: ClassVar[int] = 8  # and the columns of the task


class LogLine(Struct, frozen=True, omit_defaults=True):
    """One event of the draw; `prev` is the SHA-256 of the line before."""

    n: int
    prev: Hash
    at: str
    by: str
    event: Literal["commit", "draw", "void", "substitute", "replace", "extend"]
    commit: str = ""
    seed: str = ""
    selection: str = ""
    assignment: str = ""
    reason: str = ""  # of a replacement: in the grounds
    approved_by: str = ""  # from here on: of what came after the draw
    grounds: str = ""  # SHA-256 of its line there
    evidence: str = ""
    evidence_sha256: str = ""
    since: str = ""
    site: str = ""
    inspector: str = ""
    sites: list[str] = []
    stratum: str = ""
    count: int = 0
    lots: list[tuple[str, int, str]] = []  # stratum, rank, id
    seats: list[tuple[str, str, str, list[str]]] = []  # as in assignment.tsv
    relaxed: list[str] = []


def write(paper: Struct) -> bytes:
    """Write a JSON paper."""
    return canonical.encode(msgspec.to_builtins(paper))


def read(data: bytes, kind: type[Paper]) -> Paper:
    """Read a JSON paper; raise NotCanonical if it is not one, byte for byte."""
    value = canonical.decode(data)
    try:
        paper = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NotCanonical(str(error)) from error
    if write(paper) != data:
        raise NotCanonical("the paper has a field that does not belong there")
    return paper


def write_roster(lines: list[RosterLine]) -> bytes:
    """Write roster.tsv, sorted by the bytes of the certificate."""
    return canonical.table(sorted(map(_roster_row, lines)))


def _roster_row(one: RosterLine) -> bytes:
    quals, dates = ",".join(one.qualifications), (one.valid_from, one.valid_to)
    key = canonical.text(one.inspector)
    districts = (",".join(one.districts),) if one.districts else ()
    return canonical.line(
        (key, one.department, one.region, quals, str(one.cap), *dates, one.status, *districts)
    )


def read_roster(data: bytes) -> list[RosterLine]:
    """Read roster.tsv."""
    roster: list[RosterLine] = []
    for row in canonical.lines(data):
        parts = canonical.fields(row, min(max(row.count(b"\t") + 1, 8), 9))
        key, department, region, quals, cap, start, end, status = parts[:8]
        roster.append(
            RosterLine(
                inspector=canonical.text(key), department=department, region=region,
                qualifications=tuple(quals.split(",")) if quals else (), cap=natural(cap),
                valid_from=start, valid_to=end, status=status,
                districts=tuple(parts[8].split(",")) if parts[8:] else (),
            )
        )  # fmt: skip
    if write_roster(roster) != data or len({one.inspector for one in roster}) != len(roster):
        raise NotCanonical("the roster is not sorted, or names someone twice")
    return roster


def write_recusals(pairs: list[tuple[str, str, str]]) -> bytes:
    """Write recusal.tsv: id, inspector and a reason code; the grounds stay in the office."""
    return canonical.table(sorted(canonical.line(pair) for pair in set(pairs)))


def read_recusals(data: bytes) -> set[tuple[str, str, str]]:
    """Read recusal.tsv as (id, inspector, reason)."""
    rows = canonical.lines(data)
    if rows != sorted(set(rows)):
        raise NotCanonical("the recusals are not sorted")
    triples = [canonical.fields(row, 3) for row in rows]
    return {(id, inspector, reason) for id, inspector, reason in triples}


def write_shares(shares: dict[str, Share]) -> bytes:
    """Write allocation.json."""
    return canonical.encode(msgspec.to_builtins(shares))


def write_lots(lots: list[Lot]) -> bytes:
    """Write selection.tsv: stratum, rank, id, ticket, P or R."""
    return canonical.table(
        canonical.line((lot.stratum, str(lot.rank), lot.id, lot.ticket, lot.status)) for lot in lots
    )


def write_seats(seats: list[Seat]) -> bytes:
    """Write assignment.tsv: group, position, inspector, those skipped."""
    return canonical.table(
        canonical.line((seat.group, seat.position, seat.inspector, ",".join(seat.skipped)))
        for seat in seats
    )


def append_log(data: bytes, event: LogLine) -> bytes:
    """Chain one more event to log.ndjson; its number and link are set here."""
    rows = canonical.lines(data)
    link = canonical.digest(rows[-1]) if rows else NO_HASH
    chained = msgspec.structs.replace(event, n=len(rows) + 1, prev=link)
    return data + write(chained) + b"\n"


def read_log(data: bytes) -> list[LogLine]:
    """Read log.ndjson; raise NotCanonical where the chain breaks."""
    link, events = NO_HASH, list[LogLine]()
    for n, row in enumerate(canonical.lines(data), start=1):
        event = read(row, LogLine)
        if event.n != n or event.prev != link:
            raise NotCanonical(f"line {n} is not chained to the line before it")
        link = canonical.digest(row)
        events.append(event)
    return events


def natural(text: str) -> int:
    """Read a whole number that is written in the one usual way."""
    if not (text.isascii() and text.isdecimal() and str(int(text)) == text):
        raise NotCanonical(f"not a whole number: {text!r}")
    return int(text)


def moment(at: datetime) -> str:
    """Write a time: RFC 3339 to the second, China standard time."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def read_moment(text: str) -> datetime:
    """Read a time that was written by `moment`."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotCanonical(str(error)) from error
    if value.tzinfo is None or moment(value) != text:
        raise NotCanonical(f"not a time as it is written here: {text!r}")
    return value


def day(text: str) -> date:
    """Read a date."""
    try:
        value = date.fromisoformat(text)
    except ValueError as error:
        raise NotCanonical(str(error)) from error
    if value.isoformat() != text:
        raise NotCanonical(f"not a date: {text!r}")
    return value
