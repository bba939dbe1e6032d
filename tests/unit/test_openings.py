"""现场登记, pure: what opens an inspection, whose it is, and what its device shows of it."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from simulation.world import FORM, REFS

from sync import checklist, codec, hub, lineage
from sync.device_log import Identity
from sync.hub import Docket, Facts, Ground, Person
from sync.ids import new_id
from sync.messages import Clock, End, Enrolled, Put
from sync.opened import Colleague, Described, open_on_site
from sync.ops import Answer, OpenInspection, SetAnswers, Sign
from sync.reading import absorb
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import MemoryStore, Row

ID = "0190a000-0000-7000-8000-0000000000ee"
DIGEST = checklist.digest(FORM)
STAMP: dict[str, Any] = {"e": ID, "w": 0, "m": 0, "boot": "b"}
DEN = Described("无名冷库", "河滨路8号", "cold-store", "330106")


def admits(_ref: str, _answer: Answer) -> None:
    return None


GROUND = Ground(
    forms={DIGEST: hub.Form("sim", admits)},
    people={
        "wang": Person("wang", True), "33-1": Person("wang", True), "old": Person("old", False),
        "li": Person("li", True), "33-2": Person("li", True),
    },
    works={"li": ["3301"], "wang": ["3301"]},
    sites={"E1": "330106", "E2": "110101"},
)  # fmt: skip


def said(n: int = 1, **more: Any) -> OpenInspection:
    fields: dict[str, Any] = {
        "name": "无名冷库", "address": "", "category": "market", "division": "330106",
        "reason": "巡查发现", "checklist": DIGEST, "second": "wang", **STAMP,
    }  # fmt: skip
    return OpenInspection(n=n, **(fields | more))


def judged(docket: Docket, op: Any, who: str, hash_: str = "h1", *waived: str) -> tuple[str, str]:
    verdict = docket.admit(msgspec.json.encode(op), op.n, who, False, hash_, waived)
    return verdict.verdict, verdict.why


def answered(n: int = 2) -> SetAnswers:
    return SetAnswers(n=n, f={REFS[0]: Answer("pass")}, **STAMP)


def signed(n: int, role: str) -> Sign:
    return Sign(n=n, role=role, covers={}, blobs=(), digest="", **STAMP)


OK = ("ok", "")
NOT_YOURS = ("quarantined", "inspection.not-yours")
EXISTS = ("quarantined", "inspection.exists")


def test_who_opens_is_lead_and_whom_they_name_is_second_for_all_that_follows() -> None:
    docket = Docket({}, GROUND)

    verdicts = [
        judged(docket, answered(1), "li"),
        judged(docket, said(2), "li"),
        judged(docket, answered(3), "li"),
        judged(docket, signed(4, "lead"), "li"),
        judged(docket, signed(1, "second"), "wang"),
        judged(docket, signed(2, "lead"), "wang"),
        judged(docket, answered(1), "zhao"),
    ]

    assert verdicts == [NOT_YOURS, OK, OK, OK, OK, ("quarantined", "sign.role"), NOT_YOURS]
    assert [(one.lead, one.second, one.op.e) for one in docket.opened] == [("li", "wang", ID)]


def test_an_act_opens_once_and_nobody_else_opens_it_again() -> None:
    docket = Docket({}, GROUND)

    verdicts = [
        judged(docket, said(1), "li", "h1"),
        judged(docket, said(7, orig="h1"), "li", "h7"),
        judged(docket, said(8), "li", "h8"),
        judged(docket, said(1, second="li"), "wang", "h9"),
        judged(docket, said(2, second="li", orig="h1"), "wang", "h10"),
    ]

    assert verdicts == [OK, OK, EXISTS, EXISTS, EXISTS]
    assert len(docket.opened) == 1


def test_a_re_issue_that_comes_first_opens_and_the_original_is_the_same_act() -> None:
    docket = Docket({}, GROUND)

    verdicts = [
        judged(docket, said(1, orig="h1"), "li", "h5"),
        judged(docket, said(1), "li", "h1"),
    ]

    assert verdicts == [OK, OK]
    assert len(docket.opened) == 1


def test_what_was_assigned_is_not_opened() -> None:
    docket = Docket({ID: Facts({"li": "lead"}, admits)}, GROUND)

    assert judged(docket, said(), "li") == EXISTS
    assert docket.opened == []


def test_what_another_opened_first_stays_theirs_though_it_is_held_back() -> None:
    docket = Docket({}, GROUND)

    held = judged(docket, said(checklist="ab" * 32), "li")
    taken = judged(docket, said(second="li"), "wang", "h2")

    assert held == ("quarantined", "checklist.not-found")
    assert taken == EXISTS


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"second": "", "certificate": "33-1"}, OK),
        ({"code": "E1", "division": "110101"}, OK),
        ({"code": "E2"}, ("quarantined", "opening.elsewhere")),
        ({"code": "E3"}, OK),
        ({"division": "330206"}, ("quarantined", "opening.elsewhere")),
        ({"second": "nobody"}, ("quarantined", "opening.second-unfit")),
        ({"second": "li"}, ("quarantined", "opening.second-unfit")),
        ({"second": "", "certificate": "33-2"}, ("quarantined", "opening.second-unfit")),
        ({"second": "old"}, ("quarantined", "opening.second-unfit")),
        ({"second": ""}, ("quarantined", "opening.second-unfit")),
        ({"checklist": "ab" * 32}, ("quarantined", "checklist.not-found")),
        ({"checklist": "x"}, ("quarantined", "op.malformed")),
        ({"e": "t1"}, ("quarantined", "op.malformed")),
        ({"e": ID.upper()}, ("quarantined", "op.malformed")),
        ({"name": ""}, ("quarantined", "op.malformed")),
        ({"name": "x" * 301}, ("quarantined", "op.malformed")),
        ({"reason": "\0\0"}, ("quarantined", "op.malformed")),
        ({"division": "33010"}, ("quarantined", "op.malformed")),
        ({"longitude": "1"}, ("quarantined", "op.malformed")),
    ],
)
def test_what_may_be_opened(more: dict[str, Any], expected: tuple[str, str]) -> None:
    docket = Docket({}, GROUND)

    assert judged(docket, said(**more), "li") == expected
    assert len(docket.opened) == (expected == OK)


@pytest.mark.parametrize(
    ("more", "waived", "expected"),
    [
        ({"second": "old"}, "opening.second-unfit", OK),
        ({"second": "li"}, "opening.second-unfit", ("quarantined", "opening.second-unfit")),
        ({"second": "nobody"}, "opening.second-unfit", ("quarantined", "opening.second-unfit")),
        ({"division": "110101"}, "opening.elsewhere", OK),
        ({"checklist": "ab" * 32}, "checklist.not-found", ("quarantined", "checklist.not-found")),
    ],
)
def test_what_an_officer_may_set_aside(
    more: dict[str, Any], waived: str, expected: tuple[str, str]
) -> None:
    docket = Docket({}, GROUND)

    assert judged(docket, said(**more), "li", "h1", waived) == expected


def test_an_officers_desk_opens_nothing() -> None:
    docket = Docket({}, GROUND)

    assert judged(docket, said(), f"{hub.OFFICE}chief") == NOT_YOURS


# -- on the device -------------------------------------------------------------------------------


def device() -> Replica:
    replica = Replica(MemoryStore(), lambda: Clock(1, 1, "b"))
    secret = codec.new_key()
    enrolled = Enrolled("d1", "li", "李明", "33-2", codec.public_key(secret), "e1")
    replica.enrol(enrolled, server="", secret=secret)
    replica.store.put_row(Row("u:li", "checklist", DIGEST, "r", checklist.canonical(FORM)))
    return replica


def opens(replica: Replica, at: str = ID, site: Described = DEN, **more: Any) -> None:
    said: dict[str, Any] = {"checklist": DIGEST, "second": Colleague("wang", "王芳", "33-1")}
    open_on_site(replica, at, site, reason="巡查发现", **(said | more))


def test_everything_is_recorded_in_what_was_just_opened() -> None:
    replica = device()

    opens(replica)
    replica.answer(ID, {REFS[0]: Answer("fail")})
    replica.find(ID, "无证经营", basis="第三十五条")
    mine = replica.sign(ID, "lead")

    (row,) = replica.tasks()
    body = msgspec.json.decode(row.body)
    assert (body["origin"], body["lead"]["name"], body["second"]["name"]) == (
        "ad-hoc", "李明", "王芳",
    )  # fmt: skip
    assert replica.checklist(ID) == FORM
    state = replica.inspection(ID)
    assert [one.name for one in state.openings or ()] == [DEN.name]
    assert (mine.n, len(state.findings), state.items[REFS[0]].value) == (4, 1, "fail")


def test_the_servers_own_word_takes_its_place_and_it_does_not_come_back() -> None:
    replica = device()
    opens(replica)
    other = new_id()
    opens(replica, other)

    row = Put(f"i:{ID}", "task", ID, "r", msgspec.Raw(b'{"checklist":"x"}'))
    absorb(replica, "e", [row, End(1, True, {})])
    with_row = [(row.id, row.bucket) for row in replica.tasks()]
    replica.store.drop(f"i:{ID}")

    assert with_row == [(ID, f"i:{ID}"), (other, "")]
    assert [row.id for row in replica.tasks()] == [other]


def read_all(replica: Replica) -> None:
    absorb(replica, "e", [End(1, False, {})])


def test_what_the_server_took_in_and_gave_to_others_leaves() -> None:
    replica = device()
    opens(replica)

    read_all(replica)
    unsent = [row.id for row in replica.tasks()]
    replica.store.set("acked", "1")
    replica.store.note(1, "quarantined", "opening.elsewhere")
    read_all(replica)
    held_back = [row.id for row in replica.tasks()]
    replica.store.note(1, "", "")
    absorb(replica, "e", [End(1, True, {})])
    half = [row.id for row in replica.tasks()]
    read_all(replica)

    assert unsent == held_back == half == [ID]
    assert replica.tasks() == []


def test_what_the_server_took_in_leaves_though_it_was_opened_once_more() -> None:
    replica = device()
    opens(replica)
    opens(replica)
    replica.store.set("acked", "2")
    replica.store.note(2, "quarantined", "inspection.exists")

    read_all(replica)

    assert replica.tasks() == []


def test_what_was_held_back_under_a_former_name_stays() -> None:
    replica = device()
    opens(replica)
    replica.store.note(1, "quarantined", "opening.elsewhere")
    renewed = replace(replica.identity.enrolled, device="d2")

    lineage.take_over(replica, "d1", Identity(renewed, "", codec.new_key()), kept=1)
    read_all(replica)

    assert [row.id for row in replica.tasks()] == [ID]


def test_it_stays_under_a_new_name_of_the_phone() -> None:
    replica = device()
    opens(replica)
    secret = codec.new_key()
    renewed = replace(replica.identity.enrolled, device="d2")

    lineage.take_over(replica, "d1", Identity(renewed, "", secret), kept=1)

    assert [row.id for row in replica.tasks()] == [ID]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"at": "t1"}, Reason.OPENING_INVALID),
        ({"site": replace(DEN, name="")}, Reason.OPENING_INVALID),
        ({"site": replace(DEN, division="33")}, Reason.OPENING_INVALID),
        ({"site": replace(DEN, longitude="1")}, Reason.PLACE_INVALID),
        ({"checklist": "ab" * 32}, Reason.CHECKLIST_NOT_FOUND),
        ({"second": Colleague()}, Reason.OPENING_SECOND),
        ({"second": Colleague("li")}, Reason.OPENING_SECOND),
        ({"second": Colleague(certificate="33-2")}, Reason.OPENING_SECOND),
    ],
)
def test_a_device_refuses_what_the_server_could_not_take(
    said: dict[str, Any], reason: Reason
) -> None:
    replica = device()

    with pytest.raises(Refused) as refused:
        opens(replica, **said)

    assert refused.value.reason is reason
    assert replica.tasks() == []
    assert replica.store.last() is None
