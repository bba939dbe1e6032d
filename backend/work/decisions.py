"""结果下达: tell the devices what the office decided of an inspection, for what they print.

It is told as it was decided; a term that is extended later is another document's.
"""

import msgspec
from sqlmodel import col, select

from backend.db import Session
from backend.prints.facts import Asked, Decision, Order
from backend.rules import results
from backend.rules.calendar import local_day
from backend.tables import Conclusion, Rectification, Remedy
from backend.work import feed, orders
from backend.work.code_lists import result_lists


async def tell(db: Session, inspection_id: str) -> None:
    """Tell the conclusion and the order of an inspection; one that was returned is taken back."""
    await db.flush()
    bucket, made = f"i:{inspection_id}", await db.get_one(Conclusion, inspection_id)
    if made.reviewed_at is not None and not made.approved:
        await feed.remove(db, bucket, "decision", inspection_id)
        return
    codes = msgspec.json.decode(made.follow_ups, type=list[str])
    known = results.named(result_lists(), made.result_list)
    follow_ups = [known.follow_up(code) for code in codes]
    decision = Decision(
        digest=made.digest,
        outcome=made.outcome,
        result=results.label(result_lists(), made.result_list, made.result),
        remark=made.remark,
        concluded_on=local_day(made.concluded_at),
        approved=made.approved,
        order=await _order(db, inspection_id),
        follow_ups=tuple(one.label for one in follow_ups if one is not None),
    )
    await feed.put(db, bucket, "decision", inspection_id, msgspec.json.encode(decision))


async def _order(db: Session, inspection_id: str) -> Order | None:
    query = (
        select(Remedy, Rectification)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .where(Rectification.inspection_id == inspection_id, Remedy.status != "withdrawn")
    )
    found = list(await db.exec(query))
    if not found:
        return None
    asked = orders.sort(remedy for remedy, _ in found)
    return Order(
        items=tuple(Asked(one.item, one.working_days, one.due_on) for one in asked),
        ordered_on=found[0][1].ordered_on,
    )
