"""Photographs (照片): what they say about themselves, and renditions that say nothing.

Files come from phones, memory cards and enemies. Nothing here raises for a bad file: it is evidence
all the same, and is kept with a flag. A picture is measured before it is decoded. Needs Pillow,
and pillow-heif for what newer phones write; where that is not installed such a file has a flag.
"""

import io
import mmap
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias, cast

import msgspec
from PIL import ExifTags, Image, UnidentifiedImageError

from sync.drawing import draw
from sync.layers import Layer, Mask
from sync.pictures import Facts
from sync.refusals import Reason, Refused

PIXELS_MAX = 120_000_000
OFFICE_EDGE_MAX = 2048
THUMBNAIL_EDGE_MAX = 1024
THUMBNAIL_QUALITY = 80
SHEET_EDGE, SHEET_QUALITY = 480, 72  # of many on one sheet
PREVIEW_BYTES = 20_000
PREVIEW_STEPS = ((640, 60), (480, 50), (320, 40), (160, 30))  # edge, quality: until it is small
HASH_EDGE = 8
HASH_STEP = 3  # of 256 shades, below which two neighbours are alike
HASH_DRAFT = 72  # enough of a JPEG for so few fields
HASH_EDGE_MAX = 1024  # of what is turned to grey; more is made smaller first
HASH_BITS_MIN = 10  # of each kind: a shade that runs one way is no scene
HASH_STEPS_MIN = 16  # of 64 neighbours must differ; a wall looks like any other wall
TEXT_MAX = 80
METRES_MAX = 100_000  # an altitude beyond it is no altitude

Source: TypeAlias = Path | bytes
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom

_Turn = Image.Transpose
_TURNS = {
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}  # what stands a picture up, by EXIF's orientation

Image.MAX_IMAGE_PIXELS = PIXELS_MAX

# What cameras write and offices send. Pillow knows dozens more, one of which starts a program.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
HEIF = find_spec("pillow_heif") is not None  # the extra `heif`

_HEIF_KINDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

if HEIF:
    import pillow_heif

    # A small picture inside the file may show another scene than the file does: never take it.
    # The library refuses by itself what unfolds to more than the file's head says.
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )


def probe(source: Source) -> Facts:
    """Read what a picture says about itself, and see whether it is whole.

    A JPEG is whole when its scans come to their end marker, which costs a fortieth of decoding it.
    """
    return _probed(source, decode=True)[0]


def glance(source: Source) -> tuple[Facts, bool]:
    """Read what a picture says about itself without decoding it; tell whether that is all.

    If it is not, only `probe` can tell whether the picture is whole.
    """
    return _probed(source, decode=False)


def preview(source: Source) -> bytes:
    """Render a picture so small, about 20 kB, that a slow link carries it in seconds."""
    body = b""
    for edge, quality in PREVIEW_STEPS:
        body = thumbnail(source, edge, quality)
        if len(body) <= PREVIEW_BYTES:
            break
    return body


def thumbnail(
    source: Source,
    edge_max: int = THUMBNAIL_EDGE_MAX,
    quality: int = THUMBNAIL_QUALITY,
    *,
    masks: Sequence[Mask] = (),
    layers: Sequence[Layer] = (),
) -> bytes:
    """Render an upright JPEG without any metadata, no edge longer than `edge_max` pixels.

    What is masked is filled before anything is scaled, so that no pixel of it can bleed; what is
    annotated is drawn last.
    """
    with opened(source) as image:
        try:
            if not masks:
                image.draft("RGB", (edge_max, edge_max))  # a JPEG can shrink as it is decoded
            image.load()
            turn = _turn(image)
            seen = _hidden(image, masks, turn) if masks else image
            seen.thumbnail((edge_max, edge_max))  # in place: of the whole there is one copy
            canvas = _flat(_turned(seen, turn))
        except Exception as error:  # a decoder fed by strangers may raise anything
            raise Refused(Reason.PHOTO_TRUNCATED) from error
    for layer in layers:
        draw(canvas, layer)
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def fingerprint(source: Source) -> str:
    """Hash what a picture shows, 64 bits in hex; empty for one too plain to be told from others.

    A difference hash: whether each of 8 x 8 fields is darker than its neighbour to the right.
    """
    try:
        with opened(source) as image:
            image.draft("L", (HASH_DRAFT, HASH_DRAFT))
            image.load()
            turn = _turn(image)
            if max(image.size) > HASH_EDGE_MAX:
                image = _coloured(image)
                image.thumbnail((HASH_EDGE_MAX, HASH_EDGE_MAX), Image.Resampling.BOX)
            seen = _turned(image, turn)
            # first to colours on white, then grey: what is transparent has any colour
            done = seen.mode == "L" and "transparency" not in seen.info
            grey = seen if done else _flat(seen).convert("L")
            small: Image.Image = cast(Any, grey).resize(
                (HASH_EDGE + 1, HASH_EDGE), Image.Resampling.BOX
            )
    except Exception:  # a decoder fed by strangers may raise anything
        return ""
    shades, bits, steps = small.tobytes(), 0, 0
    for at in range(len(shades)):
        if at % (HASH_EDGE + 1) < HASH_EDGE:
            left, right = shades[at], shades[at + 1]
            bits = bits << 1 | (left < right)
            steps += abs(left - right) >= HASH_STEP
    told = HASH_BITS_MIN <= bits.bit_count() <= HASH_EDGE**2 - HASH_BITS_MIN
    return f"{bits:016x}" if told and steps >= HASH_STEPS_MIN else ""


def opened(source: Source) -> Image.Image:
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


def _probed(source: Source, *, decode: bool) -> tuple[Facts, bool]:
    try:
        with opened(source) as image:
            width, height = image.size
            known = True
            if image.format in ("JPEG", "MPO"):  # several in one file, as some cameras write them
                flag = "" if _reaches_its_end(source) else Reason.PHOTO_TRUNCATED.code
            else:  # before all else: a decoder that failed may pretend later
                known = decode
                flag = _flag_of_pixels(image) if decode else ""
            facts = _facts(image)
            return msgspec.structs.replace(facts, width=width, height=height, flag=flag), known
    except Refused as refused:
        return Facts(flag=refused.reason.code), True


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Say how to stand a picture up. To be asked before it is converted, which may forget it."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF does not say which way is up
        return None


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _flat(image: Image.Image) -> Image.Image:
    """Lay a picture on white; a canvas of our own has neither EXIF, XMP, profile nor comment."""
    canvas = Image.new("RGB", image.size, "white")
    rgba = image.convert("RGBA")
    canvas.paste(rgba, mask=rgba.getchannel("A"))
    return canvas


def _coloured(image: Image.Image) -> Image.Image:
    """Give a picture whose pixels say their shade themselves: mostly the same, else a copy."""
    if image.mode in ("RGB", "L", "RGBA") and "transparency" not in image.info:
        return image
    return image.convert("RGBA")


def _hidden(image: Image.Image, masks: Sequence[Mask], turn: Image.Transpose | None) -> Image.Image:
    """Fill rectangles of the upright picture with black as it lies in its file, mostly in place.

    In what knows no other colours: a palette's black may be any.
    """
    seen = _coloured(image)
    if seen is not image:
        image.close()  # its pixels are not needed twice
    black = 0 if seen.mode == "L" else (0, 0, 0, 255)[: len(seen.mode)]
    for one in masks:
        seen.paste(black, _lying((one.x, one.y, one.x + one.w, one.y + one.h), seen.size, turn))
    return seen


def _lying(box: Box, size: tuple[int, int], turn: Image.Transpose | None) -> Box:
    """Say where a box of the upright picture is in the one that lies in the file, of this size."""
    left, top, right, bottom = box
    wide, high = size
    lying = {
        None: box,
        _Turn.FLIP_LEFT_RIGHT: (wide - right, top, wide - left, bottom),
        _Turn.ROTATE_180: (wide - right, high - bottom, wide - left, high - top),
        _Turn.FLIP_TOP_BOTTOM: (left, high - bottom, right, high - top),
        _Turn.TRANSPOSE: (top, left, bottom, right),
        _Turn.ROTATE_270: (top, high - right, bottom, high - left),
        _Turn.TRANSVERSE: (wide - bottom, high - right, wide - top, high - left),
        _Turn.ROTATE_90: (wide - bottom, left, wide - top, right),
    }[turn]
    x, y, to_x, to_y = lying
    return max(0, x), max(0, y), min(wide, to_x), min(high, to_y)


def _why_unidentified(source: Source) -> Reason:
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(12)
    else:
        head = source[:12]
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_KINDS and not HEIF:
        return Reason.PHOTO_FORMAT_UNSUPPORTED
    return Reason.PHOTO_UNREADABLE


def _flag_of_pixels(image: Image.Image) -> str:
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
        altitude=_altitude(place),
        direction=_number(place.get(ExifTags.GPS.GPSImgDirection), 360),
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


def _altitude(place: Mapping[int, object]) -> str:
    """Give metres above the sea, or below it when the camera says so."""
    below = place.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    metres = _number(place.get(ExifTags.GPS.GPSAltitude), METRES_MAX)
    return f"-{metres}" if metres and below else metres


def _number(value: object, limit: int) -> str:
    try:
        number = float(cast("float", value))
    except (TypeError, ValueError, ZeroDivisionError):
        return ""
    return f"{number:.1f}" if 0 <= number <= limit else ""
