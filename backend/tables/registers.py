"""名录库: the registers, their revisions and versions, checklists."""

from datetime import date, datetime

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Revision(SQLModel, table=True):
    """导入批次: one import of a register."""

    id: str = Field(default_factory=new_id, primary_key=True)
    register_name: str = Field(max_length=20)  # rules.records.Register
    source_name: str
    source_sha256: str = Field(max_length=64)
    at: datetime = Field(index=True)
    rows: int
    created: int
    changed: int
    unchanged: int
    problems: str  # JSON list of row problems
    actor: str = Field(default="", max_length=120)
    division: str = Field(default="", max_length=12)  # of the officer: nothing outside was touched
    request_sha256: str = Field(default="", max_length=64)  # the files, and how to read them
    missing: int = 0  # rows not yet closed that the files did not name
    reappeared: int = 0
    refused: int = 0
    codes: str = "{}"  # JSON: how many problems of each code
    undoes_id: str | None = Field(default=None, foreign_key="revision.id", unique=True)
    versioned: bool = True  # what it changed has versions, else it cannot be undone


class Facts(SQLModel):
    """What every register says of its rows; their versions have the same columns."""

    missing_since: datetime | None = None  # the first import that marked it as not in the files


class Versioned(SQLModel):
    """历史版本: a row as it was before a revision changed or removed it."""

    entity_id: str = Field(primary_key=True, max_length=36)  # which may be gone
    revision_id: str = Field(foreign_key="revision.id", primary_key=True, index=True)
    previous_id: str = Field(foreign_key="revision.id", index=True)  # that had written it


class EstablishmentFacts(Facts):
    """What a register says of an establishment."""

    code: str = Field(max_length=64)
    name: str = Field(max_length=300)
    category: str = Field(max_length=60)
    division: str = Field(max_length=12)
    address: str = Field(default="", max_length=500)
    risk: str = Field(default="B", max_length=1)
    status: str = Field(default="active", max_length=20)
    status_raw: str = Field(default="", max_length=120)
    longitude: float | None = None
    latitude: float | None = None
    datum: str = Field(default="", max_length=10)
    risk_source: str = Field(default="", max_length=120)  # who classed the risk, and by what
    credit_class: str = Field(default="", max_length=1)  # 信用风险分类 A-D; empty: not classed
    key_object: bool = False  # 重点监管对象
    parent_code: str = Field(default="", max_length=64)  # the market of a stall, in the register
    successor_code: str = Field(
        default="", max_length=64
    )  # the one it turned out to be the same as


_OF_A_FRAME = (
    "division", "category", "risk", "credit_class", "status", "successor_code", "revision_id",
    "key_object",
)  # fmt: skip


class Establishment(EstablishmentFacts, table=True):
    """检查对象: someone who may be inspected. `code` is the public key used in draws."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")  # that wrote it last

    __table_args__ = (
        UniqueConstraint("code"), Index(None, "category"), Index(None, "division"),
        Index(None, "revision_id"),
        Index("ix_establishment_merged", "successor_code",
              sqlite_where=text("successor_code <> ''"),
              postgresql_where=text("successor_code <> ''")),
        # What a frame reads (`work.frames`), in the order of the bytes of the code, in either
        # database's own words.
        Index("ix_establishment_frame", "code", *_OF_A_FRAME).ddl_if(dialect="sqlite"),
        Index("ix_establishment_frame", text('code COLLATE "C"'), postgresql_include=_OF_A_FRAME
              ).ddl_if(dialect="postgresql"),
    )  # fmt: skip


class EstablishmentVersion(Versioned, EstablishmentFacts, table=True):
    """An establishment as it was."""

    __table_args__ = (Index(None, "code"),)


class Folded(SQLModel, table=True):
    """检索项: the terms by which an establishment is found, cut by `rules.names`.

    Triggers of the database (`backend.search_index` has their text) keep one row for every
    establishment and empty `terms` whenever it changes, whoever writes it. No terms: to be cut.
    """

    id: int | None = Field(default=None, primary_key=True)  # in the order of arrival
    establishment_id: str = Field(unique=True, max_length=36)  # no key: the triggers see to it
    terms: str

    __table_args__ = (
        Index("ix_folded_stale", "id", sqlite_where=text("terms = ''"),
              postgresql_where=text("terms = ''")),
    )  # fmt: skip


class Lookalike(SQLModel, table=True):
    """疑似重复: two establishments that may be one; people decide, nothing merges by itself.

    Codes outlive what an undo removes and an import brings back: a decision stays with the pair.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    first_code: str = Field(max_length=64)  # the smaller code; either may be gone
    second_code: str = Field(max_length=64, index=True)
    score: int = Field(index=True)  # 0 to 100
    evidence: str  # JSON of rules.matching.Evidence
    found_at: datetime
    decision: str = Field(default="", max_length=10)  # empty | same | different
    decided_by: str = Field(default="", max_length=80)
    decided_at: datetime | None = None
    revision_id: str | None = Field(default=None, foreign_key="revision.id")  # that merged them

    __table_args__ = (UniqueConstraint("first_code", "second_code"),)


class InspectorFacts(Facts):
    """What a register says of an inspector."""

    certificate: str = Field(max_length=40)
    name: str = Field(max_length=80)
    department: str = Field(max_length=80)
    division: str = Field(max_length=12)
    qualifications: str = Field(default="", max_length=300)  # sorted, comma-separated
    cap: int = 10
    valid_from: date
    valid_to: date
    active: bool = True
    districts: str = Field(default="", max_length=300)  # sorted, comma-separated; none: all of them
    expert: bool = False  # 专家: goes along, in no inspector's place


class Inspector(InspectorFacts, table=True):
    """执法检查人员. `certificate` is the 执法证号 that pairs are drawn by."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (UniqueConstraint("certificate"),)


class InspectorVersion(Versioned, InspectorFacts, table=True):
    """An inspector as they were."""


class LicenceFacts(Facts):
    """What a register says of a licence; an establishment may have many."""

    number: str = Field(max_length=64)
    code: str = Field(max_length=64)
    kind: str = Field(max_length=60)  # food-operation | food-production | ...
    scope: str = Field(default="", max_length=300)
    issuer: str = Field(default="", max_length=120)
    valid_from: date | None = None
    valid_to: date | None = None  # none: without end
    status: str = Field(default="active", max_length=20)
    status_raw: str = Field(default="", max_length=120)


class Licence(LicenceFacts, table=True):
    """许可证: what an establishment may do, with a validity of its own."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (
        UniqueConstraint("number"),
        Index(None, "code"),
        Index(None, "revision_id"),
        ForeignKeyConstraint(["code"], ["establishment.code"]),
    )


class LicenceVersion(Versioned, LicenceFacts, table=True):
    """A licence as it was."""


class ListingFacts(Facts):
    """What a register says of a place on a credit list."""

    code: str = Field(max_length=64)
    kind: str = Field(max_length=20)  # abnormal (经营异常名录) | serious (严重违法失信名单)
    listed_on: date
    removed_on: date | None = None
    reason: str = Field(default="", max_length=300)
    authority: str = Field(default="", max_length=120)


class Listing(ListingFacts, table=True):
    """信用名单: an establishment on a list of those that did wrong, from one day until another."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (
        UniqueConstraint("code", "kind", "listed_on"),
        Index(None, "code"),
        ForeignKeyConstraint(["code"], ["establishment.code"]),
    )


class ListingVersion(Versioned, ListingFacts, table=True):
    """A place on a list as it was."""


class LeaveFacts(Facts):
    """What a register says of an inspector's absence."""

    certificate: str = Field(max_length=40)
    first_day: date
    last_day: date
    reason: str = Field(default="", max_length=200)


class Leave(LeaveFacts, table=True):
    """请假: days on which an inspector cannot be sent anywhere."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (
        UniqueConstraint("certificate", "first_day"),
        Index(None, "certificate"),
        ForeignKeyConstraint(["certificate"], ["inspector.certificate"]),
    )


class LeaveVersion(Versioned, LeaveFacts, table=True):
    """An absence as it was recorded."""


class DepartmentFacts(Facts):
    """What a register says of a department."""

    name: str = Field(max_length=80)  # as inspectors carry it
    division: str = Field(max_length=12)
    parent: str = Field(default="", max_length=80)  # the name of the department above
    code: str = Field(default="", max_length=64)


class Department(DepartmentFacts, table=True):
    """部门: whom inspectors belong to."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (UniqueConstraint("name", "division"),)


class DepartmentVersion(Versioned, DepartmentFacts, table=True):
    """A department as it was."""


class DivisionFacts(Facts):
    """What an edition of the list says of a division (GB/T 2260 and the statistical codes)."""

    code: str = Field(max_length=12)
    name: str = Field(max_length=120)
    since: str = Field(default="", max_length=10)  # a day or a part of one: 2002, 2002-12
    until: str = Field(default="", max_length=10)  # empty: in force
    successors: str = Field(default="", max_length=300)  # codes, sorted, comma-separated


class Division(DivisionFacts, table=True):
    """行政区划: a code under one name; old ones stay, because registers carry them."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (UniqueConstraint("code", "name"),)


class DivisionVersion(Versioned, DivisionFacts, table=True):
    """A division as an edition had it."""


class Event(SQLModel, table=True):
    """变更事件: one line of somebody's change feed; the same one is applied once."""

    source: str = Field(primary_key=True, max_length=60)
    id: str = Field(primary_key=True, max_length=80)  # as the source numbers it
    register_name: str = Field(max_length=20)
    key: str = Field(max_length=200)
    kind: str = Field(max_length=12)  # created | changed | cancelled
    at: datetime  # when it happened there: an older one never overwrites a newer one
    received_at: datetime
    applied: bool
    revision_id: str | None = Field(default=None, foreign_key="revision.id")
    fields: str = "{}"  # JSON, as rules.changes packs it
    division: str = Field(default="", max_length=12)  # of the officer who handed it in
    waits_register: str = Field(default="", max_length=20)  # for a row that is not there yet;
    waits_key: str = Field(default="", max_length=200)  # nothing when it does not wait

    __table_args__ = (
        Index(None, "register_name", "key", "at"),
        Index("ix_event_waiting", "waits_register", "waits_key",
              sqlite_where=text("waits_register <> ''"),
              postgresql_where=text("waits_register <> ''")),
    )  # fmt: skip


class RecusalFacts(Facts):
    """What the list of recusals says."""

    code: str = Field(max_length=64)
    certificate: str = Field(max_length=40)
    reason: str = Field(max_length=200)


class Recusal(RecusalFacts, table=True):
    """回避: this inspector may not inspect this establishment."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")

    __table_args__ = (
        UniqueConstraint("code", "certificate"),
        Index(None, "certificate"),
        ForeignKeyConstraint(["code"], ["establishment.code"]),
        ForeignKeyConstraint(["certificate"], ["inspector.certificate"]),
    )


class RecusalVersion(Versioned, RecusalFacts, table=True):
    """A recusal as it was."""


class Checklist(SQLModel, table=True):
    """检查表的一个定版: released once under its digest, never changed."""

    digest: str = Field(primary_key=True, max_length=64)
    code: str = Field(max_length=60, index=True)
    version: str = Field(max_length=20)
    title_en: str = Field(max_length=200)
    title_zh: str = Field(max_length=200)
    body: str  # canonical JSON of sync.checklist.Checklist
    released_at: datetime

    __table_args__ = (UniqueConstraint("code", "version"),)
