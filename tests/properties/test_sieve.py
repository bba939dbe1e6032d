"""A glance and the careful reader give the same records and name the same problems."""

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backend.rules import mapping
from backend.rules.builders import establishment
from backend.rules.reader import Reading, read
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

codes = st.sampled_from(
    ["92330106MAUX4U4Q3W", "91330106MAWDLXX28X", "N2330110MF0000000M", "92330106MAUX4U4Q3X", "无",
     "92330106maux4u4q3w", "９2330106MAUX4U4Q3W", "330106000000012", "9.1451E+17", "", " ", "xx"]
)  # fmt: skip
cells = st.tuples(
    codes | st.text(max_size=20),
    st.sampled_from(["海川冷库", " 海川 ", "", "长" * 301, "\udcff"]),
    st.sampled_from(["冷库", "农贸市场", "仓库", ""]),
    st.sampled_from(["330106", "330106001", "3301", "33010", ""]),
    st.sampled_from(["河滨路2号", "", "路" * 501]),
    st.sampled_from(["A", "B", "", "E"]),
    st.sampled_from(["存续", "停业", "休眠", ""]),
    st.sampled_from(["120.1", "", "12O", "181", "-0"]),
    st.sampled_from(["30.2", "", "+30", "91"]),
)


def reading(rows: list[tuple[str, ...]], table: mapping.Table, *, glance: bool) -> object:
    header = OWN if table is TABLE else HEADER
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    file = io.BytesIO(text.getvalue().encode("utf-8", "surrogateescape"))
    into = Reading[EstablishmentRecord]()
    key, quick = (lambda one: one.code), (Sieve if glance else None)
    try:
        read([("a", file)], table, establishment, key, into, quick)
    except Refused as refused:  # a column of rounded codes
        return refused.reason
    return into.rows, into.records, into.places, into.problems.first, into.problems.refused


@given(st.lists(cells, min_size=1, max_size=30))
def test_a_glance_sees_what_the_careful_reader_sees(rows: list[tuple[str, ...]]) -> None:
    for table in (TABLE, LOOSE):
        careful = reading(rows, table, glance=False)

        assert reading(rows, table, glance=True) == careful
