"""预演: `evenhand draw simulate`, what a plan would do over many seeds, before anyone commits."""

from fractions import Fraction
from pathlib import Path

import click
import msgspec

from backend.rules.canonical import NotCanonical
from backend.rules.ladder import WORDS
from backend.rules.rehearsal import Rehearsal, Report, Stratum
from cli.output import as_json, json_option, say, show, text
from cli.verify import read_bundle
from sync.refusals import Reason, Refused

SEEDS = 1_000
SEEDS_MAX = 100_000
WIDE = 48  # characters of a plot
LISTED = 5
ALARM = 4.0  # standard deviations


@click.command("simulate")
@click.argument("plan", metavar="PLAN")
@click.option(
    "--seeds", default=SEEDS, show_default=True, type=click.IntRange(10, SEEDS_MAX),
    help="How many trials. 次数。",
)  # fmt: skip
@json_option
def simulate_plan(plan: str, seeds: int) -> None:
    """Draw a plan many times on trial, before anyone commits. 预演。

    PLAN is a plan of the office's server, taken as its registers are now, or the folder of a
    bundle. Nothing of it is a draw: the seeds are a fixed list, and no list of sites is shown.
    """
    folder = Path(plan)
    files = read_bundle(folder) if folder.is_dir() else _ask(plan)
    try:
        rehearsal = Rehearsal(files)
    except (NotCanonical, msgspec.MsgspecError, LookupError, ValueError) as error:
        raise Refused(Reason.BUNDLE_UNREADABLE, problem=str(error)) from None
    if not rehearsal.entries:
        raise Refused(Reason.PLAN_DRAWS_NOBODY, eligible=0)
    report = _run(rehearsal, seeds)
    show(report, {})
    if not as_json():
        _tell(report)


def _ask(plan: str) -> dict[str, bytes]:
    from backend.wire import RehearsalView
    from cli import client

    found = client.get(f"/office/plans/{plan}/rehearsal", RehearsalView)
    return {
        "task.json": found.task.encode(),
        "frame.tsv.gz": found.frame,
        "roster.tsv": found.roster.encode(),
        "recusal.tsv": found.recusals.encode(),
    }


def _run(rehearsal: Rehearsal, seeds: int) -> Report:
    from rich.console import Console
    from rich.progress import Progress

    paired = rehearsal.pairings(seeds)
    with Progress(console=Console(stderr=True), transient=True, disable=as_json()) as bar:
        job = bar.add_task(text("trials", "预演"), total=seeds + 20 * paired)
        for number in range(seeds):
            rehearsal.draw(number, pair=number < paired)
            bar.advance(job, 21 if number < paired else 1)
    return rehearsal.report()


# -- for people ------------------------------------------------------------------------------------


def _tell(report: Report) -> None:
    say(f"{report.trials:,} trials. These seeds can never be those of a draw.",
        f"预演 {report.trials:,} 次。所用种子不可能成为抽取种子。")  # fmt: skip
    _strata(report)
    _plot(report.strata)
    say(
        "In one stratum, 19 of 20 sites should be seen as often as the band says; z is the "
        f"chi-square of all its sites in standard deviations, beyond {ALARM:.0f} something is "
        "wrong.",
        "同层中每 20 户应有 19 户落在区间之内；z 为全层卡方偏离的标准差数，"
        f"超过 {ALARM:.0f} 即异常。",
    )
    _pairing(report)


def _strata(report: Report) -> None:
    rows = [
        {
            "stratum": one.stratum,
            "eligible": one.eligible,
            "quota": f"{float(Fraction(one.quota)):.1f}",
            "drawn": _range(one.drawn_least, one.drawn_mean, one.drawn_most),
            "chance": _span(one.chance_least, one.chance, one.chance_most),
            "seen": _percent(one.seen),
            "band": f"{_percent(one.low)}–{_percent(one.high)}",
            "sites": f"{_percent(one.seen_least)}–{_percent(one.seen_most)}",
            "inside": _percent(one.inside),
            "z": f"{one.z:+.1f}{' !' if abs(one.z) > ALARM else ''}",
        }
        for one in report.strata
    ]
    show(
        rows,
        {
            "stratum": ("stratum", "层"),
            "eligible": ("eligible", "可抽"),
            "quota": ("quota", "配额"),
            "drawn": ("drawn", "抽取"),
            "chance": ("chance", "应有概率"),
            "seen": ("seen", "实见"),
            "band": ("95 % of sites", "95% 区间"),
            "sites": ("least–most", "最低–最高"),
            "inside": ("inside", "区间内"),
            "z": ("z", "z"),
        },
    )


def _plot(strata: list[Stratum]) -> None:
    """Draw each stratum as a line: what was seen ·, where 95 % should be ━, the chance ●."""
    top = max(one.seen_most for one in strata) or 1.0
    names = max(len(one.stratum) for one in strata)
    for one in strata:
        line = [" "] * (WIDE + 1)
        for low, high, mark in (
            (one.seen_least, one.seen_most, "·"),
            (one.low, one.high, "━"),
            (one.chance_least, one.chance_most, "●"),
        ):
            first, last = (round(min(share, top) / top * WIDE) for share in (low, high))
            line[first : last + 1] = mark * (last + 1 - first)
        click.echo(f"  {one.stratum:<{names}} │{''.join(line)}│")
    click.echo(f"  {'':<{names}} 0{_percent(top):>{WIDE}}")


def _pairing(report: Report) -> None:
    if not report.paired:
        return
    if report.paired < report.trials:
        say(f"\nInspectors: drawn in the first {report.paired} trials only, since each takes long.",
            f"\n人员匹配：单次耗时较长，仅预演前 {report.paired} 次。")  # fmt: skip
    else:
        say(f"\nInspectors: drawn in all {report.paired} trials.",
            f"\n人员匹配：全部 {report.paired} 次。")  # fmt: skip
    low, high = _percent(report.infeasible_low), _percent(report.infeasible_high)
    say(
        f"No pairing on any rung: {report.infeasible} (95 % interval {low} to {high}).",
        f"任何一级均无法匹配：{report.infeasible} 次（95% 区间 {low} 至 {high}）。",
    )
    for rung in report.rungs:
        steps = ", ".join(rung.relaxed)
        say(f"{'gave way: ' + steps if steps else 'nothing gave way'}: {rung.trials}",
            f"{'让步 ' + steps if steps else '无须让步'}：{rung.trials} 次")  # fmt: skip
    for rule, times in report.causes.items():
        en, zh = next(words for name, words in WORDS.items() if name == rule)
        say(f"  in {times} it would have helped if {en}", f"  其中 {times} 次：若{zh}即可满足")
    if report.example is not None:
        say(f"  e.g. {report.example[0]}", f"  例：{report.example[1]}")
    if report.infeasible < report.paired:
        _loads(report)
        _pairs(report)


def _loads(report: Report) -> None:
    say("\nSites per inspector and trial:", "\n每人每次任务数：")
    histogram = report.histogram
    whole, top = sum(histogram.values()), max(histogram.values())
    for load in range(min(histogram), max(histogram) + 1):
        times = histogram.get(load, 0)
        click.echo(f"  {load:>4} │{bar(times / top)} {_percent(times / whole)}")
    ordered = sorted(report.loads, key=lambda one: (one.mean, one.inspector))
    shown = ordered if len(ordered) <= 2 * LISTED else [*ordered[:LISTED], *ordered[-LISTED:]]
    say("\nFewest and most:", "\n最少与最多：")
    show(
        [
            {
                "inspector": one.inspector,
                "cap": one.cap,
                "load": _range(one.least, one.mean, one.most),
            }
            for one in shown
        ],
        {
            "inspector": ("inspector", "执法人员"),
            "cap": ("cap", "上限"),
            "load": ("sites", "任务数"),
        },
    )


def _pairs(report: Report) -> None:
    say(
        f"\n{report.pairs_seen} of {report.pairs_possible} pairs went together; if all were alike, "
        f"{report.pair_mean:.2f} times a draw. Most often:",
        f"\n{report.pairs_possible} 对组合中出现 {report.pairs_seen} 对；"
        f"若机会均等，每次抽取 {report.pair_mean:.2f} 次。最频繁者：",
    )
    for one in report.pairs[:LISTED]:
        click.echo(f"  {one.mean:.2f}  {one.one}  {one.other}")


def bar(share: float) -> str:
    """Draw a bar of eighths of a character."""
    eighths = round(share * WIDE * 8)
    return "█" * (eighths // 8) + ("▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _span(least: float, mean: float, most: float) -> str:
    if _percent(least) == _percent(most):
        return _percent(mean)
    return f"{_percent(least)}–{_percent(most)}"


def _range(least: int, mean: float, most: int) -> str:
    return str(least) if least == most else f"{least}–{mean:.1f}–{most}"
