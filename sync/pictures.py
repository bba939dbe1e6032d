"""照片存疑: where a picture disagrees with the visit that it is said to be of. Pure.

What a camera wrote is no proof of anything: a warning is a question for a person, and no judgement
is kept. That a picture says nothing about itself is told, and is no warning: many programs that
send pictures strip them.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from sync.coordinates import convert
from sync.moments import CHINA

FAR_METRES = 500  # beyond what satellites, roofs and geocoders get wrong
MARGIN = timedelta(minutes=30)  # before arriving and after signing: the street, the way back
AHEAD = timedelta(days=1)  # by which a clock may be ahead: it is of another zone
OLDEST = datetime(2010, 1, 1, tzinfo=UTC)  # a clock that was never set starts before
EARTH_METRES = 6_371_008.8
SAME_BITS_MAX = 6  # of 64, by which two hashes of one scene may differ (decision 0027)

Code: TypeAlias = Literal[
    "far-from-site",
    "far-from-arrival",
    "outside-visit",
    "clock-wrong",
    "same-file",
    "same-picture",
    "zone-assumed",
    "no-time",
    "no-position",
    "no-exif",
]

WORDS: dict[Code, tuple[str, str]] = {
    "far-from-site": ("taken {far} from the registered site", "距登记地址 {far}"),
    "far-from-arrival": ("taken {far} from where they arrived", "距到达地点 {far}"),
    "outside-visit": ("taken {long} outside the visit", "超出检查时段 {long}"),
    "clock-wrong": ("the camera's clock is plainly wrong", "相机时钟明显错误"),
    "same-file": ("the same file serves inspection {inspection}", "同一文件用于检查 {inspection}"),
    "same-picture": ("looks the same in inspection {inspection}", "与检查 {inspection} 的照片雷同"),
    "zone-assumed": ("says no time zone: Beijing time assumed", "未记时区，按北京时间计"),
    "no-time": ("says no time", "未记拍摄时间"),
    "no-position": ("says no position", "未记拍摄位置"),
    "no-exif": ("says nothing about itself", "无拍摄信息"),
}  # fmt: skip
SAID: frozenset[Code] = frozenset({"zone-assumed", "no-time", "no-position", "no-exif"})


# From so many on, in what unit, how many of the first unit each.
_FAR = ((10_000, "km", "公里", 1000), (0, "m", "米", 1))
_LONG = (
    (730 * 1440, "years", "年", 365 * 1440), (2880, "days", "天", 1440), (120, "h", "小时", 60),
    (0, "min", "分钟", 1),
)  # fmt: skip


class Facts(Struct, frozen=True, omit_defaults=True):
    """What a picture says about itself. `flag` is a refusal's code when something is wrong with it.

    `taken` is local time without a zone, `zone` the offset if the camera knew one. Coordinates are
    degrees as decimal text in the datum of the camera, nearly always WGS-84; `altitude` is metres,
    `direction` degrees from north as the camera pointed.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    taken: str = ""
    zone: str = ""
    longitude: str = ""
    latitude: str = ""
    camera: str = ""
    flag: str = ""
    altitude: str = ""
    direction: str = ""

    @property
    def upright(self) -> tuple[int, int]:
        """Give width and height as it is looked at."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


class Remark(Struct, frozen=True, omit_defaults=True):
    """One thing to be said of a picture; `minutes` count before the visit as after it."""

    code: Code
    metres: int = 0
    minutes: int = 0
    inspection: str = ""

    @property
    def warning(self) -> bool:
        """Tell whether somebody should look at it."""
        return self.code not in SAID


def said(code: Code, *, metres: int, minutes: int, inspection: str) -> tuple[str, str]:
    """Say a remark in English and in Chinese, in units that people grasp."""
    far, long = _rounded(metres, _FAR), _rounded(minutes, _LONG)
    en, zh = WORDS[code]
    return (
        en.format(far=far[0], long=long[0], inspection=inspection),
        zh.format(far=far[1], long=long[1], inspection=inspection),
    )


def _rounded(amount: int, units: tuple[tuple[int, str, str, int], ...]) -> tuple[str, str]:
    en, zh, size = next(unit[1:] for unit in units if amount >= unit[0])
    return f"{amount // size} {en}", f"{amount // size} {zh}"


class Place(Struct, frozen=True):
    """A point in degrees of a datum; `accuracy` in metres, as whoever measured it believes."""

    latitude: float
    longitude: float
    datum: str = "WGS-84"
    accuracy: float = 0.0


class Visit(Struct, frozen=True):
    """What a picture is held against, as far as it is known."""

    begins: datetime | None = None
    ends: datetime | None = None
    site: Place | None = None
    arrival: Place | None = None


def remarks(facts: Facts, visit: Visit, *, attached: datetime | None = None) -> tuple[Remark, ...]:
    """Say where a picture disagrees with the visit; `attached` is when it was recorded."""
    if not (facts.taken or facts.latitude or facts.camera):
        return (Remark("no-exif"),)
    return (*_of_time(facts, visit, attached), *_of_place(facts, visit))


def taken_at(facts: Facts) -> datetime | None:
    """Give when a picture says it was taken; a camera without a zone is taken to be local."""
    for told in (facts.taken + facts.zone, facts.taken):  # a zone may be none
        with suppress(ValueError):
            at = datetime.fromisoformat(told)
            return at if at.tzinfo else at.replace(tzinfo=CHINA)
    return None


def apart(one: Place, other: Place) -> float | None:
    """Measure the metres between two points, whatever their datums; None where one has no sense."""
    here = _wgs(one)
    there = _wgs(other)
    if here is None or there is None:
        return None
    (north, east), (to_north, to_east) = (tuple(map(math.radians, at)) for at in (here, there))
    half = (
        math.sin((to_north - north) / 2) ** 2
        + math.cos(north) * math.cos(to_north) * math.sin((to_east - east) / 2) ** 2
    )
    return 2 * EARTH_METRES * math.asin(min(1.0, math.sqrt(half)))


def place(
    latitude: object, longitude: object, datum: object, accuracy: object = ""
) -> Place | None:
    """Read a point as a register or a device tells it; None for one that is none."""
    try:
        north, east = float(str(latitude)), float(str(longitude))
        within = float(str(accuracy)) if accuracy else 0.0
    except ValueError:
        return None
    if not (abs(north) <= 90 and abs(east) <= 180 and 0 <= within < math.inf):
        return None
    return Place(north, east, str(datum or "WGS-84"), within)


def distance(one: str, other: str) -> int:
    """Count the bits by which two hashes of pictures differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def parts(hash_: str) -> tuple[int, int, int, int]:
    """Cut a hash into four numbers to look for it by."""
    first, second, third, fourth = (int(hash_[at : at + 4], 16) for at in (0, 4, 8, 12))
    return first, second, third, fourth


def _of_time(facts: Facts, visit: Visit, attached: datetime | None) -> Iterator[Remark]:
    at = taken_at(facts)
    if at is None:
        yield Remark("no-time")
        return
    if not facts.zone:
        yield Remark("zone-assumed")
    if at < OLDEST or (attached is not None and at > attached + AHEAD):
        yield Remark("clock-wrong")
        return
    off = timedelta()
    if visit.begins is not None and at < visit.begins - MARGIN:
        off = visit.begins - at
    elif visit.ends is not None and at > visit.ends + MARGIN:
        off = at - visit.ends
    if off:
        yield Remark("outside-visit", minutes=round(off / timedelta(minutes=1)))


def _of_place(facts: Facts, visit: Visit) -> Iterator[Remark]:
    here = place(facts.latitude, facts.longitude, "WGS-84")
    if here is None:
        yield Remark("no-position")
        return
    goals: tuple[tuple[Code, Place | None], ...] = (
        ("far-from-site", visit.site),
        ("far-from-arrival", visit.arrival),
    )
    for code, goal in goals:
        metres = apart(here, goal) if goal is not None else None
        if goal is not None and metres is not None and metres > FAR_METRES + goal.accuracy:
            yield Remark(code, metres=round(metres))


def _wgs(at: Place) -> tuple[float, float] | None:
    return convert(
        latitude=at.latitude, longitude=at.longitude, datum=at.datum or "WGS-84", to="WGS-84"
    )
