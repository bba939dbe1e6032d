"""后续处置: what follows from a result: items put right, extensions, measures, risks, reminders."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Remedy(SQLModel, table=True):
    """整改项: one item of an order, with its own term; what it asks is quoted as ordered."""

    order_id: str = Field(foreign_key="rectification.id", primary_key=True)
    item: str = Field(primary_key=True, max_length=120)
    text_en: str = Field(max_length=600)
    text_zh: str = Field(max_length=600)
    working_days: int
    due_on: date
    status: str = Field(default="open", index=True, max_length=12)  # open | closed | withdrawn
    closed_on: date | None = None
    checked_id: str = Field(default="", max_length=64)  # the inspection that found it complies
    failed_id: str = Field(default="", index=True, max_length=64)  # the last that found it does not
    proof_sha256: str = Field(default="", max_length=64)  # of what the office received
    note: str = Field(default="", max_length=500)


class Extension(SQLModel, table=True):
    """延期: one granted extension of an order; it stays, whatever comes later."""

    id: str = Field(default_factory=new_id, primary_key=True)
    order_id: str = Field(foreign_key="rectification.id", index=True)
    items: str  # JSON: item -> [due before, due after]
    working_days: int
    reason: str = Field(max_length=500)
    granted_by: str = Field(foreign_key="account.id")
    at: datetime


class Measure(SQLModel, table=True):
    """处置措施: what else follows from an inspection; its kinds are in rules.followup."""

    id: str = Field(default_factory=new_id, primary_key=True)
    inspection_id: str = Field(index=True, max_length=64)
    kind: str = Field(max_length=12)
    status: str = Field(default="open", index=True, max_length=12)  # open|closed|withdrawn|renewed
    opened_on: date
    due_on: date | None = None
    who: str = Field(default="", max_length=120)  # interviewed, or the authority it went to
    reference: str = Field(default="", max_length=120)  # number of the letter or the case
    text: str = Field(default="", max_length=4000)
    items: str = "[]"  # JSON: why business was stopped
    closed_on: date | None = None
    outcome: str = Field(default="", max_length=4000)  # minutes, or what came of it
    taken_by: str | None = Field(default=None, foreign_key="account.id")  # none: by the checklist
    at: datetime


class Risk(SQLModel, table=True):
    """风险: an entry of the risk list (风险清单), with who sees to it and by when."""

    id: str = Field(default_factory=new_id, primary_key=True)
    establishment_id: str = Field(foreign_key="establishment.id", index=True)
    inspection_id: str = Field(default="", index=True, max_length=64)
    item: str = Field(max_length=200)
    level: str = Field(max_length=12)  # rules.followup.LEVELS
    owner: str = Field(max_length=80)
    measure: str = Field(max_length=500)
    due_on: date
    closed_on: date | None = None
    closed_with: str = Field(default="", max_length=500)
    proof_sha256: str = Field(default="", max_length=64)
    entered_by: str = Field(foreign_key="account.id")
    at: datetime


class Reminder(SQLModel, table=True):
    """催办: written once for each step of a term; a new term has new steps."""

    subject_id: str = Field(primary_key=True, max_length=64)  # of an order, measure, risk, ...
    due_on: date = Field(primary_key=True)
    step: str = Field(primary_key=True, max_length=12)
    kind: str = Field(max_length=12)  # order | measure | risk | recheck | publication
    inspection_id: str = Field(default="", index=True, max_length=64)
    establishment_id: str = Field(foreign_key="establishment.id", index=True)
    written_on: date
    detail: str = Field(default="", max_length=500)  # of a step that something stands in the way of
    cleared_on: date | None = Field(default=None, index=True)  # what it reminds of is done
