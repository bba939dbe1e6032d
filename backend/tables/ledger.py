"""同步: devices, the ledger of what they recorded, the feed of what they are told."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Invite(SQLModel, table=True):
    """一次性登记码: lets one device enrol for one inspector; only the digest is kept."""

    digest: str = Field(primary_key=True, max_length=64)
    inspector_id: str = Field(foreign_key="inspector.id")
    expires_at: datetime
    device_id: str | None = Field(default=None, max_length=36)  # the device that used it


class Device(SQLModel, table=True):
    """终端: one key of one inspector, and the end of its chain as the ledger knows it."""

    id: str = Field(default_factory=new_id, primary_key=True)
    # Whose it is: an inspector, or `office:` and an account's name (sync.hub.OFFICE).
    inspector_id: str = Field(index=True)
    label: str = Field(max_length=80)
    public_key: str = Field(max_length=64)  # Ed25519, hex
    enrolled_at: datetime
    revoked_at: datetime | None = None
    head_n: int = 0
    head_hash: str = Field(max_length=64)
    # The name that this phone had before its history parted from the ledger's, or it was moved.
    renews: str | None = Field(default=None, foreign_key="device.id", max_length=36, index=True)
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
    seq: int | None = Field(default=None, unique=True)  # in the feed; none while it is held back
    inspection_id: str = Field(max_length=64)
    kind: str = Field(max_length=60)
    hash: str = Field(max_length=64)  # SHA-256(previous hash + raw), hex
    root: str = Field(max_length=64)  # of the ledger, after this entry
    verdict: str = Field(max_length=20)  # ok | conflict | late | parked | quarantined
    why: str = Field(default="", max_length=60)  # the refusal's code, when there is one
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime

    __table_args__ = (Index(None, "inspection_id", "seq"),)


class Ruling(SQLModel, table=True):
    """裁定: what a later act made of an operation that was held back; the ledger's word stays."""

    act_n: int = Field(foreign_key="act.n", primary_key=True)  # says who, when and why
    device_id: str = Field(primary_key=True, max_length=36)
    n: int = Field(primary_key=True)
    hash: str = Field(primary_key=True, max_length=64)  # several in a fork have the same number
    verdict: str = Field(max_length=20)  # ok | kept | quarantined | parked | reissued
    why: str = Field(default="", max_length=60)
    waived: str = Field(default="", max_length=60)  # the refusal's code that was set aside

    __table_args__ = (Index(None, "device_id", "n"),)


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

    __table_args__ = (Index(None, "bucket", "seq"),)


class Bucket(SQLModel, table=True):
    """What one bucket adds up to now, kept with every change of it, and its newest snapshot."""

    name: str = Field(primary_key=True, max_length=60)
    count: int = 0
    total: int = Field(default=0, sa_type=BigInteger)  # of sync.pages.term, modulo 2^60
    seq: int = 0  # the last place that was told in it
    published_at: datetime | None = None  # of sites: the moment of the last revision looked at
    snapshot: str = Field(default="", max_length=64)  # the digest of the file
    snapshot_size: int = 0
    snapshot_seq: int = 0


class Site(SQLModel, table=True):
    """下行的检查对象: that an establishment is told in a bucket, where, and its term."""

    bucket: str = Field(primary_key=True, max_length=60)
    code: str = Field(primary_key=True, max_length=64)
    seq: int
    term: int = Field(sa_type=BigInteger)
    gone: bool = False

    __table_args__ = (Index(None, "bucket", "seq", unique=True),)


class Milestone(SQLModel, table=True):
    """How far the feed was on some day, so that tombstones can be forgotten when they are old."""

    feed_n: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime


class Member(SQLModel, table=True):
    """Which inspector follows which bucket."""

    inspector_id: str = Field(foreign_key="inspector.id", primary_key=True)
    bucket: str = Field(primary_key=True, max_length=60, index=True)


class Head(SQLModel, table=True):
    """The one row (id 1) that is locked to give places in the feed, the ledger and the journal."""

    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=36)
    feed_n: int = 0
    floor: int = 0  # tombstones at or below this place are forgotten
    ledger_n: int = 0
    ledger_root: str = Field(max_length=64)
    durable_n: int = 0  # up to here the ledger is in a backup
    act_n: int = 0
    act_hash: str = Field(max_length=64)
    secret_key: str = Field(max_length=64)  # the server's Ed25519 key for receipts, hex
