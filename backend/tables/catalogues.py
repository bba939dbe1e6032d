"""清单与投诉举报: catalogues of violations, complaints, and publications corrected since."""

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Catalogue(SQLModel, table=True):
    """违法行为清单的一个定版: released once under its digest, never changed."""

    digest: str = Field(primary_key=True, max_length=64)
    code: str = Field(max_length=40)
    version: str = Field(max_length=20)
    title_en: str = Field(max_length=600)
    title_zh: str = Field(max_length=600)
    body: str  # canonical JSON of sync.violations.Catalogue
    released_at: datetime

    __table_args__ = (UniqueConstraint("code", "version"),)


class Complaint(SQLModel, table=True):
    """投诉举报: what somebody told of an establishment. Who told it stays with the hotline."""

    id: str = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True, max_length=64)  # as the hotline numbers it
    kind: str = Field(max_length=12)  # rules.complaints.KINDS
    channel: str = Field(max_length=20)  # rules.complaints.CHANNELS
    division: str = Field(index=True, max_length=12)
    code: str = Field(default="", index=True, max_length=64)  # of the establishment, if known
    place: str = Field(default="", max_length=300)  # where, when nobody is registered there
    matter: str = Field(max_length=200)
    text: str = Field(default="", max_length=2000)  # without personal data
    received_on: date
    state: str = Field(default="received", max_length=12)  # rules.complaints.STATES
    accepted_on: date | None = None
    extended_for: str = Field(default="", max_length=300)  # why the term was extended
    closed_on: date | None = None
    answer: str = Field(default="", max_length=2000)
    entered_by: str = Field(foreign_key="account.id")
    entered_at: datetime


class Replaced(SQLModel, table=True):
    """更正前的公示: a result as it was published before it was corrected."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    n: int = Field(primary_key=True)  # of the conclusion that it told of
    published_at: datetime
    replaced_at: datetime
    body: str  # the public JSON, exactly as published
    sha256: str = Field(max_length=64)


class Withholding(SQLModel, table=True):
    """撤下: why a corrected publication is not shown any more. Its content stays in `Replaced`."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    n: int = Field(primary_key=True)  # of what is withheld, which may be about to be replaced
    reason: str = Field(max_length=300)
    withheld_by: str = Field(foreign_key="account.id")
    withheld_at: datetime
