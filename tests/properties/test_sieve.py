"""A glance and the careful reader give the same records and name the same problems."""

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backend.rules import mapping
from backend.rules.builders import establishment
from backend.rules.identifiers import uscc_check
from backend.rules.reader import Reading, Row, read
from backend.rules.records import EstablishmentRecord
from backend.rules.sieve import Sieve
from sync.refusals import Refused

FIXTURES = Path(__file__).parents[2] / "fixtures"
TABLE = mapping.parse((FIXTURES / "mappings" / "own.toml").read_bytes(), "establishments")
LOOSE = mapping.parse(
    """[establishments.fields]
    code = "名称"
    name = "地址"
    category = { constant = "x" }
    division = { constant = "33" }
    risk = "风险"
    """.encode(),
    "establishments",
)
HEADER = [
    "统一社会信用代码",
    "名称",
    "业态",
    "区划代码",
    "地址",
    "风险",
    "登记状态",
    "经度",
    "纬度",
]
OWN = [*HEADER[:5], "风险等级", *HEADER[6:]]


def plain(n: int) -> tuple[str, ...]:
    body = f"91330106{n:09}"
    category, status = ("冷库", "农贸市场")[n % 2], ("存续", "停业")[n % 2]
    point = ("120.1", "30.2") if n % 3 else ("", "")
    return (body + uscc_check(body), "海川", category, "330106", "路", "AB"[n % 2], status, *point)


KNOWN = [plain(n) for n in range(60)]  # more than are read before anything is known

codes = st.sampled_from(
    ["92330106MAUX4U4Q3W", "91330106MAWDLXX28X", "N2330110MF0000000M", "92330106MAUX4U4Q3X", "无",
     "92330106maux4u4q3w", "９2330106MAUX4U4Q3W", "330106000000012", "9.1451E+17", "", " ", "xx"]
)  # fmt: skip
cells = st.tuples(
    codes | st.text(max_size=20),
    st.sampled_from(
        ["海川冷库", " 海川 ", "", "长" * 301, "\udcff", "\ue5e5", "a\x7f", "&amp;&", "\u3000"]
    ),
    st.sampled_from(["冷库", "农贸市场", "仓库", ""]),
    st.sampled_from(["330106", "330106001", "3301", "33010", ""]),
    st.sampled_from(["河滨路2号", "", "路" * 501]),
    st.sampled_from(["A", "B", "", "E"]),
    st.sampled_from(["存续", "停业", "休眠", ""]),
    st.sampled_from(["120.1", "", "12O", "181", "-0", "0120.1", "1e-5", "1.", ".5", "1" * 25]),
    st.sampled_from(["30.2", "", "+30", "91", "-.5", "1.2.3", "0.5", " 30 ", "3_0"]),
)


def reading(rows: list[tuple[str, ...]], table: mapping.Table, *, glance: bool) -> object:
    header = OWN if table is TABLE else HEADER
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    file = io.BytesIO(text.getvalue().encode("utf-8", "surrogateescape"))
    into = Reading[EstablishmentRecord]()
    quick = Sieve if glance else None
    try:
        read([("a", file)], table, establishment, lambda one: one.code, into, quick)
    except Refused as refused:  # a column of rounded codes
        return refused.reason
    return into.rows, into.records, into.places, into.problems.first, into.problems.refused


@given(st.lists(cells, min_size=1, max_size=30))
def test_a_glance_sees_what_the_careful_reader_sees(rows: list[tuple[str, ...]]) -> None:
    for table in (TABLE, LOOSE):
        careful = reading([*KNOWN, *rows], table, glance=False)

        assert reading([*KNOWN, *rows], table, glance=True) == careful


def test_most_rows_are_read_at_a_glance() -> None:
    file = io.StringIO()
    csv.writer(file).writerows([OWN, *(plain(n) for n in range(3000))])
    careful = 0

    def build(row: Row) -> EstablishmentRecord:
        nonlocal careful
        careful += 1
        return establishment(row)

    body = io.BytesIO(file.getvalue().encode())
    into = read([("a", body)], TABLE, build, lambda one: one.code, glance=Sieve)

    assert len(into.records) == 3000
    assert careful < 100


@given(st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=40), st.data())
def test_many_codes_are_checked_as_each_is(numbers: list[int], data: st.DataObject) -> None:
    found = [f"9133010{n:010}" for n in numbers]
    codes = [body + uscc_check(body) for body in found]
    at = data.draw(st.integers(0, len(codes) - 1))
    place = data.draw(st.integers(0, 17))
    codes[at] = codes[at][:place] + data.draw(st.characters()) + codes[at][place + 1 :]

    rows = [(code, "海川", "冷库", "330106", "路", "A", "存续", "", "") for code in codes]

    assert reading([*KNOWN, *rows], TABLE, glance=True) == reading(
        [*KNOWN, *rows], TABLE, glance=False
    )
