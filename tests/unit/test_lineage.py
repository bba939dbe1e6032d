"""A phone restored, cloned or moved, a server restored: nothing is lost or counts twice."""

from collections.abc import Callable
from copy import copy

import msgspec
import pytest
from replicas import BAD, OK, paired, phone
from simulation.memory_hub import MemoryHub
from simulation.world import REFS, Newer

from sync import codec, lineage
from sync.exchange import drive, exchange
from sync.merge import digest, fold
from sync.messages import Enrolled, Request, Response
from sync.ops import SetAnswers, Sign, Void, decode_op
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica
from sync.store import File, MemoryStore, Mine


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


def twin(replica: Replica) -> Replica:
    """Copy a phone as it is now."""
    store = MemoryStore()
    vars(store).update({name: copy(value) for name, value in vars(replica.store).items()})
    return Replica(store, replica.clock)


def overtaken_copy(hub: MemoryHub) -> Replica:
    """Copy a phone that then delivers something else than the copy has at the same place."""
    replica = phone(hub)
    clone = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    clone.answer("t1", BAD)
    return clone


def name(replica: Replica) -> str:
    return replica.identity.enrolled.device


def told(hub: MemoryHub, device: str) -> list[str]:
    return [decode_op(one.raw).orig for one in hub.chain(device)]


# -- one phone, restored -------------------------------------------------------------------------


def test_a_restored_phone_that_has_not_written_yet_adopts_its_own_tail(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    restored = twin(replica)
    for n in range(7):  # more than one answer holds
        replica.find("t1", f"dirt {n}", basis="Law 3")
    replica.record("t1", lambda stamp: Newer(hint="x", **stamp))
    drive(exchange(replica), hub.ask)

    drive(exchange(restored), hub.ask)

    assert name(restored) == name(replica)
    assert restored.store.log(1, 99) == replica.store.log(1, 99)
    assert restored.store.noted()[0].note == "parked"
    assert restored.retired() == ()


def test_a_restored_phone_that_wrote_on_takes_a_new_name_by_itself(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    restored = twin(replica)
    replica.find("t1", "dirt", basis="Law 3")
    drive(exchange(replica), hub.ask)
    mine = restored.find("t1", "mice", basis="Law 3")

    done = drive(exchange(restored), hub.ask)

    assert (name(replica), name(restored)) == ("d1", "d2")
    assert told(hub, "d2") == [mine.hash]  # the answer is in the ledger already
    assert [one.text for one in hub.inspection("t1").findings].count("mice") == 1
    assert restored.inspection("t1") == hub.inspection("t1")
    assert len(hub.inspection("t1").findings) == 2
    assert (done.alarms, restored.unsent()) == (0, 0)
    assert [one.kept for one in restored.retired()] == [1]
    assert [raw for _, _, raw in hub.state.forks] == [mine.raw]


def test_what_was_recorded_anew_refers_to_what_was_recorded_anew(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    clone = twin(replica)
    replica.find("t1", "dirt", basis="Law 3")
    drive(exchange(replica), hub.ask)
    clone.answer("t1", BAD)
    found = clone.find("t1", "mice", basis="Law 3")
    clone.answer("t1", OK)
    clone.void("t1", f"d1:{found.n}", reason="a leaf")
    clone.sign("t1", "lead")
    clone.sign("t1", "lead", reason="again")

    drive(exchange(clone), hub.ask)

    ops = [decode_op(one.raw) for one in hub.chain("d2")]
    first, second = ops[4], ops[5]
    assert isinstance(ops[0], SetAnswers)
    assert ops[0].s == {REFS[0]: ("d1:1",)}
    assert isinstance(ops[2], SetAnswers)
    assert ops[2].s == {REFS[0]: ("d2:1",)}
    assert isinstance(ops[3], Void)
    assert ops[3].target == "d2:2"
    assert isinstance(first, Sign)
    assert isinstance(second, Sign)
    assert first.covers == second.covers == {"d1": ((1, 1),), "d2": ((1, 4),)}
    assert second.s == ("d2:5",)
    covered = [one for one in clone.recorded("t1") if not isinstance(one.op, Sign)]
    inside = [one for one in covered if one.id != "d1:2"]  # of the other phone, never seen here
    assert first.digest == second.digest == digest(fold(inside))


def test_what_this_program_does_not_know_is_recorded_anew_as_it_is(hub: MemoryHub) -> None:
    replica = phone(hub)
    clone = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    newer = clone.record("t1", lambda stamp: Newer(hint="x", **stamp))
    rubbish = b"\x00\xff"
    with clone.store.transaction():
        clone.store.append(Mine(2, "t1", codec.link(newer.hash, rubbish), rubbish))

    drive(exchange(clone), hub.ask)

    first, second = hub.chain("d2")
    assert msgspec.json.decode(first.raw) == msgspec.json.decode(newer.raw) | {
        "n": 1,
        "orig": newer.hash,
    }
    assert second.raw == rubbish
    assert (first.verdict.verdict, second.verdict.verdict) == ("parked", "quarantined")


def test_a_second_fork_still_names_the_first_record(hub: MemoryHub) -> None:
    replica = phone(hub)
    clone = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    mine = clone.find("t1", "mice", basis="Law 3")
    session = exchange(clone)
    request = next(session)
    while name(clone) == "d1":
        request = session.send(hub.ask(request))
    again = twin(clone)  # before what was recorded anew is sent
    again.find("t1", "rats", basis="Law 3")
    with again.store.transaction():
        again.store.set("renewal", "")
    clone.answer("t1", BAD)
    drive(exchange(clone), hub.ask)

    drive(exchange(again), hub.ask)

    assert told(hub, "d2") == [mine.hash, ""]
    assert [one.text for one in hub.inspection("t1").findings].count("mice") == 1
    assert again.inspection("t1") == hub.inspection("t1")


def test_a_lost_answer_to_a_renewal_is_asked_for_again_and_gives_the_same_name(
    hub: MemoryHub,
) -> None:
    clone = overtaken_copy(hub)
    session = exchange(clone)
    request = next(session)
    while request.path != lineage.RENEW_PATH:
        request = session.send(hub.ask(request))
    hub.ask(request)  # and the answer is lost

    drive(exchange(clone), hub.ask)

    assert name(clone) == "d2"
    assert sorted(hub.state.devices) == ["d1", "d2"]


def test_a_renewal_that_the_server_did_not_sign_is_not_believed(hub: MemoryHub) -> None:
    clone = overtaken_copy(hub)

    def ask(request: Request) -> Response:
        answer = hub.ask(request)
        if request.path != lineage.RENEW_PATH:
            return answer
        said = msgspec.json.decode(answer.body, type=Enrolled)
        wrong = msgspec.structs.replace(said, device="d9")
        return Response(201, {}, msgspec.json.encode(wrong))

    with pytest.raises(Refused) as refused:
        drive(exchange(clone), ask)

    assert refused.value.reason is Reason.SERVER_OTHER
    assert name(clone) == "d1"
    assert clone.unsent() == 1


def test_a_revoked_device_goes_on_under_a_revoked_name_and_delivers_what_it_has(
    hub: MemoryHub,
) -> None:
    clone = overtaken_copy(hub)
    hub.revoke("d1")

    drive(exchange(clone), hub.ask)

    assert clone.unsent() == 0
    assert clone.store.get("revoked") == "yes"
    assert [(one.note, one.why) for one in clone.store.noted()] == [
        ("quarantined", "device.revoked")
    ]
    assert hub.revoked() == ["d1", "d2"]


def test_a_released_branch_and_its_new_record_count_once(hub: MemoryHub) -> None:
    replica = phone(hub)
    clone = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    first = clone.find("t1", "mice", basis="Law 3")
    clone.void("t1", "d1:1", reason="a leaf")
    drive(exchange(clone), hub.ask)
    known = clone.recorded("t1")
    new = next(one for one in known if one.id == "d2:1")

    original = msgspec.structs.replace(
        new, id="d7:1", hash=first.hash, op=msgspec.structs.replace(new.op, orig="")
    )
    both = fold([*known, original])
    foreign = fold([*known, msgspec.structs.replace(original, who="wang")])

    assert [one.op for one in both.findings] == ["d7:1"]
    assert both.findings[0].voided == "a leaf"  # said of the new record, and meant the act
    assert len(foreign.findings) == 2  # what another inspector says hides nothing


def test_a_moved_phone_sends_as_the_old_one_and_then_goes_on_under_a_new_name(
    hub: MemoryHub,
) -> None:
    old = phone(hub)
    old.answer("t1", OK)
    new = twin(old)
    with new.store.transaction():
        new.store.set("moved", "yes")

    drive(exchange(new), hub.ask)
    new.answer("t1", BAD)
    drive(exchange(new), hub.ask)
    drive(exchange(old), hub.ask)

    assert (name(old), name(new)) == ("d1", "d2")
    assert [len(hub.chain(one)) for one in ("d1", "d2")] == [1, 1]
    assert told(hub, "d2") == [""]  # nothing was recorded anew
    assert new.store.get("moved") == ""


# -- the server, restored ------------------------------------------------------------------------


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
    hub.state.durable = hub.state.ends.ledger_n - 1
    drive(exchange(clone), hub.ask)
    during = clone.retired()
    hub.state.durable = hub.state.ends.ledger_n
    drive(exchange(clone), hub.ask)

    assert [(one.kept, one.until) for one in before] == [(2, 4)]
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


# -- what a device does not believe --------------------------------------------------------------


def reseal(hub: MemoryHub, body: bytes) -> Response:
    seal = codec.seal_body(hub.state.secret, "hub", body)
    return Response(200, {codec.SIGNATURE_HEADER: seal}, body)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b'"from":1', b'"from":9'),
        lambda body: b"{}",
        lambda body: body.split(b"\n")[0],
    ],
)
def test_an_answer_about_the_chain_that_cannot_be_followed_changes_nothing(
    hub: MemoryHub, change: Callable[[bytes], bytes]
) -> None:
    replica = phone(hub)
    restored = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)

    def ask(request: Request) -> Response:
        answer = hub.ask(request)
        return reseal(hub, change(answer.body)) if request.path == lineage.CHAIN_PATH else answer

    with pytest.raises(Refused) as refused:
        drive(exchange(restored), ask)

    assert refused.value.reason is Reason.ANSWER_STRANGE
    assert restored.store.log(1, 9) == []


def test_another_process_that_renewed_first_wins(hub: MemoryHub) -> None:
    clone = overtaken_copy(hub)
    slow = exchange(clone)
    stale = hub.ask(next(slow))
    drive(exchange(clone), hub.ask)
    log = clone.store.log(1, 9)

    drive_on = slow
    with pytest.raises(Refused) as refused:
        drive_on.send(stale)

    assert refused.value.reason is Reason.SYNC_FORK  # about a name that is no longer its own
    assert clone.store.log(1, 9) == log
    assert name(clone) == "d2"


def test_a_take_over_for_a_name_that_is_gone_changes_nothing(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    other = Identity(hub.enrol("li", "0" * 64), "", "11" * 32)

    lineage.take_over(replica, "d0", other, kept=0)

    assert name(replica) == "d1"
    assert replica.unsent() == 1


def test_long_chains_are_compared_by_few_numbers() -> None:
    rungs = lineage._rungs(1_000_000)

    assert rungs[:4] == [1_000_000, 999_999, 999_998, 999_996]
    assert rungs[-1] == 0
    assert len(rungs) <= 100
    assert lineage._rungs(0) == [0]
