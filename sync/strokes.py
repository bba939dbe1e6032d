"""签名笔迹: a signature as it was drawn, strokes of points (x, y, milliseconds). Pure.

A file of its own that travels as evidence; docs/reference/protocol.md says what it may hold.
"""

from itertools import pairwise
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from sync.refusals import Reason, Refused

MIME = "application/vnd.evenhand.strokes+json"
BYTES_MAX = 256 * 1024
EDGE_MAX = 4096
STROKES_MAX = 200
POINTS_MAX = 10_000
LASTS_MS_MAX = 600_000
PEN = 120  # a line is as thick as this part of the longer edge

Edge: TypeAlias = Annotated[int, Meta(ge=1, le=EDGE_MAX)]
Pixel: TypeAlias = Annotated[int, Meta(ge=0, le=EDGE_MAX)]


class Point(NamedTuple):
    """Where the pen was, from the top left corner, and when, from the first point."""

    x: Pixel
    y: Pixel
    t: Annotated[int, Meta(ge=0, le=LASTS_MS_MAX)]


Stroke: TypeAlias = Annotated[tuple[Point, ...], Meta(min_length=1, max_length=POINTS_MAX)]


class Strokes(Struct, frozen=True, forbid_unknown_fields=True):
    """A drawn signature on a field of `w` by `h`."""

    w: Edge
    h: Edge
    strokes: Annotated[tuple[Stroke, ...], Meta(min_length=1, max_length=STROKES_MAX)]


_decode = msgspec.json.Decoder(Strokes).decode


def read(body: bytes) -> Strokes:
    """Read a drawn signature, or refuse it with STROKES_INVALID and the `problem`."""
    if len(body) > BYTES_MAX:
        raise _wrong(f"{len(body)} bytes, at most {BYTES_MAX}")
    try:
        drawn = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(str(error)) from None
    points = [point for stroke in drawn.strokes for point in stroke]
    if len(points) > POINTS_MAX:
        raise _wrong(f"{len(points)} points, at most {POINTS_MAX}")
    if any(point.x > drawn.w or point.y > drawn.h for point in points):
        raise _wrong("a point outside the field")
    if any(then.t < now.t for now, then in pairwise(points)):
        raise _wrong("time that goes back")
    return drawn


def svg(drawn: Strokes) -> str:
    """Draw a signature as an SVG image of one path, in black on nothing."""
    path = "".join(map(_path, drawn.strokes))
    pen = max(drawn.w, drawn.h) / PEN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.w} {drawn.h}">'
        f'<path d="{path}" fill="none" stroke="#000" stroke-width="{pen:.2f}"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _path(stroke: tuple[Point, ...]) -> str:
    first, *others = stroke
    if not others:  # a dot
        return f"M{first.x} {first.y}h0"
    return f"M{first.x} {first.y}L" + " ".join(f"{one.x} {one.y}" for one in others)


def _wrong(problem: str) -> Refused:
    return Refused(Reason.STROKES_INVALID, problem=problem)
