"""复核: recompute a draw from its files alone, and say in plain words what was proved.

Each step either proves its claim, fails with the first difference, or stays open because something
it rests on failed or is not there. It needs no database, no network and no clock.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from backend.rules import beacons, bundle, canonical, draw, eligibility, events, papers, scheme
from backend.rules import frame as frames
from backend.rules.canonical import NotCanonical
from backend.rules.differences import Differs, Unproved
from backend.rules.draw import Lot, Share
from backend.rules.ladder import Unstaffed
from backend.rules.pairing import Spread
from backend.rules.papers import Commit, FrameLine, LogLine, Randomness, SeedPaper, TaskPaper
from sync.refusals import Reason, Refused

_SIGNATURE = re.compile(rb"[0-9a-f]{128}\n")
_COURSE = re.compile("commit( draw( change)*)?( void)?")
_LISTED = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+)")


class Step(Struct, frozen=True):
    """One claim: proved (true), refuted (false), or open (none)."""

    name: str
    ok: bool | None
    en: str
    zh: str


class Explained(Struct, frozen=True):
    """One object's place in a draw, with the command that anyone can check its ticket with."""

    id: str
    status: str  # E | X
    reason: str
    evidence: str
    stratum: str
    eligible: int
    primary: int = 0  # known once the seed is
    ticket: str = ""  # none before the draw, nor for who is excluded
    rank: int = 0  # among the eligible of its stratum, from 1
    lot: str = ""  # P | R | empty
    inspectors: list[str] = []
    command: str = ""


class _Reading:
    """The papers as the steps have read them so far."""

    task: TaskPaper
    commit: Commit
    randomness: Randomness
    seeds: SeedPaper
    shares: dict[str, Share]
    lots: list[Lot]

    def __init__(
        self, files: Mapping[str, bytes], *, public: bool, published: str | None, spread: Spread
    ) -> None:
        self.files = files
        self.spread = spread
        self.public = public
        self.published = published
        self.log = list[LogLine]()

    def file(self, name: str) -> bytes:
        """Give a file, or stop the step."""
        if name in self.files:
            return self.files[name]
        if self.public and name in papers.AUDITOR_ONLY:
            raise Unproved(
                f"{name} is kept by the auditor; its hash is public.",
                f"{name} 由审计方保管，其散列值已公开。",
            )
        raise Differs(f"{name} is missing.", f"缺少 {name}。")

    def held(self) -> bool:
        """Whether the log says that the draw took place."""
        return any(event.event == "draw" for event in self.log)

    def changed(self) -> bool:
        """Whether anything followed the draw; a log that was not proved is asked no further."""
        return bool(events.changes(self.log)) or papers.GROUNDS in self.files


def verify(
    files: Mapping[str, bytes],
    *,
    public: bool = False,
    commitment: str | None = None,
    spread: Spread = map,
) -> list[Step]:
    """Check every step of the draw; `public`: the files that only an auditor has may be absent.

    `commitment` is its hash as it was published: nothing else tells a bundle that was rewritten
    as a whole.
    """
    reading = _Reading(files, public=public, published=commitment, spread=spread)
    done: dict[str, bool | None] = {}
    steps: list[Step] = []
    for name, needs, check in _STEPS:
        if name in _AFTER and not reading.changed():
            continue
        broken = next((need for need in needs if not done[need]), None)
        if broken is not None:
            step = Step(
                name, None, f"Not checked, since `{broken}` is not proved.",
                f"未检查：`{broken}` 未获证明。",
            )  # fmt: skip
        else:
            step = _run(name, check, reading)
        done[name] = step.ok
        steps.append(step)
    return steps


def explain(files: Mapping[str, bytes], id: str) -> Explained | None:
    """Find one object in a bundle: its ticket, its rank, and what that meant; none if not there.

    Before the draw is held there is no ticket yet, only whether it can be drawn.
    """
    task = papers.read(files["task.json"], TaskPaper)
    commit = papers.read(files["commit.json"], Commit)
    frame = bundle.parse_frame(files["frame.tsv.gz"], task)
    line = next((one for _, one in frame if one.id == id), None)
    if line is None:
        return None
    found = Explained(
        id=id,
        status=line.status,
        reason=line.reason,
        evidence=line.evidence,
        stratum=line.stratum,
        eligible=commit.counts[line.stratum]["E"],
    )
    if line.status == "X" or "seed.json" not in files:
        return found
    seeds = papers.read(files["seed.json"], SeedPaper)
    shares = bundle.shares_of(task, commit, seeds.rounding)
    share = shares[line.stratum]
    rank = _rank(files, task, seeds.objects, shares, line)
    group = f"{task.id}/{id}/"
    seats = (row.decode().split("\t") for row in canonical.lines(files["assignment.tsv"]))
    return msgspec.structs.replace(
        found,
        primary=share.primary,
        ticket=draw.ticket(seeds.objects, id),
        rank=rank,
        lot="P" if rank <= share.primary else "R" if rank <= share.primary + share.reserves else "",
        inspectors=[seat[2] for seat in seats if seat[0].startswith(group)],
        command=f"printf '%s|%s' {seeds.objects} {_quoted(id)} | sha256sum",
    )


def _rank(
    files: Mapping[str, bytes],
    task: TaskPaper,
    seed: str,
    shares: Mapping[str, Share],
    line: FrameLine,
) -> int:
    packed = files["frame.tsv.gz"]
    if task.weighted():
        whole = {
            name: msgspec.structs.replace(one, reserves=one.eligible)
            for name, one in shares.items()
        }
        lots = bundle.lots_of(files, task, seed, whole)
        return next(lot.rank for lot in lots if lot.id == line.id)
    prefix = f"{seed}|".encode()
    mine = (bytes.fromhex(draw.ticket(seed, line.id)), line.id.encode())
    return sum(
        (sha256(prefix + other).digest(), other) <= mine
        for other, theirs in bundle.eligible(packed)
        if theirs == line.stratum
    )


# -- the steps -----------------------------------------------------------------------------------


def _run(name: str, check: "Callable[[_Reading], tuple[str, str]]", reading: _Reading) -> Step:
    try:
        en, zh = check(reading)
    except Unproved as open_:
        return Step(name, None, open_.en, open_.zh)
    except Differs as differs:
        return Step(name, False, differs.en, differs.zh)
    except Refused as refused:
        facts = ", ".join(f"{name}: {fact}" for name, fact in refused.details.items())
        reason = refused.reason
        ok = None if reason is Reason.EXTRA_MISSING else False  # a device cannot check a signature
        return Step(name, ok, f"{reason.en} ({facts})", f"{reason.zh}（{facts}）")
    except (NotCanonical, msgspec.MsgspecError, UnicodeError, KeyError) as error:
        return Step(
            name, False, f"Cannot be read: {error}.", f"无法读取或格式不符（技术信息：{error}）。"
        )
    return Step(name, True, en, zh)


def _manifest(reading: _Reading) -> tuple[str, str]:
    rows = [
        _LISTED.fullmatch(row.decode()) for row in canonical.lines(reading.file("MANIFEST.sha256"))
    ]
    listed: dict[str, str] = {}
    for row in rows:
        if row is None or row[2] in listed:
            raise NotCanonical("MANIFEST.sha256 is not a list of hashes and names")
        listed[row[2]] = row[1]
    if list(listed) != sorted(listed):
        raise NotCanonical("MANIFEST.sha256 is not sorted")
    for name in sorted(reading.files.keys() - papers.SEALS):
        if name not in listed:
            raise Differs(f"{name} is not in the manifest.", f"清单中没有 {name}。")
    for name, hash in listed.items():
        if reading.public and name in papers.AUDITOR_ONLY and name not in reading.files:
            continue
        if canonical.digest(reading.file(name)) != hash:
            raise Differs(f"{name} was altered.", f"{name} 被改动。")
    return f"All {len(listed)} files are as listed.", f"全部 {len(listed)} 个文件与清单一致。"


def _signature(reading: _Reading) -> tuple[str, str]:
    signature = reading.file("MANIFEST.sig")
    if _SIGNATURE.fullmatch(signature) is None:
        raise NotCanonical("MANIFEST.sig is not a signature")
    key = papers.read(reading.file("commit.json"), Commit).key
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(signature[:-1].decode()), reading.file("MANIFEST.sha256")
        )
    except (InvalidSignature, ValueError):
        raise Differs(
            "The manifest is not signed by the key in commit.json.",
            "清单不是由 commit.json 中的密钥签署。",
        ) from None
    return f"Signed by the key {key[:16]}….", f"由密钥 {key[:16]}… 签署。"


def _commitment(reading: _Reading) -> tuple[str, str]:
    hash = canonical.digest(reading.file("commit.json"))
    if reading.published not in (None, hash):
        raise Differs(
            f"This is {hash}, not the commitment that was published.",
            f"本承诺为 {hash}，并非已公布的承诺。",
        )
    commit = papers.read(reading.file("commit.json"), Commit)
    task = papers.read(reading.file("task.json"), TaskPaper)
    if not commit.spec == task.spec == draw.SPEC:
        raise Differs(f"Not a draw by {draw.SPEC}.", f"不是按 {draw.SPEC} 进行的抽取。")
    if canonical.digest(reading.file("task.json")) != commit.task:
        raise Differs("The task is not the committed one.", "任务书与承诺不符。")
    if (commit.seq == 1) != (commit.prev == papers.NO_HASH) or commit.agency != task.agency:
        raise Differs("The chain of commitments is broken.", "承诺链断裂。")
    if commit.sources != sorted(task.sources, key=str.encode):
        raise Differs("The sources are not those of the task.", "随机源与任务书不符。")
    beacons.require_public(task.sources)
    beacons.require_future(task.sources, created_at=papers.read_moment(commit.created_at))
    not_before = papers.read_moment(commit.not_before)
    if beacons.ready_at(task.sources, not_before) != not_before:
        raise Differs(
            "The draw was allowed before its sources have their values.",
            "抽取时间早于随机源产生时间。",
        )
    reading.commit, reading.task = commit, task
    en, zh = ("As published.", "与公布的一致。") if reading.published else (
        "Compare it with what was published then.", "请与当时公布的核对。"
    )  # fmt: skip
    return (
        f"Number {commit.seq} of {commit.agency}, made {commit.created_at}: {hash}. {en}",
        f"{commit.agency} 第 {commit.seq} 号承诺，作于 {commit.created_at}：{hash}。{zh}",
    )


def _log(reading: _Reading) -> tuple[str, str]:
    log = papers.read_log(reading.file("log.ndjson"))
    kinds = ["change" if line.event in events.CHANGES else line.event for line in log]
    if _COURSE.fullmatch(" ".join(kinds)) is None:
        raise Differs("The events are not those of one draw.", "日志事件不构成一次抽取。")
    if log[0].commit != bundle.commit_hash(reading.files):
        raise Differs("The log opens with another commitment.", "日志首行是另一份承诺。")
    if log[0].at != reading.commit.created_at or any(
        later.at < reading.commit.not_before for later in log if later.event == "draw"
    ):
        raise Differs("The times do not follow the commitment.", "时间与承诺不符。")
    reading.log = log
    if reading.held():
        held = log[1]
        for name, hash in ("selection", held.selection), ("assignment", held.assignment):
            if canonical.digest(reading.file(f"{name}.tsv")) != hash:
                raise Differs(f"The log has another {name}.", f"日志所记 {name} 与文件不符。")
    elif (papers.RESULT_FILES | {papers.STANDING}) & reading.files.keys():
        raise Differs("There is a result without a draw.", "日志中无抽取，却有结果。")
    if log[-1].event == "void":
        return (
            f"The draw is VOID since {log[-1].at}: {log[-1].reason}.",
            f"该抽取已于 {log[-1].at} 作废：{log[-1].reason}。",
        )
    return f"{len(log)} events, chained.", f"{len(log)} 个事件，首尾相连。"


def _frame(reading: _Reading) -> tuple[str, str]:
    read = eligibility.line_reader(reading.task)

    def place(row: bytes) -> tuple[str, str]:
        line = read(row)
        return line.stratum, line.status

    found = frames.read_back(bundle.frame_blocks(reading.file("frame.tsv.gz")), place)
    commit = reading.commit
    if found.sha256 != commit.frame_sha256 or found.size != commit.frame_size:
        raise Differs("The frame is not the committed one.", "抽样框与承诺不符。")
    if found.root != commit.frame_root:
        raise Differs("The Merkle root differs.", "默克尔根不符。")
    if found.counts != commit.counts:
        raise Differs("The counts differ.", "分层计数不符。")
    eligible = sum(by["E"] for by in commit.counts.values())
    return (
        f"{found.size} in scope, {eligible} eligible; root {commit.frame_root}.",
        f"范围内 {found.size} 户，可抽 {eligible} 户；根 {commit.frame_root}。",
    )


def _roster(reading: _Reading) -> tuple[str, str]:
    if canonical.digest(reading.file("roster.tsv")) != reading.commit.roster_sha256:
        raise Differs("The roster is not the committed one.", "人员名录与承诺不符。")
    roster = papers.read_roster(reading.file("roster.tsv"))
    if canonical.digest(reading.file("recusal.tsv")) != reading.commit.recusal_sha256:
        raise Differs("The recusals are not the committed ones.", "回避名单与承诺不符。")
    recusals = papers.read_recusals(reading.file("recusal.tsv"))
    return (
        f"{len(roster)} inspectors, {len(recusals)} recusals.",
        f"执法人员 {len(roster)} 名，回避 {len(recusals)} 条。",
    )


def _randomness(reading: _Reading) -> tuple[str, str]:
    if not reading.held():
        raise Unproved("The draw has not been held.", "尚未抽取。")
    found = papers.read(reading.file("randomness.json"), Randomness)
    bundle.admit(reading.task, reading.commit, found)
    reading.randomness = found
    return (
        f"{len(found.sources)} values as announced, {len(found.nonces)} nonces open their "
        "commitments.",
        f"{len(found.sources)} 个公开数值符合公布的形式，{len(found.nonces)} 个随机数与承诺相符。",
    )


def _sources(reading: _Reading) -> tuple[str, str]:
    """Say of each public value what is proved, and what a reader must compare."""
    task, found = reading.task, reading.randomness
    bundle.prove(task, found)
    claims = [
        (f"{name} = {one.value}", *task.sources[name].claim(one.value, one.evidence()))
        for name, one in sorted(found.sources.items())
    ]
    en = "; ".join(f"{given}: {words}" for given, words, _ in claims) + "."
    zh = "；".join(f"{given}：{words}" for given, _, words in claims) + "。"
    if not beacons.verifiable(task.sources):
        raise Unproved(en, zh)
    return en, zh


def _seed(reading: _Reading) -> tuple[str, str]:
    seeds = bundle.seeds_of(reading.files, reading.task, reading.randomness)
    if papers.read(reading.file("seed.json"), SeedPaper) != seeds:
        raise Differs("The seed does not follow from them.", "种子并非由此得出。")
    if reading.log[1].seed != seeds.root:
        raise Differs("The log has another seed.", "日志所记种子不符。")
    reading.seeds = seeds
    return f"Seed of the objects {seeds.objects}.", f"对象种子 {seeds.objects}。"


def _allocation(reading: _Reading) -> tuple[str, str]:
    shares = bundle.shares_of(reading.task, reading.commit, reading.seeds.rounding)
    if papers.write_shares(shares) != reading.file("allocation.json"):
        raise Differs("The quotas do not follow from the task.", "名额并非按任务书得出。")
    _require_bounds(reading.task, shares)
    reading.shares = shares
    primary = sum(share.primary for share in shares.values())
    reserves = sum(share.reserves for share in shares.values())
    return f"{primary} to draw, {reserves} reserves.", f"应抽 {primary} 户，候补 {reserves} 户。"


def _require_bounds(task: TaskPaper, shares: Mapping[str, Share]) -> None:
    eligible = {name: share.eligible for name, share in shares.items()}
    allowed = scheme.most_allowed(task.dimensions(), task.quotas, task.at_most, eligible)
    for name, most in allowed.items():
        if shares[name].primary > most:
            raise Differs(
                f"Stratum {name} gives {shares[name].primary}, at most {most} are allowed.",
                f"层 {name} 抽取 {shares[name].primary} 户，超过上限 {most} 户。",
            )


def _selection(reading: _Reading) -> tuple[str, str]:
    reading.file("frame.tsv.gz")
    lots = bundle.lots_of(reading.files, reading.task, reading.seeds.objects, reading.shares)
    expected = canonical.lines(papers.write_lots(lots))
    _same_lines("selection.tsv", expected, canonical.lines(reading.file("selection.tsv")))
    reading.lots = lots
    return (
        f"All {len(lots)} lots follow from the tickets of the whole frame.",
        f"全部 {len(lots)} 个签号由整个名录计算得出。",
    )


def _assignment(reading: _Reading) -> tuple[str, str]:
    seed, spread = reading.seeds.inspectors, reading.spread
    staffed = bundle.seats_of(reading.files, reading.task, seed, reading.lots, spread)
    if isinstance(staffed, Unstaffed):
        raise Differs("No complete pairing exists.", "不存在完整的人员匹配。")
    standing, seats = staffed.standing, staffed.seats
    if reading.task.tells_standing():
        if papers.write(standing) != reading.file(papers.STANDING):
            steps = ", ".join(standing.relaxed) or "-"
            raise Differs(
                f"{papers.STANDING} is not what follows; what gives way: {steps}.",
                f"{papers.STANDING} 与推算不符，应作的让步：{steps}。",
            )
    elif papers.STANDING in reading.files:
        raise Differs("The task has no ladder.", "任务书未声明让步步骤。")
    expected = canonical.lines(papers.write_seats(seats))
    _same_lines("assignment.tsv", expected, canonical.lines(reading.file("assignment.tsv")))
    en = f"All {len(seats)} seats follow from the inspectors' tickets."
    zh = f"全部 {len(seats)} 个人员席位由签号得出。"
    if standing.relaxed:
        given = ", ".join(standing.relaxed)
        en += f" As declared, this gave way: {given}."
        zh += f"按事先声明作出让步：{given}。"
    return en, zh


def _changes(reading: _Reading) -> tuple[str, str]:
    return events.prove_changes(reading.files, reading.log, public=reading.public)


def _reseating(reading: _Reading) -> tuple[str, str]:
    return events.prove_seats(reading.files, reading.log)


def _same_lines(name: str, expected: list[bytes], found: list[bytes]) -> None:
    for n in range(max(len(expected), len(found))):
        want = expected[n].decode() if n < len(expected) else "(no line)"
        have = found[n].decode() if n < len(found) else "(no line)"
        if want != have:
            raise Differs(
                f"{name} line {n + 1} is `{have}`, must be `{want}`.",
                f"{name} 第 {n + 1} 行为 `{have}`，应为 `{want}`。",
            )


def _quoted(id: str) -> str:
    return id if re.fullmatch(r"[A-Za-z0-9._-]+", id) else "'" + id.replace("'", "'\\''") + "'"


_STEPS: tuple[tuple[str, tuple[str, ...], Callable[[_Reading], tuple[str, str]]], ...] = (
    ("manifest", (), _manifest),
    ("signature", (), _signature),
    ("commitment", (), _commitment),
    ("log", ("commitment",), _log),
    ("frame", ("commitment",), _frame),
    ("roster", ("commitment",), _roster),
    ("randomness", ("commitment", "log"), _randomness),
    ("sources", ("randomness",), _sources),
    ("seed", ("randomness",), _seed),
    ("allocation", ("frame", "seed"), _allocation),
    ("selection", ("allocation",), _selection),
    ("assignment", ("roster", "selection"), _assignment),
    ("changes", ("log", "selection"), _changes),
    ("reseating", ("assignment", "changes"), _reseating),
)
_AFTER = ("changes", "reseating")  # said only of a draw that something followed
