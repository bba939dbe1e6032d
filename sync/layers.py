"""Annotations and masks (标注与遮挡): what is drawn over a picture, never into its file.

An annotation is a file of its own, evidence that names the picture it belongs to. A mask hides a
face or a number plate in what is published. Both count pixels of the picture as it is looked at,
upright, from its top left corner.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from sync.merge import Evidence
from sync.refusals import Reason, Refused

MIME = "application/vnd.evenhand.layer+json"
BYTES_MAX = 64 * 1024
EDGE_MAX = 65_535

Pixel: TypeAlias = Annotated[int, Meta(ge=0, le=EDGE_MAX)]
Size: TypeAlias = Annotated[int, Meta(ge=1, le=EDGE_MAX)]


class Mask(NamedTuple):
    """A rectangle of which nothing may be seen."""

    x: Pixel
    y: Pixel
    w: Size
    h: Size

    def meets(self, width: int, height: int) -> bool:
        """Tell whether it hides anything of a picture."""
        return self.x < width and self.y < height


class Box(Struct, frozen=True, tag="box", tag_field="kind", forbid_unknown_fields=True):
    """A frame around something."""

    x: Pixel
    y: Pixel
    w: Size
    h: Size


class Arrow(Struct, frozen=True, tag="arrow", tag_field="kind", forbid_unknown_fields=True):
    """An arrow that ends where something is."""

    from_x: Pixel
    from_y: Pixel
    to_x: Pixel
    to_y: Pixel


class Words(Struct, frozen=True, tag="text", tag_field="kind", forbid_unknown_fields=True):
    """A remark, from its top left corner."""

    x: Pixel
    y: Pixel
    text: Annotated[str, Meta(min_length=1, max_length=200)]


Shape: TypeAlias = Box | Arrow | Words


class Layer(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody drew over a picture that they saw `w` pixels wide and `h` high."""

    w: Size
    h: Size
    shapes: Annotated[tuple[Shape, ...], Meta(min_length=1, max_length=200)]


_decode = msgspec.json.Decoder(Layer).decode


def read(body: bytes) -> Layer:
    """Read an annotation, or refuse it with LAYER_WRONG."""
    if len(body) > BYTES_MAX:
        raise Refused(Reason.LAYER_WRONG, problem=f"{len(body)} bytes, at most {BYTES_MAX}")
    try:
        layer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(Reason.LAYER_WRONG, problem=str(error)) from None
    for one in layer.shapes:
        if isinstance(one, Words) and not one.text.isprintable():
            raise Refused(Reason.LAYER_WRONG, problem="text that cannot be shown")
    return layer


def over(evidence: Iterable[Evidence], picture: str) -> list[str]:
    """Name the annotations of a picture that stand, in an order that all agree on."""
    drawn = {
        one.blob
        for one in evidence
        if one.of == picture and one.role == "annotation" and not one.voided
    }
    return sorted(drawn)


def readable(bodies: Iterable[bytes]) -> list[Layer]:
    """Read annotations; one that nobody can read is left out, and has a flag where it is kept."""
    found: list[Layer] = []
    for body in bodies:
        with suppress(Refused):
            found.append(read(body))
    return found
