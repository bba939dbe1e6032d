"""Answers that come after others that were asked for later: they take nothing back."""

from contextlib import suppress

import pytest
from replicas import OK, paired, phone
from simulation.memory_hub import MemoryHub

from sync.exchange import drive, exchange
from sync.messages import PushHead, Request, decode_push_head


@pytest.fixture
def hub() -> MemoryHub:
    return paired()


def head(request: Request) -> PushHead:
    return decode_push_head(request.body.partition(b"\n")[0])


def test_a_late_answer_does_not_take_back_what_a_page_told_since(hub: MemoryHub) -> None:
    replica = phone(hub)
    hub.dispatch("t1", "wang", "zhao")  # li goes no more, and has not heard of it
    replica.answer("t1", OK)
    late = exchange(replica)
    answer = hub.ask(next(late))
    drive(exchange(replica), hub.ask)
    held_back = [mine.note for mine in replica.store.noted()]
    hub.release("d1", 1)
    drive(exchange(replica), hub.ask)

    with suppress(StopIteration):
        late.send(answer)

    assert held_back == ["quarantined"]
    assert replica.store.noted() == []
    assert replica.inspection("t1") == hub.inspection("t1")


def test_a_checksum_that_does_not_fit_has_the_own_log_judged_anew(hub: MemoryHub) -> None:
    replica = phone(hub)
    hub.dispatch("t1", "wang", "zhao")
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    replica.store.note(1, "", "")  # a copy of the phone was told, and this one was not

    healed = drive(exchange(replica), hub.ask)
    quiet = drive(exchange(replica), hub.ask)

    assert (healed.alarms, healed.sent, quiet.alarms) == (1, 1, 0)
    assert [mine.note for mine in replica.store.noted()] == ["quarantined"]
    assert replica.inspection("t1") == hub.inspection("t1")


def test_a_late_answer_that_a_page_overtook_acknowledges_nothing(hub: MemoryHub) -> None:
    replica = phone(hub)
    hub.dispatch("t1", "wang", "zhao")
    replica.answer("t1", OK)
    late = exchange(replica)
    answer = hub.ask(next(late))
    hub.release("d1", 1)
    drive(exchange(replica), hub.ask)
    with replica.store.transaction():
        replica.store.set("acked", "0")

    again = late.send(answer)

    assert replica.store.noted() == []
    assert (head(again).first, head(again).count) == (1, 1)


def test_what_a_late_answer_says_otherwise_is_asked_for_anew(hub: MemoryHub) -> None:
    replica = phone(hub)
    hub.dispatch("t1", "wang", "zhao")
    replica.answer("t1", OK)
    late = exchange(replica)
    answer = hub.ask(next(late))
    drive(exchange(replica), hub.ask)
    replica.store.note(1, "", "")  # as of a former life of the server

    with suppress(StopIteration):
        late.send(answer)
    before = replica.acked()
    drive(exchange(replica), hub.ask)

    assert before == 0
    assert [mine.note for mine in replica.store.noted()] == ["quarantined"]


def test_an_answer_from_before_all_was_offered_again_acknowledges_nothing(hub: MemoryHub) -> None:
    replica = phone(hub)
    replica.answer("t1", OK)
    drive(exchange(replica), hub.ask)
    late = exchange(replica)
    asked = next(late)
    answer = hub.ask(asked)
    with replica.store.transaction():
        replica.store.set("acked", "0")  # as another exchange heard of a restored server

    again = late.send(answer)

    assert (head(asked).first, head(asked).count) == (2, 0)
    assert (head(again).first, head(again).count) == (1, 1)
