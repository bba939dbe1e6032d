"""抽取: freezing and committing, holding, voiding, and handing out the published files."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, time
from importlib.metadata import version

import msgspec
from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import GENESIS, Session, head
from backend.rules import beacons, bundle, canonical, ladder, papers
from backend.rules.bundle import Files
from backend.rules.calendar import CHINA, local_day
from backend.rules.ladder import Unstaffed
from backend.rules.pairing import Seat as PairedSeat
from backend.rules.papers import Commit, RosterLine, TaskPaper
from backend.tables import Draw, Establishment, Inspector, Piece, Plan, Seat, Task
from backend.wire import CommitOrder, DrawView, HoldOrder, VoidOrder
from backend.work import announcements, frames, plans, processes, rosters, typings
from sync.refusals import Kept, Reason, Refused

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
    sources = announcements.sources_of(order, now)
    not_before = beacons.ready_at(sources, max(now, order.not_before or now))
    if (not_before > now and not_before >= closing) or local_day(now) > plan.closes_on:
        raise Refused(Reason.DRAW_TOO_LATE, closes_on=plan.closes_on.isoformat())
    announcements.require_seal(order, not_before=not_before, closes_on=plan.closes_on)
    hidden = await announcements.sealed_draws(db, at=order.sealed_until or now)
    registers = frames.load(plan, now=now, hidden=hidden)
    roster = await rosters.roster(db, plan)
    recusals = await rosters.recusals(db, plan, roster)

    task = announcements.announce(registers.task, sources, order.sealed_until)
    frame = await frames.freeze(db, registers)
    eligible = {name: counts["E"] for name, counts in frame.counts.items()}
    plan.eligible, plan.sites = sum(eligible.values()), bundle.most_lots(task, eligible)
    plans.require_sites(task, eligible)
    _require_staff(task, plan.sites, roster)
    locked = await head(db)
    last = await _last_of(db, task.agency)
    row = Draw(
        plan_id=plan.id,
        agency=task.agency,
        seq=last.seq + 1 if last else 1,
        commit_hash="",
        commit_json="",
        committed_at=now,
        status="committed",
        sealed_until=order.sealed_until,
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
        not_before=not_before,
        now=now,
        by=officer.id,
        version=version("evenhand"),
        secret=locked.secret_key,
    )
    row.commit_hash = bundle.commit_hash(files)
    row.commit_json = files["commit.json"].decode()

    await keep(db, row, files)
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
    beside = await announcements.beside(db, plan, row)
    return msgspec.structs.replace(await view(db, row), beside=beside)


# -- hold ----------------------------------------------------------------------------------------


async def hold_draw(
    db: Session, draw_id: str, order: HoldOrder, *, officer: Officer, now: datetime
) -> DrawView | Kept:
    """Hold a draw, once, with what the ceremony gave; every lot becomes a task.

    When no complete pairing exists the refusal and the seed stay on record: nobody may roll again
    until it suits, and the way out is to void it publicly.
    """
    row, plan = await find_draw(db, draw_id, officer, lock=True)
    if row.status != "committed":
        raise Refused(HELD_ALREADY[row.status], draw=row.id)
    require_due(row, now)
    files = await files_of(db, row)
    task = await task_of(db, row)
    values = await typings.values_of(db, row, task, order, officer=officer, now=now)
    if isinstance(values, Kept):
        return values
    secret = (await head(db)).secret_key

    held = await asyncio.to_thread(
        bundle.hold, files, values, order.nonces, proofs=order.proofs, now=now, by=officer.id,
        secret=secret, spread=processes.spread,
    )  # fmt: skip
    if isinstance(held, Unstaffed):
        row.status, row.drawn_at = "unstaffed", now
        db.add(row)
        rolled = {f"source {name}": value for name, value in values.items()}
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

    await keep(db, row, held.files)
    drawn = [lot.id for lot in held.lots if lot.status == "P"]
    await give_out(db, plan, row, drawn, held.seats)
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
    return await view(db, row)


async def void_draw(
    db: Session, draw_id: str, order: VoidOrder, *, officer: Officer, now: datetime
) -> DrawView:
    """Declare a draw void (作废), for a published reason, by another officer."""
    row, plan = await find_draw(db, draw_id, officer, lock=True)
    if row.status == "void":
        raise Refused(Reason.DRAW_VOID, draw=row.id)
    sent = select(Task.id).where(Task.draw_id == row.id, col(Task.dispatched_at).is_not(None))
    if (await db.exec(sent)).first():
        raise Refused(Reason.DRAW_DISPATCHED, draw=row.id)
    files = await files_of(db, row)
    if papers.read_log(files["log.ndjson"])[0].by == officer.id:
        raise Refused(Reason.DRAW_SECOND_OFFICER, draw=row.id)
    secret = (await head(db)).secret_key

    reason = plans.plain_text(order.reason)
    files = bundle.void(files, reason=reason, now=now, by=officer.id, secret=secret)
    row.status = "void"

    await keep(db, row, files)
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.void",
        subject=row.id,
        now=now,
        plan=plan.id,
        reason=reason,
    )
    return await view(db, row)


# -- look ----------------------------------------------------------------------------------------


async def show_draw(db: Session, draw_id: str, officer: Officer, *, now: datetime) -> DrawView:
    """Show one draw; the seed of a sealed one, which would tell its list, only to its agency."""
    row, plan = await find_draw(db, draw_id, officer)
    shown = await view(db, row)
    ours = plan.agency.startswith(officer.division)
    return shown if ours or not sealed(row, now) else msgspec.structs.replace(shown, seed=None)


async def read_draw_file(
    db: Session, draw_id: str, name: str, officer: Officer, *, now: datetime
) -> bytes:
    """Give one file of the bundle to the office; what the public cannot see, to its agency only."""
    row, plan = await find_draw(db, draw_id, officer)
    if name in papers.AUDITOR_ONLY or (sealed(row, now) and name not in papers.UNSEALED):
        may_see(officer, plan.agency)
    return await piece(db, row.id, name)


def sealed(row: Draw, now: datetime) -> bool:
    """Whether the content of a draw is closed to the public: it opens by itself when due."""
    return row.sealed_until is not None and row.unsealed_at is None and now < row.sealed_until


def _require_staff(task: TaskPaper, sites: int, roster: list[RosterLine]) -> None:
    """Refuse what could not be staffed even without recusals, while the seed is still unknown."""
    anywhere = [ladder.Site(f"#{n}", task.division) for n in range(1, sites + 1)]
    ordered = sorted(roster, key=lambda one: one.inspector.encode())
    found = ladder.staff(
        task.terms(), anywhere, ordered, (), seed=GENESIS, lifted=frozenset(("district",))
    )
    if isinstance(found, Unstaffed):
        raise _infeasible(found)


# -- what is kept --------------------------------------------------------------------------------


async def keep(db: Session, row: Draw, files: Files) -> None:
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


async def give_out(
    db: Session,
    plan: Plan,
    row: Draw,
    drawn: list[str],
    given_seats: Sequence[PairedSeat],
    first: int = 1,
) -> None:
    """Make a task of every lot, with a seat for each inspector of each department."""
    turn = (await head(db)).act_n + 1  # clocks may differ, but the head is locked
    seats = {(seat.group, seat.position): seat.inspector for seat in given_seats}
    sites = dict(await _sites(db, drawn))
    frozen = await piece(db, row.id, "frame.tsv.gz")  # the register may say otherwise by now
    categories = await asyncio.to_thread(bundle.categories, frozen, drawn)
    inspectors = dict((await db.exec(select(Inspector.certificate, Inspector.id))).all())
    given = frames.scheme_of(plan)
    checklists = {frames.ANY: plans.checklists_of(plan)}
    checklists |= {party.department: party.checklists for party in given.partners}
    lead = given.department or frames.ANY
    checklists[lead] = checklists[frames.ANY]
    places = frames.places(plan, given)
    tasks: list[Task] = []
    taken: list[Seat] = []
    for place, code in enumerate(drawn, start=first):
        site_id, category = sites[code], categories[code]
        of_lead = [
            inspectors[seats[ladder.group_of(plan.id, code, one), one.name]]
            for one in places
            if one.department == lead and not one.expert
        ]
        task = Task(
            plan_id=plan.id,
            draw_id=row.id,
            establishment_id=site_id,
            checklist_digest=checklists[lead].get(category) or checklists[lead]["*"],
            place=place,
            lead_id=of_lead[0],
            second_id=of_lead[1],
            opens_on=plan.opens_on,
            closes_on=plan.closes_on,
            turn=turn,
        )
        tasks.append(task)
        for one in places:
            known = checklists[one.department]
            taken.append(
                Seat(
                    task_id=task.id,
                    department=one.department,
                    position=one.name,
                    inspector_id=inspectors[seats[ladder.group_of(plan.id, code, one), one.name]],
                    checklist_digest=known.get(category) or known["*"],
                )
            )
    db.add_all(tasks)
    await db.flush()
    db.add_all(taken)


async def _sites(db: Session, codes: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for start in range(0, len(codes), 1_000):  # a statement has a limit of parameters
        query = select(Establishment.code, Establishment.id)
        part = col(Establishment.code).in_(codes[start : start + 1_000])
        found += (await db.exec(query.where(part))).all()
    return found


async def files_of(db: Session, row: Draw) -> Files:
    """Load the whole bundle."""
    pieces = await db.exec(select(Piece).where(Piece.draw_id == row.id))
    return {piece.name: piece.body for piece in pieces}


async def piece(db: Session, draw_id: str, name: str) -> bytes:
    """Give one file of a bundle."""
    piece = await db.get(Piece, (draw_id, name))
    if piece is None:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id, file=name)
    return piece.body


async def find_draw(
    db: Session, draw_id: str, officer: Officer, *, lock: bool = False
) -> tuple[Draw, Plan]:
    """Load a draw that the officer may see; `lock` also asks whether the officer may act on it."""
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


def require_due(row: Draw, now: datetime) -> None:
    """Refuse what comes before the announced time."""
    not_before = papers.read(row.commit_json.encode(), Commit).not_before
    if papers.moment(now) < not_before:
        raise Refused(Reason.DRAW_TOO_EARLY, not_before=not_before)


async def task_of(db: Session, row: Draw) -> TaskPaper:
    """Read the task that was committed to."""
    return papers.read(await piece(db, row.id, "task.json"), TaskPaper)


async def view(db: Session, row: Draw) -> DrawView:
    """Show a draw to the office."""
    paper = papers.read(row.commit_json.encode(), Commit)
    task = await task_of(db, row)
    names = (await db.exec(select(Piece.name).where(Piece.draw_id == row.id))).all()
    listed = Task.draw_id == row.id, col(Task.withdrawn_at).is_(None)
    count = select(func.count()).select_from(Task).where(*listed)
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
        verifiable=beacons.verifiable(task.sources),
        public_bits=beacons.public_bits(task.sources),
        total_bits=beacons.total_bits(task.sources, len(paper.nonce_commits)),
        ready_at=papers.read_moment(paper.not_before),
        typed=dict(await typings.states(db, row, task)),
        sealed_until=row.sealed_until,
        unsealed_at=row.unsealed_at,
    )


def _infeasible(found: Unstaffed) -> Refused:
    rung = found.failed[-1]
    en, zh = ladder.words(rung)
    return Refused(
        Reason.PAIRING_INFEASIBLE,
        positions=_listed([f"{group} {name}" for group, name in rung.positions]),
        inspectors=_listed(rung.inspectors),
        wanted=len(rung.positions),
        seats=rung.seats,
        rules=", ".join(rung.causes),
        relaxed=", ".join(rung.relaxed),
        en=en,
        zh=zh,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" … (+{len(names) - _SHOWN_MAX})" if len(names) > _SHOWN_MAX else ""
    return ", ".join(names[:_SHOWN_MAX]) + more
