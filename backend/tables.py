"""What is at rest. One word per table, no relationships: a join is written where it is used.

Identifiers are UUIDv7 text made by whoever creates the row (`sync.ids`). Rows never leave the
backend: `wire` says what travels. A `division` is a GB/T 2260 code of 2, 4, 6, 9 or 12 digits
(行政区划代码) or the empty text for the whole country; a code governs every code it is a prefix of.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from sync.ids import new_id

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


# -- who may ask ---------------------------------------------------------------------------------


class Account(SQLModel, table=True):
    """帐号: an officer who may log in at the office door."""

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=80, unique=True)
    password_hash: str
    role: str = Field(max_length=20)  # admin | supervisor | reviewer
    division: str = Field(max_length=12)
    inspector_id: str | None = Field(default=None, foreign_key="inspector.id")
    active: bool = True


class Token(SQLModel, table=True):
    """会话: a log-in that expires; only the digest of the token is kept."""

    digest: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(foreign_key="account.id", index=True)
    expires_at: datetime


class Act(SQLModel, table=True):
    """留痕: one act in the hash-chained journal; `n` is dense from 1."""

    n: int = Field(primary_key=True)
    at: datetime
    actor: str = Field(max_length=120)
    verb: str = Field(max_length=60)
    subject: str = Field(max_length=120, index=True)
    details: str  # canonical JSON
    prev: str = Field(max_length=64)
    hash: str = Field(max_length=64)


# -- registers (两库) -----------------------------------------------------------------------------


class Revision(SQLModel, table=True):
    """导入批次: one import of a register."""

    id: str = Field(default_factory=new_id, primary_key=True)
    register_name: str = Field(max_length=20)  # establishments | inspectors
    source_name: str
    source_sha256: str = Field(max_length=64)
    at: datetime
    rows: int
    created: int
    changed: int
    unchanged: int
    problems: str  # JSON list of row problems
    actor: str = Field(default="", max_length=120)
    division: str = Field(default="", max_length=12)  # of the officer: nothing outside was touched
    request_sha256: str = Field(default="", max_length=64)  # the files, and how to read them
    missing: int = 0  # active establishments that the files did not name
    reappeared: int = 0
    refused: int = 0
    codes: str = "{}"  # JSON: how many problems of each code
    undoes_id: str | None = Field(default=None, foreign_key="revision.id", unique=True)


class Facts(SQLModel):
    """What a register says of an establishment; its versions have the same columns."""

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
    missing_since: datetime | None = None  # the first import that marked it as not in the files


class Establishment(Facts, table=True):
    """检查对象: someone who may be inspected. `code` is the public key used in draws."""

    id: str = Field(default_factory=new_id, primary_key=True)
    revision_id: str = Field(foreign_key="revision.id")  # that wrote it last

    __table_args__ = (UniqueConstraint("code"), Index(None, "category"), Index(None, "division"))


class Version(Facts, table=True):
    """历史版本: an establishment as it was before a revision changed or removed it."""

    establishment_id: str = Field(primary_key=True, max_length=36)  # which may be gone
    revision_id: str = Field(foreign_key="revision.id", primary_key=True, index=True)
    previous_id: str = Field(foreign_key="revision.id", index=True)  # that had written it

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
    """疑似重复: two establishments that may be one; people decide, nothing merges by itself."""

    id: str = Field(default_factory=new_id, primary_key=True)
    first_id: str = Field(max_length=36)  # the smaller id; either may be gone
    second_id: str = Field(max_length=36, index=True)
    score: int = Field(index=True)  # 0 to 100
    evidence: str  # JSON of rules.matching.Evidence
    found_at: datetime
    decision: str = Field(default="", max_length=10)  # empty | same | different
    decided_by: str = Field(default="", max_length=80)
    decided_at: datetime | None = None

    __table_args__ = (UniqueConstraint("first_id", "second_id"),)


class Inspector(SQLModel, table=True):
    """执法检查人员. `certificate` is the 执法证号 that pairs are drawn by."""

    id: str = Field(default_factory=new_id, primary_key=True)
    certificate: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=80)
    department: str = Field(max_length=80)
    division: str = Field(max_length=12)
    qualifications: str = Field(default="", max_length=300)  # sorted, comma-separated
    cap: int = 10
    valid_from: date
    valid_to: date
    active: bool = True
    revision_id: str = Field(foreign_key="revision.id")


class Recusal(SQLModel, table=True):
    """回避: this inspector may not inspect this establishment."""

    establishment_id: str = Field(foreign_key="establishment.id", primary_key=True)
    inspector_id: str = Field(foreign_key="inspector.id", primary_key=True)
    reason: str = Field(max_length=200)


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


# -- plan, draw, task ----------------------------------------------------------------------------


class Plan(SQLModel, table=True):
    """抽查计划: whom to inspect, how many, with what, and by when."""

    id: str = Field(default_factory=new_id, primary_key=True)
    title: str = Field(max_length=120)
    agency: str = Field(max_length=12)  # division of the office that draws, with its inspectors
    division: str = Field(max_length=12, index=True)
    category: str = Field(default="", max_length=60)  # empty: every category
    checklists: str  # JSON: category (or "*") -> checklist digest
    rate_num: int
    rate_den: int
    sites_min: int
    seats: int = 2
    qualification: str = Field(default="", max_length=60)
    opens_on: date
    closes_on: date
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime


class Draw(SQLModel, table=True):
    """抽取: a commitment, and once it was held, its result. A plan has one that is not void."""

    id: str = Field(default_factory=new_id, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id", index=True)
    agency: str = Field(max_length=60)
    seq: int
    commit_hash: str = Field(max_length=64)
    commit_json: str
    committed_at: datetime
    status: str = Field(max_length=12)  # committed | drawn | unstaffed | void
    drawn_at: datetime | None = None
    seed: str | None = Field(default=None, max_length=64)
    bundle_sha256: str | None = Field(default=None, max_length=64)  # of MANIFEST.sha256

    __table_args__ = (UniqueConstraint("agency", "seq"),)


class Piece(SQLModel, table=True):
    """One file of a draw's bundle, exactly as published."""

    draw_id: str = Field(foreign_key="draw.id", primary_key=True)
    name: str = Field(primary_key=True, max_length=60)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Task(SQLModel, table=True):
    """检查任务: one drawn establishment. The inspection it leads to has the same id."""

    id: str = Field(default_factory=new_id, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id", index=True)
    draw_id: str = Field(foreign_key="draw.id", index=True)
    establishment_id: str = Field(foreign_key="establishment.id", index=True)
    checklist_digest: str = Field(foreign_key="checklist.digest")
    place: int  # rank in the draw, from 1
    lead_id: str = Field(foreign_key="inspector.id", index=True)  # 主办
    second_id: str = Field(foreign_key="inspector.id", index=True)  # 协办
    dispatched_at: datetime | None = None


# -- devices and the ledger (sync) ---------------------------------------------------------------


class Invite(SQLModel, table=True):
    """一次性登记码: lets one device enrol for one inspector; only the digest is kept."""

    digest: str = Field(primary_key=True, max_length=64)
    inspector_id: str = Field(foreign_key="inspector.id")
    expires_at: datetime
    device_id: str | None = Field(default=None, max_length=36)  # the device that used it


class Device(SQLModel, table=True):
    """终端: one key of one inspector, and the end of its chain as the ledger knows it."""

    id: str = Field(default_factory=new_id, primary_key=True)
    inspector_id: str = Field(foreign_key="inspector.id", index=True)
    label: str = Field(max_length=80)
    public_key: str = Field(max_length=64)  # Ed25519, hex
    enrolled_at: datetime
    revoked_at: datetime | None = None
    head_n: int = 0
    head_hash: str = Field(max_length=64)
    seen_at: datetime | None = None
    # Its wall clock minus ours at the last exchange, decades perhaps: evidence, never order.
    skew_ms: int = Field(default=0, sa_type=BigInteger)


class Batch(SQLModel, table=True):
    """One signed push: its first line and signature, so that anyone can verify it again."""

    id: int | None = Field(default=None, primary_key=True)
    device_id: str = Field(foreign_key="device.id", index=True)
    first_n: int
    count: int
    head_line: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    signature: str = Field(max_length=128)
    received_at: datetime


class Entry(SQLModel, table=True):
    """账本条目: one operation, byte for byte as it came, in the order it was accepted."""

    device_id: str = Field(foreign_key="device.id", primary_key=True, max_length=36)
    n: int = Field(primary_key=True)
    position: int = Field(unique=True)  # in the ledger, dense from 1
    seq: int | None = Field(default=None, unique=True)  # in the feed; none while quarantined
    inspection_id: str = Field(max_length=64)
    kind: str = Field(max_length=60)
    hash: str = Field(max_length=64)  # SHA-256(previous hash + raw), hex
    root: str = Field(max_length=64)  # of the ledger, after this entry
    verdict: str = Field(max_length=20)  # ok | conflict | late | parked | quarantined
    why: str = Field(default="", max_length=60)  # the refusal's code, when there is one
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime

    __table_args__ = (Index(None, "inspection_id", "seq"),)


class Fork(SQLModel, table=True):
    """分叉: an operation whose place in its chain was taken by another; both are kept."""

    device_id: str = Field(primary_key=True, max_length=36)
    n: int = Field(primary_key=True)
    hash: str = Field(primary_key=True, max_length=64)
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime


class Feed(SQLModel, table=True):
    """下行: the newest state of one server-owned row in one bucket, at its place in the feed."""

    bucket: str = Field(primary_key=True, max_length=60)
    kind: str = Field(primary_key=True, max_length=20)  # task | site | checklist
    entity: str = Field(primary_key=True, max_length=64)
    seq: int = Field(unique=True)
    rev: str = Field(max_length=64)
    gone: bool = False
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Member(SQLModel, table=True):
    """Which inspector follows which bucket."""

    inspector_id: str = Field(foreign_key="inspector.id", primary_key=True)
    bucket: str = Field(primary_key=True, max_length=60, index=True)


class Head(SQLModel, table=True):
    """The one row (id 1) that is locked to give places in the feed, the ledger and the journal."""

    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=36)
    feed_n: int = 0
    ledger_n: int = 0
    ledger_root: str = Field(max_length=64)
    act_n: int = 0
    act_hash: str = Field(max_length=64)
    secret_key: str = Field(max_length=64)  # the server's Ed25519 key for receipts, hex


# -- evidence ------------------------------------------------------------------------------------


class Blob(SQLModel, table=True):
    """证据文件: a whole file, durable under its SHA-256."""

    sha256: str = Field(primary_key=True, max_length=64)
    size: int
    mime: str = Field(max_length=80)
    flag: str = Field(default="", max_length=60)  # a refusal's code when it is no readable picture
    facts: str = ""  # JSON of photos.Facts: what a picture says about itself
    stored_at: datetime


class Upload(SQLModel, table=True):
    """An upload in progress (tus 1.0); its offset is the length of its durable partial file."""

    id: str = Field(default_factory=new_id, primary_key=True)
    device_id: str = Field(foreign_key="device.id", index=True)
    sha256: str = Field(max_length=64, index=True)
    size: int
    mime: str = Field(max_length=80)
    created_at: datetime


# -- after the visit -----------------------------------------------------------------------------


class Inspection(SQLModel, table=True):
    """现场检查: the projection of an inspection's operations. Its id is the task's."""

    id: str = Field(primary_key=True, max_length=64)
    state: str  # JSON of sync.merge.Inspection
    digest: str = Field(max_length=64)
    conflicts: int = 0
    late: int = 0
    signed: bool = False
    updated_at: datetime


class Conclusion(SQLModel, table=True):
    """检查结果: what the office concluded, and who approved it."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    digest: str = Field(max_length=64)  # of the state that was concluded
    outcome: str = Field(max_length=40)
    computed: str  # JSON: the counts and the rule that gave the outcome
    remark: str = Field(default="", max_length=500)
    concluded_by: str = Field(foreign_key="account.id")
    concluded_at: datetime
    reviewed_by: str | None = Field(default=None, foreign_key="account.id")
    reviewed_at: datetime | None = None
    approved: bool = False
    result: str = Field(max_length=40)  # 检查结果类别: a code of rules.results
    reason: str = Field(default="", max_length=500)  # why a review returned it
    photos: str = "[]"  # JSON list of digests that the review released for publication


class Rectification(SQLModel, table=True):
    """责令整改: what must be put right, by when (working days)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    inspection_id: str = Field(index=True, max_length=64)
    items: str  # JSON list of item numbers
    ordered_on: date
    due_on: date
    working_days: int
    status: str = Field(default="open", max_length=12)  # open | closed | withdrawn


class Publication(SQLModel, table=True):
    """公示: a result as it was published."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    published_at: datetime
    due_on: date
    body: str  # the public JSON, exactly as published
    sha256: str = Field(max_length=64)
