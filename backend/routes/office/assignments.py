"""交办: tasks that no draw made."""

from datetime import datetime
from typing import Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import AssignedLine, AssignedView, NewTask, WithdrawOrder
from backend.work import assignments
from sync.origins import Origin


@post("/tasks", guards=[needs("supervisor")])
async def assign_task(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewTask],
) -> AssignedView:
    """Send two inspectors where no draw sent them (交办检查任务)."""
    return await assignments.assign_task(db, data, officer=officer, now=now)


@get("/tasks")
async def list_assigned(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    origin: FromQuery[Origin | Literal[""]] = "",
) -> list[AssignedLine]:
    """List the tasks of one origin, or of all but draws (交办任务列表)."""
    return await assignments.list_assigned(db, officer, origin=origin or None, now=now)


@post("/tasks/{task_id:str}/withdraw", guards=[needs("supervisor")], status_code=200)
async def withdraw_task(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    task_id: FromPath[str],
    data: JSONBody[WithdrawOrder],
) -> list[AssignedLine]:
    """Take back a task that nobody has begun (收回检查任务)."""
    return await assignments.withdraw_task(db, task_id, data, officer=officer, now=now)


handlers = [assign_task, list_assigned, withdraw_task]
