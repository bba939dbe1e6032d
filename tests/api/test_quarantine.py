"""What was held back: listed so that a person can decide, released, kept, judged again."""

import held
import pytest
from conftest import Clock, Office
from held import REASON
from httpx import AsyncClient
from phones import TASK, Phone, task_body
from simulation.app_hub import AppHub
from simulation.world import REFS, Newer
from sqlmodel import col, select

from backend import db
from backend.tables import Entry, Head, Ruling
from backend.work import listing, rulings
from sync import hub as deciding
from sync import ops
from sync.ops import AnyOp, SetAnswers
from sync.store import Row

FORKED = 409
RELEASE, KEEP = "/office/quarantine/release", "/office/quarantine/keep"


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await held.opened(office)


@pytest.fixture
async def chief(office: Office) -> AsyncClient:
    return await office.officer("supervisor", "33")


async def revoked(hub: AppHub, *values: str) -> Phone:
    """Give a phone of the lead that recorded answers and was revoked before it sent them."""
    phone = await Phone(hub, "lead").enrol()
    for value in values:
        phone.answer(value)
    await hub.revoke(phone.id)
    await phone.sync()
    return phone


async def forked(hub: AppHub) -> tuple[Phone, Phone]:
    """Give a phone and a copy of it that recorded another second operation."""
    phone = await Phone(hub, "lead").enrol()
    phone.answer("pass")
    await phone.sync()
    copy = phone.copy()
    phone.answer("fail", REFS[1])
    await phone.sync()
    return phone, copy


# -- a revoked device ----------------------------------------------------------------------------


async def test_late_work_of_a_revoked_device_is_listed_with_whose_and_why(
    hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail")

    (one,) = await held.listed(chief)

    told = ("device", "n", "inspection", "verdict", "why", "inspector")
    assert [one[name] for name in told] == [
        phone.id, 1, TASK, "quarantined", "device.revoked", "李明",
    ]  # fmt: skip
    assert one["kind"].startswith("answers.set/")
    assert '"fail"' in one["raw"]


async def test_what_is_released_counts_and_the_ledger_keeps_its_first_word(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail")
    before = await hub.ledger()

    done = await held.told(chief, RELEASE, {"device": phone.id, **REASON})

    after = await hub.ledger()
    assert done["released"] == [1]
    assert await held.value(office) == "fail"
    assert await held.listed(chief) == []
    assert [(d, p.verdict, p.hash, p.root) for d, p in after] == [
        (d, p.verdict, p.hash, p.root) for d, p in before
    ]
    (act,) = await held.acts(office, "quarantine.release")
    assert (act["reason"], act["operations"]) == (REASON["reason"], 1)


async def test_what_is_released_reaches_the_other_inspector_in_the_feed(
    hub: AppHub, chief: AsyncClient
) -> None:
    second = await Phone(hub, "second").enrol()
    phone = await revoked(hub, "fail")
    await second.sync()
    before = second.replica.inspection(TASK).items

    await held.told(chief, RELEASE, {"device": phone.id, **REASON})
    done = await second.sync()

    assert before == {}
    assert second.replica.inspection(TASK).items[REFS[0]].value == "fail"
    assert done.alarms == 0


async def test_numbers_choose_what_is_released(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail", "pass")

    await held.told(chief, RELEASE, {"device": phone.id, "numbers": [1], **REASON})

    assert await held.value(office) == "fail"
    assert [one["n"] for one in await held.listed(chief)] == [2]


async def test_releasing_twice_is_refused_and_changes_nothing(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail")
    order = {"device": phone.id, "numbers": [1], **REASON}
    await held.told(chief, RELEASE, order)

    again = await held.refused(chief, RELEASE, order)

    assert again == "quarantine.empty"
    assert len(await held.acts(office, "quarantine.release")) == 1


async def test_a_revoked_device_may_send_again_what_was_released_and_nothing_doubles(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail")
    await held.told(chief, RELEASE, {"device": phone.id, **REASON})

    phone.store.set("acked", "0")
    await phone.sync()

    assert await held.value(office) == "fail"
    assert [mine.note for mine in phone.store.log(1, 9)] == [""]


# -- not one's own -------------------------------------------------------------------------------


async def test_work_of_a_stranger_is_released_as_that_of_someone_who_came_along(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    stranger = await Phone(hub, "third").enrol()
    stranger.store.put_row(_task_row())
    stranger.replica.find(TASK, "地面有水", basis="规范 3.1")
    stranger.replica.sign(TASK, "lead")
    await stranger.sync()

    done = await held.told(chief, RELEASE, {"device": stranger.id, **REASON})

    assert done["released"] == [1]
    assert done["held"] == {"2": "sign.role"}
    state = await hub.inspection(TASK)
    assert [one.who for one in state.findings] == [hub.ids["third"]]
    assert state.signatures == ()


async def test_of_two_reasons_each_is_set_aside_by_itself(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    stranger = await Phone(hub, "third").enrol()
    stranger.store.put_row(_task_row())
    stranger.replica.find(TASK, "地面有水", basis="规范 3.1")
    await hub.revoke(stranger.id)
    await stranger.sync()
    order = {"device": stranger.id, **REASON}

    first = await held.told(chief, RELEASE, order)
    (listed,) = await held.listed(chief)
    second = await held.told(chief, RELEASE, order)

    assert first["held"] == {"1": "inspection.not-yours"}
    assert (listed["why"], listed["decided_by"] != "") == ("inspection.not-yours", True)
    assert second["released"] == [1]


async def test_what_is_wrong_in_itself_cannot_be_released(hub: AppHub, chief: AsyncClient) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.replica.record(
        TASK, lambda stamp: SetAnswers(f={REFS[0]: ops.Answer("perhaps")}, **stamp)
    )
    await phone.sync()

    firm = await held.refused(chief, RELEASE, {"device": phone.id, **REASON})

    assert firm == "quarantine.firm"


# -- keeping -------------------------------------------------------------------------------------


async def test_what_is_kept_leaves_the_list_stays_on_record_and_may_be_released_later(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail")
    order = {"device": phone.id, **REASON}

    await held.told(chief, KEEP, order)
    waiting = await held.listed(chief)
    (kept,) = await held.listed(chief, "/office/quarantine?decided=true")
    value = await held.value(office)
    none = await held.refused(chief, RELEASE, order)
    await held.told(chief, RELEASE, {**order, "numbers": [1]})
    (released,) = await held.listed(chief, "/office/quarantine?decided=true")

    assert (waiting, value, none) == ([], "", "quarantine.empty")
    assert (kept["verdict"], kept["reason"]) == ("kept", REASON["reason"])
    assert (released["verdict"], released["decided_by"]) == ("ok", kept["decided_by"])
    assert await held.listed(chief) == []
    assert await held.value(office) == "fail"


async def test_what_was_decided_hides_nothing_that_still_waits(
    hub: AppHub, chief: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LISTED_MAX", 2)  # as a thousand are, in years
    phone = await revoked(hub, "fail", "pass", "na", "fail")
    order = {"device": phone.id, **REASON}
    await held.told(chief, KEEP, {**order, "numbers": [1, 2]})

    first = await held.listed(chief)
    await held.told(chief, KEEP, {**order, "numbers": [4]})
    second = await held.listed(chief)
    ruled = await held.told(chief, RELEASE, order)

    assert [one["n"] for one in first] == [4, 3]
    assert [one["n"] for one in second] == [3]
    assert ruled["released"] == [3]


async def test_a_reviewer_looks_but_does_not_decide_and_a_foreigner_sees_nothing(
    office: Office, hub: AppHub
) -> None:
    phone = await revoked(hub, "fail")
    reviewer = await office.officer("reviewer", "33")
    foreigner = await office.officer("supervisor", "44")

    seen = await held.listed(reviewer)
    forbidden = await held.refused(reviewer, RELEASE, {"device": phone.id, **REASON})
    hidden = await held.listed(foreigner)
    far = await held.refused(foreigner, KEEP, {"device": phone.id, **REASON})

    assert (len(seen), forbidden) == (1, "auth.role-forbidden")
    assert (hidden, far) == ([], "auth.division-forbidden")


# -- forks ---------------------------------------------------------------------------------------


async def test_a_branch_is_released_by_issuing_it_again_under_another_name(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone, copy = await forked(hub)
    mine = copy.answer("fail")  # instead of its own first answer, which it names
    copy.answer("na")  # instead of the one before, in the branch
    assert await copy.push() == FORKED
    tip = copy.store.log(3, 1)[0].hash

    listed = await held.listed(chief)
    done = await held.told(chief, RELEASE, {"device": phone.id, "branch": tip, **REASON})

    assert [(one["n"], one["verdict"], one["branch"]) for one in listed] == [
        (2, "forked", tip), (3, "forked", tip),
    ]  # fmt: skip
    assert done["released"] == [2, 3]
    item = (await hub.inspection(TASK)).items[REFS[0]]
    assert (item.value, item.conflict) == ("na", False)
    assert item.standing[0].op == f"{done['reissued_as']}:2"
    assert item.standing[0].who == hub.ids["lead"]
    assert mine.hash in {one["hash"] for one in listed}
    assert await held.listed(chief) == []
    devices = {one["id"]: one for one in await held.listed(chief, "/office/devices")}
    assert devices[done["reissued_as"]]["revoked_at"] is not None  # it has done its work


async def test_a_branch_that_its_device_issued_again_is_not_issued_twice(
    hub: AppHub, chief: AsyncClient
) -> None:
    phone, copy = await forked(hub)
    tip = copy.answer("na").hash
    waiting = await copy.push(), len(await held.listed(chief))
    await copy.sync()  # now under a new name

    listed = await held.listed(chief)
    refused = await held.refused(chief, RELEASE, {"device": phone.id, "branch": tip, **REASON})

    assert waiting == (FORKED, 1)
    assert (listed, refused) == ([], "fork.decided")


async def test_a_branch_that_the_office_and_its_device_both_issued_again_counts_once(
    hub: AppHub, chief: AsyncClient
) -> None:
    phone, copy = await forked(hub)
    tip = copy.replica.find(TASK, "地面有水", basis="规范 3.1").hash
    await copy.push()
    await held.told(chief, RELEASE, {"device": phone.id, "branch": tip, **REASON})

    await copy.sync()

    assert len((await hub.inspection(TASK)).findings) == 1


async def test_a_branch_that_is_kept_leaves_the_list(hub: AppHub, chief: AsyncClient) -> None:
    phone, copy = await forked(hub)
    copy.answer("na")
    assert await copy.push() == FORKED
    tip = copy.store.log(2, 1)[0].hash

    await held.told(chief, KEEP, {"device": phone.id, "branch": tip, **REASON})

    assert await held.listed(chief) == []


async def test_a_branch_that_is_not_there_is_refused(hub: AppHub, chief: AsyncClient) -> None:
    phone, _ = await forked(hub)

    code = await held.refused(chief, RELEASE, {"device": phone.id, "branch": "0" * 64, **REASON})

    assert code == "fork.not-found"


async def test_signatures_of_a_branch_are_not_issued_again(hub: AppHub, chief: AsyncClient) -> None:
    phone, copy = await forked(hub)
    copy.answer("na")
    copy.replica.sign(TASK, "lead")
    assert await copy.push() == FORKED
    tip = copy.store.log(3, 1)[0].hash

    done = await held.told(chief, RELEASE, {"device": phone.id, "branch": tip, **REASON})

    assert (done["released"], list(done["held"])) == ([2], ["3"])
    assert (await hub.inspection(TASK)).signatures == ()


# -- parked --------------------------------------------------------------------------------------


async def test_what_an_older_server_parked_counts_after_the_upgrade_once(
    office: Office, hub: AppHub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.answer("fail")

    def older(raw: bytes) -> AnyOp:
        raise deciding.UNREADABLE[0]("a kind of next year")

    with monkeypatch.context() as before_the_upgrade:
        before_the_upgrade.setattr(deciding, "decode_op", older)
        await phone.sync()
    parked = (await held.value(office), phone.store.log(1, 1)[0].note)
    counts = []
    for _ in range(2):
        async with db.transaction(office.engine) as session:
            counts.append(await rulings.rejudge_parked(session, clock()))
    done = await phone.sync()

    assert parked == ("", "parked")
    assert counts == [1, 0]
    assert await held.value(office) == "fail"
    assert (phone.store.log(1, 1)[0].note, done.alarms) == ("", 0)
    assert len(await held.acts(office, "ledger.rejudge")) == 1


async def test_what_is_still_not_understood_stays_parked_without_a_ruling(
    office: Office, hub: AppHub, clock: Clock
) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.replica.record(TASK, lambda stamp: Newer(hint="x", **stamp))
    await phone.sync()

    async with db.transaction(office.engine) as session:
        count = await rulings.rejudge_parked(session, clock())
        ruled = list(await session.exec(select(Ruling)))

    assert (count, ruled) == (0, [])


async def test_places_in_the_feed_stay_dense_when_something_is_released(
    office: Office, hub: AppHub, chief: AsyncClient
) -> None:
    phone = await revoked(hub, "fail", "pass", "na")
    async with db.transaction(office.engine, write=False) as session:
        before = (await session.get_one(Head, 1)).feed_n

    await held.told(chief, RELEASE, {"device": phone.id, **REASON})

    async with db.transaction(office.engine, write=False) as session:
        seqs = list(await session.exec(select(Entry.seq).order_by(col(Entry.seq))))
        after = (await session.get_one(Head, 1)).feed_n
    assert seqs == [before + 1, before + 2, before + 3]
    assert after == before + 3


def _task_row() -> Row:
    return Row(f"i:{TASK}", "task", TASK, "r", task_body())
