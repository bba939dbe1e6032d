"""名录历史: imports, feeds, merges and undos in any order leave what a small model says.

Two registers that depend on each other, every policy, with and without force, both databases.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from conftest import NOW
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from backend import db
from backend.auth import Officer
from backend.rules.records import Register
from backend.tables import Lookalike, Revision
from backend.wire import ImportView
from backend.work import changes, duplicates, registers, revisions
from backend.work.shelves import SHELVES
from backend.work.staging import Policy
from sync.refusals import Reason, Refused

EXAMPLES = 100
KEYS = 4
CLOSED = "cancelled"
KEY: dict[str, str] = {"establishments": "code", "licences": "number"}
USUAL: dict[str, dict[str, str]] = {
    "establishments": {"address": "", "successor_code": ""},
    "licences": {"scope": ""},
}
STATUS = {"status": "active", "status_raw": "", "missing": ""}

Row = dict[str, str]
Rows = dict[str, Row]  # by key, of one register
_number = count(1)


class Life:
    """What is there, and what every revision found before it changed something."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {"establishments": {}, "licences": {}}
        self.by: dict[tuple[str, str], str] = {}  # the revision that wrote a row
        self.born: dict[str, list[tuple[str, str]]] = {}  # what a revision created
        self.before: dict[str, dict[tuple[str, str], tuple[Row, str, object]]] = {}
        self.one: dict[tuple[str, str], object] = {}  # a row that comes again is another one
        self.told: dict[str, tuple[str, bool]] = {}  # the register of a revision; is it open?

    def begin(self, revision: str, register: str, *, open: bool = True) -> None:
        self.born[revision], self.before[revision] = [], {}
        self.told[revision] = (register, open)

    def write(self, revision: str, register: str, key: str, row: Row) -> None:
        place, old = (register, key), self.rows[register].get(key)
        if old == row:
            return
        if old is None:
            self.born[revision].append(place)
            self.one[place] = object()
        else:
            self.before[revision][place] = (old, self.by[place], self.one[place])
        self.rows[register][key], self.by[place] = row, revision

    def touched(self, revision: str) -> set[tuple[str, str]]:
        """Name the rows of a revision that are still there."""
        changed = {
            place
            for place, (_, _, one) in self.before[revision].items()
            if self.one.get(place) is one
        }
        return changed | {place for place in self.born[revision] if self.one.get(place)}

    def refusal(self, revision: str, *, force: bool) -> Reason | None:
        """Tell why an undo is refused."""
        if not self.told[revision][1]:
            return Reason.REVISION_UNDONE
        if not force and any(self.by[place] != revision for place in self.touched(revision)):
            return Reason.REVISION_CHANGED_LATER
        gone = {key for register, key in self.born[revision] if register == "establishments"}
        owners = {row["code"] for row in self.rows["licences"].values()}
        successors = {
            row["successor_code"]
            for key, row in self.rows["establishments"].items()
            if key not in gone
        }
        if gone & (owners | successors):
            return Reason.REVISION_IN_USE
        named = {
            row["code"] if register == "licences" else row["successor_code"]
            for (register, _), (row, _, _) in self.before[revision].items()
        } - {""}
        if named - self.rows["establishments"].keys():
            return Reason.REVISION_REFERENCE_GONE
        return None

    def undo(self, revision: str, undo: str) -> None:
        register = self.told[revision][0]
        self.told[revision] = (register, False)
        for place in self.born[revision]:
            if place in self.one:
                del self.rows[place[0]][place[1]], self.by[place], self.one[place]
        for place, (row, by, one) in self.before[revision].items():
            if self.one.get(place) is one:
                self.rows[place[0]][place[1]], self.by[place] = row, by
        self.told[undo] = (register, False)
        for revisions_born in self.born.values():  # who is gone is nobody's child any more
            revisions_born[:] = [place for place in revisions_born if place in self.one]


class World:
    """The registers, in a division of their own, beside the model of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        number = next(_number)
        self.engine, self.life, self.now = engine, Life(), NOW
        self.division, self.prefix = f"33{number:04}", f"N{number}-"
        self.officer = Officer(id="1", name="boss", role="admin", division=self.division)

    def keys(self, register: str) -> list[str]:
        return [f"{self.prefix}{register[0]}{n}" for n in range(KEYS)]

    async def bring(
        self, register: Register, places: list[int], fields: Mapping[str, str], policy: Policy,
        word: int,
    ) -> None:  # fmt: skip
        """Import a file that names some keys, with these fields beside the necessary ones."""
        lines = {
            self.keys(register)[n]: self.line(register, n, word) | dict(fields) for n in places
        }
        body = "\n".join(map(json.dumps, lines.values())).encode()
        known = {key: row for key, row in lines.items() if self.stands(register, row)}
        if policy == "close" and len(known) < len(lines):
            with pytest.raises(Refused, match=Reason.REGISTER_CLOSE_UNSURE.code):
                await self.import_file(register, body, policy)
            return
        view = await self.import_file(register, body, policy)
        self.life.begin(view.revision, register)
        for key, row in known.items():
            old = self.life.rows[register].get(key, {**USUAL[register], **STATUS})
            raw = {"status_raw": row["status"]} if "status" in row else {}
            self.life.write(view.revision, register, key, {**old, **row, **raw, "missing": ""})
        for key, row in list(self.life.rows[register].items()):
            if policy != "keep" and key not in known and row["status"] != CLOSED:
                closed = {"status": CLOSED} if policy == "close" else {}
                self.life.write(view.revision, register, key, {**row, **closed, "missing": "yes"})
        assert view.refused == len(lines) - len(known)

    async def import_file(self, register: Register, body: bytes, policy: Policy) -> ImportView:
        async with db.transaction(self.engine) as session:
            return await registers.import_register(
                session, self.officer, register, [("a.ndjson", BytesIO(body))], now=self.now,
                policy=policy,
            )  # fmt: skip

    async def feed(
        self, register: Register, place: int, kind: str, fields: Mapping[str, str], word: int
    ) -> None:
        """Tell of one change, unless it would wait for its row."""
        key, necessary = self.keys(register)[place], self.line(register, place, word)
        old = self.life.rows[register].get(key)
        if (old is None and kind != "created") or not self.stands(register, necessary):
            return
        named = necessary if kind == "created" else {KEY[register]: key}
        told = named | (dict(fields) if kind != CLOSED else {})
        self.now += timedelta(seconds=1)
        line = {
            "source": "feed", "id": f"{self.prefix}{self.now.timestamp()}", "register": register,
            "kind": kind, "at": self.now.isoformat(), "fields": told,
        }  # fmt: skip
        async with db.transaction(self.engine) as session:
            view = await changes.apply_changes(
                session, self.officer, json.dumps(line).encode(), now=self.now
            )
        assert view.applied == 1, view
        revision = view.registers[0].revision
        self.life.begin(revision, register)
        after = {**USUAL[register], **STATUS, **(old or {})}
        if kind == "created":
            after |= {"status": "active", "status_raw": ""}
        if kind == CLOSED:
            told["status"] = CLOSED
        raw = {"status_raw": told["status"]} if "status" in told else {}
        if old is None and "status" not in told:
            raw = {"status_raw": after["status_raw"]}
        self.life.write(revision, register, key, {**after, **told, **raw, "missing": ""})

    async def merge(self, one: int, other: int, decision: Literal["same", "different"]) -> None:
        """Decide on a pair."""
        first, second = sorted(self.keys("establishments")[n] for n in (one, other))
        rows = self.life.rows["establishments"]
        if first == second or not {first, second} <= rows.keys():
            return
        pair = sa.and_(col(Lookalike.first_code) == first, col(Lookalike.second_code) == second)
        async with db.transaction(self.engine) as session:
            found = (await session.exec(select(Lookalike).where(pair))).first()
            if found is None:
                found = Lookalike(
                    first_code=first, second_code=second, score=1, evidence="[]", found_at=NOW
                )
                session.add(found)
        merged = {row["successor_code"] for row in rows.values()}
        alone = not any(rows[one]["successor_code"] or one in merged for one in (first, second))
        try:
            async with db.transaction(self.engine) as session:
                view = await duplicates.decide_lookalike(
                    session, self.officer, found.id, decision, now=self.now
                )
        except Refused as refused:
            if alone or refused.reason is not Reason.LOOKALIKE_CHAINED:
                raise
            return
        async with db.transaction(self.engine, write=False) as session:
            newest = select(Revision.id).order_by(col(Revision.at).desc()).limit(1)
            revision = (await session.exec(newest)).one()
        stays, goes = view.first.code, view.second.code
        together = rows[goes]["successor_code"] == stays
        if together == (decision == "different"):
            self.life.begin(revision, "establishments")
            successor = stays if decision == "same" else ""
            row = {**rows[goes], "successor_code": successor}
            self.life.write(revision, "establishments", goes, row)

    async def undo(self, place: int, *, force: bool) -> None:
        """Take a revision back, as far as the model lets it."""
        mine = [one for one in self.life.born]
        if not mine:
            return
        revision = mine[-1 - place % len(mine)]
        expected = self.life.refusal(revision, force=force)
        told, undone = None, ""
        try:
            async with db.transaction(self.engine) as session:
                done = await revisions.undo_revision(
                    session, self.officer, revision, force=force, now=self.now
                )
                undone = done.revision
        except Refused as refused:
            told = refused.reason
        assert told is expected
        if undone:
            self.life.undo(revision, undone)

    def line(self, register: str, place: int, word: int) -> Row:
        """Write what must be there of a row."""
        key = self.keys(register)[place]
        if register == "establishments":
            name = f"{key}商行{word}"
            return {"code": key, "name": name, "category": "c", "division": self.division}
        code = self.keys("establishments")[(place + word) % KEYS]
        return {"number": key, "code": code, "kind": "food"}

    def stands(self, register: str, row: Row) -> bool:
        """Tell whether whom a row names is there."""
        return register == "establishments" or row["code"] in self.life.rows["establishments"]

    async def check(self) -> None:
        """Compare."""
        for register, rows in self.life.rows.items():
            kept = SHELVES[register].kept if register in SHELVES else None
            assert kept is not None
            key = kept.c[KEY[register]]
            async with db.transaction(self.engine, write=False) as session:
                query = kept.select().where(key.startswith(self.prefix))
                found = (await (await session.connection()).execute(query)).mappings().all()
            stored = {
                row[KEY[register]]: {"missing": "yes" if row["missing_since"] else "", **row}
                for row in found
            }
            assert stored.keys() == rows.keys(), register
            for name, row in rows.items():
                assert {one: stored[name][one] for one in row} == row
                assert stored[name]["revision_id"] == self.life.by[register, name]


names = st.sampled_from(("establishments", "establishments", "licences"))
places = st.integers(0, KEYS - 1)
words = st.integers(0, 2)
fields = st.fixed_dictionaries(
    {}, optional={"status": st.sampled_from(("active", "suspended", "cancelled"))}
)
steps = st.one_of(
    st.tuples(
        st.just("bring"), names, st.lists(places, min_size=1, unique=True), fields,
        st.sampled_from(("keep", "keep", "mark", "close")), words,
    ),
    st.tuples(
        st.just("feed"), names, places, st.sampled_from(("created", "changed", CLOSED)), fields,
        words,
    ),
    st.tuples(
        st.just("merge"), places, places, st.sampled_from(("same", "same", "different"))
    ),
    st.tuples(st.just("undo"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("undo"), st.just(0), st.booleans()),
)  # fmt: skip


def test_any_history_is_what_the_model_says(database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(st.lists(steps, min_size=4, max_size=16))
    def live(history: list[tuple[Any, ...]]) -> None:
        async def through() -> None:
            world = World(engine)
            for name, *told in history:
                if name == "undo":
                    await world.undo(told[0], force=told[1])
                else:
                    await getattr(world, name)(*told)
                await world.check()

        runner.run(through())

    with asyncio.Runner() as runner:

        async def connect() -> AsyncEngine:
            return db.connect(database_url)

        engine = runner.run(connect())
        live()
        runner.run(engine.dispose())
