"""An inspection that goes on under another version of its checklist, on several devices."""

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace
from simulation.memory_hub import MemoryHub
from simulation.world import FORM, REFS

from sync import checklist, codec, following
from sync.checklist import Checklist, Difference, Item, Text
from sync.exchange import drive, exchange
from sync.merge import Carried
from sync.messages import Clock
from sync.ops import Answer, CarryChecklist, decode_op
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import MemoryStore

PASS, FAIL = Answer("pass"), Answer("fail")


def version(name: str, *items: Item) -> Checklist:
    return replace(FORM, version=name, sections=(replace(FORM.sections[0], items=items),))


ONE, TWO = FORM.items
THREE = replace(TWO, ref="1.3")
NEW = version("2", replace(ONE, text=Text("Licence valid", "证照有效")), TWO, THREE)
NEWER = version("3", replace(ONE, text=Text("Licence valid", "证照有效"), key=True), THREE)


class Bureau(MemoryHub):
    """A server that has released three versions."""

    def __init__(self) -> None:
        super().__init__("22" * 32, FORM)
        self.dispatch("t1", "li", "wang")
        task = msgspec.json.encode({"checklist": checklist.digest(FORM)})
        self.put("i:t1", "task", "t1", task)
        for who in ("li", "wang"):
            self.join(who, "i:t1")

    def release(self, form: Checklist, *whose: str) -> str:
        digest = checklist.digest(form)
        self.released[digest] = form
        for who in whose or ("li", "wang"):
            self.put(f"u:{who}", "checklist", digest, checklist.canonical(form))
        return digest


@pytest.fixture
def hub() -> Bureau:
    return Bureau()


def phone(hub: Bureau, who: str = "li") -> Replica:
    secret = codec.new_key()
    replica = Replica(MemoryStore(), lambda: Clock(0, 0, "b"))
    replica.enrol(hub.enrol(who, codec.public_key(secret)), server="", secret=secret)
    sync(hub, replica)
    return replica


def sync(hub: Bureau, *replicas: Replica) -> None:
    for replica in replicas:
        drive(exchange(replica), hub.ask)


def value(replica: Replica, ref: str) -> str:
    return replica.inspection("t1").items[ref].value


def test_the_difference_is_told_item_by_item() -> None:
    assert checklist.difference(FORM, NEW) == Difference(
        kept=("1.2",), changed=("1.1",), gone=(), new=("1.3",)
    )
    assert checklist.difference(NEW, NEWER) == Difference(
        kept=("1.1", "1.3"), changed=(), gone=("1.2",), new=()
    )


def test_answers_are_kept_and_what_asks_something_else_is_asked_again(hub: Bureau) -> None:
    replica = phone(hub)
    replica.answer("t1", dict.fromkeys(REFS, PASS))
    to = hub.release(NEW)
    sync(hub, replica)

    plan = following.plan(replica, "t1")
    following.carry(replica, "t1", plan.to)

    state = replica.inspection("t1")
    assert plan.to == to == state.followed
    assert replica.checklist("t1") == NEW
    assert (value(replica, "1.1"), value(replica, "1.2")) == ("", "pass")
    assert [said.v for said in state.items["1.1"].overruled] == ["pass"]
    replica.answer("t1", {"1.1": FAIL, "1.3": PASS})
    sync(hub, replica)
    assert value(replica, "1.1") == "fail"
    assert hub.inspection("t1") == replica.inspection("t1")
    assert replica.store.noted() == []


def test_a_colleague_who_had_not_seen_it_answered_the_former_question(hub: Bureau) -> None:
    li, wang = phone(hub), phone(hub, "wang")
    to = hub.release(NEW)
    sync(hub, li)
    following.carry(li, "t1", to)
    wang.answer("t1", dict.fromkeys(REFS, PASS))

    sync(hub, li, wang, li)

    assert li.inspection("t1") == wang.inspection("t1") == hub.inspection("t1")
    assert (value(wang, "1.1"), value(wang, "1.2")) == ("", "pass")
    assert wang.checklist("t1") == NEW


def test_two_at_once_to_different_versions_are_shown_and_settled_by_one_more(hub: Bureau) -> None:
    li, wang = phone(hub), phone(hub, "wang")
    first, second = hub.release(NEW), hub.release(NEWER)
    sync(hub, li, wang)
    following.carry(li, "t1", first)
    following.carry(wang, "t1", second)
    sync(hub, li, wang, li)
    apart = li.inspection("t1").carried

    following.carry(wang, "t1", second)
    sync(hub, wang, li)

    assert isinstance(apart, Carried)
    assert apart.conflict
    assert {carry.to for carry in apart.standing} == {first, second}
    together = li.inspection("t1").carried
    assert isinstance(together, Carried)
    assert not together.conflict
    assert together == wang.inspection("t1").carried
    assert li.checklist("t1") == NEWER


def test_what_was_to_be_answered_again_stays_so_over_several_versions(hub: Bureau) -> None:
    replica = phone(hub)
    replica.answer("t1", dict.fromkeys(REFS, PASS))
    first, second = hub.release(NEW), hub.release(NEWER)
    sync(hub, replica)

    following.carry(replica, "t1", first)
    op = decode_op(following.carry(replica, "t1", second).raw)
    replica.answer("t1", {"1.1": PASS})

    assert isinstance(op, CarryChecklist)
    assert op.again["1.1"] == tuple(sorted((first, second)))
    assert value(replica, "1.1") == "pass"
    assert [said.v for said in replica.inspection("t1").items["1.1"].overruled] == ["pass"]


def test_nothing_changes_for_who_does_not_go_on(hub: Bureau) -> None:
    replica = phone(hub)
    before = replica.answer("t1", {REFS[0]: PASS})
    hub.release(NEW)
    sync(hub, replica)

    assert replica.checklist("t1") == FORM
    assert replica.inspection("t1").carried is UNSET
    assert b"under" not in before.raw
    assert [mine.note for mine in replica.store.noted()] == []


def test_without_exactly_one_version_to_go_to_it_is_refused(hub: Bureau) -> None:
    replica = phone(hub)

    def refused(name: str = "") -> Refused:
        with pytest.raises(Refused) as caught:
            following.plan(replica, "t1", name)
        assert caught.value.reason is Reason.CHECKLIST_NOT_OFFERED
        return caught.value

    assert refused().details["versions"] == ""
    hub.release(NEW)
    hub.release(NEWER)
    sync(hub, replica)
    assert refused().details["versions"] == "2 3"
    assert refused("9").reason.code == "checklist.not-offered"
    assert following.plan(replica, "t1", "3").version == "3"


def test_a_version_that_nobody_released_is_quarantined(hub: Bureau) -> None:
    replica = phone(hub)
    to = checklist.digest(NEW)
    hub.put("u:li", "checklist", to, checklist.canonical(NEW))
    sync(hub, replica)
    following.carry(replica, "t1", to)

    sync(hub, replica)

    assert [mine.why for mine in replica.store.noted()] == ["checklist.not-found"]
    assert replica.checklist("t1") == FORM
