"""检查任务 that no draw made: assigning, listing and withdrawing them."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from backend.wire.draws import TaskView
from backend.wire.provisional import NewPlace
from sync.checklist import Asks
from sync.origins import Origin

Assigned = Literal["recheck", "complaint", "return", "mystery", "ad-hoc", "guidance"]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
Certificate = Annotated[str, Meta(min_length=1, max_length=40)]
Why = Annotated[str, Meta(min_length=2, max_length=300)]


class NewTask(Struct, frozen=True, forbid_unknown_fields=True):
    """A visit: to whom, with what, by whom, why, and in which days.

    `place` describes who is in no register, where there is no `code`. What a recheck `asks` is as
    its checklists say, unless the office says so; without `must` it is what an order left open.
    `checklist` and `stall_checklist` are a digest or a code for its newest. With `with_stalls`
    every stall of a market gets a task of its own, or those that `only` names.
    """

    checklist: Code
    lead: Certificate
    second: Certificate
    origin: Assigned
    reason: Why
    opens_on: date
    closes_on: date
    code: Annotated[str, Meta(max_length=64)] = ""
    place: NewPlace | None = None
    reference: Annotated[str, Meta(max_length=64)] = ""
    follows: Annotated[str, Meta(max_length=64)] = ""
    must: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=300)] = []
    asks: Literal["", Asks] = ""
    beyond_cap: Annotated[str, Meta(max_length=300)] = ""
    with_stalls: bool = False
    only: Annotated[list[Code], Meta(max_length=300)] = []
    stall_checklist: Annotated[str, Meta(max_length=64)] = ""


class AssignedView(Struct, frozen=True):
    """What was assigned, and how often the establishment was visited this year by then."""

    tasks: list[TaskView]  # the market's first, then its stalls'
    visits: int
    cap: int  # 0: no plan of this year sets one


class AssignedLine(Struct, frozen=True):
    """A task in a list, whatever led to it."""

    id: str
    origin: Origin
    code: str
    name: str
    lead: str
    second: str
    opens_on: date
    closes_on: date
    reason: str
    reference: str
    follows: str
    part_of: str
    beyond_cap: str
    announced: bool
    begun: bool  # something of it was recorded and has arrived
    withdrawn_at: datetime | None
    withdrawn_for: str


class WithdrawOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a task is taken back."""

    reason: Why
