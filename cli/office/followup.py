"""后续处置: orders to put right, measures, the risk list, and what is reminded of."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
import msgspec

from backend.rules.followup import LEVELS, MEASURES, SUSPENSION
from backend.wire import (
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
from cli import client
from cli.output import AnyCommand, Words, as_json, json_option, say, show, text
from cli.reminders import COLUMNS, worded

STATES: dict[str, Words] = {
    "open": ("open", "办理中"),
    "renewed": ("ordered anew", "已另行责令"),
    "closed": ("closed", "已办结"),
    "withdrawn": ("withdrawn", "已撤回"),
}
ORDER: dict[str, Words] = {
    "id": ("order", "责令编号"),
    "code": ("code", "代码"),
    "name": ("business", "检查对象"),
    "open": ("open items", "未完成项"),
    "due_on": ("due", "期限"),
    "days_over": ("days over", "逾期工作日"),
    "status": ("state", "状态"),
}
MEASURE: dict[str, Words] = {
    "id": ("measure", "处置编号"),
    "kind": ("kind", "方式"),
    "name": ("business", "检查对象"),
    "who": ("with whom", "对象"),
    "reference": ("reference", "文号"),
    "due_on": ("due", "期限"),
    "status": ("state", "状态"),
}
RISK: dict[str, Words] = {
    "id": ("risk", "风险编号"),
    "level": ("level", "等级"),
    "name": ("business", "检查对象"),
    "item": ("item", "风险点"),
    "owner": ("owner", "责任人"),
    "measure": ("measure", "管控措施"),
    "due_on": ("due", "期限"),
    "closed_with": ("closed with", "销号依据"),
}
REMINDER = COLUMNS | {"subject": ("id", "编号"), "detail": ("why", "原因")}


@click.group("orders")
def orders() -> None:
    """Follow orders to put right, item by item. 责令整改。"""


@click.group("measures")
def measures() -> None:
    """Take and close measures: interview, referral, case, warning, guidance. 处置措施。"""


@click.group("risks")
def risks() -> None:
    """Keep the risk list. 风险清单。"""


def _all(command: AnyCommand) -> AnyCommand:
    return click.option("--all", "everything", is_flag=True, help="Also what is over. 全部。")(
        command
    )


def _proof(*, required: bool) -> Callable[[AnyCommand], AnyCommand]:
    return click.option(
        "--document", required=required,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The proof; it is kept under its digest. 证明材料。",
    )  # fmt: skip


# -- orders --------------------------------------------------------------------------------------


@orders.command("list")
@_all
@json_option
def list_orders(everything: bool) -> None:
    """List the open orders of your division by the day they are due. 责令整改列表。"""
    _list_orders("all" if everything else "open")


@orders.command("overdue")
@json_option
def list_overdue() -> None:
    """List the orders whose terms have passed. 逾期清单。"""
    _list_orders("overdue")


@orders.command("show")
@click.argument("order_id")
@json_option
def show_order(order_id: str) -> None:
    """Show an order: items, extensions, rechecks. 责令整改详情。"""
    _show_order(client.get(f"/office/orders/{order_id}", OrderView))


@orders.command("extend")
@click.argument("order_id")
@click.argument("days", type=click.IntRange(1, 365))
@click.option("--reason", required=True, help="理由。")
@click.option("--item", "items", multiple=True, help="Only these; else all open ones. 项目。")
@json_option
def extend_order(order_id: str, days: int, reason: str, items: tuple[str, ...]) -> None:
    """Give DAYS more working days, before the term passes; for supervisors. 整改延期。"""
    new = ExtendTerm(working_days=days, reason=reason, items=items)
    _show_order(client.post(f"/office/orders/{order_id}/extensions", OrderView, new))


@orders.command("close")
@click.argument("order_id")
@_proof(required=True)
@click.option("--note", required=True, help="What it shows. 说明。")
@click.option("--item", "items", multiple=True, help="Only these; else all open ones. 项目。")
@json_option
def close_items(order_id: str, document: Path, note: str, items: tuple[str, ...]) -> None:
    """Close items by proof that was handed in; for supervisors. 整改销号。"""
    new = CloseItems(proof_sha256=_kept(document), note=note, items=items)
    _show_order(client.post(f"/office/orders/{order_id}/closings", OrderView, new))


@orders.command("proof")
@click.argument("digest")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it. 输出文件。",
)
@json_option
def show_proof(digest: str, output: Path) -> None:
    """Write the document by which items or a risk were closed, by its DIGEST. 调阅证明材料。"""
    body = client.fetch(f"/office/proofs/{digest}")
    output.write_bytes(body)
    say(f"Written: {output}, {len(body)} bytes.", f"已写出：{output}，{len(body)} 字节。")
    show({"file": str(output), "size": len(body)}, {})


# -- measures ------------------------------------------------------------------------------------


@measures.command("list")
@_all
@click.option("--overdue", is_flag=True, help="Only what is overdue. 逾期。")
@json_option
def list_measures(everything: bool, overdue: bool) -> None:
    """List the measures of your division, newest first. 处置措施列表。"""
    found = client.get("/office/measures", list[MeasureView], which=_which(everything, overdue))
    told = [_worded(one, kind=text(one.label.en, one.label.zh)) for one in found]
    show(found if as_json() else told, MEASURE)


@measures.command("take")
@click.argument("inspection_id")
@click.argument("measure", type=click.Choice([name for name in MEASURES if name != SUSPENSION]))
@click.option("--who", default="", help="Whom, or which authority. 约谈对象、移送单位。")
@click.option("--reference", default="", help="Number of the letter or case. 文号、立案号。")
@click.option("--text", "said", default="", help="What was said. 内容。")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="By when. 期限。")
@json_option
def take_measure(
    inspection_id: str, measure: str, who: str, reference: str, said: str, due: datetime | None
) -> None:
    """Take a measure after an inspection; for supervisors. 作出处置。"""
    given = {
        "kind": measure,
        "who": who,
        "reference": reference,
        "text": said,
        "due_on": due.date() if due else None,
    }
    new = msgspec.convert(given, NewMeasure)
    _show_measure(client.post(f"/office/inspections/{inspection_id}/measures", MeasureView, new))


@measures.command("close")
@click.argument("measure_id")
@click.option("--outcome", required=True, help="Minutes, or what came of it. 笔录、结果。")
@click.option("--reference", default="", help="Number of the answer. 文号。")
@json_option
def close_measure(measure_id: str, outcome: str, reference: str) -> None:
    """Close a measure, or lift a stop after its recheck; for supervisors. 办结、解除责令停止。"""
    new = CloseMeasure(outcome=outcome, reference=reference)
    _show_measure(client.post(f"/office/measures/{measure_id}/close", MeasureView, new))


@measures.command("withdraw")
@click.argument("measure_id")
@click.option("--reason", required=True, help="理由。")
@json_option
def withdraw_measure(measure_id: str, reason: str) -> None:
    """Take a measure back; for supervisors. 撤回处置。"""
    new = WithdrawMeasure(reason=reason)
    _show_measure(client.post(f"/office/measures/{measure_id}/withdraw", MeasureView, new))


# -- risks ---------------------------------------------------------------------------------------


@risks.command("list")
@_all
@click.option("--overdue", is_flag=True, help="Only what is overdue. 逾期。")
@json_option
def list_risks(everything: bool, overdue: bool) -> None:
    """List the risks of your division by the day they are due. 风险清单。"""
    found = client.get("/office/risks", list[RiskView], which=_which(everything, overdue))
    told = [msgspec.to_builtins(one) | {"level": text(one.label.en, one.label.zh)} for one in found]
    show(found if as_json() else told, RISK)


@risks.command("enter")
@click.argument("code")
@click.argument("item")
@click.option("--level", required=True, type=click.Choice(list(LEVELS)), help="等级。")
@click.option("--owner", required=True, help="Who sees to it. 责任人。")
@click.option("--measure", required=True, help="How. 管控措施。")
@click.option("--due", required=True, type=click.DateTime(["%Y-%m-%d"]), help="By when. 期限。")
@click.option("--inspection", default="", help="Where it was found. 检查编号。")
@json_option
def enter_risk(
    code: str, item: str, level: str, owner: str, measure: str, due: datetime, inspection: str
) -> None:
    """Enter a risk ITEM of the establishment CODE; for supervisors. 登记风险。"""
    given = {
        "code": code, "item": item, "level": level, "owner": owner, "measure": measure,
        "due_on": due.date(), "inspection": inspection,
    }  # fmt: skip
    done = client.post("/office/risks", RiskView, msgspec.convert(given, NewRisk))
    say(f"Entered: {done.id}, due on {done.due_on}.", f"已登记：{done.id}，期限 {done.due_on}。")
    show(done, {})


@risks.command("close")
@click.argument("risk_id")
@click.option("--with", "closed_with", required=True, help="With what. 销号依据。")
@_proof(required=False)
@json_option
def close_risk(risk_id: str, closed_with: str, document: Path | None) -> None:
    """Take a risk off the list; for supervisors. 风险销号。"""
    new = CloseRisk(closed_with=closed_with, proof_sha256=_kept(document) if document else "")
    done = client.post(f"/office/risks/{risk_id}/close", RiskView, new)
    say(f"Closed on {done.closed_on}.", f"已于 {done.closed_on} 销号。")
    show(done, {})


@click.command("reminders")
@json_option
def list_reminders() -> None:
    """List what falls due or is overdue, as the last tick of the server found it. 催办列表。"""
    found = client.get("/office/reminders", list[ReminderView])
    show(found if as_json() else [worded(one) for one in found], REMINDER)


commands: list[click.Command] = [orders, measures, risks, list_reminders]


def _which(everything: bool, overdue: bool) -> str:
    if overdue:
        return "overdue"
    return "all" if everything else "open"


def _list_orders(which: str) -> None:
    found = client.get("/office/orders", list[OrderLine], which=which)
    told = [_worded(one, open=", ".join(one.open)) for one in found]
    show(found if as_json() else told, ORDER)


def _worded(one: OrderLine | MeasureView, **more: str) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(one)
    return plain | {"status": text(*STATES[one.status])} | more


def _kept(document: Path) -> str:
    """Hand a document to the office and give the digest that it is kept under."""
    new = NewProof(document=document.read_bytes())
    return client.post("/office/proofs", ProofView, new).sha256


def _show_order(order: OrderView) -> None:
    if as_json():
        show(order)
        return
    state = text(*STATES[order.status])
    click.echo(f"{order.id}  {order.name} ({order.code})  {state}")
    for one in order.remedies:
        mark = text(*STATES[one.status])
        if one.failed:
            mark = text("failed again at the recheck", "复查仍不符合")
        by = one.checked or one.proof_sha256
        closed = f"  {one.closed_on} ← {by or one.note}" if one.closed_on else ""
        words = text(one.text.en, one.text.zh)
        click.echo(f"  {one.item:>6}  {one.due_on}  {mark}{closed}  {words}")
    for given in order.extensions:
        items = ", ".join(given.items)
        say(
            f"Extended by {given.working_days} working days: {items} ({given.granted_by}: "
            f"{given.reason})",
            f"延期 {given.working_days} 个工作日：{items}（{given.granted_by}：{given.reason}）",
        )
    if order.rechecks:
        say(f"Rechecks: {', '.join(order.rechecks)}", f"复查任务：{'、'.join(order.rechecks)}")
    if order.provisional:
        say(
            "The holidays of that year are not published yet: the day may move.",
            "该年度节假日安排尚未公布，期限可能变动。",
        )


def _show_measure(one: MeasureView) -> None:
    label, state = text(one.label.en, one.label.zh), text(*STATES[one.status])
    say(f"{label}: {state}. It is {one.id}.", f"{label}：{state}。编号 {one.id}。")
    show(one, {})
