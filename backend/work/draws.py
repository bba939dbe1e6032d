"""抽取: freezing and committing, holding, voiding, and handing out the published files."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from importlib.metadata import version
from typing import TypeAlias

import sqlalchemy
from sqlalchemy import Row
from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer
from backend.db import GENESIS, Session, head
from backend.rules import bundle, canonical, draw, eligibility, papers
from backend.rules.bundle import Files, Frame, Held
from backend.rules.calendar import CHINA
from backend.rules.canonical import NotCanonical
from backend.rules.pairing import Bottleneck, pair
from backend.rules.papers import Commit, Dice, Extra, Place, RosterLine, TaskPaper
from backend.tables import Draw, Establishment, Inspector, Piece, Plan, Recusal, Task
from backend.wire import CommitOrder, DrawView, HoldOrder, PublicDraw, VoidOrder
from backend.work import plans
from sync.refusals import Kept, Reason, Refused

PLACES = ("1主办", "2协办")
RECUSED = "R01"  # 回避; the grounds stay in the office's register
HELD_ALREADY = {
    "drawn": Reason.DRAW_HELD,
    "unstaffed": Reason.DRAW_UNSTAFFED,
    "void": Reason.DRAW_VOID,
}
_SHOWN_MAX = 20


# -- commit --------------------------------------------------------------------------------------


async def commit_draw(
    db: Session, plan_id: str, order: CommitOrder, *, officer: Officer, now: datetime
) -> DrawView:
    """Freeze who may be drawn and who may inspect, and publish it before the seed can exist."""
    plan = await plans.find_plan(db, plan_id, officer, lock=True)
    await _require_no_draw(db, plan)
    closing = datetime.combine(plan.closes_on, time.min, CHINA)
    if order.not_before is not None and order.not_before >= closing:
        raise Refused(Reason.DRAW_TOO_LATE, closes_on=plan.closes_on.isoformat())
    candidates = await _candidates(db, plan)
    roster = await _roster(db, plan)
    recusals = await _recusals(db, plan, roster)

    task = _task_paper(plan, order)
    bundle.require_choices(task.sources)
    frame = await asyncio.to_thread(_freeze, candidates, plan.category)
    _require_staff(plan, task, frame, roster)
    locked = await head(db)
    last = await _last_of(db, _agency(plan))
    row = Draw(
        plan_id=plan.id,
        agency=_agency(plan),
        seq=last.seq + 1 if last else 1,
        commit_hash="",
        commit_json="",
        committed_at=now,
        status="committed",
    )
    files = bundle.commit(
        task,
        frame,
        roster,
        recusals,
        draw_id=row.id,
        seq=row.seq,
        prev=last.commit_hash if last else GENESIS,
        nonce_commits=order.nonce_commits,
        not_before=max(now, order.not_before or now),
        now=now,
        by=officer.id,
        version=version("evenhand"),
        secret=locked.secret_key,
    )
    row.commit_hash = bundle.commit_hash(files)
    row.commit_json = files["commit.json"].decode()

    await _keep(db, row, files)
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.commit",
        subject=row.id,
        now=now,
        plan=plan.id,
        seq=row.seq,
        commit_hash=row.commit_hash,
    )
    return await _view(db, row)


# -- hold ----------------------------------------------------------------------------------------


async def hold_draw(
    db: Session, draw_id: str, order: HoldOrder, *, officer: Officer, now: datetime
) -> DrawView | Kept:
    """Hold a draw, once, with what the ceremony gave; every lot becomes a task.

    When no complete pairing exists the refusal and the seed stay on record: nobody may roll again
    until it suits, and the way out is to void it publicly. No relaxations are declared yet.
    """
    row, plan = await _find(db, draw_id, officer, lock=True)
    if row.status != "committed":
        raise Refused(HELD_ALREADY[row.status], draw=row.id)
    if order.digits != order.digits_again:
        raise Refused(Reason.DIGITS_DIFFER)
    files = await _files(db, row)
    secret = (await head(db)).secret_key

    held = await asyncio.to_thread(
        bundle.hold, files, order.digits, order.nonces, now=now, by=officer.id, secret=secret
    )
    if isinstance(held, Bottleneck):
        row.status, row.drawn_at = "unstaffed", now
        db.add(row)
        rolled = {f"source {name}": value for name, value in order.digits.items()}
        opened = {f"nonce {who}": nonce for who, nonce in order.nonces.items()}
        await journal.append(
            db,
            actor=officer.name,
            verb="draw.unstaffed",
            subject=row.id,
            now=now,
            **rolled,
            **opened,
        )
        return Kept(_infeasible(held))
    row.status, row.drawn_at = "drawn", now
    row.seed = papers.read(held.files["seed.json"], papers.SeedPaper).root

    await _keep(db, row, held.files)
    db.add_all(await _tasks(db, plan, row, held))
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.hold",
        subject=row.id,
        now=now,
        plan=plan.id,
        seed=row.seed,
        sites=sum(lot.status == "P" for lot in held.lots),
        bundle=row.bundle_sha256 or "",
    )
    return await _view(db, row)


async def void_draw(
    db: Session, draw_id: str, order: VoidOrder, *, officer: Officer, now: datetime
) -> DrawView:
    """Declare a draw void (作废), for a published reason, by another officer."""
    row, plan = await _find(db, draw_id, officer, lock=True)
    if row.status == "void":
        raise Refused(Reason.DRAW_VOID, draw=row.id)
    sent = select(Task.id).where(Task.draw_id == row.id, col(Task.dispatched_at).is_not(None))
    if (await db.exec(sent)).first():
        raise Refused(Reason.DRAW_DISPATCHED, draw=row.id)
    files = await _files(db, row)
    if papers.read_log(files["log.ndjson"])[0].by == officer.id:
        raise Refused(Reason.DRAW_SECOND_OFFICER, draw=row.id)
    secret = (await head(db)).secret_key

    reason = plans.plain_text(order.reason)
    files = bundle.void(files, reason=reason, now=now, by=officer.id, secret=secret)
    row.status = "void"

    await _keep(db, row, files)
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.void",
        subject=row.id,
        now=now,
        plan=plan.id,
        reason=reason,
    )
    return await _view(db, row)


# -- look ----------------------------------------------------------------------------------------


async def show_draw(db: Session, draw_id: str, officer: Officer) -> DrawView:
    """Show one draw."""
    row, _ = await _find(db, draw_id, officer)
    return await _view(db, row)


async def read_draw_file(db: Session, draw_id: str, name: str, officer: Officer) -> bytes:
    """Give one file of the bundle to the office, those for auditors too."""
    row, _ = await _find(db, draw_id, officer)
    return await _piece(db, row.id, name)


async def list_public_draws(db: Session, agency: str) -> list[PublicDraw]:
    """List an agency's chain of commitments, void ones too; every agency's if none is named."""
    query = select(Draw).order_by(Draw.agency, col(Draw.seq))
    if agency:
        query = query.where(Draw.agency == agency)
    rows = (await db.exec(query)).all()
    named = (await db.exec(select(Piece.draw_id, Piece.name).order_by(Piece.name))).all()
    names: dict[str, list[str]] = {}
    for draw_id, name in named:
        if name not in papers.AUDITOR_ONLY:
            names.setdefault(draw_id, []).append(name)
    return [
        PublicDraw(
            id=row.id,
            agency=row.agency,
            seq=row.seq,
            status=row.status,
            commit_hash=row.commit_hash,
            committed_at=row.committed_at,
            drawn_at=row.drawn_at,
            bundle_sha256=row.bundle_sha256,
            files=names[row.id],
        )
        for row in rows
    ]


async def read_public_draw_file(db: Session, draw_id: str, name: str) -> bytes:
    """Give one file of the bundle to anyone."""
    if name in papers.AUDITOR_ONLY:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id, file=name)
    return await _piece(db, draw_id, name)


# -- what is frozen ------------------------------------------------------------------------------

Candidate: TypeAlias = Row[str, str, str, str, str]


async def _candidates(db: Session, plan: Plan) -> Sequence[Candidate]:
    query = sqlalchemy.select(
        col(Establishment.code),
        col(Establishment.division),
        col(Establishment.category),
        col(Establishment.risk),
        col(Establishment.status),
    ).where(col(Establishment.division).startswith(plan.division))
    return (await (await db.connection()).execute(query)).all()


def _freeze(candidates: Iterable[Candidate], wanted: str) -> Frame:
    try:
        rows = [
            eligibility.frame_line(
                code=code,
                division=division,
                category=category,
                risk=risk,
                status=status,
                wanted=wanted,
            )
            for code, division, category, risk, status in candidates
        ]
    except NotCanonical as problem:
        raise Refused(Reason.TEXT_NOT_CANONICAL, problem=str(problem)) from None
    rows.sort()  # a tab is below every other byte of a line, so this is the order of the ids
    return bundle.freeze(rows)


async def _roster(db: Session, plan: Plan) -> list[RosterLine]:
    """List the agency's active inspectors, each with the seats that other plans left them."""
    query = select(Inspector).where(
        Inspector.active, col(Inspector.division).startswith(plan.agency)
    )
    busy: dict[str, int] = {}
    for column in (Task.lead_id, Task.second_id):
        counts = (
            select(column, func.count())
            .join(Plan, col(Plan.id) == Task.plan_id)
            .join(Draw, col(Draw.id) == Task.draw_id)
            .where(Draw.status == "drawn")
            .where(Plan.closes_on >= plan.opens_on, Plan.opens_on <= plan.closes_on)
            .group_by(column)
        )
        for inspector_id, count in await db.exec(counts):
            busy[inspector_id] = busy.get(inspector_id, 0) + count
    return [
        RosterLine(
            inspector=one.certificate,
            department=one.department,
            region=one.division,
            qualifications=tuple(filter(None, one.qualifications.split(","))),
            cap=max(0, one.cap - busy.get(one.id, 0)),
            valid_from=one.valid_from.isoformat(),
            valid_to=one.valid_to.isoformat(),
            status="active",
        )
        for one in await db.exec(query)
    ]


async def _recusals(
    db: Session, plan: Plan, roster: list[RosterLine]
) -> list[tuple[str, str, str]]:
    query = (
        select(Establishment.code, Inspector.certificate)
        .select_from(Recusal)
        .join(Establishment, col(Establishment.id) == Recusal.establishment_id)
        .join(Inspector, col(Inspector.id) == Recusal.inspector_id)
        .where(col(Establishment.division).startswith(plan.division))
    )
    known = {one.inspector for one in roster}
    pairs = (await db.exec(query)).all()
    return [(code, who, RECUSED) for code, who in pairs if who in known]


def _task_paper(plan: Plan, order: CommitOrder) -> TaskPaper:
    quals = [plan.qualification] if plan.qualification else []
    return TaskPaper(
        spec=draw.SPEC,
        id=plan.id,
        title=plan.title,
        agency=_agency(plan),
        division=plan.division,
        category=plan.category,
        checklists=plans.checklists_of(plan),
        strata="single",
        rounding="ceil",
        rate=(plan.rate_num, plan.rate_den),
        minimum=plan.sites_min,
        reserves=Extra(rate=plans.RESERVE_RATE, minimum=plans.RESERVE_MINIMUM),
        positions=[Place(name, "*", quals) for name in PLACES],
        inspectors_under=plan.agency,
        opens_on=plan.opens_on.isoformat(),
        closes_on=plan.closes_on.isoformat(),
        relaxations=[],
        mode="open",
        sources={f"dice:{one.ceremony}": Dice(one.sides, one.rolls) for one in order.dice},
    )


def _require_staff(plan: Plan, task: TaskPaper, frame: Frame, roster: list[RosterLine]) -> None:
    """Refuse what could not be staffed even without recusals, while the seed is still unknown."""
    eligible = sum(counts["E"] for counts in frame.counts.values())
    plans.require_sites(eligible=eligible, minimum=plan.sites_min)
    anywhere = (f"#{n}" for n in range(1, plans.sites_of(plan, eligible) + 1))
    ordered = sorted(roster, key=lambda one: one.inspector.encode())
    result = pair(
        GENESIS,
        [one.inspector for one in ordered],
        {one.inspector: one.cap for one in ordered},
        eligibility.positions(task, anywhere, ordered, ()),
    )
    if isinstance(result, Bottleneck):
        raise _infeasible(result)


# -- what is kept --------------------------------------------------------------------------------


async def _keep(db: Session, row: Draw, files: Files) -> None:
    """Store what is new or changed of a bundle."""
    row.bundle_sha256 = canonical.digest(files["MANIFEST.sha256"])
    db.add(row)
    await db.flush()
    for name, body in files.items():
        piece = await db.get(Piece, (row.id, name))
        if piece is None:
            db.add(Piece(draw_id=row.id, name=name, body=body))
        elif piece.body != body:
            piece.body = body
            db.add(piece)


async def _tasks(db: Session, plan: Plan, row: Draw, held: Held) -> list[Task]:
    drawn = [lot.id for lot in held.lots if lot.status == "P"]
    seats = {(seat.group, seat.position): seat.inspector for seat in held.seats}
    sites = {code: (id, category) for code, id, category in await _sites(db, drawn)}
    known = await db.exec(select(Inspector.certificate, Inspector.id))
    inspectors = dict(known.all())
    checklists = plans.checklists_of(plan)
    places = [Place(name, "*", []) for name in PLACES]
    tasks: list[Task] = []
    for place, code in enumerate(drawn, start=1):
        site_id, category = sites[code]
        lead, second = (
            inspectors[seats[eligibility.group_of(plan.id, code, one), one.name]] for one in places
        )
        tasks.append(
            Task(
                plan_id=plan.id,
                draw_id=row.id,
                establishment_id=site_id,
                checklist_digest=checklists.get(category) or checklists["*"],
                place=place,
                lead_id=lead,
                second_id=second,
            )
        )
    return tasks


async def _sites(db: Session, codes: list[str]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for start in range(0, len(codes), 1_000):  # a statement has a limit of parameters
        query = select(Establishment.code, Establishment.id, Establishment.category)
        part = col(Establishment.code).in_(codes[start : start + 1_000])
        found += (await db.exec(query.where(part))).all()
    return found


async def _files(db: Session, row: Draw) -> Files:
    pieces = await db.exec(select(Piece).where(Piece.draw_id == row.id))
    return {piece.name: piece.body for piece in pieces}


async def _piece(db: Session, draw_id: str, name: str) -> bytes:
    piece = await db.get(Piece, (draw_id, name))
    if piece is None:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id, file=name)
    return piece.body


async def _find(
    db: Session, draw_id: str, officer: Officer, *, lock: bool = False
) -> tuple[Draw, Plan]:
    row = await db.get(Draw, draw_id)
    if row is None:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id)
    plan = await plans.find_plan(db, row.plan_id, officer, lock=lock)
    if lock:  # the plan first, as dispatching does: what is void is never sent
        await db.refresh(row, with_for_update=True)
    return row, plan


async def _require_no_draw(db: Session, plan: Plan) -> None:
    query = select(Draw.id).where(Draw.plan_id == plan.id, Draw.status != "void")
    existing = (await db.exec(query)).first()
    if existing is not None:
        raise Refused(Reason.DRAW_EXISTS, draw=existing)


async def _last_of(db: Session, agency: str) -> Draw | None:
    query = select(Draw).where(Draw.agency == agency).order_by(col(Draw.seq).desc())
    return (await db.exec(query)).first()


async def _view(db: Session, row: Draw) -> DrawView:
    paper = papers.read(row.commit_json.encode(), Commit)
    task = papers.read(await _piece(db, row.id, "task.json"), TaskPaper)
    names = (await db.exec(select(Piece.name).where(Piece.draw_id == row.id))).all()
    count = select(func.count()).select_from(Task).where(Task.draw_id == row.id)
    return DrawView(
        id=row.id,
        plan_id=row.plan_id,
        agency=row.agency,
        seq=row.seq,
        status=row.status,
        commit_hash=row.commit_hash,
        committed_at=row.committed_at,
        not_before=paper.not_before,
        sources={name: source.announced() for name, source in task.sources.items()},
        nonces=sorted(paper.nonce_commits),
        in_scope=paper.frame_size,
        eligible=sum(counts["E"] for counts in paper.counts.values()),
        drawn_at=row.drawn_at,
        seed=row.seed,
        bundle_sha256=row.bundle_sha256,
        sites=(await db.exec(count)).one(),
        files=sorted(names),
    )


def _agency(plan: Plan) -> str:
    return plan.agency or "CN"


def _infeasible(cut: Bottleneck) -> Refused:
    return Refused(
        Reason.PAIRING_INFEASIBLE,
        positions=_listed([f"{group} {name}" for group, name in cut.positions]),
        inspectors=_listed(cut.inspectors),
        wanted=len(cut.positions),
        seats=cut.seats,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" … (+{len(names) - _SHOWN_MAX})" if len(names) > _SHOWN_MAX else ""
    return ", ".join(names[:_SHOWN_MAX]) + more
