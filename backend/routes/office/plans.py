"""计划、抽取、派发: from a plan to tasks on the inspectors' devices."""

from datetime import datetime
from typing import Any, cast

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.routes import problems
from backend.routes.draws_public import bundle_file
from backend.wire import (
    CommitOrder,
    Dispatched,
    DrawView,
    HoldOrder,
    NewPlan,
    PlanView,
    TaskView,
    VoidOrder,
)
from backend.work import draws, plans, tasks
from sync.refusals import Kept


@post("/plans", guards=[needs("supervisor")])
async def create_plan(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewPlan],
) -> PlanView:
    """Create a plan (制定抽查计划)."""
    return await plans.create_plan(db, data, officer=officer, now=now)


@get("/plans")
async def list_plans(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[PlanView]:
    """List the plans of the division (计划列表)."""
    return await plans.list_plans(db, officer)


@get("/plans/{plan_id:str}")
async def show_plan(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    plan_id: FromPath[str],
) -> PlanView:
    """Show a plan, its draws, and whom it could draw now (计划详情)."""
    return await plans.show_plan(db, plan_id, officer, now=now)


@post("/plans/{plan_id:str}/draws", guards=[needs("supervisor")])
async def commit_draw(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    plan_id: FromPath[str],
    data: JSONBody[CommitOrder],
) -> DrawView:
    """Freeze the frame and commit to it (冻结名录并承诺)."""
    return await draws.commit_draw(db, plan_id, data, officer=officer, now=now)


@get("/plans/{plan_id:str}/tasks")
async def list_tasks(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    plan_id: FromPath[str],
) -> list[TaskView]:
    """List the tasks of a plan (任务列表)."""
    return await tasks.list_tasks(db, plan_id, officer, now=now)


@post("/plans/{plan_id:str}/dispatch", guards=[needs("supervisor")], status_code=200)
async def dispatch(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    plan_id: FromPath[str],
) -> Dispatched:
    """Send the tasks to the inspectors' devices (派发)."""
    return await tasks.dispatch(db, plan_id, officer=officer, now=now)


@get("/draws/{draw_id:str}")
async def show_draw(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
) -> DrawView:
    """Show a draw (抽取详情)."""
    return await draws.show_draw(db, draw_id, officer, now=now)


@post("/draws/{draw_id:str}/hold", guards=[needs("supervisor")], status_code=200)
async def hold_draw(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[HoldOrder],
    request: Request[Any, Any, Any],
) -> Response[DrawView]:
    """Hold a draw with what the ceremony gave (抽取)."""
    done = await draws.hold_draw(db, draw_id, data, officer=officer, now=now)
    if isinstance(done, Kept):
        return cast(Response[DrawView], problems.problem(request, done.refused))
    return Response(done)


@post("/draws/{draw_id:str}/void", guards=[needs("supervisor")], status_code=200)
async def void_draw(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[VoidOrder],
) -> DrawView:
    """Declare a draw void (作废)."""
    return await draws.void_draw(db, draw_id, data, officer=officer, now=now)


@get("/draws/{draw_id:str}/files/{name:str}", media_type="application/octet-stream")
async def read_draw_file(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    name: FromPath[str],
) -> Response[bytes]:
    """Read a file of the bundle, those for auditors too (抽取档案包文件)."""
    return bundle_file(name, await draws.read_draw_file(db, draw_id, name, officer, now=now))


handlers = [
    create_plan,
    list_plans,
    show_plan,
    commit_draw,
    list_tasks,
    dispatch,
    show_draw,
    hold_draw,
    void_draw,
    read_draw_file,
]
