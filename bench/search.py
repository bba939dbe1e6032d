"""How long the first page of a search takes on a register of a million establishments.

The database makes the rows itself, our own `refresh_index` cuts their terms. Every question takes
turns with a bare lookup by the unique code, which the ratio refers to.
"""

import asyncio
import re
import sys
from argparse import Namespace
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import msgspec
from _stage import AT, KINDS, Kind, arguments, show, stage
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import text

from backend import db
from backend.auth import Officer
from backend.work import search

NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers (n) AS "
    "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) ",
    "postgresql": "WITH numbers (n) AS (SELECT * FROM generate_series(1, {rows})) ",
}
PLACES = "杭州宁波温州嘉兴湖州绍兴金华衢州舟山台州丽水上海南京苏州重庆厦门"  # two characters each
WORDS = (
    "海川临河惠民春晖天和四季家南塘望山兴旺福禄寿喜鑫隆盛昌宏达泰安康宁美味佳肴百香园丰收金玉"
    "满堂红梅兰竹菊东西北中正大光明永新建设创业华夏长城江湖波涛云雨雪松柏柳杨桂花石林泉溪谷"
)
KINDS_OF_TRADE = "餐饮管理食品商贸冷链仓储农贸市场水产经营便利超市小吃面馆果蔬批发"  # four each
STREETS = "解放人民中山文化建设兴业北环河滨长江黄河"  # two each
MAKE = """
INSERT INTO establishment
    (id, code, name, category, division, address, risk, status, status_raw, datum, risk_source,
     key_object, parent_code, successor_code, revision_id)
SELECT
    'e' || n,
    '92' || {division} || 'MA' || substr(CAST(100000000 + n AS VARCHAR), 2),
    substr('{places}', 1 + n / 3 % 16 * 2, 2)
        || substr('{words}', 1 + n * 61 % 83, 1) || substr('{words}', 1 + n / 7 % 79, 1)
        || substr('{words}', 1 + n / 11 % 73, 1)
        || substr('{trades}', 1 + n * 31 % 8 * 4, 4) || '有限公司',
    CASE n % 20 WHEN 0 THEN 'market' WHEN 1 THEN 'cold-store' ELSE 'food-vendor' END,
    {division},
    substr('{places}', 1 + n / 3 % 16 * 2, 2) || '市'
        || substr('{streets}', 1 + n * 13 % 10 * 2, 2) || '路' || CAST(n % 997 AS VARCHAR) || '号',
    substr('ABBBCCD', 1 + CAST(n * 17 % 7 AS INTEGER), 1),
    CASE n % 50 WHEN 0 THEN 'revoked' ELSE 'active' END, '', '', '',
    n % 200 = 0, '', '', (SELECT min(id) FROM revision)
FROM numbers
"""
MAKE_LICENCES = """
INSERT INTO licence
    (id, number, code, kind, scope, issuer, valid_from, valid_to, status, status_raw, revision_id)
SELECT 'l' || id, 'JY1' || substr(code, 3, 6) || substr(code, 12, 8), code, 'food-operation',
    '', '', NULL, NULL, 'active', '', revision_id
FROM establishment WHERE status = 'active'
"""
MAKE_LISTINGS = """
INSERT INTO listing (id, code, kind, listed_on, removed_on, reason, authority, revision_id)
SELECT 'c' || id, code, CASE risk WHEN 'D' THEN 'serious' ELSE 'abnormal' END, '2025-01-01',
    CASE risk WHEN 'B' THEN '2025-06-30' END, '', '', revision_id
FROM establishment WHERE status = 'revoked'
"""
# Province after province, as they would be imported: what is looked for may all be at the end.
DIVISION = "substr(CAST(1000000 + (11 + n / {province}) * 10000 + (1 + n * 89 % 12) * 100 "
DIVISION += "+ 1 + n * 83 % 9 AS VARCHAR), 2)"
QUESTIONS: dict[str, dict[str, Any]] = {
    "code": {"words": "{code}"},
    "end of a code": {"words": "{suffix}"},
    "four characters, common": {"words": "农贸市场"},
    "two characters, common": {"words": "杭州"},
    "two common words that never meet": {"words": "重庆 批发"},
    "one character": {"words": "鑫"},
    "traditional": {"words": "廈門東"},
    "a name, rare": {"words": "{name}"},
    "pinyin initials": {"words": "cqhc"},
    "pinyin initials, in the middle": {"words": "ncspyx"},
    "street and number": {"words": "解放路 123"},
    "nothing like it": {"words": "鳗鱼寿司"},
    "a risk, in the first province": {"division": "11", "risk": "D"},
    "a risk, in the last province": {"division": "41", "risk": "D"},
    "the last province": {"division": "41"},
    "a market, in a county": {"division": "{division}", "category": "market"},
    "a name, in the last county": {"words": "市场", "division": "411209", "risk": "A"},
    "the last thousand": {"words": "市场", "after": 999_000},
    "a licence": {"words": "{licence}"},
    "end of a licence": {"words": "{licence_end}"},
    "key objects": {"key_object": True},
    "on the list of the abnormal": {"listed": "abnormal"},
    "revoked, in the last province": {"division": "41", "status": "revoked"},
    "everything": {},
}


class Result(Struct, frozen=True):
    """One question on one database."""

    database: str
    question: str
    found: int
    p50_ms: float
    p95_ms: float
    ratio: float  # of medians, to the bare lookup in the same turns


class Built(Struct, frozen=True):
    """What it takes to have the index."""

    database: str
    rows: int
    rows_s: float  # seconds to write the rows, with the triggers
    terms_s: float  # seconds to cut and index their terms


def main() -> None:
    options = _options()
    built: list[Built] = []
    results: list[Result] = []
    with stage(tuple(options.database), options.folder) as (databases, _):
        databases.prepare([])
        for kind in options.database:
            asyncio.run(_measure(databases.copy(kind), kind, options, built, results))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode({"built": built, "pages": results}) + b"\n")
        return
    show(
        "The search index from nothing",
        ["database"],
        ["rows", "rows s", "terms s"],
        [[b.database, f"{b.rows:,}", f"{b.rows_s:.0f}", f"{b.terms_s:.0f}"] for b in built],
    )
    show(
        "The first page of 50, by what was looked for",
        ["database", "question"],
        ["found", "p50 ms", "p95 ms", "to a lookup"],
        [
            [r.database, r.question, str(r.found), f"{r.p50_ms:.1f}", f"{r.p95_ms:.1f}",
             f"{r.ratio:.1f}"]
            for r in results
        ],
    )  # fmt: skip


async def _measure(
    url: str, kind: Kind, options: Namespace, built: list[Built], results: list[Result]
) -> None:
    engine = db.connect(url)
    try:
        built.append(await _build(engine, kind, options.rows))
        results += await _ask(engine, kind, options.rounds)
    finally:
        await engine.dispose()


async def _build(engine: AsyncEngine, kind: Kind, rows: int) -> Built:
    division = DIVISION.format(province=rows // 31 + 1)
    make = MAKE.format(
        division=division, places=PLACES, words=WORDS, trades=KINDS_OF_TRADE, streets=STREETS
    )
    began = perf_counter()
    async with engine.begin() as connection:
        await connection.exec_driver_sql(NUMBERS[kind].format(rows=rows) + make)
        dated = "CAST('{}' AS DATE)" if kind == "postgresql" else "'{}'"
        listings = re.sub(r"'(\d{4}-\d\d-\d\d)'", lambda day: dated.format(day[1]), MAKE_LISTINGS)
        for statement in (MAKE_LICENCES, listings):
            await connection.exec_driver_sql(statement)
    written = perf_counter()
    async with db.transaction(engine) as session:
        await search.refresh_index(session)
    cut = perf_counter()
    async with engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.exec_driver_sql("VACUUM ANALYZE" if kind == "postgresql" else "ANALYZE")
    return Built(kind, rows, written - began, cut - written)


async def _ask(engine: AsyncEngine, kind: Kind, rounds: int) -> list[Result]:
    officer = Officer(id="", name="bench", role="admin", division="")
    async with engine.connect() as connection:
        some = (
            await connection.exec_driver_sql(
                "SELECT code, name, division FROM establishment WHERE id = 'e4711'"
            )
        ).one()
    licence = f"JY1{some[0][2:8]}{some[0][11:19]}"
    known = {
        "code": some[0], "suffix": some[0][-6:], "name": some[1][:7], "division": some[2],
        "licence": licence, "licence_end": licence[-6:],
    }  # fmt: skip
    plain: dict[str, Any] = {
        "words": "", "category": "", "division": "", "risk": "", "status": "", "key_object": False,
        "listed": "", "after": 0, "limit": 50, "now": AT,
    }  # fmt: skip
    results: list[Result] = []
    for name, asked in QUESTIONS.items():
        asked = {k: v.format(**known) if isinstance(v, str) else v for k, v in asked.items()}
        ours: list[float] = []
        bare: list[float] = []
        found = 0
        for _ in range(rounds + 1):
            async with db.transaction(engine, write=False) as session:
                began = perf_counter()
                page = await search.search_establishments(session, officer, **(plain | asked))
                ours.append((perf_counter() - began) * 1000)
                found = len(page.found)
            async with db.transaction(engine, write=False) as session:
                began = perf_counter()
                one = await session.exec(LOOKUP, params={"code": known["code"]})
                assert one.one()
                bare.append((perf_counter() - began) * 1000)
        ours, bare = ours[1:], bare[1:]  # the first warms up
        results.append(
            Result(
                database=kind,
                question=name,
                found=found,
                p50_ms=median(ours),
                p95_ms=quantiles(ours, n=20)[-1],
                ratio=median(ours) / median(bare),
            )
        )
    return results


LOOKUP = text("SELECT * FROM establishment WHERE code = :code")


def _options() -> Namespace:
    parser = arguments("How long the first page of a search takes.", KINDS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
