"""名录往返: export, import into an empty register, export again: the same bytes, whatever the text.

Every register, every format, both databases. Texts have no blanks around them and no character
that is none (U+0000, lone surrogates, U+FFFE, U+FFFF): the reader takes none of those in.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

import pytest
import rows
import sqlalchemy as sa
from conftest import NOW
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from backend import db
from backend.auth import Officer
from backend.rules.exports import guard, unguard
from backend.rules.records import REGISTERS, Register
from backend.tables import Establishment, Inspector
from backend.work import exports, registers
from backend.work.shelves import SHELVES

BOSS = Officer(id="1", name="boss", role="admin", division="")
ALL: tuple[Register, ...] = tuple(REGISTERS)
FORMATS: tuple[exports.Format, ...] = ("csv", "xlsx", "ndjson")
EXAMPLES = 4

_number = count(1)
CODES = ("123456789012345678", "92330106MAUX4U4Q3W")
PEOPLE = ("33-000001", "A=1")

NASTY = (
    "=1+1", "'=1", "''@x", "-", "+86", "@a", '"', '""', "a\nb", "a\r\nb", "a\rb", "\\", '\\"', "'",
    ";\n;\n;", "a|b|c", "\t".join("abc"), "_x0041_", "_x005F_x0041_", "<r>a</r>", "]]>", "&amp;",
    "\x01", "\x7f", "\ufeffa", "a\u2028b", "𠀀", "e\u0301", "1E+5", "0012", "9" * 18, "true",
    "null", "无", "N/A", "2026-01-02", "{}", '{"a":1}', "\n".join("x" * 40), ",,,,",
    "x\n" * 99 + "x", "code,name", "TRUE", "1.0", "'a','b'", "１８",
)  # fmt: skip
characters = st.characters(
    exclude_categories=("Cs",), exclude_characters="\x00\ufffe\uffff", max_codepoint=0x2FFFF
)


def texts(chars_max: int, *, needed: bool = False) -> st.SearchStrategy[str]:
    free = st.text(characters, max_size=12).map(str.strip)
    found = (st.sampled_from(NASTY) | free).filter(lambda text: len(text) <= chars_max)
    return found.map(str.strip).filter(bool) if needed else found


days = st.dates(date(1950, 1, 1), date(2099, 12, 31))
held = st.floats(-90, 90, allow_subnormal=False).filter(lambda x: not 0 < abs(x) < 1e-20)
degrees = held.map(lambda x: x + 0.0)  # the reader takes -0 as 0
divisions = st.sampled_from(("33", "3301", "330106", "330106001", "330106001002"))
moments = st.none() | st.integers(0, 10**15).map(
    lambda microseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
points = st.tuples(degrees, degrees, st.sampled_from(("", "WGS-84", "GCJ-02", "BD-09"))) | st.just(
    (None, None, "")
)
statuses = st.sampled_from(("active", "suspended", "revoked", "cancelled", "moved", "unknown"))
spans = st.tuples(days, days).map(sorted)


@st.composite
def establishments(draw: Callable[[Any], Any]) -> dict[str, Any]:
    longitude, latitude, datum = draw(points)
    return {
        "code": draw(texts(64, needed=True)),
        "name": draw(texts(300, needed=True)),
        "category": draw(texts(60, needed=True)),
        "division": draw(divisions | st.just("")),
        "address": draw(texts(500)),
        "risk": draw(st.sampled_from("ABCD")),
        "status": draw(statuses),
        "status_raw": draw(texts(120)),
        "longitude": longitude,
        "latitude": latitude,
        "datum": datum,
        "risk_source": draw(texts(120)),
        "credit_class": draw(st.sampled_from(("", *"ABCD"))),
        "key_object": draw(st.booleans()),
        "parent_code": draw(texts(64)),
        "successor_code": draw(texts(64)),
        "missing_since": draw(moments),
    }


@st.composite
def inspectors(draw: Callable[[Any], Any]) -> dict[str, Any]:
    valid_from, valid_to = draw(spans)
    return {
        "certificate": draw(texts(40, needed=True)),
        "name": draw(texts(80, needed=True)),
        "department": draw(texts(80, needed=True)),
        "division": draw(divisions),
        "valid_from": valid_from,
        "valid_to": valid_to,
        "qualifications": draw(texts(300)),
        "cap": draw(st.integers(0, 9999)),
        "active": draw(st.booleans()),
        "districts": draw(st.sets(st.sampled_from(("330102", "330106"))).map(sorted).map(",".join)),
        "expert": draw(st.booleans()),
        "missing_since": draw(moments),
    }


@st.composite
def licences(draw: Callable[[Any], Any]) -> dict[str, Any]:
    valid_from, valid_to = draw(spans)
    return {
        "number": draw(texts(64, needed=True)),
        "code": draw(st.sampled_from(CODES)),
        "kind": draw(texts(60, needed=True)),
        "scope": draw(texts(300)),
        "issuer": draw(texts(120)),
        "valid_from": draw(st.sampled_from((None, valid_from))),
        "valid_to": draw(st.sampled_from((None, valid_to))),
        "status": draw(statuses),
        "status_raw": draw(texts(120)),
        "missing_since": draw(moments),
    }


@st.composite
def listings(draw: Callable[[Any], Any]) -> dict[str, Any]:
    listed_on, removed_on = draw(spans)
    return {
        "code": draw(st.sampled_from(CODES)),
        "kind": draw(st.sampled_from(("abnormal", "serious"))),
        "listed_on": listed_on,
        "removed_on": draw(st.sampled_from((None, removed_on))),
        "reason": draw(texts(300)),
        "authority": draw(texts(120)),
        "missing_since": draw(moments),
    }


@st.composite
def leave(draw: Callable[[Any], Any]) -> dict[str, Any]:
    first_day, last_day = draw(spans)
    return {
        "certificate": draw(st.sampled_from(PEOPLE)),
        "first_day": first_day,
        "last_day": last_day,
        "reason": draw(texts(200)),
        "missing_since": draw(moments),
    }


SHAPES: dict[Register, st.SearchStrategy[dict[str, Any]]] = {
    "establishments": establishments(),
    "licences": licences(),
    "listings": listings(),
    "inspectors": inspectors(),
    "leave": leave(),
    "recusals": st.fixed_dictionaries(
        {
            "code": st.sampled_from(CODES),
            "certificate": st.sampled_from(PEOPLE),
            "reason": texts(200, needed=True),
            "missing_since": moments,
        }
    ),
    "departments": st.fixed_dictionaries(
        {
            "name": texts(80, needed=True),
            "division": divisions,
            "parent": texts(80),
            "code": texts(64),
            "missing_since": moments,
        }
    ),
    "divisions": st.fixed_dictionaries(
        {
            "code": divisions,
            "name": texts(120, needed=True),
            "since": st.sampled_from(("", "1999", "2002-12", "2002-12-31")),
            "until": st.sampled_from(("", "2010")),
            "successors": st.sampled_from(("", "330106", "330102,330106")),
            "missing_since": moments,
        }
    ),
}


def tables_of(register: Register) -> st.SearchStrategy[list[dict[str, Any]]]:
    spec = REGISTERS[register]
    return st.lists(
        SHAPES[register],
        min_size=1,
        max_size=6,
        unique_by=lambda row: tuple(row[name] for name in spec.key),
    )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def parents(engine: AsyncEngine) -> None:
    """Register whom the rows of other registers refer to."""
    batch = rows.revision("establishments")
    made: list[SQLModel] = [batch]
    for code in CODES:
        made.append(
            Establishment(
                code=code, name=code, category="market", division="330106", revision_id=batch.id
            )
        )
    for certificate in PEOPLE:
        made.append(
            Inspector(
                certificate=certificate, name="王伟", department="执法队", division="330106",
                valid_from=date(2020, 1, 1), valid_to=date(2030, 1, 1), revision_id=batch.id,
            )
        )  # fmt: skip
    async with db.transaction(engine) as session:
        for row in made:
            session.add(row)
            await session.flush()


async def leaves(engine: AsyncEngine, register: Register, format: exports.Format) -> bytes:
    async with db.transaction(engine, write=False) as session:
        export = await exports.export_register(session, BOSS, register, format)
    pieces: AsyncIterator[bytes] = export.pieces
    return b"".join([piece async for piece in pieces])


async def empty(engine: AsyncEngine, register: Register) -> None:
    shelf = SHELVES[register]
    async with db.transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(sa.delete(shelf.versions))
        await connection.execute(sa.delete(shelf.kept))


async def put(engine: AsyncEngine, register: Register, made: list[dict[str, Any]]) -> None:
    batch = rows.revision(register)
    async with db.transaction(engine) as session:
        session.add(batch)
        await session.flush()
        lines = [{**row, "id": f"{n}", "revision_id": batch.id} for n, row in enumerate(made)]
        await (await session.connection()).execute(sa.insert(SHELVES[register].kept), lines)


async def comes_back(engine: AsyncEngine, register: Register, name: str, body: bytes) -> None:
    async with db.transaction(engine) as session:
        done = await registers.import_register(
            session, BOSS, register, [(f"{next(_number)}-{name}", BytesIO(body))], now=NOW
        )  # under a name of its own, because the rows were removed behind its back
    told = [one for one in done.problems if not one.kept]
    assert not told, told
    assert done.refused == 0


@pytest.mark.parametrize("register", ALL)
def test_what_left_comes_back_to_the_last_byte(
    register: Register, database_url: str, runner: asyncio.Runner
) -> None:
    async def start() -> AsyncEngine:
        engine = db.connect(database_url)
        if REGISTERS[register].owner is not None:
            await parents(engine)
        return engine

    engine = runner.run(start())

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(tables_of(register))
    def trip(made: list[dict[str, Any]]) -> None:
        async def there_and_back() -> None:
            await empty(engine, register)
            await put(engine, register, made)
            before = {one: await leaves(engine, register, one) for one in FORMATS}
            for format, body in before.items():
                await empty(engine, register)
                await comes_back(engine, register, f"{register}.{format}", body)
                for other in FORMATS:
                    assert await leaves(engine, register, other) == before[other], (format, other)

        runner.run(there_and_back())

    trip()
    runner.run(engine.dispose())


@given(st.text(st.sampled_from("'=+-@\t\r＝＋a "), max_size=8))
def test_an_apostrophe_before_a_formula_is_taken_away_again(text: str) -> None:
    guarded = guard(text)

    assert unguard(guarded) == text
    assert guarded[:1] not in ("=", "+", "-", "@", "\t", "\r", "＝", "＋")
