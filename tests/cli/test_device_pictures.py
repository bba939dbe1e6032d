"""照片 on a device: what is odd about one is said when it is attached; one is drawn over."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw
from simulation.forms import FORM

from cli.home import Home
from cli.main import main
from sync import checklist, codec, layers, photos
from sync.layers import Arrow, Layer
from sync.messages import Enrolled
from sync.moments import CHINA
from sync.ops import decode_op
from sync.store import Row

INSPECTION = "01900000-0000-7000-8000-00000000000a"
WHO = "01900000-0000-7000-8000-000000000002"
LAYER = Layer(w=640, h=480, shapes=(Arrow(from_x=10, from_y=10, to_x=300, to_y=200),))

Device = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A device's folder, with one task at a place that a map of China shifted."""
    home, secret = Home(tmp_path / "device"), codec.new_key()
    home.replica.enrol(
        Enrolled(
            device="01900000-0000-7000-8000-000000000001",
            inspector=WHO,
            name="李明",
            certificate="33-000001",
            server_key=codec.public_key(secret),
            epoch="e",
        ),
        server="http://hub.example",
        secret=secret,
    )
    place = {"name": "第一冷库", "latitude": 39.913345, "longitude": 116.384047, "datum": "GCJ-02"}
    people = {"lead": {"id": WHO, "name": "李明"}, "second": {"id": "x", "name": "王芳"}}
    digest = checklist.digest(FORM)
    task = {"id": INSPECTION, "place": 1, "establishment": place, "checklist": digest, **people}
    with home.store.transaction():
        body = msgspec.json.encode(task)
        home.store.put_row(Row(f"i:{INSPECTION}", "task", INSPECTION, "1", body))
        home.store.put_row(Row(f"u:{WHO}", "checklist", digest, "1", checklist.canonical(FORM)))
    home.close()
    return tmp_path / "device"


@pytest.fixture
def device(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setenv("EVENHAND_LANG", "en")
    runner = CliRunner()
    return lambda command, *words: runner.invoke(
        main, ["device", command, INSPECTION, *map(str, words), "--home", str(folder)]
    )


def photo(path: Path, *, latitude: tuple[float, ...] | None, taken: datetime) -> Path:
    image = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(image).rectangle((100, 100, 300, 300), fill="blue")
    exif = Image.Exif()
    exif[0x0110] = "Pixel 6"
    exif.get_ifd(0x8769).update({0x9003: f"{taken:%Y:%m:%d %H:%M:%S}", 0x9011: "+08:00"})
    if latitude is not None:
        where = {1: "N", 2: latitude, 3: "E", 4: (116.0, 22.0, 40.14)}
        exif.get_ifd(0x8825).update(where)
    image.save(path, "JPEG" if path.suffix == ".jpg" else "HEIF", exif=exif)
    return path


def test_a_photo_that_disagrees_with_the_visit_is_told_of_and_attached(
    device: Device, folder: Path, tmp_path: Path
) -> None:
    now = datetime.now(CHINA)
    here, away = (39.0, 54.0, 43.03), (39.9, 54.0, 43.03)
    right = photo(tmp_path / "right.heic", latitude=here, taken=now)
    far = photo(tmp_path / "far.jpg", latitude=away, taken=now)
    old = photo(tmp_path / "old.jpg", latitude=None, taken=now - timedelta(days=2))

    ahead = photo(tmp_path / "ahead.jpg", latitude=here, taken=now + timedelta(hours=3))

    first = device("attach", right)
    second = device("attach", far)
    third = device("attach", old, "--json")
    fourth = device("attach", ahead, "--json")

    assert first.output == "Recorded as operation 1.\n"
    assert " ! The picture: taken 100 km from the registered site." in second.output
    assert json.loads(third.stdout) == {"n": 3, "remarks": ["outside-visit", "no-position"]}
    assert json.loads(fourth.stdout)["remarks"] == ["outside-visit"]
    home = Home(folder)
    kept = home.replica.inspection(INSPECTION).evidence
    assert sorted(one.mime for one in kept) == ["image/heic", *["image/jpeg"] * 3]
    home.close()


def test_a_drawing_over_a_photo_is_a_file_of_its_own(
    device: Device, folder: Path, tmp_path: Path
) -> None:
    path = photo(tmp_path / "a.jpg", latitude=None, taken=datetime.now(CHINA))
    drawing = tmp_path / "layer.json"
    drawing.write_bytes(msgspec.json.encode(LAYER))
    (tmp_path / "bad.json").write_text('{"w": 1}')
    device("attach", path, "--item", "1.1")
    home = Home(folder)
    (picture,) = home.replica.inspection(INSPECTION).evidence
    home.close()

    drawn = device("annotate", picture.blob[:8], drawing, "--caption", "门封")
    wrong = device("annotate", picture.blob[:8], tmp_path / "bad.json")
    of_none = device("annotate", "abcdef", drawing)
    vague = device("annotate", picture.blob[:2], drawing)

    assert drawn.output == "Recorded as operation 2.\n", drawn.output
    assert (wrong.exit_code, "photo.layer-wrong" in wrong.output) == (10, True)
    for one in (of_none, vague):
        assert (one.exit_code, "photo.layer-of-nothing" in one.output) == (10, True)
    home = Home(folder)
    (raw,) = [one.raw for one in home.store.log(2, 9)]
    said = msgspec.to_builtins(decode_op(raw))
    assert (said["of"], said["role"], said["item"]) == (picture.blob, "annotation", "1.1")
    assert said["mime"] == layers.MIME
    whole = home.reader(picture.blob)(0, picture.size)
    assert whole == path.read_bytes()
    layer = layers.read(home.reader(said["blob"])(0, said["size"]))
    seen = Image.open(io.BytesIO(photos.thumbnail(whole, layers=[layer])))
    assert seen.size == (640, 480)
    assert layer == LAYER
    home.close()
