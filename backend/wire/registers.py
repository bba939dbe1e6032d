"""名录库: imports, revisions, rows, changes, divisions."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from backend.wire.base import Division


class RowProblem(Struct, frozen=True):
    """What is wrong or odd with one row; `row` is the line of the file on which it begins."""

    source: str
    row: int
    column: str
    value: str
    code: str
    kept: bool  # the row was imported all the same
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str


class FieldChange(Struct, frozen=True):
    """A field before and after; empty when it was or is not there."""

    field: str
    before: str
    after: str


class EstablishmentChange(Struct, frozen=True):
    """What an import does to one row of a register."""

    kind: Literal["new", "changed", "reappeared", "missing"]
    code: str  # its key
    name: str  # of a row that has none: what tells people most of it
    fields: list[FieldChange]


class ImportView(Struct, frozen=True):
    """What an import did. Rows of one key are one record; every problem is counted by its code."""

    revision: str
    register: str
    rows: int
    created: int
    changed: int
    unchanged: int
    refused: int  # rows that were left out
    codes: dict[str, int]
    problems: list[RowProblem]  # refused rows first; as many as were asked for
    dry_run: bool = False  # nothing was written; there is no revision
    policy: str = "keep"  # what was to become of those missing: keep, mark or close
    missing: int = 0  # rows of the division, not yet closed, that no file names
    reappeared: int = 0  # named again after an import had marked them as missing
    fields: dict[str, int] = {}  # how many rows changed in each field
    changes: list[EstablishmentChange] = []  # the first of each kind


class ProgressView(Struct, frozen=True):
    """How far an import is: bytes of the files in this phase, rows since its begin."""

    phase: Literal["checking", "reading", "comparing", "writing", "done", "failed"]
    bytes: int
    total_bytes: int
    rows: int


class RevisionView(Struct, frozen=True):
    """An import or undo, as recorded."""

    id: str
    register_name: str
    source_name: str
    source_sha256: str
    at: datetime
    actor: str
    division: str
    rows: int
    created: int
    changed: int
    unchanged: int
    reappeared: int
    missing: int
    refused: int
    undoes_id: str | None
    undone_id: str | None  # the revision that undid this one


class VersionView(Struct, frozen=True):
    """What one revision did to one row of a register."""

    revision: str
    at: datetime
    actor: str
    source: str
    kind: Literal["created", "changed", "removed"]
    fields: list[FieldChange]
    key: str = ""  # of the row, all of it


class UndoRevision(Struct, frozen=True, forbid_unknown_fields=True):
    """How to undo a revision; `force` gives later changes up."""

    force: bool = False


class UndoView(Struct, frozen=True):
    """What an undo did."""

    revision: str
    undone: str
    restored: int
    removed: int
    lost: int  # later changes that were given up


class EstablishmentView(Struct, frozen=True):
    """An establishment as the office sees it."""

    id: str
    code: str
    name: str
    category: str
    division: str
    address: str
    risk: str
    status: str
    status_raw: str
    longitude: float | None
    latitude: float | None
    datum: str
    risk_source: str = ""  # who classed the risk, and by what
    credit_class: str = ""  # 信用风险分类: A to D; empty: not classed
    key_object: bool = False
    parent_code: str = ""  # of the place that it is in: the market of a stall
    successor_code: str = ""  # of the establishment that it was found to be the same as


class FoundPage(Struct, frozen=True):
    """What a search found, in the order of arrival, and after which place to go on."""

    found: list[EstablishmentView]
    after: int | None  # none: that was all


class IndexView(Struct, frozen=True):
    """How many establishments the search index took in."""

    indexed: int


class NewComparison(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to look for suspected duplicates; empty: the officer's own division."""

    division: Division = ""


class ComparisonView(Struct, frozen=True):
    """What a comparison of a register with itself came to."""

    compared: int
    suspected: int
    new: int  # of the suspected: not on the review list before


class LookalikeView(Struct, frozen=True):
    """Two establishments that may be one, what speaks for it, and what people decided."""

    id: str
    score: int
    first: EstablishmentView
    second: EstablishmentView
    evidence: dict[str, str | int | bool | None]
    decision: str
    decided_by: str


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person found two suspected establishments to be."""

    decision: Literal["same", "different"]
    stays: Literal["first", "second"] = "first"  # which of the two, when they are the same


class InspectorView(Struct, frozen=True):
    """An inspector as the office sees them."""

    id: str
    certificate: str
    name: str
    department: str
    division: str
    qualifications: str
    cap: int
    valid_from: date
    valid_to: date
    active: bool
    districts: str = ""
    expert: bool = False


class RecusalView(Struct, frozen=True):
    """Who may not inspect whom."""

    code: str
    establishment: str
    certificate: str
    inspector: str
    reason: str


class LicenceRow(Struct, frozen=True):
    """A licence of an establishment."""

    id: str
    number: str
    code: str
    kind: str
    scope: str
    issuer: str
    valid_from: date | None
    valid_to: date | None
    status: str
    status_raw: str


class ListingRow(Struct, frozen=True):
    """An establishment on a credit list."""

    id: str
    code: str
    kind: str
    listed_on: date
    removed_on: date | None
    reason: str
    authority: str


class LeaveRow(Struct, frozen=True):
    """Days on which an inspector is away."""

    id: str
    certificate: str
    first_day: date
    last_day: date
    reason: str


class DepartmentRow(Struct, frozen=True):
    """A department."""

    id: str
    name: str
    division: str
    parent: str
    code: str


class DivisionRow(Struct, frozen=True):
    """A division of one edition or several."""

    id: str
    code: str
    name: str
    since: str
    until: str
    successors: str


RegisterPage = (
    list[EstablishmentView]
    | list[InspectorView]
    | list[RecusalView]
    | list[LicenceRow]
    | list[ListingRow]
    | list[LeaveRow]
    | list[DepartmentRow]
    | list[DivisionRow]
)


class SuccessorView(Struct, frozen=True):
    """A division that followed another; its name is empty when no list has it."""

    code: str
    name: str


class DivisionNameView(Struct, frozen=True):
    """What a code was called from one edition until another, and what it lay in when that began."""

    name: str
    path: tuple[str, ...]  # 省, 市, 县, 乡
    since: str
    until: str  # empty: in force
    successors: tuple[SuccessorView, ...]


class DivisionView(Struct, frozen=True):
    """A code of the list of divisions, with all its names, the oldest first."""

    code: str
    in_force: bool
    names: tuple[DivisionNameView, ...]


class ChangedRegister(Struct, frozen=True):
    """What a post of changes did to one register, as one revision."""

    register: str
    revision: str
    created: int
    changed: int
    unchanged: int


class ChangesView(Struct, frozen=True):
    """What became of the lines of one post; `row` of a problem is its line, from 1.

    A problem that is `kept` left its change on record: it waits, or it came too late.
    """

    lines: int
    applied: int  # those that waited before, and were released, among them
    known: int  # sent before, and applied once
    stale: int  # happened before what was applied already
    waiting: int  # for a row that is not registered yet
    released: int  # had waited, and were applied now
    refused: int
    registers: list[ChangedRegister]
    problems: list[RowProblem]  # refused ones first; as many as are told
