"""复核账本: hold an export of the ledger against itself, and say in plain words what was proved.

It needs the file alone: no database, no network, no clock. Every chain is linked again, every
signature checked, and every inspection folded again from the operations that count.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import TypeAlias

import msgspec

from backend.rules import acts, rulings
from backend.rules.differences import Differs, Unproved
from backend.rules.ledger_lines import (
    GENESIS,
    BatchLine,
    Broken,
    Digest,
    EndLine,
    EntryLine,
    FoldLine,
    Key,
    Ledger,
    Start,
    Witnessed,
    read,
    signed_text,
)
from backend.rules.rulings import HELD, Ruled
from backend.rules.verification import Step
from sync import codec, hub
from sync.merge import Recorded, fold, marks
from sync.messages import Shown, decode_push_head, receipt_text
from sync.ops import AnyOp, decode_op, op_id

Said: TypeAlias = tuple[str, str]  # English, 中文


def verify(
    lines: Iterator[bytes],
    *,
    key: str = "",
    receipts: Sequence[Shown] = (),
    heads: Sequence[Witnessed] = (),
) -> list[Step]:
    """Check every claim of an export; `key`: the server's, as a device learned it."""
    ledger = Ledger()
    first = _step("file", lambda: _read(ledger, lines, key))
    checks: list[tuple[str, Callable[[], Said]]] = [
        ("chains", lambda: _chains(ledger)),
        ("signatures", lambda: _signatures(ledger)),
        ("ledger", lambda: _roots(ledger)),
        ("journal", lambda: _journal(ledger)),
        ("rulings", lambda: _rulings(ledger)),
        ("projection", lambda: _projection(ledger)),
        ("forks", lambda: _forks(ledger)),
        ("witnesses", lambda: _witnesses(ledger, receipts, heads)),
        ("judgement", _judgement),
    ]
    if ledger.end is None:  # what was read is not whole, so nothing else can be said
        open_ = ("The file could not be read to its end.", "文件未能读到末尾。")
        return [first, *(Step(name, None, *open_) for name, _ in checks)]
    return [first, *(_step(name, check) for name, check in checks)]


def _step(name: str, check: Callable[[], Said]) -> Step:
    try:
        return Step(name, True, *check())
    except Unproved as open_:
        return Step(name, None, open_.en, open_.zh)
    except Differs as differs:
        return Step(name, False, differs.en, differs.zh)


def _read(ledger: Ledger, lines: Iterator[bytes], key: str) -> Said:
    sum_ = Digest()
    count = 0
    end: EndLine | None = None
    try:
        for raw, line in read(lines):
            count += 1
            if end is not None or isinstance(line, Start) != (count == 1):
                raise Differs(f"Line {count} is out of place.", f"第 {count} 行位置不当。")
            if isinstance(line, Start):
                ledger.start = line
            elif isinstance(line, EndLine):
                end = line
            else:
                ledger.add(line)
            if end is None:
                sum_.add(raw)
    except Broken as broken:
        raise Differs(f"Line {broken} cannot be read.", f"第 {broken} 行无法读取。") from None
    if end is None or ledger.start is None:
        raise Differs("The file is cut off.", "文件不完整。")
    ledger.end = end
    if key and ledger.start.key != key:
        raise Differs(
            f"This is the ledger of key {ledger.start.key}, not of {key}.",
            f"账本密钥为 {ledger.start.key}，不是 {key}。",
        )
    if sum_.hex() != end.digest:
        raise Differs("The file is not what was written.", "文件内容与导出时不符。")
    text = signed_text(end.digest, end)
    if end.sig != end.sig.lower() or not codec.verifies(ledger.start.key, text, end.sig):
        raise Differs("The file is not signed by its server.", "文件未由其服务器签署。")
    whose = "the key that was given" if key else f"key {ledger.start.key}, as the file says"
    whose_zh = "所给密钥" if key else f"文件所载密钥 {ledger.start.key}"
    return (
        f"{count} lines, whole, signed with {whose}.",
        f"共 {count} 行，完整，由{whose_zh}签署。",
    )


def _chains(ledger: Ledger) -> Said:
    """Link every device's operations again, from its beginning to its end."""
    chains: dict[str, list[EntryLine]] = {name: [] for name in ledger.devices}
    for entry in ledger.entries:
        ledger.device(entry.dev)
        chains[entry.dev].append(entry)
    for name, chain in chains.items():
        hash_ = codec.genesis(name)
        for n, entry in enumerate(sorted(chain, key=lambda one: one.n), start=1):
            if entry.n != n:
                raise Differs(f"{name}:{n} is missing.", f"缺少 {name}:{n}。")
            hash_ = codec.link(hash_, entry.raw)
            if hash_ != entry.hash:
                raise Differs(f"{name}:{n} was altered.", f"{name}:{n} 被改动。")
        end = ledger.device(name)
        if (len(chain), hash_) != (end.n, end.hash):
            raise Differs(
                f"The chain of {name} ends at {len(chain)}, not at {end.n}.",
                f"{name} 的链止于 {len(chain)}，而非 {end.n}。",
            )
    return (
        f"{len(ledger.entries)} operations of {len(chains)} devices, none missing or altered.",
        f"{len(chains)} 台终端的 {len(ledger.entries)} 项操作，无缺失、无改动。",
    )


def _signatures(ledger: Ledger) -> Said:
    """Check that every operation, in a fork or not, came under a signature of its device."""
    found: dict[tuple[str, int], list[tuple[str, bytes]]] = {}
    for one in ledger.operations:
        found.setdefault((one.dev, one.n), []).append((one.hash, one.raw))
    signed: set[Key] = set()
    for batch in ledger.batches:
        raws = _pushed(batch, found)
        body = b"\n".join([batch.line, *(raw for _, raw in raws)])
        text = codec.body_text(batch.dev, sha256(body).hexdigest())
        if not codec.verifies(ledger.device(batch.dev).key, text, batch.sig):
            raise Differs(
                f"{batch.dev} did not sign its operations from {batch.first}.",
                f"{batch.dev} 自第 {batch.first} 项起的操作签名不符。",
            )
        signed |= {(batch.dev, n, hash_) for n, (hash_, _) in enumerate(raws, start=batch.first)}
    for one in ledger.operations:
        if (one.dev, one.n, one.hash) not in signed:
            raise Differs(f"Nobody signed {one.dev}:{one.n}.", f"{one.dev}:{one.n} 没有签名。")
    desks = Counter(one.dev for one in ledger.entries if _is_desk(ledger, one.dev))
    return (
        f"{len(ledger.batches)} signatures of devices cover every operation; "
        f"{desks.total()} operations are of the office's own desks.",
        f"{len(ledger.batches)} 个终端签名覆盖全部操作；其中 {desks.total()} 项出自机关终端。",
    )


def _is_desk(ledger: Ledger, name: str) -> bool:
    return ledger.device(name).who.startswith(hub.OFFICE)


def _pushed(
    batch: BatchLine, found: dict[tuple[str, int], list[tuple[str, bytes]]]
) -> list[tuple[str, bytes]]:
    """Find the operations of a push by their hashes, from the last to the first."""
    try:
        head = decode_push_head(batch.line)
    except hub.UNREADABLE:
        raise Differs(
            f"A push of {batch.dev} cannot be read.", f"{batch.dev} 的一次上传无法读取。"
        ) from None
    raws: list[tuple[str, bytes]] = []
    hash_ = head.head
    for n in range(batch.first + batch.count - 1, batch.first - 1, -1):
        raw = next((raw for other, raw in found.get((batch.dev, n), ()) if other == hash_), None)
        if raw is None:
            raise Differs(
                f"{batch.dev}:{n} was signed and is missing.", f"缺少已签名的 {batch.dev}:{n}。"
            )
        raws.append((hash_, raw))
        before = [other for other, _ in found.get((batch.dev, n - 1), ())]
        ends = [head.prev] if n == batch.first else before
        hash_ = next((one for one in ends if codec.link(one, raw) == raws[-1][0]), "")
    return raws[::-1]


def _roots(ledger: Ledger) -> Said:
    """Chain the ledger again in the order of its positions."""
    assert ledger.end is not None
    root = GENESIS
    for position, one in enumerate(ledger.entries, start=1):
        if one.position != position:
            raise Differs(f"Position {position} is missing.", f"缺少第 {position} 条。")
        root = codec.ledger_link(root, one.hash, one.verdict, one.at)
        if root != one.root:
            raise Differs(
                f"Position {position} ({one.dev}:{one.n}) was altered.",
                f"第 {position} 条（{one.dev}:{one.n}）被改动。",
            )
    if (len(ledger.entries), root) != (ledger.end.ledger_n, ledger.end.ledger_root):
        raise Differs(
            f"The ledger ends at {len(ledger.entries)}, not at {ledger.end.ledger_n}.",
            f"账本止于第 {len(ledger.entries)} 条，而非第 {ledger.end.ledger_n} 条。",
        )
    return (
        f"{len(ledger.entries)} positions, first verdicts and times as they were; the root is "
        f"{root}.",
        f"共 {len(ledger.entries)} 条，初次判定与时间未变；账本根为 {root}。",
    )


def _journal(ledger: Ledger) -> Said:
    assert ledger.end is not None
    prev = GENESIS
    for n, act in enumerate(ledger.acts, start=1):
        told = acts.digest(
            prev, n=n, at=act.at, actor=act.actor, verb=act.verb, subject=act.subject,
            details=act.details,
        )  # fmt: skip
        if (act.n, act.prev, act.hash) != (n, prev, told):
            raise Differs(f"Act {n} was altered.", f"留痕第 {n} 条被改动。")
        prev = act.hash
    if (len(ledger.acts), prev) != (ledger.end.act_n, ledger.end.act_hash):
        raise Differs(
            f"The journal ends at {len(ledger.acts)}, not at {ledger.end.act_n}.",
            f"留痕止于第 {len(ledger.acts)} 条，而非第 {ledger.end.act_n} 条。",
        )
    return f"{len(ledger.acts)} acts, none missing or altered.", f"留痕共 {len(ledger.acts)} 条。"


def _rulings(ledger: Ledger) -> Said:
    """Hold every later judgement to its act, and what counts to what was judged."""
    made: dict[int, list[Ruled]] = {}
    for one in ledger.rulings:
        ruled = Ruled(one.dev, one.n, one.hash, one.verdict, one.why, one.waived)
        made.setdefault(one.act, []).append(ruled)
    for act in ledger.acts:
        if act.verb in rulings.VERBS:
            stated = msgspec.json.decode(act.details, type=dict[str, str | int]).get("rulings")
            if stated != rulings.digest(made.pop(act.n, [])):
                raise Differs(
                    f"The judgements of act {act.n} were altered.",
                    f"留痕第 {act.n} 条的裁定被改动。",
                )
    for n in made:
        raise Differs(f"No act {n} made judgements.", f"留痕中没有作出裁定的第 {n} 条。")
    _counted(ledger)
    late = _after_revocation(ledger)
    return (
        f"{len(ledger.rulings)} later judgements, each by an act; {late} operations came from "
        "revoked devices, and of these only what was released counts.",
        f"后续裁定 {len(ledger.rulings)} 项，均有留痕；停用终端其后送达 {late} 项操作，"
        "仅已解除隔离者有效。",
    )


def _counted(ledger: Ledger) -> None:
    """Whether an operation counts follows from its verdict and what was ruled on it."""
    ruled, places = ledger.ruled(), set[int]()
    known = {(one.dev, one.n, one.hash) for one in ledger.operations}
    for dev, n, _ in sorted(ruled.keys() - known):
        raise Differs(f"{dev}:{n} was judged again and is gone.", f"缺少已裁定的 {dev}:{n}。")
    for one in ledger.entries:
        later = ruled.get((one.dev, one.n, one.hash), [])
        if later and one.verdict not in HELD:
            raise Differs(
                f"{one.dev}:{one.n} was judged again, but never held back.",
                f"{one.dev}:{one.n} 未曾隔离，却有裁定。",
            )
        verdict = later[-1].verdict if later else one.verdict
        if (one.seq is not None) != (verdict == "ok"):
            raise Differs(
                f"{one.dev}:{one.n} is {verdict} and is treated otherwise.",
                f"{one.dev}:{one.n} 的判定为 {verdict}，实际处理与之不符。",
            )
        if one.seq in places:
            raise Differs(f"Two have place {one.seq}.", f"两项操作同占位置 {one.seq}。")
        if one.seq is not None:
            places.add(one.seq)


def _after_revocation(ledger: Ledger) -> int:
    """Count what came after a revocation; none of it may have counted at once."""
    ends: dict[str, int] = {}
    for act in ledger.acts:
        if act.verb == "device.revoke":
            details = msgspec.json.decode(act.details, type=dict[str, str | int])
            ends.setdefault(act.subject, int(details["head_n"]))
    late = [one for one in ledger.entries if one.n > ends.get(one.dev, one.n)]
    for one in late:
        if one.verdict == "ok":
            raise Differs(
                f"{one.dev}:{one.n} counted at once, after the device was revoked.",
                f"{one.dev}:{one.n} 在终端停用之后送达，却直接生效。",
            )
    return len(late)


def _projection(ledger: Ledger) -> Said:
    """Fold every inspection again from the operations that count."""
    recorded: dict[str, list[Recorded]] = {}
    for one in ledger.entries:
        if one.seq is not None:
            op = _understood(one.raw)
            if op is None or op.e != one.e:
                raise Differs(
                    f"{one.dev}:{one.n} counts and cannot be read.",
                    f"{one.dev}:{one.n} 有效却无法读取。",
                )
            name, who = op_id(one.dev, one.n), ledger.device(one.dev).who
            recorded.setdefault(one.e, []).append(Recorded(name, one.hash, who, op))
    for inspection in sorted(recorded.keys() | ledger.folds.keys()):
        ops = recorded.get(inspection, [])
        had = marks(ops, fold(ops))
        found = FoldLine(inspection, had.operations, had.conflicts, had.late, had.signed)
        if found != ledger.folds.get(inspection):
            raise Differs(
                f"Inspection {inspection} is not what its operations amount to.",
                f"检查 {inspection} 与其操作不符。",
            )
    counted = sum(map(len, recorded.values()))
    return (
        f"{len(recorded)} inspections, folded again from {counted} operations, are what the server "
        "keeps of them.",
        f"由 {counted} 项操作重新归并的 {len(recorded)} 项检查，与服务器所存一致。",
    )


def _forks(ledger: Ledger) -> Said:
    """Link every branch to the history that it left, and find again what was issued again."""
    if not ledger.forks:
        return "No device told two histories.", "没有终端出现分叉。"
    hashes: dict[tuple[str, int], set[str]] = {
        (name, 0): {codec.genesis(name)} for name in ledger.devices
    }
    for one in ledger.operations:
        hashes.setdefault((one.dev, one.n), set()).add(one.hash)
    said = {
        (ledger.device(one.dev).who, op.orig): _bare(op)
        for one in ledger.entries
        if (op := _understood(one.raw)) is not None and op.orig
    }
    ruled = ledger.ruled()
    again = 0
    for fork in ledger.forks:
        before = hashes.get((fork.dev, fork.n - 1), set())
        if all(codec.link(one, fork.raw) != fork.hash for one in before):
            raise Differs(
                f"The fork {fork.dev}:{fork.n} follows nothing.",
                f"分叉 {fork.dev}:{fork.n} 无前项。",
            )
        later = ruled.get((fork.dev, fork.n, fork.hash), [])
        if any(one.verdict == "reissued" for one in later):
            op = _understood(fork.raw)
            name = ledger.device(fork.dev).who, op.orig or fork.hash if op else ""
            if op is None or said.get(name) != _bare(op):
                raise Differs(
                    f"{fork.dev}:{fork.n} was not issued again as it was.",
                    f"{fork.dev}:{fork.n} 未按原样重新签发。",
                )
            again += 1
    devices = len({fork.dev for fork in ledger.forks})
    return (
        f"{len(ledger.forks)} operations of {devices} devices are in forks, all kept; {again} were "
        "issued again by the office, unaltered.",
        f"{devices} 台终端的 {len(ledger.forks)} 项操作处于分叉，均已保留；"
        f"机关按原样重新签发 {again} 项。",
    )


def _bare(op: AnyOp) -> dict[str, object]:
    """Give what an operation says, whatever it is called and calls others: its clocks tell."""
    said: dict[str, object] = msgspec.to_builtins(op)
    return {name: one for name, one in said.items() if name not in ("n", "orig", "s", "target")}


def _witnesses(ledger: Ledger, receipts: Sequence[Shown], heads: Sequence[Witnessed]) -> Said:
    """Hold the ledger to what the server told others earlier."""
    assert ledger.start is not None
    if not receipts and not heads:
        raise Unproved(
            "No receipt or noted head was given: that the server did not write the whole anew, or "
            "cut off its end, is not proved.",
            "未提供回执或见证记录：不能证明服务器未整体重写或截去末尾。",
        )
    hashes = {(one.dev, one.n): one.hash for one in ledger.entries}
    for shown in receipts:
        text = receipt_text(shown.device, shown.ack, ledger=shown.ledger, root=shown.root)
        if not codec.verifies(ledger.start.key, text, shown.sig):
            raise Differs(
                f"The receipt of {shown.device} is not of this server.",
                f"{shown.device} 的回执不是本服务器签发。",
            )
        acked = codec.genesis(shown.device) if shown.ack.n == 0 else ""
        known = hashes.get((shown.device, shown.ack.n), acked)
        if known != shown.ack.h or _root(ledger, shown.ledger) != shown.root:
            raise Differs(
                f"A receipt of {shown.device} says otherwise: {shown.ack.n} at position "
                f"{shown.ledger}.",
                f"{shown.device} 的回执与账本不符：第 {shown.ledger} 条时已收第 {shown.ack.n} 项。",
            )
    for noted in heads:
        acts_ = {0: GENESIS, **{one.n: one.hash for one in ledger.acts}}
        same = _root(ledger, noted.ledger_n) == noted.ledger_root
        if not same or acts_.get(noted.act_n) != noted.act_hash:
            raise Differs(
                f"At position {noted.ledger_n} and act {noted.act_n} another head was noted.",
                f"第 {noted.ledger_n} 条账目、第 {noted.act_n} 条留痕处的见证记录与此不符。",
            )
    return (
        f"{len(receipts)} receipts and {len(heads)} noted heads agree with the ledger.",
        f"{len(receipts)} 份回执、{len(heads)} 份见证记录与账本一致。",
    )


def _judgement() -> Said:
    raise Unproved(
        "Whether each first verdict was right is not proved: tasks and checklists are not in the "
        "file.",
        "初次判定是否正确未予证明：文件不含任务与检查表。",
    )


def _root(ledger: Ledger, position: int) -> str:
    if position == 0:
        return GENESIS
    return ledger.entries[position - 1].root if position <= len(ledger.entries) else ""


def _understood(raw: bytes) -> AnyOp | None:
    try:
        return decode_op(raw)
    except hub.UNREADABLE:
        return None
