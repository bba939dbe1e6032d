"""坐标: points in WGS-84, GCJ-02 and BD-09, converted where a mapping asks for it. Pure.

The datum is a fact of the source: a point that says GCJ-02 is taken to be shifted, in Hong Kong
and Taipei too. Far outside (the library's box) nobody shifts, and GCJ-02 is WGS-84.
"""

import math
from collections.abc import Callable

import prcoords

Point = tuple[float, float]

DATUMS = ("WGS-84", "GCJ-02", "BD-09")

_inside: dict[tuple[str, str], Callable[[Point, bool], Point]] = {
    ("WGS-84", "GCJ-02"): prcoords.wgs_gcj,
    ("WGS-84", "BD-09"): prcoords.wgs_bd,
    ("GCJ-02", "WGS-84"): prcoords.gcj_wgs_bored,
    ("GCJ-02", "BD-09"): prcoords.gcj_bd,
    ("BD-09", "WGS-84"): prcoords.bd_wgs_bored,
    ("BD-09", "GCJ-02"): prcoords.bd_gcj_bored,
}


def convert(*, latitude: float, longitude: float, datum: str, to: str) -> Point | None:
    """Convert a point in degrees to (latitude, longitude) of another datum, where it has one."""
    if datum == to:
        return latitude, longitude
    if datum not in DATUMS or to not in DATUMS:
        return None
    if not prcoords.sanity_in_china_p(prcoords.Coords(latitude, longitude)):
        datum, to = (one.replace("WGS-84", "GCJ-02") for one in (datum, to))
        if datum == to:
            return latitude, longitude
    found = _inside[datum, to]((latitude, longitude), False)
    return (found[0], found[1]) if all(map(math.isfinite, found)) else None
