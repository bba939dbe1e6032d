"""违法行为清单 on a device: look up violations, and quote one in a finding, without a network."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
from msgspec import Struct

from cli.device_identity import home_option, opened
from cli.device_recording import record
from cli.device_tasks import task_of
from cli.output import json_option, say, show, text
from sync import violations
from sync.history import History
from sync.merge import Finding
from sync.moments import CHINA
from sync.replica import Replica
from sync.violations import Catalogue, Picked

VIOLATIONS = {
    "code": ("code", "编码"),
    "text": ("violation", "违法行为"),
    "basis": ("basis", "依据"),
    "severity": ("severity", "程度"),
    "first_exempt": ("first may be exempt", "首违不罚"),
}
SEVERITY = {
    "minor": ("minor", "轻微"),
    "general": ("general", "一般"),
    "serious": ("serious", "严重"),
}


class Quoted(Struct, frozen=True):
    """What a finding says of a violation, and what is to be told about it."""

    text: str
    basis: str
    violation: str = ""
    catalogue: str = ""
    repeats: tuple[str, ...] = ()
    exempt: str = ""  # the conditions, where 首违不罚 may apply


@click.command("violations")
@click.argument("words", nargs=-1)
@home_option
@json_option
def list_violations(words: tuple[str, ...], folder: Path) -> None:
    """List violations of the catalogues here, or those with all these WORDS. 违法行为清单。"""
    with opened(folder) as home:
        held = catalogues_of(home.replica)
    if not held:
        say("No catalogue has come to this device yet.", "本终端尚未收到违法行为清单。")
    show([_line(one) for one in violations.search(held, words)], VIOLATIONS)


@click.command()
@click.argument("inspection")
@click.argument("finding", default="")
@click.option("--basis", default="", help="Law and article. 依据。")
@click.option("--item", default="", help="The item it belongs to. 检查项。")
@click.option("--violation", default="", metavar="CODE", help="Quote it. 引用违法行为清单。")
@click.option("--fixed", is_flag=True, help="Put right on the spot. 当场改正。")
@home_option
@json_option
def find(
    inspection: str,
    finding: str,
    basis: str,
    item: str,
    violation: str,
    fixed: bool,
    folder: Path,
) -> None:
    """Record a finding: in your words with --basis, or by --violation. 记录问题。"""
    if not (violation or (finding and basis)):
        raise click.UsageError(
            text(
                "Give FINDING and --basis, or --violation.", "请填写问题和依据，或用 --violation。"
            )
        )

    def act(replica: Replica, one: str) -> int:
        told = quoted(replica, one, violation, said=finding, basis=basis)
        mine = replica.find(
            one,
            told.text,
            basis=told.basis,
            item=item,
            violation=told.violation,
            catalogue=told.catalogue,
            fixed=fixed,
            repeats=told.repeats,
        )
        say_quoted(told, task_of(replica, one).history)
        return mine.n

    record(folder, inspection, act)


commands: list[click.Command] = [find, list_violations]


def catalogues_of(replica: Replica) -> dict[str, Catalogue]:
    """Give the catalogues that a device holds, by their digests."""
    return {row.id: violations.load(row.body) for row in replica.store.rows("catalogue")}


def quoted(
    replica: Replica, inspection: str, code: str, *, said: str = "", basis: str = ""
) -> Quoted:
    """Take text and basis from a violation, unless they are given, and see what came before."""
    if not code:
        return Quoted(said, basis)
    picked = violations.pick(catalogues_of(replica), code)
    act, known = picked.violation, task_of(replica, inspection).history
    today = _today(replica)
    exempt = violations.may_be_exempt(known, picked, today)
    return Quoted(
        text=said or text(act.text.en, act.text.zh),
        basis=basis or text(picked.basis.en, picked.basis.zh),
        violation=act.code,
        catalogue=picked.digest,
        repeats=violations.repeats(known, picked, today),
        exempt=text(act.conditions.en, act.conditions.zh) if exempt and act.conditions else "",
    )


def say_quoted(told: Quoted, history: History | None) -> None:
    """Tell what is known of a violation: found before, or perhaps a first offence."""
    if not told.violation:
        return
    say(
        f"{told.violation}: {told.text} [{told.basis}]",
        f"{told.violation}：{told.text}［{told.basis}］",
    )
    days = [str(one.day) for one in (history.visits if history else ()) if one.id in told.repeats]
    if told.repeats:
        when = ", ".join(days or told.repeats)
        say(f"Repeated: found before ({when}).", f"再次违法：此前已发现（{when}）。")
    elif history is None:
        say(
            "No history came with this task: whether it is a repeat is not known here.",
            "本任务未附历史情况，无法判断是否再次违法。",
        )
    if told.exempt:
        say(
            f"First offence, may go without a penalty, as the office decides, if: {told.exempt}",
            f"可能适用首违不罚，由机关决定。条件：{told.exempt}",
        )


def finding_marks(one: Finding) -> str:
    """Say in brackets what is to be seen of a finding: withdrawn, put right, found before."""
    marks = [
        (one.voided != "", "withdrawn", "已作废"),
        (one.fixed, "put right on the spot", "当场改正"),
        (len(one.repeats) > 0, "found before", "再次违法"),
    ]
    return "".join(text(f" ({en})", f"（{zh}）") for shown, en, zh in marks if shown)


def _line(one: Picked) -> dict[str, object]:
    act = one.violation
    return {
        "code": act.code,
        "text": text(act.text.en, act.text.zh),
        "basis": text(one.basis.en, one.basis.zh),
        "severity": text(*SEVERITY[act.severity]),
        "first_exempt": text(act.conditions.en, act.conditions.zh) if act.conditions else "",
        "catalogue": one.digest,
    }


def _today(replica: Replica) -> date:
    return datetime.fromtimestamp(replica.clock().w / 1000, UTC).astimezone(CHINA).date()
