"""Photographs (照片): what they say about themselves, and renditions that say nothing.

Files come from phones, memory cards and enemies. Nothing here raises for a bad file: it is evidence
all the same, and is kept with a flag. A picture is measured before it is decoded. Needs Pillow,
which a server has; a device that has it too sends small pictures before the large ones.
"""

import io
import mmap
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeAlias, cast

import msgspec
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sync.refusals import Reason, Refused

PIXELS_MAX = 120_000_000
THUMBNAIL_EDGE_MAX = 1024
THUMBNAIL_QUALITY = 80
PREVIEW_BYTES = 20_000
PREVIEW_STEPS = ((640, 60), (480, 50), (320, 40), (160, 30))  # edge, quality: until it is small
TEXT_MAX = 80

Source: TypeAlias = Path | bytes

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


def probe(source: Source) -> Facts:
    """Read what a picture says about itself, and see whether it is whole.

    A JPEG is whole when its scans come to their end marker, which costs a fortieth of decoding it.
    """
    try:
        with _open(source) as image:
            width, height = image.size
            flag = _flag_of_pixels(image, source)  # first: a decoder that failed may pretend later
            facts = _facts(image)
            return msgspec.structs.replace(facts, width=width, height=height, flag=flag)
    except Refused as refused:
        return Facts(flag=refused.reason.code)


def preview(source: Source) -> bytes:
    """Render a picture so small, about 20 kB, that a slow link carries it in seconds."""
    body = b""
    for edge, quality in PREVIEW_STEPS:
        body = thumbnail(source, edge, quality)
        if len(body) <= PREVIEW_BYTES:
            break
    return body


def thumbnail(
    source: Source, edge_max: int = THUMBNAIL_EDGE_MAX, quality: int = THUMBNAIL_QUALITY
) -> bytes:
    """Render an upright JPEG without any metadata, no edge longer than `edge_max` pixels."""
    with _open(source) as image:
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
    canvas.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _open(source: Source) -> Image.Image:
    """Open a picture without decoding it, and refuse one that no memory should hold."""
    file = source if isinstance(source, Path) else io.BytesIO(source)
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(Reason.PHOTO_TOO_MANY_PIXELS, pixels_max=PIXELS_MAX) from error
    except UnidentifiedImageError as error:
        raise Refused(_why_unidentified(source)) from error
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


def _why_unidentified(source: Source) -> Reason:
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(12)
    else:
        head = source[:12]
    if head[4:8] == b"ftyp" and head[8:12] in _UNREADABLE_KINDS:
        return Reason.PHOTO_FORMAT_UNSUPPORTED
    return Reason.PHOTO_UNREADABLE


def _flag_of_pixels(image: Image.Image, source: Source) -> str:
    if image.format in ("JPEG", "MPO"):  # several in one file, as some cameras write them
        return "" if _reaches_its_end(source) else Reason.PHOTO_TRUNCATED.code
    try:
        image.load()
    except Exception:  # a decoder fed by strangers may raise anything
        return Reason.PHOTO_TRUNCATED.code
    return ""


def _reaches_its_end(source: Source) -> bool:
    if isinstance(source, bytes):
        return _has_end(source)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return _has_end(mapped)


def _has_end(body: bytes | mmap.mmap) -> bool:
    """Walk a JPEG's segments (ITU-T T.81, B.1) to its first scan, and look for EOI behind it.

    Inside a scan 0xFF is followed by 0x00 or a restart, so nothing else there looks like EOI; a
    small picture inside the metadata has one too, but comes before the scan.
    """
    at = 2
    try:
        while body[at] == 0xFF:
            marker = body[at + 1]
            if marker == 0xFF:  # a fill byte
                at += 1
                continue
            if marker == 0xD9:
                return False
            alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
            at += 2 if alone else 2 + int.from_bytes(body[at + 2 : at + 4])
            if marker == 0xDA:
                return body.find(b"\xff\xd9", at) >= 0
    except IndexError:
        pass
    return False


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
