"""Inspections as they are folded: in full when somebody looks, in short for whoever searches.

The fold is kept nowhere; the ledger is. What is looked for of it is written together with the
operations that change it, so that what is found is what is there.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from backend.db import Session
from backend.work import ledger
from backend.work.ledger import Projection
from sync.merge import Inspection, Recorded, fold, marks


async def states(db: Session, inspections: Collection[str]) -> dict[str, Inspection]:
    """Fold inspections from the ledger."""
    return {name: fold(ops) for name, ops in (await recorded(db, inspections)).items()}


async def project(
    db: Session, inspections: Collection[str], now: datetime
) -> dict[str, Inspection]:
    """Fold inspections from the ledger and keep what is looked for of them."""
    found = await recorded(db, inspections)
    folded = {name: fold(ops) for name, ops in found.items()}
    marked = [Projection(name, marks(found[name], state)) for name, state in folded.items()]
    await ledger.replace(db, now, marked)
    await ledger.exhibit(
        db, [(name, one.blob) for name, state in folded.items() for one in state.evidence]
    )
    return folded


async def recorded(db: Session, inspections: Collection[str]) -> Mapping[str, Sequence[Recorded]]:
    """Give the operations of inspections that count."""
    (rows,) = await ledger.ask(db, ledger.recorded_of(inspections))
    found = ledger.recorded(rows)
    return {name: found.get(name, []) for name in inspections}
