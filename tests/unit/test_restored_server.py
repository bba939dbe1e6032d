"""A server restored from a backup gets back what it lost, also from chains that were retired."""

import msgspec
import pytest
from replicas import OK, name, paired, phone, told, twin
from simulation.memory_hub import MemoryHub

from sync import codec
from sync.exchange import drive, exchange
from sync.messages import Request, Response
from sync.ops import decode_op
from sync.replica import Replica
from sync.store import File


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


def forked(hub: MemoryHub) -> tuple[Replica, Replica]:
    """Give a phone and its clone, which has taken another name; they share two records."""
    replica = phone(hub)
    replica.find("t1", "first", basis="Law 3")
    replica.find("t1", "second", basis="Law 3")
    clone = twin(replica)
    drive(exchange(clone), hub.ask)
    replica.find("t1", "third", basis="Law 3")
    clone.find("t1", "other", basis="Law 3")
    drive(exchange(replica), hub.ask)
    drive(exchange(clone), hub.ask)
    assert name(clone) == "d2"
    return replica, clone


def test_a_restored_server_gets_what_it_lost_from_retired_chains_too(hub: MemoryHub) -> None:
    _, clone = forked(hub)
    hub.restore(0)
    hub.state.devices["d2"] = type(hub.state.devices["d1"])("li", codec.public_key(
        clone.identity.secret), "d1")  # fmt: skip

    drive(exchange(clone), hub.ask)

    assert [decode_op(one.raw).text for one in hub.chain("d1")] == ["first", "second"]
    assert [decode_op(one.raw).text for one in hub.chain("d2")] == ["other"]
    assert clone.store.get("reoffer") == ""


@pytest.mark.parametrize("bumped", [True, False])
def test_a_restored_server_is_asked_again_for_every_file(hub: MemoryHub, bumped: bool) -> None:
    replica = phone(hub)
    photo = File("ab" * 32, 9, "image/jpeg")
    replica.attach("t1", photo)
    drive(exchange(replica), hub.ask)
    with replica.store.transaction():
        replica.store.put_file(msgspec.structs.replace(photo, sent=True))

    drive(exchange(replica), hub.ask)
    before = [one.sent for one in replica.store.files()]
    hub.restore(0, bumped=bumped)
    drive(exchange(replica), hub.ask)

    assert before == [True]
    assert [one.sent for one in replica.store.files()] == [False]


def test_a_revoked_phone_learns_what_a_restored_server_thinks_of_work_that_came_twice(
    hub: MemoryHub,
) -> None:
    replica, questions = phone(hub), list[Request]()
    replica.find("t1", "counted once", basis="y")

    def ask(question: Request) -> Response:
        questions.append(question)
        return hub.ask(question)

    drive(exchange(replica), ask)
    hub.revoke(name(replica))
    hub.restore(0, bumped=False)
    hub.ask(questions[0])  # the network delivers it once more

    drive(exchange(replica), hub.ask)

    assert [one.seq for one in hub.chain(name(replica))] == [None]
    assert [mine.note for mine in replica.store.noted()] == ["quarantined"]


def test_a_phone_that_has_read_no_page_asks_anew_about_all_of_its_work(hub: MemoryHub) -> None:
    replica, questions = phone(hub), list[Request]()

    def ask(question: Request) -> Response:
        questions.append(question)
        return hub.ask(question)

    for text in ("first", "second"):
        replica.find("t1", text, basis="y")
        drive(exchange(replica), ask)
    with replica.store.transaction():  # as if its work had gone by hand
        replica.store.set("ledger", "")
    hub.revoke(name(replica))
    hub.restore(0, bumped=False)
    hub.ask(questions[0])  # the first, which the network delivers once more

    drive(exchange(replica), hub.ask)

    assert [one.seq for one in hub.chain(name(replica))] == [None, None]
    assert [mine.n for mine in replica.store.noted()] == [1, 2]


def test_a_restored_server_that_was_not_told_so_gets_it_all_the_same(hub: MemoryHub) -> None:
    _, clone = forked(hub)
    key = codec.public_key(clone.identity.secret)
    hub.restore(0, bumped=False)
    hub.state.devices["d2"] = type(hub.state.devices["d1"])("li", key, "d1")
    other = phone(hub, "wang")  # and its ledger is as long again by then
    for _ in range(5):
        other.find("t1", "by another", basis="y")
    drive(exchange(other), hub.ask)

    done = drive(exchange(clone), hub.ask)

    assert done.alarms == 0
    assert [decode_op(one.raw).text for one in hub.chain("d1")] == ["first", "second"]
    assert clone.inspection("t1") == hub.inspection("t1")


def test_a_new_name_without_work_of_its_own_offers_that_of_the_former_one(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.find("t1", "first", basis="y")
    drive(exchange(replica), hub.ask)
    replica.store.set("moved", "yes")
    drive(exchange(replica), hub.ask)
    kept = hub.state.devices["d2"]
    hub.restore(0, bumped=False)
    hub.state.devices["d2"] = kept

    drive(exchange(replica), hub.ask)

    assert name(replica) == "d2"
    assert [decode_op(one.raw).text for one in hub.chain("d1")] == ["first"]
    assert [one.text for one in replica.inspection("t1").findings] == ["first"]


def test_what_a_restored_server_says_is_heard_again_when_its_file_was_cut(hub: MemoryHub) -> None:
    for n in range(4):  # enough for a file
        hub.put("i:t1", "note", f"n{n}", b"{}")
    replica, other = phone(hub), phone(hub, "wang")
    replica.find("t1", "mine", basis="y")
    other.find("t1", "before", basis="y")
    drive(exchange(other), hub.ask)
    drive(exchange(replica), hub.ask)
    hub.restore(0, bumped=False)
    other.find("t1", "after", basis="y")
    drive(exchange(other), hub.ask)
    cut = exchange(replica)
    question = next(cut)
    while question.method == "POST":
        question = cut.send(hub.ask(question))

    done = drive(exchange(replica), hub.ask)

    assert done.alarms == 0
    assert replica.inspection("t1") == hub.inspection("t1")
    assert {one.text for one in hub.inspection("t1").findings} == {"mine", "before", "after"}


def test_a_server_that_lost_the_new_name_knows_the_former_one(hub: MemoryHub) -> None:
    replica, clone = forked(hub)
    hub.restore(2)

    drive(exchange(clone), hub.ask)
    drive(exchange(replica), hub.ask)
    drive(exchange(clone), hub.ask)

    assert name(clone) == "d3"
    assert told(hub, "d3")[0] == clone.store.retired("d1", 3, 1)[0].hash  # the act's first record
    assert {one.text for one in hub.inspection("t1").findings} == {
        "first",
        "second",
        "third",
        "other",
    }
    assert len(hub.inspection("t1").findings) == 4
    assert clone.inspection("t1") == hub.inspection("t1")


def test_what_stands_in_the_way_of_a_retired_chain_is_recorded_anew(hub: MemoryHub) -> None:
    replica, clone = forked(hub)
    hub.restore(1)  # d1 wrote `first`; nothing of d2 is known
    fresh = twin(replica)
    with fresh.store.transaction():
        fresh.store._log = fresh.store._log[:1]
        fresh.store.set("acked", "1")
        fresh.store.set("epoch", "")
        fresh.store.set("have", "[]")
    fresh.find("t1", "in between", basis="Law 3")
    drive(exchange(fresh), hub.ask)

    drive(exchange(clone), hub.ask)

    texts = [one.text for one in hub.inspection("t1").findings]
    assert sorted(texts) == ["first", "in between", "other", "second"]
    assert clone.inspection("t1") == hub.inspection("t1")


def test_a_retired_chain_is_kept_until_a_backup_holds_what_came_of_it(hub: MemoryHub) -> None:
    _, clone = forked(hub)
    drive(exchange(clone), hub.ask)
    before = clone.retired()
    hub.state.durable = hub.state.ends.ledger_n  # it may be of a moment before the new name
    clone.answer("t1", OK)
    drive(exchange(clone), hub.ask)
    during = clone.retired()
    hub.state.durable = hub.state.ends.ledger_n
    drive(exchange(clone), hub.ask)

    assert [(one.kept, one.until) for one in before] == [(2, 5)]
    assert during == before
    assert clone.retired() == ()
    assert clone.store.retired("d1", 1, 99) == []
    assert clone.inspection("t1") == hub.inspection("t1")


def test_after_a_restore_the_wait_for_a_backup_begins_anew(hub: MemoryHub) -> None:
    _, clone = forked(hub)
    drive(exchange(clone), hub.ask)
    hub.restore(len(hub.state.ledger))
    hub.state.durable = 99  # a position of the former life would say that all is safe

    session = exchange(clone)
    session.send(hub.ask(next(session)))

    assert [one.until for one in clone.retired()] == [0]
