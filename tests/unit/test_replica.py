from collections.abc import Callable

import msgspec
import pytest
from replicas import BAD, OK, paired, phone
from simulation.memory_hub import MemoryHub
from simulation.world import REFS, Newer

from sync import codec
from sync.exchange import drive, exchange
from sync.merge import covered, digest
from sync.messages import Clock, Enrolled, Request, Response
from sync.ops import Answer, SetAnswers, decode_op
from sync.problems import refusal
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import File, MemoryStore, Row

CLOCK = Clock(0, 0, "b")


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


def refused(act: Callable[[], object], reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.reason is reason


# -- before there is a network -------------------------------------------------------------------


def test_a_device_that_is_not_enrolled_says_so() -> None:
    replica = Replica(MemoryStore(), lambda: CLOCK)

    refused(lambda: replica.identity, Reason.DEVICE_NOT_ENROLLED)
    refused(lambda: next(exchange(replica)), Reason.DEVICE_NOT_ENROLLED)


def test_a_device_enrols_once(hub: MemoryHub) -> None:
    replica = phone(hub)
    other = Enrolled("d9", "x", "x", "x", "", "")

    refused(lambda: replica.enrol(other, server="", secret=""), Reason.DEVICE_ENROLLED)


def test_what_is_recorded_counts_here_at_once_and_is_chained(hub: MemoryHub) -> None:
    replica = phone(hub)

    first, second = replica.answer("t1", OK), replica.find("t1", "rust", basis="Law 3")

    assert replica.unsent() == 2
    assert replica.inspection("t1").items[REFS[0]].value == "pass"
    assert first.hash == codec.link(codec.genesis("d1"), first.raw)
    assert second.hash == codec.link(first.hash, second.raw)


def test_an_answer_that_the_checklist_does_not_take_is_refused_and_not_recorded(
    hub: MemoryHub,
) -> None:
    replica = phone(hub)

    refused(lambda: replica.answer("t1", {"9.9": Answer("pass")}), Reason.ITEM_UNKNOWN)
    refused(lambda: replica.answer("t1", {"1.1": Answer("5")}), Reason.ANSWER_INADMISSIBLE)
    refused(lambda: replica.answer("t2", OK), Reason.INSPECTION_UNKNOWN)
    refused(lambda: replica.find("t2", "x", basis="y"), Reason.INSPECTION_UNKNOWN)
    refused(lambda: replica.attach("t1", File("f" * 64, 0, "x/y")), Reason.EVIDENCE_EMPTY)
    assert replica.unsent() == 0
    assert replica.store.files() == []


def test_a_task_whose_checklist_has_not_arrived_asks_for_a_sync(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.store.put_row(Row("i:t2", "task", "t2", "r", b'{"checklist":"elsewhere"}'))

    refused(lambda: replica.checklist("t2"), Reason.INSPECTION_UNKNOWN)


def test_an_answer_names_what_it_replaces(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)

    second = decode_op(replica.answer("t1", BAD).raw)

    assert isinstance(second, SetAnswers)
    assert second.s == {REFS[0]: ("d1:1",)}


def test_signing_again_needs_a_reason_but_others_on_site_may_sign_too(hub: MemoryHub) -> None:
    lead = phone(hub)
    lead.answer("t1", OK)
    lead.sign("t1", "site", name="the owner")
    lead.sign("t1", "site", name="the cook")
    lead.sign("t1", "lead")

    with pytest.raises(Refused) as refused:
        lead.sign("t1", "lead")

    assert refused.value.reason is Reason.SIGN_REASON_MISSING
    assert [one.role for one in lead.inspection("t1").signatures].count("lead") == 1


def test_a_signature_covers_and_digests_what_its_device_knows(hub: MemoryHub) -> None:
    lead, second = phone(hub), phone(hub, "wang")
    second.find("t1", "rust", basis="Law 3")
    drive(exchange(second), hub.ask)
    lead.answer("t1", OK)
    lead.attach("t1", File("f" * 64, 9, "image/jpeg"))
    drive(exchange(lead), hub.ask)
    before = lead.inspection("t1")

    lead.sign("t1", "lead")
    sign = decode_op(lead.sign("t1", "lead", reason="again").raw)

    assert sign.covers == {"d1": ((1, 2),), "d2": ((1, 1),)}
    assert sign.blobs == ("f" * 64,)
    assert sign.s == ("d1:3",)
    assert sign.digest == digest(before)  # other signatures are no part of what is signed
    assert covered(sign.covers, "d2:1")


def test_after_both_signed_a_late_answer_is_shown_as_late_until_it_is_signed_for(
    hub: MemoryHub,
) -> None:
    lead, second = phone(hub), phone(hub, "wang")
    lead.answer("t1", OK)
    lead.sign("t1", "lead")
    drive(exchange(lead), hub.ask)
    drive(exchange(second), hub.ask)
    second.sign("t1", "second")
    drive(exchange(second), hub.ask)

    late = second.answer("t1", BAD)
    drive(exchange(second), hub.ask)
    said = second.store.noted()
    during = second.inspection("t1")
    second.sign("t1", "second", reason="seen again")

    assert during.late == (f"d2:{late.n}",)
    assert [(mine.n, mine.note) for mine in said] == [(late.n, "late")]
    assert second.inspection("t1").late == ()
    assert second.inspection("t1").items[REFS[0]].value == "fail"


def test_a_withdrawn_finding_keeps_its_reason(hub: MemoryHub) -> None:
    replica = phone(hub)
    found = replica.find("t1", "rust", basis="Law 3")

    replica.void("t1", f"d1:{found.n}", reason="paint")

    assert replica.inspection("t1").findings[0].voided == "paint"


# -- over a network ------------------------------------------------------------------------------


def test_an_exchange_may_be_abandoned_anywhere_and_begun_again(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)

    for _ in range(3):
        hub.ask(next(exchange(replica)))  # the answer is lost
    drive(exchange(replica), hub.ask)

    assert [name for name, _ in hub.ledger()] == ["d1"]
    assert replica.unsent() == 0


def test_only_an_answer_signed_by_the_server_moves_anything(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    session = exchange(replica)
    answer = hub.ask(next(session))
    before = dict(vars(replica.store))

    damaged = msgspec.structs.replace(answer, body=answer.body[:-1])
    refused(lambda: session.send(damaged), Reason.SIGNATURE_WRONG)

    assert vars(replica.store) == before


@pytest.mark.parametrize("status", [200, 302, 404, 502])
def test_a_page_of_a_hotel_wifi_is_not_taken_for_an_answer(hub: MemoryHub, status: int) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)

    with pytest.raises(Refused):
        drive(exchange(replica), lambda _: Response(status, {}, b"<html>log in"))

    assert replica.unsent() == 1


def _resealed(hub: MemoryHub, answer: Response, body: bytes) -> Response:
    seal = codec.seal_body(hub.state.secret, "hub", body)
    return Response(answer.status, {codec.SIGNATURE_HEADER: seal}, body)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"t":"end"', b'"t":"tomorrow"', Reason.ANSWER_STRANGE),
        (b'"v":"2026-11-22"', b'"v":"2036-11-22"', Reason.SYNC_VERSION),
    ],
)
def test_an_answer_that_cannot_be_followed_changes_nothing(
    hub: MemoryHub, old: bytes, new: bytes, reason: Reason
) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)

    def ask(request: Request) -> Response:
        answer = hub.ask(request)
        return _resealed(hub, answer, answer.body.replace(old, new))

    refused(lambda: drive(exchange(replica), ask), reason)
    assert replica.unsent() == 1


def test_an_answer_without_an_end_is_refused(hub: MemoryHub) -> None:
    replica = phone(hub)

    def ask(request: Request) -> Response:
        answer = hub.ask(request)
        return _resealed(hub, answer, answer.body.rpartition(b"\n")[0])

    refused(lambda: drive(exchange(replica), ask), Reason.ANSWER_STRANGE)


def test_a_checksum_that_never_fits_does_not_read_for_ever(hub: MemoryHub) -> None:
    replica = phone(hub)

    def ask(request: Request) -> Response:
        answer = hub.ask(request)
        return _resealed(
            hub, answer, answer.body.replace(b'"check":{"i:t1":[1,', b'"check":{"i:t1":[7,')
        )

    done = drive(exchange(replica), ask)

    assert done.rounds == 2
    assert done.alarms == 2


def test_a_page_that_another_process_overtook_is_not_applied(hub: MemoryHub) -> None:
    replica = phone(hub)
    slow = exchange(replica)
    stale = hub.ask(next(slow))
    hub.remove("i:t1", "task", "t1")
    drive(exchange(replica), hub.ask)
    cursor = replica.store.get("seq")

    request = slow.send(stale)

    assert replica.tasks() == []
    assert replica.store.get("seq") == cursor
    assert request.method == "POST"


def test_operations_that_the_server_does_not_count_do_not_count_here_either(
    hub: MemoryHub,
) -> None:
    replica = phone(hub)
    wrong = {"9.9": Answer("pass")}
    replica.record("t1", lambda stamp: SetAnswers(f=wrong, **stamp))
    replica.record("t1", lambda stamp: Newer(hint="x", **stamp))
    before = replica.inspection("t1").items

    done = drive(exchange(replica), hub.ask)

    assert set(before) == {"9.9"}
    assert replica.inspection("t1").items == {}
    assert [mine.note for mine in replica.store.noted()] == ["quarantined", "parked"]
    assert done.alarms == 0


def test_two_who_answer_in_turn_write_as_little_as_at_first(hub: MemoryHub) -> None:
    pair = [phone(hub), phone(hub, "wang")]
    sizes: list[int] = []
    for n in range(200):
        replica = pair[n % 2]
        drive(exchange(replica), hub.ask)
        mine = replica.answer("t1", BAD if n % 3 else OK)
        sizes.append(len(next(exchange(replica)).body))
        drive(exchange(replica), hub.ask)

    assert max(sizes[4:]) - min(sizes[4:]) < 40  # numbers have more digits in the end
    assert len(decode_op(mine.raw).s[REFS[0]]) == 1
    assert len(hub.inspection("t1").items[REFS[0]].standing) == 1


def test_a_later_answer_replaces_what_was_said_before(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.record("t2", lambda stamp: SetAnswers(f=OK, **stamp))
    drive(exchange(replica), hub.ask)
    said = [mine.why for mine in replica.store.noted()]
    hub.dispatch("t2", "li", "wang")
    hub.restore(0, bumped=False)  # and the task is there now
    replica.find("t1", "x", basis="y")

    drive(exchange(replica), hub.ask)

    assert said == ["inspection.not-yours"]
    assert replica.store.noted() == []
    assert replica.unsent() == 0


def test_a_problem_document_becomes_the_refusal_that_it_was() -> None:
    body = b'{"code":"sync.gap","details":{"head_n":4,"reason":"x","self":"y"}}'

    known = refusal(Response(409, {}, body))
    strange = [refusal(Response(502, {}, b)) for b in (b"", b"\xff", b'{"code":"no.such"}')]

    assert known.reason is Reason.SYNC_GAP
    assert known.details["head_n"] == 4
    assert [one.reason for one in strange] == [Reason.ANSWER_STRANGE] * 3


def test_a_restored_server_is_offered_the_whole_log_again(hub: MemoryHub) -> None:
    replica = phone(hub)
    for value in ("pass", "fail", "na"):
        replica.answer("t1", {REFS[0]: Answer(value)})
    drive(exchange(replica), hub.ask)
    before = replica.inspection("t1")
    hub.restore(1)

    done = drive(exchange(replica), hub.ask)

    assert [one.n for one in hub.chain("d1")] == [1, 2, 3]
    assert replica.store.get("epoch") == hub.state.epoch
    assert replica.inspection("t1") == hub.inspection("t1") == before
    assert (replica.unsent(), done.alarms) == (0, 0)
