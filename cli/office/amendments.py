"""变更: what follows a held draw: substitute, replace, extend; a second officer approves."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from backend.rules.amendments import EXTENSIONS, REASONS, REPLACEMENTS, SUBSTITUTIONS
from backend.wire import (
    AmendmentView,
    DecideOrder,
    ExtendOrder,
    ReplaceOrder,
    SubstituteOrder,
)
from cli import client
from cli.office.files import digest
from cli.output import AnyCommand, Words, as_json, json_option, say, show, text

KINDS: dict[str, Words] = {
    "substitute": ("substitute", "替补"),
    "replace": ("replace", "换人"),
    "extend": ("extend", "增抽"),
}
STATES: dict[str, Words] = {
    "pending": ("waits", "待批"),
    "approved": ("approved", "已批准"),
    "declined": ("declined", "不予批准"),
}


def _evidence(command: AnyCommand) -> AnyCommand:
    """Give a command what shows the reason: words, and perhaps a file that is hashed."""
    command = click.option(
        "--document", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Its SHA-256 goes into the log. 证据文件。",
    )(command)  # fmt: skip
    return click.option("--evidence", required=True, help="What document shows it. 证据。")(command)


def _reason(reasons: dict[str, Words]) -> Callable[[AnyCommand], AnyCommand]:
    return click.option("--reason", required=True, help=", ".join(reasons) + ". 理由。")


@click.command("substitute")
@click.argument("draw_id")
@click.argument("site")
@_reason(SUBSTITUTIONS)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="True from this day on. 起始日。")
@_evidence
@json_option
def substitute(
    draw_id: str,
    site: str,
    reason: str,
    since: datetime | None,
    evidence: str,
    document: Path | None,
) -> None:
    """Ask that the next reserve takes the place of SITE. 申请替补。"""
    order = SubstituteOrder(
        site=site,
        reason=reason,
        evidence=evidence,
        evidence_sha256=digest(document) if document else None,
        since=since.date() if since else None,
    )
    _asked(client.post(f"/office/draws/{draw_id}/substitutions", AmendmentView, order))


@click.command("replace")
@click.argument("draw_id")
@click.argument("certificate")
@_reason(REPLACEMENTS)
@click.option("--site", "sites", multiple=True, help="By a recusal: only there. 回避所限对象。")
@_evidence
@json_option
def replace(
    draw_id: str,
    certificate: str,
    reason: str,
    sites: tuple[str, ...],
    evidence: str,
    document: Path | None,
) -> None:
    """Ask that the seats of an inspector are drawn anew. 申请换人。"""
    order = ReplaceOrder(
        inspector=certificate,
        reason=reason,
        evidence=evidence,
        evidence_sha256=digest(document) if document else None,
        sites=list(sites),
    )
    _asked(client.post(f"/office/draws/{draw_id}/replacements", AmendmentView, order))


@click.command("extend")
@click.argument("draw_id")
@click.argument("count", type=click.IntRange(1, 10_000))
@_reason(EXTENSIONS)
@click.option("--stratum", default="all", show_default=True, help="层。")
@_evidence
@json_option
def extend(
    draw_id: str, count: int, reason: str, stratum: str, evidence: str, document: Path | None
) -> None:
    """Ask that the next COUNT tickets of a stratum are drawn too. 申请增抽。"""
    order = ExtendOrder(
        count=count,
        reason=reason,
        evidence=evidence,
        evidence_sha256=digest(document) if document else None,
        stratum=stratum,
    )
    _asked(client.post(f"/office/draws/{draw_id}/extensions", AmendmentView, order))


@click.command("approve")
@click.argument("amendment")
@json_option
def approve(amendment: str) -> None:
    """Approve a change that another officer asked for. 批准变更。"""
    done = _decide(amendment, DecideOrder(approve=True))
    say(
        f"Approved: {_words(done)}. It is line {done.n} of the log.",
        f"已批准：{_words(done)}。见日志第 {done.n} 行。",
    )
    show(done, {})


@click.command("decline")
@click.argument("amendment")
@click.option("--remark", required=True, help="Why not. 理由。")
@json_option
def decline(amendment: str, remark: str) -> None:
    """Decline a change; it stays on record. 不予批准。"""
    done = _decide(amendment, DecideOrder(approve=False, remark=remark))
    say("Declined; nothing was changed.", "不予批准，名单未变。")
    show(done, {})


@click.command("pending")
@json_option
def list_pending() -> None:
    """List the changes that wait for a second officer. 待批变更。"""
    _show(client.get("/office/amendments", list[AmendmentView]))


@click.command("log")
@click.argument("draw_id")
@json_option
def show_log(draw_id: str) -> None:
    """List every change of a draw that was asked for. 变更记录。"""
    _show(client.get(f"/office/draws/{draw_id}/amendments", list[AmendmentView]))


def _decide(amendment: str, order: DecideOrder) -> AmendmentView:
    return client.post(f"/office/amendments/{amendment}/decision", AmendmentView, order)


def _asked(asked: AmendmentView) -> None:
    say(
        f"Asked: {_what(asked)}.\nAnother officer must agree, and then it is worked out: "
        f"evenhand office draw approve {asked.id}",
        f"已提出：{_what(asked)}。\n须由另一名人员批准，批准时方计算结果："
        f"evenhand office draw approve {asked.id}",
    )
    show(asked, {})


def _what(one: AmendmentView) -> str:
    """Tell what was asked for: who goes, or how many more."""
    return _gone(one) or f"+{one.count}"


def _words(one: AmendmentView) -> str:
    gone, come = _gone(one), _come(one)
    return f"{gone} → {come}" if gone else come


def _gone(one: AmendmentView) -> str:
    return one.site or one.inspector


def _come(one: AmendmentView) -> str:
    if one.kind == "replace":
        return ", ".join(f"{seat.inspector} ({seat.site})" for seat in one.seated)
    return ", ".join(one.called) or text("no reserve is left", "已无候补")


def _show(found: list[AmendmentView]) -> None:
    """Print a change in three lines: what, why, and by whom."""
    if as_json():
        show(found)
        return
    for one in found:
        en, zh = _label(one)
        what = _words(one) if one.n else _what(one)
        line = "" if one.n is None else f"{one.n}  "
        click.echo(f"{line}{text(*KINDS[one.kind])}  {what}  [{text(*STATES[one.status])}]")
        click.echo(f"   {one.reason} {text(en, zh)}; {one.evidence}")
        remark = f" ({one.remark})" if one.remark else ""
        asked = f"   {one.asked_by} {one.asked_at:%Y-%m-%d %H:%M}"
        if one.decided_at is None:
            click.echo(f"{asked}  evenhand office draw approve {one.id}")
        else:
            click.echo(f"{asked} → {one.decided_by} {one.decided_at:%Y-%m-%d %H:%M}{remark}")


def _label(one: AmendmentView) -> Words:
    return next((given[one.reason] for given in REASONS.values() if one.reason in given), ("", ""))


commands: list[click.Command] = [
    substitute, replace, extend, approve, decline, list_pending, show_log,
]  # fmt: skip
