"""变更: what was asked to be changed of a draw that was held, and who gave up a seat."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from sync.ids import new_id


class Amendment(SQLModel, table=True):
    """变更申请: one officer asks, another decides; only what was approved is in the log."""

    id: str = Field(default_factory=new_id, primary_key=True)
    draw_id: str = Field(foreign_key="draw.id", index=True)
    kind: str = Field(max_length=12)  # substitute | replace | extend
    wanted: str  # JSON of rules.amendments.Wanted
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime
    status: str = Field(default="pending", max_length=12, index=True)  # | approved | declined
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    decided_at: datetime | None = None
    remark: str = Field(default="", max_length=300)  # why it was declined
    n: int | None = None  # its line in the log


class Relief(SQLModel, table=True):
    """离席: who held a seat before; what they recorded until then still counts."""

    task_id: str = Field(foreign_key="task.id", primary_key=True)
    department: str = Field(primary_key=True, max_length=80)
    position: str = Field(primary_key=True, max_length=40)
    inspector_id: str = Field(foreign_key="inspector.id", primary_key=True, index=True)
    role: str = Field(max_length=10)  # lead | second | empty
    at: datetime
