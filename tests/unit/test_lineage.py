"""A phone restored, cloned or moved: nothing is lost or counts twice."""

from collections.abc import Callable

import msgspec
import pytest
from replicas import BAD, OK, name, paired, phone, told, twin
from simulation.memory_hub import MemoryHub
from simulation.world import REFS, Newer

from sync import carrying, codec, lineage
from sync.exchange import drive, exchange
from sync.merge import digest, fold
from sync.messages import Enrolled, Request, Response
from sync.ops import SetAnswers, Sign, Void, decode_op
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica
from sync.store import Mine


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


def overtaken_copy(hub: MemoryHub) -> Replica:
    """Copy a phone that then delivers something else than the copy has at the same place."""
    replica = phone(hub)
    clone = twin(replica)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    clone.answer("t1", BAD)
    return clone


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


def by_hand(replica: Replica, hub: MemoryHub) -> None:
    """Take what was not sent to the office in a bundle, and bring the receipt back."""
    answers: list[carrying.Answer] = []
    for one, body in carrying.batches(replica, everything=False):
        signed = {codec.SIGNATURE_HEADER: one.header}
        got = hub.ask(Request("POST", "/sync/v1", signed, body))
        header = got.headers[codec.SIGNATURE_HEADER]
        answers.append(carrying.Answer(name(replica), one.first, header, got.body.decode()))
    receipt = carrying.Receipt(tuple(answers), ())
    carrying.apply_receipt(replica, carrying.write_receipt(hub.state.secret, receipt).encode())


def test_what_another_life_of_the_server_acknowledged_counts_as_it_is_judged_now(
    hub: MemoryHub,
) -> None:
    replica = phone(hub)
    replica.sign("t1", "lead", name="李明")
    by_hand(replica, hub)  # so no page told it which ledger has it
    replica.find("t1", "both have it", basis="Law 3")
    clone = twin(replica)
    for text in ("dirt", "rust", "dust"):
        replica.find("t1", text, basis="Law 3")
    clone.find("t1", "mice", basis="Law 3")
    clone.batch = 1  # so the first batch is the ledger's own, and only then they part
    hub.restore(0, bumped=False)
    hub.dispatch("t1", "wang", "li")  # who may not sign as the lead
    drive(exchange(replica), hub.ask)

    done = drive(exchange(clone), hub.ask)

    assert name(clone) == "d2"
    assert done.alarms == 0
    assert clone.inspection("t1") == hub.inspection("t1")
    assert hub.inspection("t1").signatures == ()


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


def test_what_was_told_as_anothers_is_read_anew_when_it_proves_ones_own(hub: MemoryHub) -> None:
    old = phone(hub)
    new = twin(old)
    with new.store.transaction():
        new.store.set("moved", "yes")
        new.store.set("renewal", codec.new_key())
    backup = twin(new)
    drive(exchange(new), hub.ask)
    new.find("t1", "dirt", basis="Law 3")
    drive(exchange(new), hub.ask)

    drive(exchange(backup), hub.ask)

    assert name(backup) == name(new) == "d2"
    assert [one.id for one in backup.recorded("t1")] == ["d2:1"]
    assert backup.inspection("t1") == new.inspection("t1") == hub.inspection("t1")
    assert backup.store.get("alarms") == ""


def test_a_former_name_is_forgotten_once_a_backup_must_hold_the_new_one(hub: MemoryHub) -> None:
    old = phone(hub)
    old.answer("t1", OK)
    new = twin(old)
    with new.store.transaction():
        new.store.set("moved", "yes")
    drive(exchange(new), hub.ask)

    hub.state.durable = 1  # of a moment before the new name or after it: nobody knows
    drive(exchange(new), hub.ask)
    kept = [one.identity.enrolled.device for one in new.retired()]
    hub.restore(1)
    new.answer("t1", BAD)
    drive(exchange(new), hub.ask)
    new.answer("t1", OK)
    drive(exchange(new), hub.ask)
    hub.state.durable = 3
    drive(exchange(new), hub.ask)

    assert kept == ["d1"]
    assert [len(hub.chain(one)) for one in ("d1", name(new))] == [1, 2]
    assert new.retired() == ()


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
