"""What the demo's inspectors find (现场情况): scripts for three sites, two devices each.

Site 1 fails two key items, site 2 ends with one general item disputed, site 3 is in order.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from cli.demo.crew import Member
from cli.demo.inspector import AnyStep, Come, Fill, Find, Photo, Script, SignOff
from cli.demo.photos import take
from sync.checklist import Checklist, Item, Text

FAST_CLOCK_MS = 20 * 60 * 1000
SITES = 3  # visited today; the other tasks wait
ACTS = {"cold-store-daily": "cold-02", "food-sales-daily": "permit-01"}  # of the first key item
THERMOMETER = "T-07"


class Site(Struct):
    """A drawn site with the pair that visits it."""

    id: str  # of the task, so of the inspection
    place: int
    code: str
    name: str
    checklist: Checklist
    longitude: float
    latitude: float
    pair: list[Member]
    failing: tuple[str, ...] = ()
    disputed: str = ""


def prepare(sites: Sequence[Site]) -> None:
    """Decide what will be found: what fails, what is disputed, and whose clock is wrong."""
    first, second, _ = sites
    # of the lead's half: that device prints the record, and so must have the photos
    mine = {item.ref for index, item in enumerate(first.checklist.items) if index % 2 == 0}
    failing = [item.ref for item in _verdicts(first.checklist, key=True) if item.ref in mine]
    first.failing = tuple(failing[:2])
    second.disputed = _verdicts(second.checklist, key=False)[0].ref
    second.pair[1].skew_ms = FAST_CLOCK_MS


def script(site: Site, member: Member, folder: Path) -> Script:
    """Write what one inspector records: half of the items, what goes with them, a signature."""
    half = 0 if member.role == "lead" else 1
    scanned = Come(inspection=site.id, how="scanned", code=site.code)
    shown = Come(inspection=site.id, how="shown", code="")
    steps: list[AnyStep] = [scanned if member.role == "lead" else shown]
    for index, item in enumerate(site.checklist.items):
        if item.ref == site.disputed:
            value = "fail" if member.role == "lead" else "pass"
            steps.append(Fill(inspection=site.id, item=item.ref, value=value))
            if value == "fail":
                steps += _failed(site, item, folder)
        elif index % 2 == half:
            measured = item.kind == "temperature"
            steps.append(
                Fill(
                    inspection=site.id,
                    item=item.ref,
                    value=_value(site, item),
                    unit=item.unit if measured else "",
                    instrument=THERMOMETER if measured else "",
                )
            )
            if item.ref in site.failing:
                steps += _failed(site, item, folder)
    if member.role == "lead":
        steps.append(_photo(site, "", "the front / 门面", folder))
        steps.append(SignOff(inspection=site.id, role="site", name="张某 (manager)"))
    steps.append(SignOff(inspection=site.id, role=member.role))
    return Script(tuple(steps))


def settling(site: Site, member: Member) -> Script:
    """Write how the disputed item is settled and the record signed again."""
    reason = "the pair compared notes / 两名执法人员核对后补签"
    again = SignOff(inspection=site.id, role=member.role, reason=reason)
    if member.role == "second":
        return Script((again,), after=len(member.told))
    note = "seen again together / 共同复核确认"
    fill = Fill(inspection=site.id, item=site.disputed, value="fail", note=note)
    return Script((fill, again), after=len(member.told))


def _failed(site: Site, item: Item, folder: Path) -> list[AnyStep]:
    text = f"Not met: {item.text.en} / 不符合：{item.text.zh}"
    basis = f"{item.basis.zh} ({item.basis.en})"
    act = (
        ACTS[site.checklist.code] if item.ref == _verdicts(site.checklist, key=True)[0].ref else ""
    )
    found = Find(inspection=site.id, item=item.ref, text=text, basis=basis, violation=act)
    return [found, _photo(site, item.ref, f"item / 项 {item.ref}", folder)]


def _photo(site: Site, ref: str, caption: str, folder: Path) -> Photo:
    path = folder / f"photo-{site.place}-{ref or 'front'}.jpg"
    take(
        path,
        caption=f"No. {site.place} {ref}",
        longitude=site.longitude,
        latitude=site.latitude,
        seed=site.place,
        front=not ref,
    )
    return Photo(inspection=site.id, item=ref, path=str(path), caption=caption)


def _value(site: Site, item: Item) -> str:
    if item.kind == "temperature":
        return _reading(item, fails=item.ref in site.failing)
    if item.ref in site.failing:
        return "fail"
    return "na" if item.may_be_na and item.ref == _last(site.checklist).ref else "pass"


def _reading(item: Item, *, fails: bool) -> str:
    """Give a temperature half a degree inside the limits, or nine degrees outside."""
    if item.maximum is not None:
        return str(Decimal(item.maximum) + (Decimal(9) if fails else Decimal("-0.5")))
    return str(Decimal(item.minimum or "0") + (Decimal(-9) if fails else Decimal("0.5")))


def read_out(site: Site) -> Text:
    """Tell one reading: what, how much, its limit and what it was measured with."""
    item = next(item for item in site.checklist.items if item.kind == "temperature")
    limits = f"{item.minimum or ''}–{item.maximum or ''}".strip("–")
    said = f"{_value(site, item)} {item.unit}"
    return Text(
        f"{said} on {THERMOMETER} (limit {limits})", f"{THERMOMETER} 测得 {said}（限值 {limits}）"
    )


def crew(sites: Sequence[Site]) -> list[Member]:
    """Give everyone who is out."""
    return [member for site in sites for member in site.pair]


def _verdicts(checklist: Checklist, *, key: bool) -> list[Item]:
    return [item for item in checklist.items if item.kind == "verdict" and item.key == key]


def _last(checklist: Checklist) -> Item:
    return [item for item in checklist.items if item.kind == "verdict" and not item.key][-1]
