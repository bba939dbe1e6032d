import io
import json
import resource
import struct
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from conftest import shared_data
from PIL import Image, ImageOps

from backend.rules.disclosure import jpeg_metadata
from sync import photos
from sync.pictures import SAME_BITS_MAX, Facts, distance
from sync.refusals import Refused

# Pillow warns about what it finds in damaged files; the server logs nothing of it.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def picture(path: Path, size: tuple[int, int] = (60, 40), **kwargs: object) -> Path:
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    image.save(path, **kwargs)  # type: ignore[arg-type]
    return path


def test_a_picture_says_when_where_and_which_way_up(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0110] = "Pixel 6"
    exif.get_ifd(0x8769).update({0x9003: "2026:03:02 09:15:00", 0x9011: "+08:00"})
    place = {
        1: "N",
        2: (30.0, 15.0, 36.0),
        3: "W",
        4: (120.0, 0.0, 9.0),
        5: b"\1",
        6: 3.2,
        17: 271.5,
    }
    exif.get_ifd(0x8825).update(place)
    path = picture(tmp_path / "a.jpg", exif=exif)

    facts = photos.probe(path)

    assert facts == Facts(
        format="JPEG",
        width=60,
        height=40,
        orientation=6,
        taken="2026-03-02T09:15:00",
        zone="+08:00",
        longitude="-120.002500",
        latitude="30.260000",
        camera="Pixel 6",
        altitude="-3.2",
        direction="271.5",
    )
    assert facts.upright == (40, 60)


def test_a_thumbnail_stands_upright_and_says_nothing(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    exif[0x0110] = "Pixel 6"
    path = picture(
        tmp_path / "a.jpg",
        size=(800, 400),
        exif=exif,
        comment=b"taken by Wang",
        xmp=b"<x:xmpmeta/>",
        icc_profile=b"profile",
    )

    body = photos.thumbnail(path, edge_max=200)
    seen = Image.open(io.BytesIO(body))

    assert jpeg_metadata(path.read_bytes()) != ()
    assert jpeg_metadata(body) == ()
    assert seen.size == (100, 200)
    assert seen.getpixel((90, 10))[0] > 200  # red was at the top left before the turn
    assert seen.getpixel((90, 10))[1] < 80
    assert not seen.info.keys() & {"exif", "comment", "xmp", "icc_profile"}


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(path)

    seen = Image.open(io.BytesIO(photos.thumbnail(path)))

    assert seen.getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["EPS", "PCX", "TGA"])
def test_a_format_that_no_camera_writes_is_never_decoded(tmp_path: Path, kind: str) -> None:
    path = picture(tmp_path / "a.jpg", format=kind)

    facts = photos.probe(path)

    assert facts == Facts(flag="photo.unreadable")


@pytest.mark.parametrize("kind", photos.FORMATS)
def test_every_format_that_is_decoded_gives_a_thumbnail(tmp_path: Path, kind: str) -> None:
    path = picture(tmp_path / "a.jpg", format=kind)

    facts = photos.probe(path)

    assert (facts.format, facts.flag) == (kind, "")
    assert jpeg_metadata(photos.thumbnail(path)) == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"these are notes, not a picture", "photo.unreadable"),
        (b"", "photo.unreadable"),
        (b"\xff\xd8\xff", "photo.unreadable"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "photo.unreadable"),
        (
            b"BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"
            b"\xff\xff\x00\x00\xff\xff\x00\x00\x01\x00\x18\x00" + bytes(24),
            "photo.too-many-pixels",
        ),
    ],
)
def test_what_is_no_picture_is_flagged(tmp_path: Path, body: bytes, code: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(body)

    facts = photos.probe(path)
    with pytest.raises(Refused) as refused:
        photos.thumbnail(path)

    assert facts == Facts(flag=code)
    assert refused.value.reason.code == code


def test_without_the_extra_a_heif_is_kept_with_a_flag_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(photos, "HEIF", False)

    facts = photos.probe(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00")

    assert facts == Facts(flag="photo.format-unsupported")


@cache
def heif(edge: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (edge, edge), "red").save(out, "HEIF", quality=10)
    return out.getvalue()


def lying(body: bytes, *, claims: tuple[int, int]) -> bytes:
    """Let the head of a HEIF (ISO/IEC 23008-12, `ispe`) claim another size than it has."""
    at = body.index(b"ispe") + 8
    return body[:at] + struct.pack(">II", *claims) + body[at + 8 :]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ((20_000, 20_000), "photo.too-many-pixels"),
        ((13_000, 10_000), "photo.too-many-pixels"),  # of which Pillow only warns
        ((64, 64), "photo.truncated"),
    ],
)
def test_a_heif_bomb_is_refused_by_its_head_and_by_what_it_unfolds_to(
    claims: tuple[int, int], code: str
) -> None:
    body = lying(heif(3000), claims=claims)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    facts = photos.probe(body)
    with pytest.raises(Refused) as refused:
        photos.thumbnail(body)
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before

    assert len(body) < 20_000
    assert facts.flag == code
    assert refused.value.reason.code == code
    assert spent < 0.1  # nothing of 9 million pixels was decoded


def test_a_picture_cut_short_is_flagged_but_still_says_what_it_is(tmp_path: Path) -> None:
    whole = picture(tmp_path / "a.jpg", size=(600, 400), quality=95).read_bytes()
    path = tmp_path / "b.jpg"
    path.write_bytes(whole[: len(whole) // 2])

    facts = photos.probe(path)

    assert facts.flag == "photo.truncated"
    assert (facts.width, facts.height) == (600, 400)


def test_pictures_of_the_field_are_all_read_or_flagged() -> None:
    folder = shared_data() / "photos"
    wrong = []

    for known in json.loads((folder / "INDEX.json").read_text()):
        facts = photos.probe(folder / known["file"])
        try:
            body = photos.thumbnail(folder / known["file"], edge_max=256)
        except Refused:
            body = b""
        bad = bool(known.keys() & {"open_err", "exif_err"}) or known["decode"] != "ok"
        if bad != bool(facts.flag):
            wrong.append((known["file"], "flag", facts.flag))
        if bad != (body == b""):
            wrong.append((known["file"], "thumbnail", len(body)))
        if body and (jpeg_metadata(body) or max(Image.open(io.BytesIO(body)).size) > 256):
            wrong.append((known["file"], "metadata or size", len(body)))
        if "fmt" in known and [facts.width, facts.height] != known["size"]:
            wrong.append((known["file"], "size", (facts.width, facts.height)))
        taken = (known.get("dto") or "").strip("\0").replace(":", "-", 2).replace(" ", "T")
        if "fmt" in known and (facts.taken, facts.zone) != (taken, known.get("off") or ""):
            wrong.append((known["file"], "time", (facts.taken, facts.zone)))
        camera = (known.get("model") or "").strip("\0 ").replace("None", "")
        if "fmt" in known and facts.camera[:30].strip() != camera:
            wrong.append((known["file"], "camera", facts.camera))
        if not bad and (known.get("orient") or 1) != facts.orientation:
            wrong.append((known["file"], "orientation", facts.orientation))
        if not bad and isinstance(known.get("gps", [""])[0], float):
            place = (float(facts.latitude), float(facts.longitude))
            if place != pytest.approx(known["gps"][:2], abs=1e-5):
                wrong.append((known["file"], "place", place))

    assert wrong == []


SAME = ("hopper", "landscape_", "portrait_", "flower", "Canon_PowerShot_S40", "photoshop-200dpi",
        "exif-ifd-offset", "Canon_40D_photoshop")  # fmt: skip


def test_a_copy_shows_the_same_and_no_other_picture_does() -> None:
    def saved(image: Image.Image, edge: int, quality: int) -> str:
        out = io.BytesIO()
        ImageOps.contain(image, (edge, edge)).save(out, "JPEG", quality=quality)
        return photos.fingerprint(out.getvalue())

    folder = shared_data() / "photos" / "exif-samples" / "jpg"
    scenes: list[tuple[str, str]] = []
    copies: list[int] = []
    for path in sorted(folder.rglob("*.jpg")):
        facts, hash_ = photos.probe(path), photos.fingerprint(path)
        if path.stat().st_size > 900_000 or not hash_ or path.name.startswith(SAME):
            continue
        scenes.append((path.name, hash_))
        image = Image.open(io.BytesIO(photos.thumbnail(path, 1600, 95)))
        for edge, quality in ((1080, 50), (400, 70)):
            if max(facts.width, facts.height) >= edge:
                copies.append(distance(hash_, saved(image, edge, quality) or "0" * 16))

    others = [distance(one, other) for (_, one), (_, other) in combinations(scenes, 2)]

    assert len(scenes) > 25
    assert sum(one <= SAME_BITS_MAX for one in copies) >= 0.95 * len(copies)
    assert min(others) > 2 * SAME_BITS_MAX


def test_a_wall_looks_like_no_other_wall() -> None:
    def of(image: Image.Image) -> str:
        out = io.BytesIO()
        image.save(out, "PNG")
        return photos.fingerprint(out.getvalue())

    assert of(Image.new("RGB", (400, 300), "white")) == ""
    assert of(Image.linear_gradient("L")) == ""
    assert of(Image.linear_gradient("L").rotate(90)) == ""  # a shade that runs one way
    assert of(Image.new("RGBA", (400, 300), (0, 0, 0, 0))) == ""


def test_what_is_transparent_in_a_grey_picture_shows_white() -> None:
    def of(image: Image.Image, **how: int) -> str:
        out = io.BytesIO()
        image.save(out, "PNG", **how)
        return photos.fingerprint(out.getvalue())

    shades = bytes(
        (40, 200)[(row * 3 + column * 5) % 7 < 3] for row in range(8) for column in range(9)
    )
    grey = Image.frombytes("L", (9, 8), shades).resize((180, 160), Image.Resampling.NEAREST)

    seen, through = of(grey), of(grey, transparency=40)

    assert through == of(grey.point(lambda shade: 255 if shade == 40 else shade))
    assert through != seen == of(grey.convert("RGB"))


def test_the_eight_orientations_show_the_same_scene() -> None:
    folder = shared_data() / "photos" / "exif-samples" / "jpg" / "orientation"

    seen = [
        Image.open(io.BytesIO(photos.thumbnail(folder / f"landscape_{n}.jpg", edge_max=60)))
        for n in range(1, 9)
    ]
    pixels = [
        [image.convert("L").getpixel(at) for at in ((8, 8), (50, 8), (30, 40))] for image in seen
    ]

    assert {image.size for image in seen} == {(60, 45)}
    for one in pixels[1:]:
        assert one == pytest.approx(pixels[0], abs=25)
