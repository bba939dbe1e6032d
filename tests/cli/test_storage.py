"""What a device keeps its work on: encrypted if asked for, full, or not to be written."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from cli import device_identity
from cli.home import Home
from cli.main import main
from sync import checklist, codec
from sync.messages import Enrolled
from sync.ops import Answer
from sync.refusals import Reason, Refused
from sync.store import Row

ROOT = Path(__file__).parents[2]
FORM = checklist.parse((ROOT / "fixtures" / "checklists" / "food_sales.toml").read_bytes())
REF = next(item.ref for item in FORM.items if item.kind != "temperature")
KEY = "x'" + "2a" * 32 + "'"  # SQLCipher takes it as it is, which spares a test 0.3 s
PHOTO = b"\xff\xd8\xff" + b"the kitchen floor was wet " * 20_000
NOBODY = 65534


def enrolled(secret: str) -> Enrolled:
    return Enrolled(
        device="d1",
        inspector="p1",
        name="李明",
        certificate="33-001",
        server_key="00" * 32,
        epoch="e",
        public_key=codec.public_key(secret),
        seal_key="22" * 32,
        sig="",
    )


def begun(folder: Path, key: str = "") -> Home:
    """A device with one task and an answer."""
    home, secret = Home(folder, key=key), codec.new_key()
    home.replica.enrol(enrolled(secret), server="http://nowhere", secret=secret)
    seat = {"id": "p1", "name": "李明"}
    task = {
        "id": "t1",
        "place": 1,
        "establishment": {"name": "城东冷库", "address": "人民路1号"},
        "checklist": checklist.digest(FORM),
        "lead": seat,
        "second": seat,
    }
    with home.store.transaction():
        home.store.put_row(Row("i:t1", "task", "t1", "r", msgspec.json.encode(task)))
        body = checklist.canonical(FORM)
        home.store.put_row(Row("c", "checklist", checklist.digest(FORM), "r", body))
    home.replica.answer("t1", {REF: Answer("pass", note="the kitchen is clean")})
    return home


def run(folder: Path, *words: str, key: str = "", stdin: str = "") -> Result:
    env = {"EVENHAND_HOME": str(folder), "EVENHAND_HOME_KEY": key, "EVENHAND_LANG": "en"}
    return CliRunner().invoke(main, ["device", *words], env=env, input=stdin)


# -- encrypted -----------------------------------------------------------------------------------


def test_an_encrypted_folder_holds_nothing_that_can_be_read(tmp_path: Path) -> None:
    folder, photo = tmp_path / "phone", tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    home = begun(folder, KEY)
    kept = home.keep(photo)
    home.replica.attach("t1", kept)
    read = home.reader(kept.sha256)

    whole = read(0, kept.size)
    part = read(100_000, 10)
    home.close()

    assert (whole, part) == (PHOTO, PHOTO[100_000:100_010])
    lying = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"kitchen" not in lying
    assert b"SQLite format" not in lying
    assert "kitchen is clean" in run(folder, "show", "t1", "--json", key=KEY).output


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "device.locked"), ("wrong", "device.key-wrong"), ("x'00'", "device.key-wrong")],
)
def test_without_its_passphrase_a_folder_stays_shut(tmp_path: Path, key: str, code: str) -> None:
    begun(tmp_path, KEY).close()

    result = run(tmp_path, "status", key=key)

    assert result.exit_code == 11
    assert code in result.stderr


def test_a_passphrase_may_hold_any_character_and_opens_what_was_begun_with_it(
    tmp_path: Path,
) -> None:
    begun(tmp_path, "it's 机密; --").close()

    good, bad = (
        run(tmp_path, "status", key="it's 机密; --"),
        run(tmp_path, "status", key="it's 机密"),
    )

    assert (good.exit_code, bad.exit_code) == (0, 11)
    assert "encrypted" in good.output


def test_someone_at_a_terminal_is_asked_for_the_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, KEY).close()
    monkeypatch.setattr(device_identity, "at_a_terminal", lambda: True)

    result = run(tmp_path, "status", "--json", stdin=f"{KEY}\n")

    assert json.loads(result.stdout)["device"] == "d1"


def test_a_plain_folder_needs_no_passphrase_and_does_not_mind_one(tmp_path: Path) -> None:
    begun(tmp_path).close()

    result = run(tmp_path, "status", "--json", key="anything")

    told = json.loads(result.stdout)
    assert told["device"] == "d1"
    assert told["storage"].startswith("SQLite ")
    assert "encrypted" not in told["storage"]


def test_an_enrolment_asks_for_the_passphrase_before_anything_is_written(tmp_path: Path) -> None:
    words = ("enrol", "http://127.0.0.1:9", "CODE", "--passphrase")

    result = run(tmp_path / "phone", *words, stdin="secret words\nsecret words\n")

    assert result.exit_code == 75  # nobody answers there; the folder is made
    assert b"SQLite format" not in (tmp_path / "phone" / "device.db").read_bytes()
    again = run(tmp_path / "phone", "enrol", "http://127.0.0.1:9", "CODE", key="secret words")
    assert again.exit_code == 75


def test_a_folder_that_was_begun_plain_is_not_enrolled_with_a_passphrase(tmp_path: Path) -> None:
    run(tmp_path, "enrol", "http://127.0.0.1:9", "CODE")

    result = run(tmp_path, "enrol", "http://127.0.0.1:9", "CODE", key=KEY)

    assert result.exit_code == 14
    assert "device.not-encrypted" in result.stderr


def test_without_the_wheel_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, KEY).close()
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)

    result = run(tmp_path, "status", key=KEY)

    assert result.exit_code == 17
    assert "device.cipher-missing" in result.stderr
    assert "evenhand[cipher]" in result.stderr


def test_of_an_encrypted_person_others_learn_only_that_they_are_there(tmp_path: Path) -> None:
    begun(tmp_path).close()
    begun(tmp_path / "people" / "wang", KEY).close()

    result = run(tmp_path, "people", "--json")

    first, wang = json.loads(result.stdout)
    assert (first["who"], first["name"]) == ("first", "李明")
    assert (wang["who"], wang["name"], wang["unsent"]) == ("wang", "", None)


def test_an_encrypted_folder_moves_to_a_new_phone_and_stays_encrypted(tmp_path: Path) -> None:
    old, new, bundle = tmp_path / "old", tmp_path / "new", tmp_path / "stick"
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    home = begun(old, KEY)
    kept = home.keep(photo)
    home.replica.attach("t1", kept)
    home.close()

    out = run(old, "export", str(bundle), "--phone", "--passphrase", "for the way", key=KEY)
    come = run(new, "import", str(bundle), "--passphrase", "for the way", key=KEY)

    assert (out.exit_code, come.exit_code) == (0, 0), out.output + come.output
    lying = b"".join(path.read_bytes() for path in new.rglob("*") if path.is_file())
    assert b"kitchen" not in lying
    with closing(Home(new, key=KEY)) as moved:
        assert moved.reader(kept.sha256)(0, kept.size) == PHOTO
        assert moved.store.get("moved") == "yes"


def test_a_damaged_encrypted_file_is_refused_not_handed_out(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    home = begun(tmp_path / "phone", KEY)
    kept = home.keep(photo)
    path = tmp_path / "phone" / "files" / kept.sha256
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(Refused) as refused:
        home.reader(kept.sha256)(0, kept.size)

    home.close()
    assert refused.value.reason is Reason.EVIDENCE_DAMAGED


# -- full ----------------------------------------------------------------------------------------


def full(home: Home) -> None:
    """Let the database have no page more than it has."""
    pages = home.store.file.run("PRAGMA page_count").fetchone()[0]
    home.store.file.run(f"PRAGMA max_page_count={pages}")


@pytest.mark.parametrize("key", ["", KEY], ids=["plain", "encrypted"])
def test_on_a_full_disk_nothing_is_half_recorded_and_all_is_read(tmp_path: Path, key: str) -> None:
    home = begun(tmp_path, key)
    full(home)
    before = home.store.log(1, 99)

    with pytest.raises(Refused) as refused:
        home.replica.answer("t1", {REF: Answer("fail", note="x" * 100_000)})
    after, shown = home.store.log(1, 99), home.replica.inspection("t1").items[REF].value
    home.store.file.run("PRAGMA max_page_count=1000000")
    mine = home.replica.answer("t1", {REF: Answer("fail")})

    home.close()
    assert refused.value.reason is Reason.DEVICE_DISK_FULL
    assert after == before
    assert shown == "pass"
    assert mine.n == len(before) + 1


LIMITED = """
import resource, signal, sys
from pathlib import Path
import cli.device, cli.device_identity, sync.sqlite_store, rich.console, rich.table
from cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if sys.argv[1] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
elif sys.argv[1] == "nobody":
    import os
    os.getuid() or (os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2])))
main(sys.argv[3:])
"""


def limited(how: str, number: int, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command where no file may grow beyond a size, or as a user who owns nothing."""
    env = {
        "EVENHAND_HOME": str(folder),
        "EVENHAND_LANG": "en",
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        [sys.executable, "-c", LIMITED, how, str(number), "device", *words],
        env=env, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_photo_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder, photo = tmp_path / "phone", tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    home = begun(folder)
    before = home.store.log(1, 99)
    home.close()

    done = limited("full", 200_000, folder, "attach", "t1", str(photo))
    status = limited("full", 200_000, folder, "status", "--json")

    assert done.returncode == int(Reason.DEVICE_DISK_FULL.kind), done.stderr
    assert "device.disk-full" in done.stderr
    assert list((folder / "files").iterdir()) == []
    assert json.loads(status.stdout)["recorded"] == len(before)


@pytest.mark.parametrize("room", [0, 4096, 20_000, 60_000])
def test_however_little_room_there_is_a_command_is_refused_and_status_answers(
    tmp_path: Path, room: int
) -> None:
    home = begun(tmp_path)
    before = home.store.log(1, 99)
    home.close()

    done = limited("full", room, tmp_path, "find", "t1", "x" * 60_000, "--basis", "规范 3.1")
    status = limited("full", room, tmp_path, "status", "--json")

    home = Home(tmp_path)
    assert done.returncode == int(Reason.DEVICE_DISK_FULL.kind), done.stderr
    assert "device.disk-full" in done.stderr
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["recorded"] == len(before)
    assert home.store.log(1, 99) == before
    home.close()


# -- not to be written ---------------------------------------------------------------------------


@pytest.fixture
def card() -> Iterator[Path]:
    """A folder that another user can read and not write; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="evenhand-card-"))
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def locked(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_a_read_only_card_can_be_read_and_says_what_it_is(card: Path) -> None:
    begun(card).close()
    locked(card)

    status = limited("nobody", NOBODY, card, "status", "--json")
    shown = limited("nobody", NOBODY, card, "show", "t1")
    refused = limited("nobody", NOBODY, card, "answer", "t1", f"{REF}=fail")

    assert json.loads(status.stdout)["recorded"] == 1
    assert "only to read" in json.loads(status.stdout)["storage"]
    assert shown.returncode == 0, shown.stderr
    assert refused.returncode == 12
    assert "device.read-only" in refused.stderr


def test_a_photo_is_not_attached_on_a_read_only_card(card: Path) -> None:
    folder = card / "phone"
    begun(folder).close()
    (card / "photo.jpg").write_bytes(PHOTO)
    locked(card)

    refused = limited("nobody", NOBODY, folder, "attach", "t1", str(card / "photo.jpg"))

    assert refused.returncode == 12
    assert "device.read-only" in refused.stderr
    assert not (folder / "files" / sha256(PHOTO).hexdigest()).exists()


def test_work_in_a_log_on_a_read_only_card_is_not_passed_over(card: Path) -> None:
    begun(card / "phone").close()
    home = Home(card / "phone")
    home.replica.answer("t1", {REF: Answer("fail")})
    (card / "pulled").mkdir()
    for name in ("device.db", "device.db-wal"):  # as after a battery gave out
        shutil.copy(card / "phone" / name, card / "pulled" / name)
    (card / "pulled" / "files").mkdir()
    home.close()
    locked(card)

    refused = limited("nobody", NOBODY, card / "pulled", "status")

    assert refused.returncode == 12
    assert "device.read-only" in refused.stderr


def test_nothing_can_be_enrolled_on_a_read_only_card(card: Path) -> None:
    locked(card)

    refused = limited("nobody", NOBODY, card / "new", "enrol", "http://127.0.0.1:9", "CODE")

    assert refused.returncode == 12
    assert "device.read-only" in refused.stderr
