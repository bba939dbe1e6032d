"""Devices and servers of different versions: each is spoken to in its own form."""

from collections.abc import Sequence

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace
from simulation.memory_hub import MemoryHub
from simulation.world import FORM, REFS, Newer

from sync import checklist, codec, versions
from sync.exchange import OLDER_EXCHANGES, drive, exchange
from sync.messages import (
    VERSION,
    Ack,
    AnswerHead,
    Boot,
    Clock,
    Drop,
    End,
    Event,
    Gone,
    Note,
    Part,
    Pull,
    PushHead,
    Put,
    Receipt,
    Request,
    Reset,
    Response,
    Told,
    Version,
    decode_event,
)
from sync.ops import Answer
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import MemoryStore

HEAD = PushHead(
    1, "d1", 1, 0, "0" * 64, "0" * 64, Clock(5, 6, "b"),
    Pull("e", 7, ("u:a",), 9, part={"u:b": (1, 2)}, packs=True),
)  # fmt: skip
OLDER: list[tuple[Version, ...]] = [(1,), (1, "2026-11-21"), ("2026-11-21",)]


# -- up ------------------------------------------------------------------------------------------


def test_a_request_of_the_first_version_asks_for_whole_buckets_and_nothing_newer() -> None:
    line = versions.write_push_head(HEAD)

    head = versions.read_push_head(line)

    fields = msgspec.json.decode(line)
    assert fields["pull"] == {"epoch": "e", "seq": 7, "have": ["u:a"], "limit": 9}
    assert head.pull == Pull("e", 7, ("u:a",), 9, whole=True)


@pytest.mark.parametrize("version", versions.SPOKEN[1:])
def test_a_request_of_a_dated_version_is_read_as_it_was_written(version: Version) -> None:
    head = msgspec.structs.replace(HEAD, v=version)

    assert versions.read_push_head(versions.write_push_head(head)) == head


def test_a_push_alone_is_written_alike_by_all() -> None:
    head = msgspec.structs.replace(HEAD, pull=None)

    assert versions.read_push_head(versions.write_push_head(head)) == head


def test_of_a_future_form_nothing_but_its_version_is_looked_at() -> None:
    with pytest.raises(Refused) as refused:
        versions.read_push_head(b'{"v":"2036-11-22","from":"a star"}')

    assert refused.value.reason is Reason.SYNC_VERSION
    assert refused.value.details["asked"] == "2036-11-22"


# -- down ----------------------------------------------------------------------------------------

NOTES = (
    Note(7, "late"), Note(2, "parked", "op.unknown"), Note(3, "parked", "op.unknown"),
    Note(5, "parked", "op.unknown"), Note(2, "conflict"), Note(3, "parked", "op.other"),
)  # fmt: skip


def answer(version: Version, notes: Sequence[Note] = NOTES) -> AnswerHead:
    return AnswerHead(
        version, "e", 5, Ack(9, "h"), tuple(notes), Receipt(1, "r", "s"), "u", durable=3
    )


EVENTS: list[Event] = [
    Put("u:a", "task", "1", "r", Raw(b"{}")),
    Gone("u:a", "task", "2"),
    Told("u:a", "d2:1", "h", "li", Raw(b"{}"), ruled=True),
    Drop("u:b"),
    End(5, False, {"u:a": (1, 2)}),
]


@pytest.mark.parametrize("version", versions.SPOKEN)
def test_an_answer_of_every_version_says_the_same(version: Version) -> None:
    lines = versions.write_answer(answer(version), EVENTS, "d1").split(b"\n")

    head, events = versions.read_answer(lines)

    assert sorted(head.notes, key=str) == sorted(NOTES, key=str)
    assert (head.ack, head.receipt, head.upload) == (Ack(9, "h"), Receipt(1, "r", "s"), "u")
    assert head.durable == (0 if version == 1 else 3)
    assert len(events) == len(EVENTS)
    assert events[-1] == EVENTS[-1]


def test_the_first_version_is_told_in_its_own_words() -> None:
    line, *events = versions.write_answer(answer(1, NOTES[:2]), EVENTS, "d1").split(b"\n")

    assert list(msgspec.json.decode(line)) == list(versions.FIRST_HEAD)
    assert msgspec.json.decode(line)["except"] == [
        {"n": 7, "d": "late", "why": ""},
        {"n": 2, "d": "parked", "why": "op.unknown"},
    ]
    assert b"ruled" not in b"".join(events)


def test_remarks_are_said_once_of_ranges() -> None:
    line = versions.write_answer(answer("2026-11-22"), EVENTS, "d1").split(b"\n")[0]

    assert msgspec.json.decode(line)["except"] == [
        {"d": "parked", "why": "op.unknown", "ops": [[2, 3], [5, 5]]},
        {"d": "conflict", "why": "", "ops": [[2, 2]]},
        {"d": "parked", "why": "op.other", "ops": [[3, 3]]},
        {"d": "late", "why": "", "ops": [[7, 7]]},
    ]


def first(*events: Event) -> list[object]:
    lines = versions.write_answer(answer(1), [*events, EVENTS[-1]], "d1").split(b"\n")
    return [msgspec.json.decode(line)["t"] for line in lines[1:-1]]


def test_an_own_operation_that_counts_after_all_lets_the_first_version_begin_anew() -> None:
    own = Told("u:a", "d1:4", "h", "li", Raw(b"{}"), ruled=True)

    assert first(own) == ["reset"]
    assert first(EVENTS[0], own, replace(own, id="d2:1")) == ["reset"]
    answered = versions.write_answer(answer(1), [own, End(9, False, {"u:a": (1, 2)})], "d1")
    assert decode_event(answered.split(b"\n")[-1]) == End(9, True, {})
    assert first(Boot("u:a"), own) == ["boot", "op"]
    assert first(Reset(reads=True)) == ["reset"]
    with pytest.raises(AssertionError):
        first(Part("u:a", 1, 1, True))


def test_more_remarks_than_any_log_is_long_are_not_written_out() -> None:
    lines = versions.write_answer(answer("2026-11-22"), EVENTS, "d1").split(b"\n")
    lines[0] = lines[0].replace(b"[5,5]", b"[5,9007199254740992]")

    with pytest.raises(Refused) as refused:
        versions.read_answer(lines)

    assert refused.value.reason is Reason.ANSWER_STRANGE


# -- a whole exchange ----------------------------------------------------------------------------


@pytest.fixture
def hub() -> MemoryHub:
    hub = MemoryHub("22" * 32, FORM)
    hub.dispatch("t1", "li", "wang")
    hub.put("i:t1", "task", "t1", msgspec.json.encode({"checklist": checklist.digest(FORM)}))
    for who in ("li", "wang"):
        hub.join(who, "i:t1")
    return hub


def enrolled(hub: MemoryHub, who: str = "li") -> Replica:
    secret = codec.new_key()
    replica = Replica(MemoryStore(), lambda: Clock(0, 0, "b"))
    replica.enrol(hub.enrol(who, codec.public_key(secret)), server="", secret=secret)
    return replica


@pytest.mark.parametrize("spoken", OLDER)
def test_a_newer_device_goes_back_to_what_an_older_server_speaks(
    hub: MemoryHub, spoken: tuple[Version, ...]
) -> None:
    hub.spoken = spoken
    replica, asked = enrolled(hub), list[bytes]()

    def ask(request: Request) -> Response:
        asked.append(request.body)
        return hub.ask(request)

    drive(exchange(replica), ask)
    replica.answer("t1", {REFS[0]: Answer("pass")})
    replica.record("t1", lambda stamp: Newer(hint="x", **stamp))
    before = len(asked)
    drive(exchange(replica), ask)

    assert replica.unsent() == 0
    assert [mine.note for mine in replica.store.noted()] == ["parked"]
    assert replica.inspection("t1") == hub.inspection("t1")
    assert replica.store.get("speaks").startswith(f"{spoken[-1]} ")
    assert len(asked) == before + 1  # it had found out before


@pytest.mark.parametrize("spoken", OLDER)
def test_an_older_device_speaks_with_a_newer_server(
    hub: MemoryHub, spoken: tuple[Version, ...]
) -> None:
    old, new = enrolled(hub), enrolled(hub, "wang")
    drive(exchange(old, spoken), hub.ask)
    drive(exchange(new), hub.ask)
    old.answer("t1", {REFS[0]: Answer("pass")})
    new.answer("t1", {REFS[0]: Answer("fail")})
    for replica, tongue in ((old, spoken), (new, versions.SPOKEN), (old, spoken)):
        done = drive(exchange(replica, tongue), hub.ask)

    assert done.alarms == 0
    assert old.inspection("t1") == new.inspection("t1") == hub.inspection("t1")
    assert old.inspection("t1").conflicts == (REFS[0],)


def test_a_server_that_was_upgraded_is_spoken_to_in_its_newest_again(hub: MemoryHub) -> None:
    hub.spoken = (1,)
    replica = enrolled(hub)
    drive(exchange(replica), hub.ask)
    hub.spoken = versions.SPOKEN

    for _ in range(OLDER_EXCHANGES):
        drive(exchange(replica), hub.ask)

    assert replica.store.get("speaks") == ""
    request = next(exchange(replica))
    assert VERSION.encode() in request.body


def test_what_counts_since_an_upgrade_is_known_in_the_first_version_too(hub: MemoryHub) -> None:
    hub.spoken, hub.unknown = (1,), ("answers.set/2",)
    replica = enrolled(hub)
    drive(exchange(replica), hub.ask)
    replica.answer("t1", {REFS[0]: Answer("pass")})
    drive(exchange(replica), hub.ask)
    hub.leave("li", "i:t1")
    drive(exchange(replica), hub.ask)
    hub.upgrade()
    hub.join("li", "i:t1")

    done = drive(exchange(replica), hub.ask)  # in the version of before, for a while

    assert done.alarms == 0
    assert replica.store.noted() == []
    assert replica.inspection("t1") == hub.inspection("t1")


def test_without_a_common_version_it_is_said_so_and_nothing_is_lost(hub: MemoryHub) -> None:
    replica = enrolled(hub)
    drive(exchange(replica), hub.ask)
    replica.answer("t1", {REFS[0]: Answer("pass")})
    hub.spoken = ("2036-11-22",)

    with pytest.raises(Refused) as refused:
        drive(exchange(replica), hub.ask)
    hub.spoken = versions.SPOKEN
    before = replica.unsent()
    drive(exchange(replica), hub.ask)

    assert refused.value.reason is Reason.SYNC_VERSION
    assert refused.value.details == {"spoken": "2036-11-22", "asked": "2026-11-22"}
    assert (before, replica.unsent()) == (1, 0)


def test_a_version_that_was_remembered_and_is_no_longer_ours_is_forgotten() -> None:
    assert versions.remembered("0 7") == VERSION
    assert versions.remembered("1 7") == 1
    assert versions.exchanges_left("1 7") == 7
    assert versions.remember(1, 0) == ""


def test_the_first_version_is_told_a_bucket_larger_than_a_page_in_one_piece(hub: MemoryHub) -> None:
    for n in range(9):
        hub.put("i:t1", "task", f"t{n + 2}", b"{}")
    replica = enrolled(hub)
    replica.page = 2

    done = drive(exchange(replica, (1,)), hub.ask)

    assert done.alarms == 0
    assert len(replica.tasks()) == 10
