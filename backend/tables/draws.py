"""抽查: plans, draws, and tasks, whether a draw led to them or not."""

from datetime import date, datetime

from sqlalchemy import Column, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from sync.ids import new_id


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
    scheme: str = "{}"  # JSON of rules.scheme.Scheme: whom, in which strata, how many of each
    parent_id: str | None = Field(default=None, foreign_key="plan.id", index=True)  # 专项行动
    eligible: int = 0  # when it was made or frozen last
    sites: int = 0
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
    sealed_until: datetime | None = None  # 封存: none: open from the beginning
    unseal_asked_by: str | None = Field(default=None, foreign_key="account.id")
    unsealed_at: datetime | None = None  # by two officers, before it was due

    __table_args__ = (UniqueConstraint("agency", "seq"),)


class Typing(SQLModel, table=True):
    """录入: what one officer typed of a public value; nobody is shown it before two agree."""

    id: str = Field(default_factory=new_id, primary_key=True)
    draw_id: str = Field(foreign_key="draw.id", index=True)
    source: str = Field(max_length=200)
    n: int
    value: str = Field(max_length=400)
    by: str = Field(foreign_key="account.id")
    at: datetime

    __table_args__ = (UniqueConstraint("draw_id", "source", "n"),)


class Piece(SQLModel, table=True):
    """One file of a draw's bundle, exactly as published."""

    draw_id: str = Field(foreign_key="draw.id", primary_key=True)
    name: str = Field(primary_key=True, max_length=60)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Task(SQLModel, table=True):
    """检查任务: an establishment to visit. The inspection it leads to has the same id.

    A draw chose it, or an office assigned it: then it has neither plan nor draw, and place 0.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    plan_id: str | None = Field(default=None, foreign_key="plan.id", index=True)
    draw_id: str | None = Field(default=None, foreign_key="draw.id", index=True)
    establishment_id: str = Field(foreign_key="establishment.id", index=True)
    checklist_digest: str = Field(foreign_key="checklist.digest")
    place: int  # rank in the draw, from 1
    lead_id: str = Field(foreign_key="inspector.id", index=True)  # 主办
    second_id: str = Field(foreign_key="inspector.id", index=True)  # 协办
    opens_on: date
    closes_on: date
    origin: str = Field(default="draw", max_length=12)  # sync.origins.Origin
    follows_id: str | None = Field(default=None, foreign_key="task.id", index=True)  # 复查, 回访
    part_of: str | None = Field(default=None, foreign_key="task.id", index=True)  # of a market
    must: str = "[]"  # JSON: names of items that must be answered this time
    asks: str = Field(default="whole", max_length=8)  # sync.checklist.Asks; must: these alone
    reason: str = Field(default="", max_length=300)  # why an office assigned it
    reference: str = Field(default="", max_length=64)  # the complaint's number
    beyond_cap: str = Field(default="", max_length=300)  # why it may exceed the annual cap
    announced: bool = True  # false: 暗访, nobody is told before
    agency: str = Field(default="", max_length=12)  # division of the office that assigned it
    turn: int = 0  # of a lot: the act that gave it out; whom an earlier one gave stands
    dispatched_at: datetime | None = None
    withdrawn_at: datetime | None = (
        None  # 撤回: its site was substituted, or an office took it back
    )
    withdrawn_for: str = Field(default="", max_length=300)  # the office's reason


class Seat(SQLModel, table=True):
    """席位: an inspector's place in a task, of the lead's department or of a partner's."""

    task_id: str = Field(foreign_key="task.id", primary_key=True)
    department: str = Field(primary_key=True, max_length=80)  # `*`: any
    position: str = Field(primary_key=True, max_length=40)
    inspector_id: str = Field(foreign_key="inspector.id", index=True)
    checklist_digest: str = Field(foreign_key="checklist.digest")
