"""证明材料: what establishments hand in to show that something was put right, by its digest."""

from datetime import datetime
from hashlib import sha256

from sqlmodel import col, select

from backend import journal
from backend.auth import Officer
from backend.blobs import Blobs
from backend.db import Session
from backend.tables import Establishment, Rectification, Remedy, Risk, Task
from backend.wire import NewProof, ProofView
from backend.work import evidence
from sync.refusals import Reason, Refused

MIME = "application/octet-stream"  # given back as it came, for nobody looked into it


async def keep_proof(
    db: Session, blobs: Blobs, new: NewProof, *, officer: Officer, free_min: int, now: datetime
) -> ProofView:
    """Keep a document, durable under its digest; the same one again is kept once."""
    kept = ProofView(sha256(new.document).hexdigest(), len(new.document))

    await blobs.put(kept.sha256, new.document, free_min=free_min, look=len)
    row = {
        "sha256": kept.sha256, "size": kept.size, "mime": MIME, "flag": "", "facts": "",
        "stored_at": now, "unhashed": False,
    }  # fmt: skip
    if await evidence.remember(db, row):
        await journal.append(
            db, actor=officer.name, verb="proof.keep", subject=kept.sha256, now=now, size=kept.size
        )
    return kept


async def show_proof(db: Session, blobs: Blobs, digest: str, *, officer: Officer) -> bytes:
    """Give back a document by which an item or a risk of the officer's division was closed.

    Refuses with PROOF_NOT_FOUND what proves nothing there, or was only named by its digest.
    """
    inside = col(Establishment.division).startswith(officer.division, autoescape=True)
    items = (
        select(Remedy.proof_sha256)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .join(Task, col(Task.id) == Rectification.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(Remedy.proof_sha256 == digest, inside)
    )
    risks = (
        select(Risk.proof_sha256)
        .join(Establishment, col(Establishment.id) == Risk.establishment_id)
        .where(Risk.proof_sha256 == digest, inside)
    )
    named = [(await db.exec(query.limit(1))).first() for query in (items, risks)]
    if not any(named) or not await blobs.has(digest):
        raise Refused(Reason.PROOF_NOT_FOUND, proof=digest)
    return await blobs.read(digest)
