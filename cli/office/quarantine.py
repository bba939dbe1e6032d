"""隔离: what was held back, shown so that a person can decide, and the decision."""

import click
import msgspec

from backend.wire import HeldView, RuledView, RuleOrder
from cli import client
from cli.on_site import HOW, MEASURES, VERDICTS
from cli.output import Words, as_json, json_option, reason, say, show, text
from sync.hub import UNREADABLE
from sync.ops import (
    AddEvidence,
    AddFinding,
    AnyOp,
    Arrive,
    CarryChecklist,
    DisposeSample,
    OpenInspection,
    SeizeGoods,
    SetAnswers,
    Sign,
    TakeSample,
    TestSample,
    Void,
    WeighLot,
    decode_op,
)

SHORT = 12

HELD = {
    "quarantined": ("held back", "已隔离"),
    "parked": ("not understood", "未能识别"),
    "forked": ("in a fork", "在分叉中"),
    "ok": ("released", "已解除隔离"),
    "kept": ("kept out", "维持隔离"),
    "reissued": ("issued again", "已重新签发"),
}


@click.group("quarantine", invoke_without_command=True)
@click.option("--all", "decided", is_flag=True, help="Also what was decided. 含已处理的。")
@json_option
@click.pass_context
def quarantine(context: click.Context, decided: bool) -> None:
    """List what was held back of what devices sent, and decide on it. 隔离的操作。"""
    if context.invoked_subcommand is not None:
        return
    found = client.get("/office/quarantine", list[HeldView], decided=int(decided))
    if as_json():
        show(found)
        return
    waiting = sum(not one.decided_by for one in found)
    say(f"Operations held back: {waiting}.", f"被隔离的操作：{waiting} 项。")
    if decided:
        done = len(found) - waiting
        say(f"Decided on: {done}.", f"已处理的操作：{done} 项。")
    for one in found:
        _print(one)


def _deciding(command: click.Command) -> click.Command:
    """Give a command what both decisions are told."""
    command.params += [
        click.Argument(["device"]),
        click.Argument(["numbers"], nargs=-1, type=click.IntRange(min=1)),
        click.Option(["--branch"], help="A fork, up to this hash. 分叉至此散列值。"),
        click.Option(["--reason"], required=True, help="Goes into the journal. 理由，记入留痕。"),
    ]
    return command


@_deciding
@quarantine.command("release")
@json_option
def release(device: str, numbers: tuple[int, ...], branch: str | None, reason: str) -> None:
    """Let operations of a device count: these numbers, or all that wait. 解除隔离。"""
    done = _decide("release", device, numbers, branch, reason)
    say(
        f"Released: {len(done.released)}. Still held back: {len(done.held)}. Act {done.act}.",
        f"已解除 {len(done.released)} 项，仍隔离 {len(done.held)} 项。留痕第 {done.act} 条。",
    )
    _tell(done)


@_deciding
@quarantine.command("keep")
@json_option
def keep(device: str, numbers: tuple[int, ...], branch: str | None, reason: str) -> None:
    """Decide that operations of a device stay out; they stay on record. 维持隔离。"""
    done = _decide("keep", device, numbers, branch, reason)
    say(
        f"Kept out: {len(done.held)}. Act {done.act}.",
        f"维持隔离 {len(done.held)} 项。留痕第 {done.act} 条。",
    )
    if as_json():
        show(done)


def _decide(
    what: str, device: str, numbers: tuple[int, ...], branch: str | None, reason: str
) -> RuledView:
    order = RuleOrder(device=device, reason=reason, numbers=numbers, branch=branch)
    return client.post(f"/office/quarantine/{what}", RuledView, order)


def _tell(done: RuledView) -> None:
    if done.reissued_as:
        say(f"Issued again as {done.reissued_as}.", f"已由 {done.reissued_as} 重新签发。")
    for n, why in done.held.items():
        say(*(f"  {n}  {why}: {_why(why)}",) * 2)
    show(done, {})


def _print(one: HeldView) -> None:
    when = one.received_at.strftime("%Y-%m-%d %H:%M:%SZ")
    verdict = text(*HELD[one.verdict])
    say(*(f"{one.device}:{one.n}  {one.inspector} {one.certificate}  {when}",) * 2)
    told = f" ({one.why}): {_why(one.why)}" if one.why else ""
    say(*(f"    {verdict}{told}",) * 2)
    if one.branch:
        say(f"    branch {one.branch}", f"    分支 {one.branch}")
    say(*(f"    {one.inspection or '–'}  {one.kind or '–'}  {readable(one.raw)}",) * 2)
    if one.decided_by:
        say(
            f"    decided by {one.decided_by}: {one.reason}",
            f"    {one.decided_by} 已处理：{one.reason}",
        )


def _why(code: str) -> str:
    known = reason(code)
    return text(known.en, known.zh) if known else ""


def readable(raw: str) -> str:
    """Say in words what an operation says; of one that nobody understands, what it looks like."""
    try:
        op: AnyOp = decode_op(raw.encode())
    except UNREADABLE:
        return msgspec.json.encode(raw[:120]).decode()
    return text(*(one.rstrip() for one in _words(op)))


def _words(op: AnyOp) -> Words:
    match op:
        case SetAnswers():
            said = [f"{ref} {one.v} {one.note}".rstrip() for ref, one in op.f.items()]
            return f"answers {', '.join(said)}", f"检查项结论 {'，'.join(said)}"
        case AddFinding():
            return f"finding: {op.text} ({op.basis})", f"发现：{op.text}（{op.basis}）"
        case AddEvidence():
            file = f"{op.blob[:SHORT]}, {op.size}"
            return f"file {file} bytes {op.caption}", f"文件 {file} 字节 {op.caption}"
        case Sign(refused=why) if why:
            return f"{op.name} would not sign: {why}", f"{op.name} 拒绝签名：{why}"
        case Sign():
            return f"signature as {op.role} {op.name}", f"签名 {op.role} {op.name}"
        case Void():
            return f"withdraws {op.target}: {op.reason}", f"作废 {op.target}：{op.reason}"
        case CarryChecklist():
            return f"goes on under checklist {op.to[:SHORT]}", f"检查表换版 {op.to[:SHORT]}"
        case OpenInspection():
            site, who = f"{op.name} {op.code}".rstrip(), op.second or op.certificate
            return (
                f"opens an inspection of {site} ({op.address}), with {who}: {op.reason}",
                f"现场登记 {site}（{op.address}），协办 {who}：{op.reason}",
            )
        case Arrive():
            en, zh = HOW[op.how]
            return f"arrival, {en}: {op.code}", f"到达现场，{zh}：{op.code}"
        case _:
            return _taken(op)


def _taken(op: TakeSample | TestSample | DisposeSample | SeizeGoods | WeighLot) -> Words:
    """Say what was done with samples and goods."""
    match op:
        case TakeSample():
            return f"sample {op.number}: {op.what}", f"样品 {op.number}：{op.what}"
        case TestSample():
            (en, zh), result = VERDICTS[op.verdict], f"{op.result} {op.unit}"
            of = f"{op.sample}: {op.test} {en} {result}"
            return f"test of sample {of}", f"样品 {op.sample} 检验：{op.test} {zh} {result}"
        case DisposeSample():
            done = op.disposal
            return f"disposal of sample {op.sample}: {done}", f"样品 {op.sample} 处置：{done}"
        case SeizeGoods():
            (en, zh), goods = MEASURES[op.measure], f"{op.what} {op.quantity} {op.unit}"
            return f"{en}: {goods}", f"{zh}：{goods}"
        case WeighLot():
            label = f"{op.what} {op.nominal} {op.unit}"
            many = len(op.contents)
            return f"lot {label}, {many} packages weighed", f"净含量 {label}，实检 {many} 件"


commands: list[click.Command] = [quarantine]
