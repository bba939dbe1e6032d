"""变更日志: what followed a draw, as its log tells it: written, replayed and proved.

Each line of log.ndjson after the draw is one change that two officers made. Why an inspector had to
leave, and who could not be asked, stands in grounds.ndjson, which only an auditor sees.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

import msgspec
from msgspec import Struct

from backend.rules import amendments, bundle, canonical, ladder, papers
from backend.rules.amendments import Away, Book, Kind, Outcome, State, Wanted
from backend.rules.bundle import Files
from backend.rules.canonical import NotCanonical
from backend.rules.differences import Differs, Unproved
from backend.rules.draw import Lot
from backend.rules.ladder import Standing
from backend.rules.pairing import Seat
from backend.rules.papers import GROUNDS, Commit, Hash, LogLine, SeedPaper, TaskPaper
from sync.refusals import Refused

_KINDS: dict[str, Kind] = {kind: kind for kind in amendments.REASONS}
CHANGES = tuple(_KINDS)
_NO_STANDING = Standing(relaxed=[], level=0, least=0, most=0, failed=[])


class Grounds(Struct, frozen=True, omit_defaults=True):
    """One line of grounds.ndjson: `salt` keeps the hash of a short reason from being guessed."""

    n: int
    salt: Hash
    reason: str = ""
    evidence: str = ""
    evidence_sha256: str = ""
    away: list[Away] = []


class Tally(Struct, frozen=True):
    """What became of a list: published with the draw."""

    drawn: int  # by the draw
    substituted: int
    shortfall: int  # of these, without a reserve
    replaced: int  # seats
    extended: int
    listed: int  # now
    substitution_rate: str  # of all that were ever drawn, in per cent


# -- reading ---------------------------------------------------------------------------------------


def changes(log: Sequence[LogLine]) -> list[LogLine]:
    """Pick out what followed the draw."""
    return [line for line in log if line.event in CHANGES]


def open_book(files: Mapping[str, bytes], asked: Mapping[str, int] | None = None) -> Book:
    """Read what was drawn, with lots enough for the log and for so many more of a stratum."""
    task = papers.read(files["task.json"], TaskPaper)
    commit = papers.read(files["commit.json"], Commit)
    seeds = papers.read(files["seed.json"], SeedPaper)
    shares = bundle.shares_of(task, commit, seeds.rounding)
    more = Counter(asked or {})
    for line in changes(papers.read_log(files["log.ndjson"])):
        more[line.stratum] += line.count
    longer = {
        name: msgspec.structs.replace(
            share, reserves=min(share.reserves + more[name], share.eligible - share.primary)
        )
        for name, share in shares.items()
    }
    if longer == shares:
        lots = [_lot(row) for row in canonical.lines(files["selection.tsv"])]
    else:
        lots = bundle.lots_of(files, task, seeds.objects, longer)
    standing = _standing(files)
    even = task.staffing.even if task.staffing is not None else None
    where = bundle.regions(files["frame.tsv.gz"], [lot.id for lot in lots])
    return Book(
        terms=task.terms(),
        people=papers.read_roster(files["roster.tsv"]),
        recusals=frozenset(papers.read_recusals(files.get("recusal.tsv", b""))),
        lots={(lot.stratum, lot.rank): lot for lot in lots},
        shares=shares,
        regions=where if task.staffing is not None else {},
        seed=seeds.inspectors,
        top=None if even is None else standing.level + even,
        snapshot=task.snapshot or commit.created_at[:10],
    )


def replay(files: Mapping[str, bytes], book: Book | None = None) -> State:
    """Follow the log from the draw to now; the lines are taken at their word."""
    book = book or open_book(files)
    state = opening(files, book)
    grounds = read_grounds(files.get(GROUNDS, b""))
    for line in changes(papers.read_log(files["log.ndjson"])):
        state = amendments.follow(
            book, state, wanted_of(line, grounds.get(line.n)), outcome_of(book, line)
        )
    return state


def opening(files: Mapping[str, bytes], book: Book) -> State:
    """Give the state that the draw led to."""
    rows = (canonical.fields(row, 4) for row in canonical.lines(files["assignment.tsv"]))
    seats = [(group, position, who) for group, position, who, _ in rows]
    return amendments.start(book, seats, _standing(files).relaxed)


def tally(log: Sequence[LogLine], listed: int) -> Tally:
    """Count how a list came to so many sites."""
    given = changes(log)
    away = [line for line in given if line.event == "substitute"]
    extended = sum(line.count for line in given if line.event == "extend")
    shortfall = sum(not line.lots for line in away)
    drawn = listed + shortfall - extended
    tenths = round(Fraction(1_000 * len(away), max(1, drawn + extended)))
    return Tally(
        drawn=drawn,
        substituted=len(away),
        shortfall=shortfall,
        replaced=sum(len(line.seats) for line in given if line.event == "replace"),
        extended=extended,
        listed=listed,
        substitution_rate=f"{tenths // 10}.{tenths % 10}",
    )


def tally_of(files: Mapping[str, bytes]) -> Tally | None:
    """Count by the files of a draw alone; none before it was held, nor of a void one."""
    log = papers.read_log(files["log.ndjson"])
    if "selection.tsv" not in files or log[-1].event == "void":
        return None
    drawn = sum(row.endswith(b"\tP") for row in canonical.lines(files["selection.tsv"]))
    before = tally(log, 0)
    return tally(log, drawn - before.shortfall + before.extended)


def read_grounds(data: bytes) -> dict[int, Grounds]:
    """Read grounds.ndjson by the number of the line in the log."""
    lines = [papers.read(row, Grounds) for row in canonical.lines(data)]
    if any(later.n <= one.n for one, later in pairwise(lines)):
        raise NotCanonical(f"the lines of {GROUNDS} are out of order")
    return {one.n: one for one in lines}


def wanted_of(line: LogLine, grounds: Grounds | None) -> Wanted:
    """Tell what was asked for; without the grounds the reason of a replacement is open."""
    kind = _KINDS[line.event]
    hidden = grounds if kind == "replace" and grounds is not None else line
    return Wanted(
        kind=kind,
        reason=hidden.reason,
        evidence=hidden.evidence,
        evidence_sha256=hidden.evidence_sha256,
        site=line.site,
        since=line.since,
        inspector=line.inspector,
        sites=line.sites,
        stratum=line.stratum,
        count=line.count,
    )


def reasoned(line: LogLine, grounds: Grounds | None) -> LogLine:
    """Put the reason of a replacement back into its line, if the grounds are at hand."""
    return msgspec.structs.replace(line, reason=wanted_of(line, grounds).reason)


def outcome_of(book: Book, line: LogLine) -> Outcome:
    """Tell what came of it."""
    lots = [book.lots.get((stratum, rank)) for stratum, rank, _ in line.lots]
    known = [lot for lot in lots if lot is not None]
    if [(lot.stratum, lot.rank, lot.id) for lot in known] != line.lots:
        raise NotCanonical(f"line {line.n} calls a lot that nobody drew")
    seats = [Seat(group, place, who, tuple(past)) for group, place, who, past in line.seats]
    return Outcome(lots=known, seats=seats, relaxed=line.relaxed)


def _standing(files: Mapping[str, bytes]) -> Standing:
    if papers.STANDING not in files:
        return _NO_STANDING
    return papers.read(files[papers.STANDING], Standing)


def _lot(row: bytes) -> Lot:
    stratum, rank, id, ticket, status = canonical.fields(row, 5)
    return Lot(stratum, papers.natural(rank), id, ticket, "P" if status == "P" else "R")


# -- writing ---------------------------------------------------------------------------------------


def amend(
    files: Files,
    wanted: Wanted,
    outcome: Outcome,
    away: Sequence[Away],
    *,
    by: str,
    approved_by: str,
    now: datetime,
    salt: str,
    secret: str,
) -> Files:
    """Write one change into the log and its grounds, and sign the files anew."""
    hidden = wanted.kind == "replace"
    n = len(canonical.lines(files["log.ndjson"])) + 1
    grounds = Grounds(
        n=n,
        salt=salt,
        reason=wanted.reason if hidden else "",
        evidence=wanted.evidence if hidden else "",
        evidence_sha256=wanted.evidence_sha256 if hidden else "",
        away=list(away),
    )
    row = papers.write(grounds)
    line = LogLine(
        n=n,
        prev=papers.NO_HASH,
        at=papers.moment(now),
        by=by,
        event=wanted.kind,
        reason="" if hidden else wanted.reason,
        approved_by=approved_by,
        grounds=canonical.digest(row),
        evidence="" if hidden else wanted.evidence,
        evidence_sha256="" if hidden else wanted.evidence_sha256,
        since=wanted.since,
        site=wanted.site,
        inspector=wanted.inspector,
        sites=wanted.sites,
        stratum=wanted.stratum,
        count=wanted.count,
        lots=[(lot.stratum, lot.rank, lot.id) for lot in outcome.lots],
        seats=[
            (one.group, one.position, one.inspector, list(one.skipped)) for one in outcome.seats
        ],
        relaxed=outcome.relaxed,
    )
    grown = {
        "log.ndjson": papers.append_log(files["log.ndjson"], line),
        GROUNDS: files.get(GROUNDS, b"") + row + b"\n",
    }
    return bundle.seal(files | grown, secret)


# -- proving ---------------------------------------------------------------------------------------


def prove_changes(
    files: Mapping[str, bytes], log: Sequence[LogLine], *, public: bool
) -> tuple[str, str]:
    """Prove that every change has two officers, a reason and the next lots, in this order."""
    given = changes(log)
    book = open_book(files)
    state = opening(files, book)
    grounds = _grounds(files, given, public=public)
    before = next(line.at for line in log if line.event == "draw")
    for line in given:
        if line.at < before:
            raise _wrong(line, "comes before what it follows", "时间早于前一事件")
        before = line.at
        wanted = wanted_of(line, grounds.get(line.n))
        _prove_officers(line, wanted, book, open_grounds=line.n in grounds)
        outcome = _prove_lots(book, state, line, wanted)
        _prove_seats(book, state, line, wanted, outcome)
        state = amendments.follow(book, state, wanted, outcome)
    counted = tally(log, len(state.drawn))
    return (
        f"{counted.substituted} substituted ({counted.shortfall} without a reserve), "
        f"{counted.replaced} seats given to others, {counted.extended} more drawn: "
        f"{counted.listed} on the list.",
        f"替补 {counted.substituted} 户（其中 {counted.shortfall} 户无候补），"
        f"换人 {counted.replaced} 席，增抽 {counted.extended} 户：名单现有 {counted.listed} 户。",
    )


def prove_seats(files: Mapping[str, bytes], log: Sequence[LogLine]) -> tuple[str, str]:
    """Prove that every seat filled later went to whom the draw of inspectors gives it."""
    if GROUNDS not in files:
        raise Unproved(
            f"{GROUNDS} is kept by the auditor; its hash is public.",
            f"{GROUNDS} 由审计方保管，其散列值已公开。",
        )
    book = open_book(files)
    state = opening(files, book)
    grounds = read_grounds(files[GROUNDS])
    seats = 0
    for line in changes(log):
        wanted = wanted_of(line, grounds[line.n])
        try:
            due = amendments.decide(book, state, wanted, grounds[line.n].away)
        except Refused as refused:
            reason = refused.reason
            raise _wrong(line, f"is refused: {reason.en}", f"不应准许：{reason.zh}") from None
        have = outcome_of(book, line)
        for one, other in zip(due.seats, have.seats, strict=True):
            if one.inspector == other.inspector and one != other:
                raise _wrong(
                    line,
                    f"skips other inspectors before {one.inspector} than the tickets do",
                    f"{one.inspector} 之前跳过的人员与推算不符",
                )
            if one != other:
                raise _wrong(
                    line,
                    f"seats {other.inspector} as {other.position} of {other.group}, "
                    f"must be {one.inspector}",
                    f"{other.group} {other.position} 派 {other.inspector}，应为 {one.inspector}",
                )
        if due.relaxed != have.relaxed:
            raise _wrong(line, "stands on another rung of the ladder", "所作让步与推算不符")
        state = amendments.follow(book, state, wanted, have)
        seats += len(have.seats)
    return (
        f"All {seats} seats filled since follow from the inspectors' tickets.",
        f"此后派出的 {seats} 个席位均由签号得出。",
    )


def _grounds(
    files: Mapping[str, bytes], given: Sequence[LogLine], *, public: bool
) -> dict[int, Grounds]:
    if GROUNDS not in files:
        if public:
            return {}
        raise Differs(f"{GROUNDS} is missing.", f"缺少 {GROUNDS}。")
    rows = canonical.lines(files[GROUNDS])
    found = read_grounds(files[GROUNDS])
    if list(found) != [line.n for line in given]:
        raise Differs(
            f"{GROUNDS} is not about the changes in the log.",
            f"{GROUNDS} 与日志所记变更不一一对应。",
        )
    for line, row in zip(given, rows, strict=True):
        if canonical.digest(row) != line.grounds:
            raise _wrong(line, "has other grounds", f"与 {GROUNDS} 所载依据不符")
        for one in found[line.n].away:
            if one.reason not in amendments.REPLACEMENTS or not one.evidence:
                raise _wrong(
                    line,
                    f"passes over {one.inspector} without a reason",
                    f"跳过 {one.inspector} 而无规定理由",
                )
    return found


def _prove_officers(line: LogLine, wanted: Wanted, book: Book, *, open_grounds: bool) -> None:
    if not line.approved_by or line.approved_by == line.by:
        raise _wrong(line, "was approved by nobody else", "未经另一名人员批准")
    if not papers.HASH.fullmatch(line.grounds):
        raise _wrong(line, "has no grounds", "无依据散列值")
    if wanted.kind == "replace" and (line.reason or line.evidence or line.evidence_sha256):
        raise _wrong(line, "tells what is personal", "公开了个人情况")
    if wanted.kind == "replace" and not open_grounds:
        return
    if not wanted.evidence:
        raise _wrong(line, "names no evidence", "未注明证据")
    try:
        amendments.require_reason(wanted, book.snapshot)
    except Refused as refused:
        reason = refused.reason
        raise _wrong(line, f"is refused: {reason.en}", f"不应准许：{reason.zh}") from None


def _prove_lots(book: Book, state: State, line: LogLine, wanted: Wanted) -> Outcome:
    try:
        left = amendments.relieve(book, state, wanted)
        due = amendments.next_lots(book, left, wanted, state)
    except Refused as refused:
        reason = refused.reason
        raise _wrong(line, f"is refused: {reason.en}", f"不应准许：{reason.zh}") from None
    called = [(lot.stratum, lot.rank, lot.id) for lot in due]
    if called != line.lots:
        have, want = _listed(line.lots), _listed(called)
        raise _wrong(line, f"calls {have}, next is {want}", f"递补 {have}，按次序应为 {want}")
    return outcome_of(book, line)


def _prove_seats(book: Book, state: State, line: LogLine, wanted: Wanted, outcome: Outcome) -> None:
    """Prove what needs no recusals: the right seats, people of the roster, none twice, no more."""
    due = amendments.open_seats(book, state, wanted, outcome.lots)
    if sorted(key for keys in due.values() for key in keys) != sorted(
        (one.group, one.position) for one in outcome.seats
    ):
        raise _wrong(line, "fills other seats than those it leaves open", "所派席位与空缺不符")
    steps = len(outcome.relaxed)
    if outcome.relaxed != book.terms.relaxations[:steps] or steps < len(state.relaxed):
        raise _wrong(line, "leaves the declared ladder", "未按事先声明的步骤让步")
    after = amendments.follow(book, state, wanted, outcome)
    _, more = ladder.given_by(outcome.relaxed)
    caps = {one.inspector: one.cap + more for one in book.people}
    held = Counter(after.seats.values())
    here = Counter((group, who) for (group, _), who in after.seats.items())
    for one in outcome.seats:
        who = one.inspector
        if who not in caps or held[who] > caps[who] or here[one.group, who] > 1:
            raise _wrong(line, f"seats {who}, who has no free seat", f"派出无空额人员 {who}")
        if who == line.inspector:
            raise _wrong(line, f"seats {who} again", f"又派出 {who}")


def _listed(lots: Sequence[tuple[str, int, str]]) -> str:
    return ", ".join(f"{rank}:{id}" for _, rank, id in lots) or "-"


def _wrong(line: LogLine, en: str, zh: str) -> Differs:
    return Differs(f"Line {line.n} of the log ({line.event}) {en}.", f"日志第 {line.n} 行{zh}。")
