"""公示: publish approved results, and write the folder that anyone can check."""

import asyncio
import io
import zipfile
from datetime import date, datetime
from functools import partial
from hashlib import sha256

import msgspec
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.darkroom import develop
from backend.db import Session, head
from backend.rules import disclosure, site
from backend.rules.calendar import local_day
from backend.rules.corrections import replaced_path
from backend.rules.disclosure import Corrects, DrawLink, Order, Result, Said, Site, Withheld
from backend.rules.results import Part, label
from backend.tables import (
    Account,
    Blob,
    Conclusion,
    Draw,
    Establishment,
    Head,
    Piece,
    Publication,
    Rectification,
    Replaced,
    Task,
    Withholding,
)
from backend.wire import (
    NewWithholding,
    NotPublished,
    PublishedLine,
    PublishedView,
    WithheldView,
    text_view,
)
from backend.work import cases, draws_public
from backend.work.cases import Case
from backend.work.code_lists import result_lists
from backend.work.listing import first
from backend.work.pictures import masks_of, pixels_of
from sync import photos
from sync.layers import Mask
from sync.origins import WORDS, origin_of
from sync.refusals import Reason, Refused
from sync.verdict import Verdict

PUBLISHED_MAX = 500  # results in one publishing; the next takes the next
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


async def publish_results(db: Session, *, officer: Officer, now: datetime) -> PublishedView:
    """Publish every approved result of the officer's division; one held back stops no other.

    Held back is what names a person, and what is no longer what was approved.
    """
    await head(db)  # first: nobody concludes, reviews, publishes or records until this is done
    query = (
        select(Conclusion.inspection_id)
        .join(Task, col(Task.id) == Conclusion.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Publication, col(Publication.inspection_id) == Conclusion.inspection_id)
        .where(
            col(Conclusion.approved),
            col(Publication.n).is_(None) | (col(Publication.n) < Conclusion.n),
            col(Establishment.division).startswith(officer.division, autoescape=True),
        )
        .order_by(col(Conclusion.inspection_id))
    )
    approved = list(await db.exec(query))

    today = local_day(now)
    results: list[tuple[Case, Result]] = []
    refused: list[NotPublished] = []
    for inspection_id in approved:
        if len(results) == PUBLISHED_MAX:
            break
        case = await cases.load(db, inspection_id)
        view = await _view(db, case, today=today)
        if not case.current:
            refused.append(NotPublished(inspection_id, Reason.CONCLUSION_OUTDATED.code, ""))
        elif found := disclosure.leaks(view, await _names(db, case)):
            code = Reason.PUBLICATION_PERSONAL.code
            refused.append(NotPublished(inspection_id, code, " ".join(found)))
        else:
            results.append((case, view))

    for case, result in results:
        body = site.encode(result)
        digest = sha256(body).hexdigest()
        assert case.conclusion is not None
        if case.publication is not None:
            db.add(_replaced(case.publication, now))
        out = Publication(
            inspection_id=result.id,
            published_at=now,
            due_on=result.due_on,
            body=body.decode(),
            sha256=digest,
            n=case.conclusion.n,
            photos=case.conclusion.photos,
            masks=await _hidden(db, case.conclusion),
        )
        await db.merge(out)
        await journal.append(
            db,
            actor=officer.name,
            verb="result.correct" if result.corrects else "result.publish",
            subject=result.id,
            now=now,
            sha256=digest,
        )
    return PublishedView(
        published=tuple(one.id for _, one in results),
        refused=tuple(refused),
        waiting=len(approved) - len(results),
    )


async def withhold_publication(
    db: Session,
    inspection_id: str,
    n: int,
    new: NewWithholding,
    *,
    officer: Officer,
    now: datetime,
) -> WithheldView:
    """Withhold the content of what was published before a correction; a notice takes its place.

    It may be said as soon as the correction is concluded, and holds once that is published.
    """
    case = await cases.load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    before = await _corrected(db, case, n)
    if await db.get(Withholding, (inspection_id, n)) is not None:
        raise Refused(Reason.PUBLICATION_WITHHELD, result=inspection_id, n=n)

    row = Withholding(
        inspection_id=inspection_id,
        n=n,
        reason=new.reason,
        withheld_by=officer.id,
        withheld_at=now,
    )
    notice = _notice(before, row)
    if found := disclosure.leaks(notice, {officer.name, *await _names(db, case)}):
        raise Refused(Reason.PUBLICATION_PERSONAL, fields=" ".join(found))

    db.add(row)
    await journal.append(
        db,
        actor=officer.name,
        verb="result.withhold",
        subject=inspection_id,
        now=now,
        n=n,
        sha256=notice.sha256,
        reason=notice.reason,
    )
    return msgspec.convert(notice, WithheldView, from_attributes=True)


async def list_results(db: Session) -> list[PublishedLine]:
    """List what is published, newest first."""
    query = select(Publication).order_by(
        col(Publication.published_at).desc(), col(Publication.inspection_id)
    )
    lines: list[PublishedLine] = []
    for row in await first(db, query):
        one = _result(row)
        lines.append(
            PublishedLine(
                id=one.id,
                code=one.site.code,
                name=one.site.name,
                result=text_view(one.result.label),
                published_on=one.published_on,
                sha256=row.sha256,
                corrects=one.corrects.sha256 if one.corrects else "",
                n=row.n,
            )
        )
    return lines


async def show_result(db: Session, result_id: str) -> bytes:
    """Give a result byte for byte as it was published."""
    row = await db.get(Publication, result_id)
    if row is None:
        raise Refused(Reason.PUBLICATION_NOT_FOUND, result=result_id)
    return row.body.encode()


async def show_replaced(db: Session, result_id: str, n: int) -> bytes:
    """Give a result that was corrected since, byte for byte; of one withheld, the notice."""
    row = await db.get(Replaced, (result_id, n))
    if row is None:
        raise Refused(Reason.PUBLICATION_NOT_FOUND, result=result_id, n=n)
    withheld = await db.get(Withholding, (result_id, n))
    return row.body.encode() if withheld is None else site.encode(_notice(row, withheld))


async def write_site(db: Session, blobs: Blobs, *, officer: Officer) -> bytes:
    """Write the results of the officer's division as a ZIP of the folder that proves itself."""
    query = (
        select(Publication)
        .join(Task, col(Task.id) == Publication.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
    )
    rows = list(await db.exec(query))
    results = [_result(row) for row in rows]
    corrected = [one.id for one in results if one.corrects]
    replaced, withheld = await _before(db, corrected)
    draws: dict[str, dict[str, bytes]] = {}
    of_draws = col(Piece.draw_id).in_({one.draw.id for one in results if one.draw})
    for piece in await db.exec(select(Piece).where(of_draws)):
        draws.setdefault(piece.draw_id, {})[piece.name] = piece.body
    secret = (await db.get_one(Head, 1)).secret_key

    pictures: dict[str, bytes] = {}
    for result, row in zip(results, rows, strict=True):
        digests = msgspec.json.decode(row.photos, type=list[str])
        hidden = msgspec.json.decode(row.masks, type=dict[str, tuple[Mask, ...]])
        for path, digest in zip(result.photos, digests, strict=True):
            small = partial(photos.thumbnail, blobs.path(digest), masks=hidden.get(digest, ()))
            pictures[path] = await develop(pixels_of(await db.get_one(Blob, digest)), small)
    script = draws_public.read_script()
    return await asyncio.to_thread(
        _zip,
        site.write(
            results,
            draws,
            pictures,
            replaced=replaced,
            withheld=withheld,
            script=script,
            secret=secret,
        ),
    )


async def _before(db: Session, corrected: list[str]) -> tuple[dict[str, bytes], list[Withheld]]:
    """Give what these results corrected, by path, and the notices of what is withheld of it."""
    gone = select(Withholding).where(col(Withholding.inspection_id).in_(corrected))
    rows = {(one.inspection_id, one.n): one for one in await db.exec(gone)}
    shown: dict[str, bytes] = {}
    withheld: list[Withheld] = []
    before = select(Replaced).where(col(Replaced.inspection_id).in_(corrected))
    for one in await db.exec(before):
        if row := rows.get((one.inspection_id, one.n)):
            withheld.append(_notice(one, row))
        else:
            shown[replaced_path(one.inspection_id, one.n)] = one.body.encode()
    return shown, withheld


async def _corrected(db: Session, case: Case, n: int) -> Replaced | Publication:
    """Give what was corrected, or is about to be; refuse what stands."""
    out = case.publication
    if out is not None and out.n == n:
        if case.published:
            raise Refused(Reason.PUBLICATION_STANDS, result=case.task.id, n=n)
        return out
    row = await db.get(Replaced, (case.task.id, n))
    if row is None:
        raise Refused(Reason.PUBLICATION_NOT_FOUND, result=case.task.id, n=n)
    return row


def _notice(before: Replaced | Publication, row: Withholding) -> Withheld:
    """Tell of what is withheld, from the day on which it was gone."""
    since = row.withheld_at
    if isinstance(before, Replaced):
        since = max(since, before.replaced_at)
    return disclosure.withhold(
        _result(before),
        row.n,
        sha256=before.sha256,
        withheld_on=local_day(since),
        reason=row.reason,
    )


async def _hidden(db: Session, conclusion: Conclusion) -> str:
    """Write down what is hidden of the photos that are published now."""
    shown = msgspec.json.decode(conclusion.photos, type=list[str])
    masks = await masks_of(db, conclusion.inspection_id)
    return msgspec.json.encode({one: masks[one] for one in shown if one in masks}).decode()


async def _view(db: Session, case: Case, *, today: date) -> Result:
    """Make the public view of an approved result."""
    assert case.conclusion is not None
    row = case.conclusion
    origin = origin_of(case.task.origin)
    return disclosure.public_view(
        id=case.task.id,
        site=Site(
            code=case.establishment.code,
            name=case.establishment.name,
            category=case.establishment.category,
            division=case.establishment.division,
        ),
        checklist=case.checklist,
        checklist_digest=case.task.checklist_digest,
        verdict=msgspec.json.decode(row.computed, type=Verdict),
        result=Said(row.result, label(result_lists(), row.result_list, row.result)),
        order=_order(case.order),
        formed_on=local_day(row.concluded_at),
        due_on=cases.publish_by(row),
        published_on=today,
        photos=len(msgspec.json.decode(row.photos, type=list[str])),
        draw=await _draw(db, case.task),
        origin=None if case.task.draw_id else Said(origin, WORDS[origin]),
        corrects=_corrects(case),
        parts=tuple(
            disclosure.public_part(
                departments=one.departments,
                checklist=case.brought[one.checklist],
                digest=one.checklist,
                verdict=one.verdict,
            )
            for one in msgspec.json.decode(row.parts, type=list[Part])
        ),
    )


async def _draw(db: Session, task: Task) -> DrawLink | None:
    if task.draw_id is None:
        return None
    draw = await db.get_one(Draw, task.draw_id)
    assert draw.bundle_sha256 is not None
    return DrawLink(
        id=draw.id,
        commit_hash=draw.commit_hash,
        bundle_sha256=draw.bundle_sha256,
        place=task.place,
    )


def _corrects(case: Case) -> Corrects | None:
    """Name what a result corrects that was published before."""
    out, row = case.publication, case.conclusion
    if out is None or row is None:
        return None
    return Corrects(out.n, out.sha256, local_day(out.published_at), row.correction)


def _replaced(out: Publication, now: datetime) -> Replaced:
    return Replaced(
        inspection_id=out.inspection_id,
        n=out.n,
        published_at=out.published_at,
        replaced_at=now,
        body=out.body,
        sha256=out.sha256,
    )


async def _names(db: Session, case: Case) -> set[str]:
    """Collect what names a person in this case; what they wrote is never part of the view."""
    assert case.conclusion is not None
    ids = {case.conclusion.concluded_by, case.conclusion.reviewed_by or ""}
    accounts = await db.exec(select(Account.name).where(col(Account.id).in_(ids)))
    people = case.people.values()
    return {
        *accounts,
        *(one.name for one in people),
        *(one.certificate for one in people),
        *(name for one in case.state.signatures for name in (one.name, one.witness)),
    }


def _order(row: Rectification | None) -> Order | None:
    if row is None or row.status == "withdrawn":
        return None
    items = tuple(map(disclosure.plain_ref, msgspec.json.decode(row.items, type=list[str])))
    return Order(items=items, ordered_on=row.ordered_on, due_on=row.due_on)


def _result(row: Publication | Replaced) -> Result:
    return msgspec.json.decode(row.body, type=Result)


def _zip(files: site.Files) -> bytes:
    """Pack files in the order of their names and without times: the same files, the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()
