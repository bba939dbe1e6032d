"""照片: what is said of pictures, and what is hidden in them."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from sync.layers import Pixel, Size
from sync.pictures import Code

# x, y, width, height in pixels of the upright picture, from its top left corner
MaskBox: TypeAlias = tuple[Pixel, Pixel, Size, Size]
MaskBoxes: TypeAlias = Annotated[tuple[MaskBox, ...], Meta(max_length=100)]


class FactsView(Struct, frozen=True):
    """拍摄信息: what a picture says about itself, proof of nothing; never published.

    Width and height are of the upright picture. `taken` is local time, `zone` its offset if known;
    coordinates are WGS-84 as nearly every camera writes them, `altitude` metres, `direction`
    degrees from north.
    """

    format: str
    width: int
    height: int
    taken: str
    zone: str
    longitude: str
    latitude: str
    altitude: str
    direction: str
    camera: str


class RemarkView(Struct, frozen=True):
    """照片存疑: what is to be said of a picture; a `warning` asks a person to look at it."""

    code: Code
    warning: bool
    metres: int = 0
    minutes: int = 0
    inspection: str = ""


class NewMasks(Struct, frozen=True, forbid_unknown_fields=True):
    """遮挡: all that must not be seen of a picture when it is published; none shows everything."""

    masks: MaskBoxes


class MaskedView(Struct, frozen=True):
    """What is hidden of a picture now."""

    inspection: str
    sha256: str
    masks: tuple[MaskBox, ...]
