"""现场记录: how what was recorded beside the answers is worded, on a device and at the office."""

from collections.abc import Iterator

from cli.output import Words, text
from sync.particulars import Arrival, Particulars, Sample, Shown, Tested
from sync.taking_part import Act

ACTS: dict[Act, Words] = {
    "arrived": ("arrived", "已到场"),
    "recorded": ("recorded", "已记录"),
    "signed": ("signed", "已签名"),
}
HOW = {
    "scanned": ("scanned their code", "已扫企业码"),
    "shown": ("showed ours", "已出示检查码"),
    "stated": ("stated", "自行确认"),
}
OF = {"goods": ("goods", "物品"), "person": ("person", "人员"), "environment": ("place", "环境")}
VERDICTS = {"pass": ("pass", "合格"), "fail": ("FAIL", "不合格"), "unclear": ("unclear", "待定")}
MEASURES = {"seal": ("Sealed", "查封"), "seize": ("Seized", "扣押")}


def lines(told: Particulars) -> Iterator[tuple[str, Shown]]:
    """Say what was taken, tested, seized and weighed, each line with the record it tells of."""
    for sample in told.samples or ():
        yield from _sample(sample)
    for one in told.seizures or ():
        said = f"{one.what} {one.quantity} {one.unit} {one.number}".rstrip()
        where = "  ".join(filter(None, (said, one.owner, one.place)))
        yield f"{text(*MEASURES[one.measure])} {where}{voided(one)}", one
    for lot in told.lots or ():
        said, weighed = f"{lot.what} {lot.nominal} {lot.unit}", ", ".join(lot.contents)
        many = text(f"Lot {said}, {lot.lot} packages: ", f"净含量 {said}，批量 {lot.lot}：")
        yield f"{many}{weighed}{voided(lot)}", lot


def how(one: Arrival) -> str:
    """Say how a visit was opened; what a newer device says stays as it came."""
    return text(*HOW.get(one.how, (one.how, one.how)))


def point(one: Arrival) -> str:
    """Say where an arrival was, if it says so."""
    return f"{one.longitude}, {one.latitude} ({one.datum})" if one.datum else ""


def acts(those: tuple[Act, ...]) -> str:
    """Say what somebody did, or did not."""
    return ", ".join(text(*ACTS[act]) for act in those)


def voided(one: Shown) -> str:
    """Say that a record was withdrawn, and why."""
    return text(f" (withdrawn: {one.voided})", f"（已作废：{one.voided}）") if one.voided else ""


def _sample(one: Sample) -> Iterator[tuple[str, Shown]]:
    kind = text(*OF.get(one.of, (one.of, one.of)))
    said = f"{one.number} ({kind}): {one.what} {one.quantity} {one.unit}".rstrip()
    yield f"{text('Sample', '样品')} {said}{voided(one)}", one
    for test in one.tests:
        yield f"    {_test(test)}{voided(test)}", test
    for disposal in one.disposals:
        yield f"    {disposal.disposal}{voided(disposal)}", disposal


def _test(one: Tested) -> str:
    retest = text("retest", "复检") if one.retest else ""
    verdict = text(*VERDICTS.get(one.verdict, (one.verdict, one.verdict)))
    limit = text(f"limit {one.limit}", f"限值 {one.limit}") if one.limit else ""
    return " ".join(filter(None, (one.test, verdict, retest, one.result, one.unit, limit)))
