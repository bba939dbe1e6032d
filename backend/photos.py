"""Photographs (照片): what they say about themselves, and renditions that say nothing.

Files come from phones, memory cards and enemies. Nothing here raises for a bad file: it is evidence
all the same, and is kept with a flag. A picture is measured before it is decoded.
"""

import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sync.refusals import Reason, Refused

PIXELS_MAX = 120_000_000
THUMBNAIL_EDGE_MAX = 1024
THUMBNAIL_QUALITY = 80
TEXT_MAX = 80

Image.MAX_IMAGE_PIXELS = PIXELS_MAX

# What cameras write and offices send. Pillow knows dozens more, one of which starts a program.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")

_UNREADABLE_KINDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a picture says about itself. `flag` is a refusal's code when something is wrong with it.

    `taken` is local time without a zone, `zone` the offset if the camera knew one. Coordinates are
    degrees as decimal text in the datum of the camera, nearly always WGS-84.
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


def probe(path: Path) -> Facts:
    """Read what a picture says about itself, and decode it once to see whether it is whole."""
    try:
        with _open(path) as image:
            width, height = image.size
            flag = _flag_of_pixels(image)  # first: a decoder that failed once may pretend later
            facts = _facts(image)
            return msgspec.structs.replace(facts, width=width, height=height, flag=flag)
    except Refused as refused:
        return Facts(flag=refused.reason.code)


def thumbnail(path: Path, edge_max: int = THUMBNAIL_EDGE_MAX) -> bytes:
    """Render an upright JPEG without any metadata, no edge longer than `edge_max` pixels."""
    with _open(path) as image:
        try:
            image.draft("RGB", (edge_max, edge_max))  # a JPEG decoder can shrink as it decodes
            image.load()
            upright = _upright(image)
            upright.thumbnail((edge_max, edge_max))
            # a canvas of our own carries over neither EXIF, XMP, colour profile nor comment
            canvas = Image.new("RGB", upright.size, "white")
            rgba = upright.convert("RGBA")
            canvas.paste(rgba, mask=rgba.getchannel("A"))
        except Exception as error:  # a decoder fed by strangers may raise anything
            raise Refused(Reason.PHOTO_TRUNCATED) from error
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    return out.getvalue()


def _open(path: Path) -> Image.Image:
    """Open a picture without decoding it, and refuse one that no memory should hold."""
    try:
        image = Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(Reason.PHOTO_TOO_MANY_PIXELS, pixels_max=PIXELS_MAX) from error
    except UnidentifiedImageError as error:
        raise Refused(_why_unidentified(path)) from error
    except Exception as error:  # a parser fed by strangers may raise anything
        raise Refused(Reason.PHOTO_UNREADABLE) from error
    if image.width * image.height > PIXELS_MAX:
        image.close()
        raise Refused(Reason.PHOTO_TOO_MANY_PIXELS, pixels_max=PIXELS_MAX)
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF does not say which way is up
        return image.copy()


def _why_unidentified(path: Path) -> Reason:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:12] in _UNREADABLE_KINDS:
        return Reason.PHOTO_FORMAT_UNSUPPORTED
    return Reason.PHOTO_UNREADABLE


def _flag_of_pixels(image: Image.Image) -> str:
    try:
        image.draft("RGB", (1, 1))  # smallest scale: every byte is read, few pixels are made
        image.load()
    except Exception:  # a decoder fed by strangers may raise anything
        return Reason.PHOTO_TRUNCATED.code
    return ""


def _facts(image: Image.Image) -> Facts:
    facts = Facts(format=image.format or "")
    try:
        exif = image.getexif()
        main: Mapping[int, object] = dict(exif)
        detail: Mapping[int, object] = exif.get_ifd(ExifTags.IFD.Exif)
        place: Mapping[int, object] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # damaged EXIF says nothing, the pixels may still be good
        return facts
    orientation = main.get(ExifTags.Base.Orientation)
    return msgspec.structs.replace(
        facts,
        orientation=orientation if orientation in range(1, 9) else 1,
        taken=_moment(detail.get(ExifTags.Base.DateTimeOriginal)),
        zone=_text(detail.get(ExifTags.Base.OffsetTimeOriginal)),
        longitude=_degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, 180),
        latitude=_degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, 90),
        camera=_text(main.get(ExifTags.Base.Model)),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value if c.isprintable()).strip()[:TEXT_MAX]


def _moment(value: object) -> str:
    try:
        return datetime.strptime(_text(value), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007
    except ValueError:
        return ""


def _degrees(place: Mapping[int, object], tag: int, side: int, limit: int) -> str:
    """Turn degrees, minutes, seconds and a side into signed decimal degrees, or nothing."""
    parts = cast("Iterable[float]", place.get(tag))
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
        value = degrees + minutes / 60 + seconds / 3600
    except (TypeError, ValueError, ZeroDivisionError):
        return ""
    if not 0 <= value <= limit:  # also what is not a number
        return ""
    return f"{-value if _text(place.get(side)) in ('S', 'W') else value:.6f}"
