"""证据与结果: files, inspections and what followed from them."""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Blob(SQLModel, table=True):
    """证据文件: a whole file, durable under its SHA-256."""

    __table_args__ = (
        Index("ix_blob_unhashed", "sha256", sqlite_where=text("unhashed = 1"),
              postgresql_where=text("unhashed")),
    )  # fmt: skip

    sha256: str = Field(primary_key=True, max_length=64)
    size: int
    mime: str = Field(max_length=80)
    flag: str = Field(default="", max_length=60)  # a refusal's code when it is no readable picture
    facts: str = ""  # JSON of photos.Facts: what a picture says about itself
    stored_at: datetime
    unhashed: bool = False  # a picture of which nobody looked yet at what it shows


class Upload(SQLModel, table=True):
    """An upload in progress (tus 1.0); its offset is the length of its durable partial file."""

    id: str = Field(default_factory=new_id, primary_key=True)
    device_id: str = Field(foreign_key="device.id", index=True)
    sha256: str = Field(max_length=64, index=True)
    size: int
    mime: str = Field(max_length=80)
    original: str = Field(default="", max_length=64)  # what it is a rendition of, if it is one
    created_at: datetime


class Rendition(SQLModel, table=True):
    """缩略图: a small picture that a device made of a file it holds; a derivative, no evidence."""

    original: str = Field(primary_key=True, max_length=64)  # its digest, arrived or not
    device_id: str = Field(foreign_key="device.id", primary_key=True, max_length=36)
    sha256: str = Field(max_length=64)
    size: int
    stored_at: datetime


class Inspection(SQLModel, table=True):
    """现场检查: what is looked for of an inspection's fold. Its id is the task's.

    The fold itself is nowhere kept: whoever needs it folds the operations in the ledger.
    """

    id: str = Field(primary_key=True, max_length=64)
    operations: int  # how many count; never fewer
    conflicts: int = 0
    late: int = 0
    signed: bool = False
    updated_at: datetime


class Conclusion(SQLModel, table=True):
    """检查结果: what the office concluded, and who approved it."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    digest: str = Field(max_length=64)  # of the state that was concluded
    operations: int = -1  # how many counted then, if anybody noted it
    outcome: str = Field(max_length=40)
    computed: str  # JSON: the counts and the rule that gave the outcome
    parts: str = "[]"  # JSON of rules.results.Part: the same of each partner's checklist
    remark: str = Field(default="", max_length=500)
    concluded_by: str = Field(foreign_key="account.id")
    concluded_at: datetime
    reviewed_by: str | None = Field(default=None, foreign_key="account.id")
    reviewed_at: datetime | None = None
    approved: bool = False
    result: str = Field(max_length=40)  # 检查结果类别: a code of rules.results
    reason: str = Field(default="", max_length=500)  # why a review returned it
    photos: str = "[]"  # JSON list of digests that the review released for publication
    result_list: str = Field(default="", max_length=40)  # the list that has it: `national 2026.1`
    follow_ups: str = "[]"  # JSON list of codes of that list (后续处置)
    findings: str = "[]"  # JSON list of sync.history.Found: what stood when it was concluded
    n: int = 1  # concluded so often
    correction: str = Field(default="", max_length=300)  # why it corrects what was published


class Rectification(SQLModel, table=True):
    """责令整改: what must be put right, by when (working days). One for each inspection at most.

    Its items are `Remedy` rows; `items`, `due_on` and `status` follow from those.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    inspection_id: str = Field(index=True, max_length=64)
    items: str  # JSON list of item numbers
    ordered_on: date
    due_on: date  # of the first item that is open
    working_days: int
    status: str = Field(default="open", index=True, max_length=12)  # open|renewed|closed|withdrawn
    closed_on: date | None = None


class Publication(SQLModel, table=True):
    """公示: a result as it was published."""

    inspection_id: str = Field(primary_key=True, max_length=64)
    published_at: datetime
    due_on: date
    body: str  # the public JSON, exactly as published
    sha256: str = Field(max_length=64)
    n: int = 1  # of the conclusion that it tells of; what it replaced is in Replaced
    photos: str = "[]"  # JSON list of digests that are published with it
    masks: str = "{}"  # JSON: what was hidden of them then, by digest
