"""Whose a device is: who may enrol it, who shares it, and when it must forget."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from replicas import paired
from simulation.memory_hub import MemoryHub

from cli.device import sync_over
from cli.device_carry import read, write
from cli.device_files import waiting
from cli.device_identity import enrol_at
from cli.home import Home, person_folder
from cli.main import main
from sync import codec
from sync.messages import Enrol, Enrolled, Request, Response, Shown, receipt_text
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import File, MemoryStore

Ask = Callable[[Request], Response]


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENHAND_HOME", "EVENHAND_WHO", "EVENHAND_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVENHAND_LANG", "en")


def door(hub: MemoryHub, **lies: str) -> Ask:
    """Give the way to a server where the code names the inspector."""

    def ask(request: Request) -> Response:
        if request.path != "/device/enrol":
            return hub.ask(request)
        asked = msgspec.json.decode(request.body, type=Enrol)
        who = asked.code.removeprefix("code-")
        said = hub.enrol(who, asked.public_key)
        return Response(201, {}, msgspec.json.encode(msgspec.structs.replace(said, **lies)))

    return ask


def home(hub: MemoryHub, folder: Path, who: str = "li") -> Home:
    opened = Home(folder)
    enrol_at(opened.replica, door(hub), server="", code=f"code-{who}", label="")
    sync_over(opened, hub.ask)
    return opened


def refused(act: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.reason


def device(*words: str) -> Result:
    return CliRunner().invoke(main, ["device", *words])


# -- enrolment -----------------------------------------------------------------------------------


def enrol(ask: Ask, fingerprint: str = "") -> Enrolled:
    replica = Replica(MemoryStore(), lambda: msgspec.json.decode(b"{}"))
    return enrol_at(replica, ask, server="", code="code-li", label="", fingerprint=fingerprint)


def test_only_the_server_of_the_fingerprint_is_believed(hub: MemoryHub) -> None:
    key = codec.public_key(hub.state.secret)
    other = codec.public_key("33" * 32)

    right = enrol(door(hub), codec.fingerprint(key))

    assert right.server_key == key
    assert refused(lambda: enrol(door(hub), codec.fingerprint(other))) is Reason.SERVER_OTHER


@pytest.mark.parametrize("lie", ["device", "inspector", "public_key", "seal_key", "server_key"])
def test_an_enrolment_that_was_changed_on_the_way_is_not_believed(hub: MemoryHub, lie: str) -> None:
    ask = door(hub, **{lie: "44" * 32})

    assert refused(lambda: enrol(ask)) is Reason.SERVER_OTHER


def test_an_answer_that_is_no_enrolment_is_strange() -> None:
    hotel = Response(200, {}, b"<html>")

    assert refused(lambda: enrol(lambda _: hotel)) is Reason.ANSWER_STRANGE


def test_a_device_that_the_server_lost_goes_on_under_a_new_code(
    hub: MemoryHub, tmp_path: Path
) -> None:
    one = home(hub, tmp_path)
    one.replica.find("t1", "mice", basis="Law 3")
    hub.state.devices.clear()

    lost = refused(lambda: sync_over(one, hub.ask))
    again = refused(lambda: enrol_at(one.replica, door(hub), server="", code="code-li", label=""))
    other = refused(
        lambda: enrol_at(one.replica, door(hub), server="", code="code-wang", label="", anew=True)
    )
    enrol_at(one.replica, door(hub), server="", code="code-li", label="", anew=True)
    sync_over(one, hub.ask)

    assert (lost, again, other) == (
        Reason.DEVICE_UNKNOWN,
        Reason.DEVICE_ENROLLED,
        Reason.DEVICE_ENROLLED,
    )
    assert [finding.text for finding in hub.inspection("t1").findings] == ["mice"]
    one.close()


def test_an_emptied_phone_works_again_for_the_same_inspector_only(
    hub: MemoryHub, tmp_path: Path
) -> None:
    one = home(hub, tmp_path)
    hub.revoke("d1")
    sync_over(one, hub.ask)

    other = refused(lambda: enrol_at(one.replica, door(hub), server="", code="code-wang", label=""))
    enrol_at(one.replica, door(hub), server="", code="code-li", label="")
    sync_over(one, hub.ask)
    one.replica.find("t1", "mice", basis="Law 3")
    sync_over(one, hub.ask)

    assert other is Reason.DEVICE_ENROLLED
    assert [finding.text for finding in hub.inspection("t1").findings] == ["mice"]
    one.close()


def test_nobody_goes_on_who_never_began(hub: MemoryHub) -> None:
    replica = Replica(MemoryStore(), lambda: msgspec.json.decode(b"{}"))

    def act() -> Enrolled:
        return enrol_at(replica, door(hub), server="", code="code-li", label="", anew=True)

    assert refused(act) is Reason.DEVICE_NOT_ENROLLED


# -- several people ------------------------------------------------------------------------------


@pytest.fixture
def shared(hub: MemoryHub, tmp_path: Path) -> Path:
    """A phone of li, who has unsent work, and wang."""
    first = home(hub, tmp_path / "phone")
    first.replica.find("t1", "mice", basis="Law 3")
    first.close()
    home(hub, person_folder(tmp_path / "phone", "wang"), "wang").close()
    return tmp_path / "phone"


def test_each_person_sees_their_own_work_and_nobody_elses(shared: Path) -> None:
    at = ["--home", str(shared)]

    people = msgspec.json.decode(device("people", *at, "--json").stdout)
    mine = msgspec.json.decode(device("status", *at, "--json").stdout)
    theirs = msgspec.json.decode(device("status", "--who", "wang", *at, "--json").stdout)

    assert [(one["who"], one["unsent"], one["current"]) for one in people] == [
        ("first", 1, True),
        ("wang", 0, False),
    ]
    assert (mine["inspector"], mine["unsent"]) == ("li li", 1)
    assert (theirs["inspector"], theirs["unsent"]) == ("wang wang", 0)


def test_a_switch_is_for_all_that_follows_and_touches_nothing(shared: Path) -> None:
    at = ["--home", str(shared)]

    switched = device("switch", "wang", *at)
    theirs = device("status", *at, "--json").stdout
    back = device("switch", "first", *at)
    mine = device("status", *at, "--json").stdout

    assert (switched.exit_code, back.exit_code) == (0, 0)
    assert msgspec.json.decode(theirs)["inspector"] == "wang wang"
    assert msgspec.json.decode(mine)["unsent"] == 1


@pytest.mark.parametrize("who", ["chen", "../wang", "a/b", ".hidden"])
def test_who_is_not_on_this_phone_is_refused(shared: Path, who: str) -> None:
    at = ["--home", str(shared)]

    asked, switched = device("status", "--who", who, *at), device("switch", who, *at)

    assert "device.person-unknown" in asked.stderr
    assert "device.person-unknown" in switched.stderr
    assert sorted(one.name for one in (shared / "people").iterdir()) == ["wang"]


# -- forgetting ----------------------------------------------------------------------------------


def test_a_revoked_phone_forgets_all_but_the_files_that_only_it_has(
    hub: MemoryHub, tmp_path: Path
) -> None:
    one = home(hub, tmp_path / "phone")
    kept, gone = tmp_path / "a.jpg", tmp_path / "b.jpg"
    kept.write_bytes(b"\xff\xd8\xff only here")
    gone.write_bytes(b"\xff\xd8\xff also there")
    first, second = one.keep(kept), one.keep(gone)
    one.replica.attach("t1", first)
    one.replica.attach("t1", second)
    with one.store.transaction():
        one.store.put_file(File(second.sha256, second.size, second.mime, sent=True))
    hub.revoke("d1")

    sync_over(one, hub.ask)

    assert [entry.n for entry in hub.chain("d1")] == [1, 2]  # it sent everything first
    assert one.store.log(1, 9) == []
    assert one.replica.identity.secret == ""
    assert [path.name for path in (one.folder / "files").iterdir()] == [first.sha256]
    assert refused(lambda: sync_over(one, hub.ask)) is Reason.DEVICE_REVOKED
    one.close()


def test_a_revoked_copy_of_a_phone_delivers_what_only_it_has_before_it_forgets(
    hub: MemoryHub, tmp_path: Path
) -> None:
    one = home(hub, tmp_path / "one")
    write(one, tmp_path / "bundle", passphrase="x", everything=False)
    read(tmp_path / "bundle", tmp_path / "two", passphrase="x")
    two = Home(tmp_path / "two")
    one.replica.find("t1", "mice", basis="Law 3")
    two.replica.find("t1", "rats", basis="Law 3")
    sync_over(one, hub.ask)
    hub.revoke("d1")

    sync_over(two, hub.ask)

    (held,) = hub.chain("d2")
    assert (held.verdict.verdict, held.verdict.why) == ("quarantined", "device.revoked")
    assert b"rats" in held.raw
    assert two.store.log(1, 9) == []
    one.close()
    two.close()


def test_after_a_restore_of_the_server_a_phone_offers_the_files_that_it_has(
    hub: MemoryHub, tmp_path: Path
) -> None:
    old = home(hub, tmp_path / "old")
    photo, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    photo.write_bytes(b"\xff\xd8\xff stayed behind")
    other.write_bytes(b"\xff\xd8\xff came along")
    behind, along = old.keep(photo), old.keep(other)
    old.replica.attach("t1", behind)
    old.replica.attach("t1", along)
    with old.store.transaction():
        old.store.put_file(msgspec.structs.replace(behind, sent=True))
    write(old, tmp_path / "bundle", passphrase="x", everything=False)
    read(tmp_path / "bundle", tmp_path / "new", passphrase="x")
    new = Home(tmp_path / "new")
    sync_over(new, hub.ask)
    with new.store.transaction():
        new.store.put_file(msgspec.structs.replace(along, sent=True))
    hub.restore(0)

    sync_over(new, hub.ask)

    assert [one.sha256 for one in waiting(new)] == [along.sha256]
    assert write(new, tmp_path / "all", passphrase="x", everything=True)["files"] == 1
    old.close()
    new.close()


# -- the server's word ---------------------------------------------------------------------------


def test_the_servers_receipt_is_written_as_the_proof_of_the_ledger_reads_it(
    hub: MemoryHub, tmp_path: Path
) -> None:
    one = home(hub, tmp_path / "phone")
    one.replica.find("t1", "mice", basis="Law 3")
    sync_over(one, hub.ask)
    server_key = one.replica.identity.enrolled.server_key
    one.close()

    done = device("receipt", str(tmp_path / "a.receipt"), "--home", str(tmp_path / "phone"))

    shown = msgspec.json.decode((tmp_path / "a.receipt").read_bytes(), type=Shown)
    text = receipt_text(shown.device, shown.ack, ledger=shown.ledger, root=shown.root)
    assert done.exit_code == 0, done.output
    assert (shown.device, shown.ack.n, shown.ledger) == ("d1", 1, 1)
    assert codec.verifies(server_key, text, shown.sig)


def test_before_the_first_exchange_there_is_no_receipt(hub: MemoryHub, tmp_path: Path) -> None:
    one = Home(tmp_path / "phone")
    enrol_at(one.replica, door(hub), server="", code="code-li", label="")
    one.close()

    done = device("receipt", str(tmp_path / "a.receipt"), "--home", str(tmp_path / "phone"))

    assert "receipt.none" in done.stderr
    assert not (tmp_path / "a.receipt").exists()


# -- to a new phone ------------------------------------------------------------------------------


def test_a_new_phone_goes_on_with_files_and_unsent_work(hub: MemoryHub, tmp_path: Path) -> None:
    old = home(hub, tmp_path / "old")
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"\xff\xd8\xff picture")
    kept = old.keep(photo)
    old.replica.attach("t1", kept)
    count = write(old, tmp_path / "li.bundle", passphrase="four words", everything=False)

    read(tmp_path / "li.bundle", tmp_path / "new", passphrase="four words")
    new = Home(tmp_path / "new")
    new.replica.find("t1", "mice", basis="Law 3")
    sync_over(new, hub.ask, files="none")
    sync_over(old, hub.ask, files="none")

    assert count == {"operations": 1, "files": 1}
    assert new.reader(kept.sha256)(0, 99) == photo.read_bytes()
    assert new.replica.identity.enrolled.device == "d2"
    assert [len(hub.chain(name)) for name in ("d1", "d2")] == [2, 0]
    assert old.store.log(1, 9) == new.store.retired("d1", 1, 9)  # the old one adopts it
    old.close()
    new.close()


def test_what_cannot_be_read_makes_no_phone(hub: MemoryHub, tmp_path: Path) -> None:
    old = home(hub, tmp_path / "old")
    bundle, cut = tmp_path / "li.bundle", tmp_path / "cut.bundle"
    write(old, bundle, passphrase="four words", everything=False)
    cut.write_bytes(bundle.read_bytes()[:-20])
    office = tmp_path / "office.bundle"
    with old.store.transaction():
        seal = msgspec.structs.replace(old.replica.identity.enrolled, seal_key="09" + "00" * 31)
        told = msgspec.structs.replace(old.replica.identity, enrolled=seal)
        old.store.set("identity", msgspec.json.encode(told).decode())
    write(old, office, passphrase="", everything=True)
    old.close()

    at = ["--home", str(tmp_path / "new")]
    wrong = device("import", str(bundle), "--passphrase", "three words", *at)
    short = device("import", str(cut), "--passphrase", "four words", *at)
    other = device("import", str(office), "--passphrase", "four words", *at)
    taken = device(
        "import", str(bundle), "--passphrase", "four words", "--home", str(tmp_path / "old")
    )

    assert "bundle.passphrase" in wrong.stderr
    assert "bundle.damaged" in short.stderr
    assert "bundle.foreign" in other.stderr
    assert "device.enrolled" in taken.stderr
    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
