"""Evidence files of a device: what goes first, what waits, and what people are told of it."""

import io
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import msgspec
import pytest
from PIL import Image
from simulation.slow_link import Keeper, SlowLink

from cli import device_files
from cli.device_files import Delivered, Policy, send_files, waiting, where
from cli.home import Home
from sync import codec
from sync.messages import Enrolled, Request, Response
from sync.refusals import Reason, Refused
from sync.store import File, Row

INSPECTION = "01900000-0000-7000-8000-00000000000a"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A device after its enrolment, with a token for files."""
    return enrolled(tmp_path / "device")


def enrolled(folder: Path) -> Home:
    home, secret = Home(folder), codec.new_key()
    told = Enrolled(
        device="01900000-0000-7000-8000-000000000001",
        inspector="01900000-0000-7000-8000-000000000002",
        name="李明",
        certificate="33-000001",
        server_key=codec.public_key(secret),
        epoch="e",
    )
    home.replica.enrol(told, server="http://hub.example", secret=secret)
    with home.store.transaction():
        home.store.set("upload", "token")
        home.store.put_row(Row(f"i:{INSPECTION}", "task", INSPECTION, "1", b"{}"))
    return home


def photo(folder: Path, seed: int, edge: int = 700) -> Path:
    """Write a photo of more than 100 kB, with metadata."""
    noise = Image.frombytes("RGB", (edge, edge), Random(seed).randbytes(edge * edge * 3))
    exif = Image.Exif()
    exif[0x0110] = "Pixel 6"
    path = folder / f"{seed}.jpg"
    noise.save(path, "JPEG", quality=50, exif=exif)
    return path


def keep(home: Home, path: Path, item: str = "1.1", caption: str = "冷柜") -> File:
    kept = home.keep(path)
    home.replica.attach(INSPECTION, kept, item=item, caption=caption)
    return kept


def asking(keeper: Keeper) -> SlowLink:
    return SlowLink(keeper, lambda: 1e9, rate=1e9, latency=0)


# -- what goes up --------------------------------------------------------------------------------


def test_small_pictures_go_before_large_ones(home: Home, tmp_path: Path) -> None:
    keeper, kept = Keeper(), [keep(home, photo(tmp_path, n)) for n in range(2)]

    done = send_files(home, asking(keeper).ask)
    again = send_files(home, asking(keeper).ask)
    created = [told for method, told in keeper.asked if method == "POST" and told]

    assert (done.files, done.previews, done.refused) == (2, 2, {})
    assert ["for " in told for told in created] == [True, True, False, False]
    assert set(keeper.stored) == set(keeper.renditions) == {file.sha256 for file in kept}
    assert again == Delivered()


def test_a_small_picture_says_nothing_but_what_it_shows(home: Home, tmp_path: Path) -> None:
    keeper, kept = Keeper(), keep(home, photo(tmp_path, 1))

    send_files(home, asking(keeper).ask, policy="thumbnails")
    small = keeper.renditions[kept.sha256]
    seen = Image.open(io.BytesIO(small))

    assert len(small) <= 20_000 < kept.size
    assert not seen.getexif()
    assert max(seen.size) <= 640


@pytest.mark.parametrize(
    ("policy", "renditions", "stored"), [("none", 0, 0), ("thumbnails", 1, 0), ("all", 1, 1)]
)
def test_the_policy_says_how_far_it_goes(
    home: Home, tmp_path: Path, policy: Policy, renditions: int, stored: int
) -> None:
    keeper = Keeper()
    keep(home, photo(tmp_path, 1))

    send_files(home, asking(keeper).ask, policy=policy)

    assert (len(keeper.renditions), len(keeper.stored)) == (renditions, stored)
    assert len(waiting(home)) == 1 - stored


def test_a_rendition_is_made_and_sent_once(home: Home, tmp_path: Path) -> None:
    keeper = Keeper()
    keep(home, photo(tmp_path, 1))

    done = [send_files(home, asking(keeper).ask, policy="thumbnails") for _ in range(2)]

    assert [one.previews for one in done] == [1, 0]


def test_what_is_small_or_no_picture_goes_up_as_it_is(home: Home, tmp_path: Path) -> None:
    keeper = Keeper()
    (tmp_path / "track.json").write_bytes(b"[0,1]" * 60_000)
    (tmp_path / "false.jpg").write_bytes(b"\xff\xd8\xff" + b"nothing to see" * 10_000)
    for path in (tmp_path / "track.json", tmp_path / "false.jpg", photo(tmp_path, 1, edge=40)):
        keep(home, path)

    done = send_files(home, asking(keeper).ask)

    assert (done.files, done.previews, len(keeper.stored)) == (3, 0, 3)


def test_what_the_server_has_already_is_not_sent(home: Home, tmp_path: Path) -> None:
    keeper, kept = Keeper(), keep(home, photo(tmp_path, 1))
    keeper.stored[kept.sha256] = b""

    done = send_files(home, asking(keeper).ask)

    assert (done, waiting(home)) == (Delivered(), [])


def test_a_file_that_the_server_will_not_have_stops_no_other(home: Home, tmp_path: Path) -> None:
    keeper, kept = Keeper(), [keep(home, photo(tmp_path, n)) for n in range(3)]
    link = asking(keeper)

    def ask(request: Request) -> Response:
        if request.headers.get("upload-length") == str(kept[1].size) and request.method == "POST":
            return problem(Reason.EVIDENCE_TOO_LARGE, 413)
        return link.ask(request)

    done = send_files(home, ask)

    assert (done.files, done.refused) == (2, {kept[1].sha256: "evidence.too-large"})
    assert [one.sha256 for one in waiting(home)] == [kept[1].sha256]


def test_a_server_without_room_is_left_alone(home: Home, tmp_path: Path) -> None:
    keeper, asked = Keeper(), []
    link = asking(keeper)
    for n in range(3):
        keep(home, photo(tmp_path, n, edge=60))

    def ask(request: Request) -> Response:
        asked.append(request.path)
        if request.path.endswith("/want"):
            return link.ask(request)
        return problem(Reason.STORAGE_FULL, 507)

    with pytest.raises(Refused) as refused:
        send_files(home, ask)

    assert refused.value.reason is Reason.STORAGE_FULL
    assert len(asked) == 2
    assert len(waiting(home)) == 3


def test_what_was_begun_is_finished_first(home: Home, tmp_path: Path) -> None:
    keeper = Keeper()
    kept = [keep(home, photo(tmp_path, n)) for n in range(2)]
    chance = iter([5.0, 1e9, 1e9])
    link = SlowLink(keeper, lambda: next(chance), rate=20_000, latency=0)
    last = device_files.Announced(kept[1].sha256, kept[1].size, "image/jpeg")
    courier = device_files.Courier(link.ask, token="t", wait=link.wait)
    session = device_files.media.send_blob(home.reader(kept[1].sha256), last, pace=courier.pace)
    with pytest.raises(device_files.Unreachable):
        device_files.carry(session, link.ask, token="t")

    send_files(home, link.ask)

    assert list(keeper.stored) == [kept[1].sha256, kept[0].sha256]


def test_a_day_of_photos_gets_through_a_link_cut_every_20_seconds(
    home: Home, tmp_path: Path
) -> None:
    keeper, kept = Keeper(), [keep(home, photo(tmp_path, n)) for n in range(4)]
    link = SlowLink(keeper, lambda: 20.0)

    done = send_files(home, link.ask, wait=link.wait)
    needed = sum(file.size for file in kept) + sum(map(len, keeper.renditions.values()))

    assert (done.files, done.previews, link.broken > 3) == (4, 4, True)
    assert {name: sha256(body).hexdigest() for name, body in keeper.stored.items()} == {
        file.sha256: file.sha256 for file in kept
    }
    assert link.payload - needed <= 0.05 * link.payload


def problem(reason: Reason, status: int) -> Response:
    body = {"code": reason.code, "status": status, "details": {}}
    return Response(status, {}, msgspec.json.encode(body))


# -- what people are told ------------------------------------------------------------------------


def device(home: Home, *words: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "device", *words, "--home", str(home.folder)],
        env=clean | {"EVENHAND_LANG": "en"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_status_names_the_photos_that_wait(home: Home, tmp_path: Path) -> None:
    kept = [keep(home, photo(tmp_path, n), caption=f"door {n}") for n in range(2)]
    send_files(home, asking(Keeper()).ask)
    last = keep(home, photo(tmp_path, 3), item="2.1", caption="seal")

    told = device(home, "status")
    parsed = msgspec.json.decode(device(home, "status", "--json"))

    assert "files not yet sent: 1" in told
    line = f"{INSPECTION} 2.1 {last.size / 1000:,.0f} kB {last.sha256} seal"
    assert line in " ".join(told.split())
    assert not any(file.sha256 in told for file in kept)
    assert [one["sha256"] for one in parsed["files"]] == [last.sha256]


def test_an_inspection_says_of_each_file_where_it_is(home: Home, tmp_path: Path) -> None:
    sent = keep(home, photo(tmp_path, 1), caption="sent")
    send_files(home, asking(Keeper()).ask)
    waits = keep(home, photo(tmp_path, 2), caption="waits")
    state, other = home.replica.inspection(INSPECTION), "01900000-0000-7000-8000-00000000000f"
    foreign = msgspec.structs.replace(state.evidence[0], op=f"{other}:7", blob="c" * 64)
    state = msgspec.structs.replace(state, evidence=(*state.evidence, foreign))

    kept = {one.sha256: (one.state, one.device) for one in where(home, state)}

    me = home.replica.identity.enrolled.device
    assert kept == {
        sent.sha256: ("sent", me),
        waits.sha256: ("waiting", me),
        "c" * 64: ("elsewhere", other),
    }


def test_what_works_offline_loads_nothing_that_is_for_a_network(home: Home) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from cli.main import main;"
        f"done = CliRunner().invoke(main, ['device', 'status', '--home', {str(home.folder)!r}]);"
        "print(done.exit_code, [m for m in ('httpx', 'PIL', 'asyncio') if m in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "0 []"
