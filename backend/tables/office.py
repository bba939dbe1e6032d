"""帐号与留痕: who may ask, and what was done."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from sync.ids import new_id


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


class Throttle(SQLModel, table=True):
    """限速: how often somebody guessed wrong lately; who it was is kept as a digest only."""

    digest: str = Field(primary_key=True, max_length=64)
    failures: int
    failed_at: datetime = Field(index=True)


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
