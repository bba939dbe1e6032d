"""XLSForm 导入 of any workbook at all: a checklist that can be read, or problems; never a crash."""

from collections.abc import Iterator

from hypothesis import event, given, settings
from hypothesis import strategies as st

from backend.rules.checklist_toml import write
from backend.rules.xlsforms import convert
from sync.checklist import parse

Block = tuple[str, list["Block"]]  # a type, and what is in it

ASKED = (
    "text", "integer", "decimal", "date", "image", "select_one yn", "select_multiple of",
    "select_one of", "note", "start",
)  # fmt: skip
RARE = ("geopoint", "range", "select_one yn or_other", "select_one nothing", "bogus", "rank of")
COLUMNS = {  # what may stand in a column, mostly of some use
    "label": ("一", "one", "是否？", "<r>&\"'\\", "x" * 601, ""),
    "label::中文": ("一", "二", ""),
    "label::English (en)": ("one", "two", ""),
    "hint": ("", "看", "${a0}"),
    "relevant": ("", "${a0} = 'yes'", "${a1} != 'no' or ${a1} != 'x'", "selected(${a0}, 'A_b')"),
    "constraint": ("", ". >= 0 and . <= 8", ". < 5", ". > -3", ". >= 9 and . <= 1", "=1+1"),
    "required": ("", "yes", "no", "true()"),
    "ref": ("", "1.1", "3.10", "9", "x"),
    "key": ("", "yes", "是", "maybe"),
    "unit": ("", "℃", "%", "°F"),
    "expect": ("", "no", "yes"),
    "rectify_days": ("", "5", "90071992547409921"),
    "appearance": ("", "signature", "minimal"),
    "default": ("", "1"),
    "media::image": ("", "a.png"),
}  # fmt: skip
LISTED = (
    ("list_name", "name", "label", "complies"), ("yn", "yes", "是", ""), ("yn", "no", "否", ""),
    ("of", "frozen_fish", "冻", "yes"), ("of", "奶", "奶", "no"), ("of", "A_b", "c", ""),
)  # fmt: skip

kinds = st.sampled_from(ASKED * 12 + RARE)
leaves = kinds.map(lambda kind: (kind, list[Block]()))
blocks = st.recursive(
    leaves,
    lambda inner: st.tuples(
        st.sampled_from(("group", "group", "repeat")), st.lists(inner, min_size=1, max_size=4)
    ),
    max_leaves=10,
)


def flat(those: list[Block]) -> Iterator[str]:
    for kind, inner in those:
        if inner:
            yield f"begin {kind}"
            yield from flat(inner)
            yield f"end {kind}"
        else:
            yield kind


@st.composite
def surveys(draw: st.DrawFn) -> list[list[str]]:
    """Draw a sheet of questions as somebody could have written it."""
    columns = [
        "label",
        *draw(st.lists(st.sampled_from(list(COLUMNS)[1:]), max_size=4, unique=True)),
    ]
    body: list[list[str]] = []
    for n, kind in enumerate(flat(draw(st.lists(blocks, min_size=1, max_size=4)))):
        told = [draw(st.sampled_from((COLUMNS[one][0],) * 9 + COLUMNS[one])) for one in columns]
        ends = kind.startswith("end ")
        body.append([kind, "" if ends else f"a{n}", *("" if ends else cell for cell in told)])
    return [["type", "name", *columns], *body]


SHEET = st.lists(
    st.lists(st.sampled_from(("", "type", "name", "text", "a")), max_size=4), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(survey=surveys(), form=st.sampled_from(("stalls", "stalls", "A_b", "冷库", "")))
def test_whatever_is_imported_can_be_read_or_is_told(survey: list[list[str]], form: str) -> None:
    sheets = {"survey": survey, "choices": LISTED, "settings": [["form_id"], [form]]}

    found = convert(sheets, "f.xlsx")

    event("read" if found.toml else next(one.code for one in found.problems if one.stops))
    if found.toml:
        filled = found.toml.replace("# basis = ", "basis = ")
        form_read = parse(filled.encode())
        assert sum(1 for _ in form_read.items) == found.items > 0
        assert parse(write(form_read).encode()) == form_read
        assert all(item.columns for item in form_read.items if item.kind == "table")
    assert bool(found.toml) != any(one.stops for one in found.problems)


@settings(max_examples=60, deadline=None)
@given(survey=SHEET, choices=SHEET, settings_=SHEET)
def test_cells_that_are_no_form_are_told(
    survey: list[list[str]], choices: list[list[str]], settings_: list[list[str]]
) -> None:
    found = convert({"survey": survey, "choices": choices, "settings": settings_}, "f.xlsx")

    assert bool(found.toml) != any(one.stops for one in found.problems)
