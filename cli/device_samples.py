"""Samples, goods and lots (抽样、查封扣押、净含量) recorded on site.

An option has the name of the field of the operation that it fills.
"""

from pathlib import Path
from typing import cast, get_args

import click

from cli.device_identity import home_option
from cli.device_recording import recording, say_recorded
from cli.output import as_json, json_option, say, show
from sync.net_content import UNITS, Assessment, assess, written
from sync.ops import (
    DisposeSample,
    SampleOf,
    SeizeGoods,
    SeizureMeasure,
    TakeSample,
    TestSample,
    TestVerdict,
    WeighLot,
)
from sync.refusals import Reason, Refused
from sync.replica import Replica


@click.group("sample")
def samples() -> None:
    """Take samples, tell their tests and what became of them. 抽样与快检。"""


@samples.command()
@click.argument("inspection")
@click.argument("number")
@click.argument("what")
@click.option(
    "--of",
    "kind",
    type=click.Choice(get_args(SampleOf)),
    default="goods",
    show_default=True,
    help="What is sampled. 样品类别（物、人、环境）。",
)
@click.option("--quantity", default="", help="How much, a plain decimal. 抽样数量。")
@click.option("--unit", default="", help="kg, pieces, mL … 单位。")
@click.option("--batch", default="", help="Batch or day of production. 批号或生产日期。")
@click.option("--producer", default="", help="Who made it. 标称生产者。")
@click.option("--place", default="", help="Where it was taken. 抽样地点。")
@click.option("--item", default="", help="The item of the checklist it belongs to. 检查项。")
@home_option
@json_option
def take(inspection: str, number: str, kind: str, folder: Path, **more: str) -> None:
    """Take a sample of WHAT under NUMBER, which is written on its seal. 抽取样品。"""
    with recording(folder, inspection) as (home, one):
        known = home.replica.inspection(one).samples or ()
        twice = any(other.number == number and not other.voided for other in known)
        mine = home.replica.tell(
            one,
            lambda stamp: TakeSample(number=number, of=cast(SampleOf, kind), **more, **stamp),
        )
    if twice:
        say(
            f"WARNING: {number} is the number of another sample too; look at the seals.",
            f"警告：样品编号 {number} 已被使用，请核对封签。",
        )
    say_recorded(mine.n)


@samples.command("test")
@click.argument("inspection")
@click.argument("number")
@click.argument("what")
@click.argument("verdict", type=click.Choice(get_args(TestVerdict)))
@click.option("--method", default="", help="Standard or kit. 检验方法。")
@click.option("--instrument", default="", help="Number of the instrument. 仪器编号。")
@click.option("--result", default="", help="What was read. 结果。")
@click.option("--unit", default="", help="Of the result. 单位。")
@click.option("--limit", default="", help="The limit that applied. 限值。")
@click.option("--retest", is_flag=True, help="It repeats an earlier test. 复检。")
@home_option
@json_option
def tell_test(
    inspection: str,
    number: str,
    what: str,
    verdict: str,
    retest: bool,
    folder: Path,
    **more: str,
) -> None:
    """Tell what testing sample NUMBER for WHAT gave: pass, fail or unclear. 检验结果。"""
    with recording(folder, inspection) as (home, one):
        sample = sample_of(home.replica, one, number)
        mine = home.replica.tell(
            one,
            lambda stamp: TestSample(
                sample=sample,
                test=what,
                verdict=cast(TestVerdict, verdict),
                retest=retest,
                **more,
                **stamp,
            ),
        )
    say_recorded(mine.n)


@samples.command()
@click.argument("inspection")
@click.argument("number")
@click.argument("disposal")
@home_option
@json_option
def dispose(inspection: str, number: str, disposal: str, folder: Path) -> None:
    """Tell what became of sample NUMBER: kept, destroyed, sent to a laboratory. 样品处置。"""
    with recording(folder, inspection) as (home, one):
        sample = sample_of(home.replica, one, number)
        mine = home.replica.tell(
            one, lambda stamp: DisposeSample(sample=sample, disposal=disposal, **stamp)
        )
    say_recorded(mine.n)


@click.command()
@click.argument("inspection")
@click.argument("what")
@click.option("--quantity", required=True, help="How much, a plain decimal. 数量。")
@click.option("--unit", required=True, help="kg, pieces, boxes … 单位。")
@click.option(
    "--measure",
    type=click.Choice(get_args(SeizureMeasure)),
    required=True,
    help="seal 查封, seize 扣押。",
)
@click.option("--owner", default="", help="Whose goods they are. 当事人。")
@click.option("--place", default="", help="Where they are kept. 存放地点。")
@click.option("--number", default="", help="Of the document that orders it. 文书编号。")
@home_option
@json_option
def seize(inspection: str, measure: str, folder: Path, **more: str) -> None:
    """Put WHAT on the list of goods that are sealed or seized. 查封扣押清单。"""
    with recording(folder, inspection) as (home, one):
        mine = home.replica.tell(
            one,
            lambda stamp: SeizeGoods(measure=cast(SeizureMeasure, measure), **more, **stamp),
        )
    say_recorded(mine.n)


@click.command("weigh")
@click.argument("inspection")
@click.argument("what")
@click.argument("contents", nargs=-1, required=True)
@click.option("--nominal", required=True, help="What the label says, a decimal. 标注净含量。")
@click.option("--unit", type=click.Choice(tuple(UNITS)), required=True, help="单位。")
@click.option(
    "--lot", required=True, type=click.IntRange(min=1), help="Packages in the lot. 批量。"
)
@click.option("--item", default="", help="The item of the checklist it belongs to. 检查项。")
@home_option
@json_option
def weigh_lot(
    inspection: str,
    what: str,
    contents: tuple[str, ...],
    nominal: str,
    unit: str,
    lot: int,
    item: str,
    folder: Path,
) -> None:
    """Record the CONTENTS of packages of WHAT and judge the lot by JJF 1070. 净含量检验。"""
    found = assess(nominal, unit, str(lot), contents)
    with recording(folder, inspection) as (home, one):
        mine = home.replica.tell(
            one,
            lambda stamp: WeighLot(
                what=what,
                nominal=nominal,
                unit=unit,
                lot=str(lot),
                contents=contents,
                item=item,
                **stamp,
            ),
        )
    if as_json():
        show({"n": mine.n, "complies": found.complies, "short": found.short}, {})
        return
    say(*told(found, unit))
    say_recorded(mine.n)


def told(found: Assessment, unit: str) -> tuple[str, str]:
    """Say what a lot amounts to, and why."""
    en, zh = {
        True: ("The lot complies", "该批合格"),
        False: ("The lot does not comply", "该批不合格"),
        None: ("Not enough was weighed yet", "抽样件数不足"),
    }[found.complies]
    mean, most = written(found.mean), written(found.tolerance)
    return (
        f"{en}: {found.weighed} of {found.asked} packages weighed, mean {mean} {unit}; short by "
        f"more than {most} {unit}: {found.short} (at most {found.short_max}), by more than twice "
        f"that: {found.far_short} (none may be).",
        f"{zh}：应抽 {found.asked} 件、实检 {found.weighed} 件，平均 {mean} {unit}；短缺超过 "
        f"{most} {unit} 的 {found.short} 件（允许 {found.short_max} 件），超过其两倍的 "
        f"{found.far_short} 件（不允许）。",
    )


def sample_of(replica: Replica, inspection: str, number: str) -> str:
    """Find the operation that took a sample, by the number on its seal or by the operation itself.

    Refuses with SAMPLE_UNKNOWN when no sample, or more than one, has the number.
    """
    known = replica.inspection(inspection).samples or ()
    found = [one.op for one in known if number in (one.number, one.op) and not one.voided]
    if len(found) != 1:
        raise Refused(Reason.SAMPLE_UNKNOWN, sample=number, known=" ".join(found))
    return found[0]


commands = (samples, seize, weigh_lot)
