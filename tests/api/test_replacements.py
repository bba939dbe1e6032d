"""Inspectors replaced after a draw through the office's door, with devices that come late."""

from datetime import date

from amended import DIVISION, ITEM, Bureau, held
from conftest import Office
from phones import enrolled
from plans import refusal
from rows import put, revision
from sqlmodel import select

from backend import db
from backend.rules import amendments, events
from backend.rules.amendments import Away, Wanted
from backend.rules.bundle import Files
from backend.rules.papers import GROUNDS
from backend.rules.verification import verify
from backend.tables import Entry, Inspector, Leave, Recusal, Relief
from sync.ops import Answer


async def test_an_inspector_who_is_ill_is_replaced_everywhere_and_the_devices_follow(
    bureau: Bureau,
) -> None:
    before = await bureau.sites()
    ill = next(iter(before.values())).lead_id
    his = {code for code, one in before.items() if ill in (one.lead_id, one.second_id)}
    old = await enrolled(bureau.hub, ill)
    kept = held(old)
    task = next(iter(before.values()))
    old.replica.answer(task.id, {ITEM: Answer("fail")})

    done = await bureau.done(await bureau.replace(await bureau.certificate(ill)))
    after = await bureau.sites()
    new = await enrolled(bureau.hub, after[next(iter(after))].lead_id)
    await old.sync()
    await new.sync()

    assert kept == {before[code].id for code in his}
    assert set(done["sites"]) == his
    assert {one["site"] for one in done["seated"]} == his
    assert all(ill not in (one.lead_id, one.second_id) for one in after.values())
    assert [one.place for one in after.values()] == [one.place for one in before.values()]
    assert held(old) == set()
    assert task.id in held(new)
    entry = (await bureau.rows(Entry))[0]
    assert (entry.verdict, entry.inspection_id) == ("ok", task.id)
    assert new.replica.inspection(task.id).items[ITEM].value == "fail"
    assert {(one.inspector_id, one.role) for one in await bureau.rows(Relief)} >= {(ill, "lead")}
    assert all(step.ok for step in verify(await bureau.files()))


def would_come(files: Files, who: str, site: str, *away: str) -> str:
    """Work out from the files alone who takes a seat; these cannot be asked."""
    book = events.open_book(files)
    wanted = Wanted(kind="replace", reason="I03-recusal", evidence="e", inspector=who, sites=[site])
    absent = [Away(inspector=one, reason="I01-leave", evidence="e") for one in away]
    return amendments.decide(book, events.replay(files), wanted, absent).seats[0].inspector


async def test_the_registers_say_who_cannot_be_asked(bureau: Bureau, office: Office) -> None:
    sites = await bureau.sites()
    code, task = next(iter(sites.items()))
    ill = await bureau.certificate(task.lead_id)
    files = await bureau.files()
    first = would_come(files, ill, code)
    batch = revision("leave")
    leave = Leave(
        certificate=first, first_day=date(2026, 3, 1), last_day=date(2026, 4, 1),
        revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, leave)
    second = would_come(files, ill, code, first)
    barred = Recusal(code=code, certificate=second, reason="妹夫的店", revision_id=batch.id)
    await put(office, barred)
    third = would_come(files, ill, code, first, second)
    async with db.transaction(office.engine) as session:
        person = await session.get_one(Inspector, (await bureau.person(third)).id)
        person.valid_to = date(2026, 3, 15)

    done = await bureau.done(await bureau.replace(ill, "I03-recusal", sites=[code]))

    files = await bureau.files()
    (grounds,) = events.read_grounds(files[GROUNDS]).values()
    assert len({ill, first, second, third, done["seated"][0]["inspector"]}) == 5
    assert {(one.inspector, one.reason, one.site) for one in grounds.away} == {
        (first, "I01-leave", ""),
        (second, "I03-recusal", code),
        (third, "I04-certificate", ""),
    }
    assert all(one.evidence.startswith("revision:") for one in grounds.away)
    assert all(step.ok for step in verify(files))


async def test_nobody_is_taken_from_outside_the_roster(bureau: Bureau, office: Office) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    who = await bureau.certificate(task.lead_id)
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Inspector)):
            one.active = False
            session.add(one)
    batch = revision("inspectors")
    newcomer = Inspector(
        certificate="沪A9000", name="新人", department="market", division=DIVISION,
        valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1), revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, newcomer)

    asked = await bureau.replace(who, "I03-recusal", sites=[code])
    answer = await bureau.decide(asked)

    assert refusal(answer) == (409, "amendment.unstaffed")


async def test_whoever_asks_learns_nothing_and_chooses_neither_sites_nor_order(
    bureau: Bureau,
) -> None:
    sites = list((await bureau.sites()).items())
    who = await bureau.certificate(sites[0][1].lead_id)

    some = await bureau.replace(who, sites=[sites[0][0]])
    person, site = await bureau.replace(who), await bureau.substitute(sites[1][0])
    waiting = (await bureau.second.get("/office/amendments")).json()
    early = await bureau.decide(site)
    declined = await bureau.decide(person, approve=False)
    now = await bureau.decide(site)

    assert refusal(some) == (400, "amendment.sites-chosen")
    for told in (person.json(), site.json(), *waiting):
        assert (told["called"], told["seated"]) == ([], [])
    assert refusal(early) == (409, "amendment.not-next")
    assert early.json()["details"]["first"] == person.json()["id"]
    assert (declined.json()["seated"], now.status_code) == ([], 200)
    assert len(now.json()["called"]) == 1


async def test_only_who_sits_somewhere_is_replaced(bureau: Bureau) -> None:
    nobody = await bureau.replace("沪A9999")

    assert refusal(nobody) == (404, "amendment.seat-unknown")
