"""后续处置: orders to put right, measures, the risk list, and what is reminded of."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from backend.auth import Officer, needs
from backend.blobs import Blobs
from backend.db import Session
from backend.settings import Settings
from backend.wire import (
    PROOF_BODY_MAX,
    CloseItems,
    CloseMeasure,
    CloseRisk,
    ExtendTerm,
    MeasureView,
    NewMeasure,
    NewProof,
    NewRisk,
    OrderLine,
    OrderView,
    ProofView,
    ReminderView,
    RiskView,
    WithdrawMeasure,
)
from backend.work import measures, orders, proofs, rectifications, reminders, risks

Which = Annotated[Literal["open", "overdue", "all"], QueryParameter()]
SUPERVISOR = [needs("supervisor")]


@get("/orders")
async def list_orders(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    which: Which = "open",
) -> list[OrderLine]:
    """List orders to put right: the open, the overdue, or all (责令整改列表)."""
    return await orders.list_orders(db, officer, which=which, now=now)


@get("/orders/{order_id:str}")
async def show_order(
    db: NamedDependency[Session], officer: NamedDependency[Officer], order_id: FromPath[str]
) -> OrderView:
    """Show an order, item by item (责令整改详情)."""
    return await rectifications.show_order(db, order_id, officer=officer)


@post("/orders/{order_id:str}/extensions", guards=SUPERVISOR, status_code=200)
async def extend_order(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    order_id: FromPath[str],
    data: JSONBody[ExtendTerm],
) -> OrderView:
    """Extend terms that have not passed (整改延期)."""
    return await rectifications.extend_order(db, order_id, data, officer=officer, now=now)


@post("/orders/{order_id:str}/closings", guards=SUPERVISOR, status_code=200)
async def close_items(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    order_id: FromPath[str],
    data: JSONBody[CloseItems],
) -> OrderView:
    """Close items by proof that was handed in (整改销号)."""
    return await rectifications.close_items(db, order_id, data, officer=officer, now=now)


@post("/proofs", guards=SUPERVISOR, request_max_body_size=PROOF_BODY_MAX)
async def keep_proof(
    db: NamedDependency[Session],
    blobs: NamedDependency[Blobs],
    settings: NamedDependency[Settings],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewProof],
) -> ProofView:
    """Keep a document that was handed in, before something is closed by it (证明材料)."""
    return await proofs.keep_proof(
        db, blobs, data, officer=officer, free_min=settings.free_bytes_min, now=now
    )


@get("/proofs/{sha256:str}")
async def show_proof(
    db: NamedDependency[Session],
    blobs: NamedDependency[Blobs],
    officer: NamedDependency[Officer],
    sha256: FromPath[str],
) -> Response[bytes]:
    """Give back a document by which something was closed, as it came (调阅证明材料)."""
    body = await proofs.show_proof(db, blobs, sha256, officer=officer)
    return Response(body, media_type=proofs.MIME)


@post("/inspections/{inspection_id:str}/measures", guards=SUPERVISOR)
async def take_measure(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    data: JSONBody[NewMeasure],
) -> MeasureView:
    """Take a measure: interview, referral, case, warning, guidance (处置措施)."""
    return await measures.take_measure(db, inspection_id, data, officer=officer, now=now)


@get("/measures")
async def list_measures(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    which: Which = "open",
) -> list[MeasureView]:
    """List measures: the open, the overdue, or all (处置措施列表)."""
    return await measures.list_measures(db, officer, which=which, now=now)


@post("/measures/{measure_id:str}/close", guards=SUPERVISOR, status_code=200)
async def close_measure(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    measure_id: FromPath[str],
    data: JSONBody[CloseMeasure],
) -> MeasureView:
    """Close a measure, or lift a suspension after its recheck (处置办结、解除责令停止)."""
    return await measures.close_measure(db, measure_id, data, officer=officer, now=now)


@post("/measures/{measure_id:str}/withdraw", guards=SUPERVISOR, status_code=200)
async def withdraw_measure(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    measure_id: FromPath[str],
    data: JSONBody[WithdrawMeasure],
) -> MeasureView:
    """Take a measure back (撤回处置)."""
    return await measures.withdraw_measure(db, measure_id, data, officer=officer, now=now)


@get("/risks")
async def list_risks(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    which: Which = "open",
) -> list[RiskView]:
    """List risks: the open, the overdue, or all (风险清单)."""
    return await risks.list_risks(db, officer, which=which, now=now)


@post("/risks", guards=SUPERVISOR)
async def enter_risk(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewRisk],
) -> RiskView:
    """Enter a risk with its owner, measure and due date (登记风险)."""
    return await risks.enter_risk(db, data, officer=officer, now=now)


@post("/risks/{risk_id:str}/close", guards=SUPERVISOR, status_code=200)
async def close_risk(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    risk_id: FromPath[str],
    data: JSONBody[CloseRisk],
) -> RiskView:
    """Close a risk, saying with what (风险销号)."""
    return await risks.close_risk(db, risk_id, data, officer=officer, now=now)


@get("/reminders")
async def list_reminders(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[ReminderView]:
    """List what falls due or did (催办列表)."""
    return await reminders.list_reminders(db, officer)


handlers = [
    list_orders,
    show_order,
    extend_order,
    close_items,
    keep_proof,
    show_proof,
    take_measure,
    list_measures,
    close_measure,
    withdraw_measure,
    list_risks,
    enter_risk,
    close_risk,
    list_reminders,
]
