"""检查表: what kinds, conditions, scores and tables may say, and where it is refused."""

import re

import pytest

from sync.checklist import Kind, difference, digest, load, parse
from sync.checklist import canonical as canonical_json
from sync.refusals import Reason, Refused

RICH = """\
code = "rich"
version = "1"
title = { en = "Rich", zh = "全表" }

[[sections]]
title = { en = "First", zh = "一" }
tags = ["site"]

[[sections.items]]
ref = "1.1"
text = { en = "Cold food?", zh = "有冷食？" }
basis = { en = "a", zh = "甲" }
na_remark = true

[[sections.items]]
ref = "1.2"
kind = "choice"
text = { en = "Which?", zh = "哪些？" }
basis = { en = "a", zh = "甲" }
when = { item = "1.1", one_of = ["pass", "na"] }
several = true
may_be_na = false
choices = [
  { code = "fish", text = { en = "fish", zh = "鱼" }, complies = "yes" },
  { code = "meat", text = { en = "meat", zh = "肉" }, complies = "no", points = 3 },
]

[[sections.items]]
ref = "1.3"
kind = "temperature"
text = { en = "Core", zh = "中心温度" }
basis = { en = "a", zh = "甲" }
unit = "°C"

[[sections.items.limits]]
code = "hot"
text = { en = "hot", zh = "热" }
minimum = "60"

[[sections.items.limits]]
code = "cold"
text = { en = "cold", zh = "冷" }
maximum = "8"

[[sections]]
title = { en = "Second", zh = "二" }
when = { item = "1.2", one_of = ["fish"] }

[[sections.items]]
ref = "2.1"
kind = "table"
text = { en = "Prices", zh = "价格" }
basis = { en = "a", zh = "甲" }
columns = [
  { code = "goods", text = { en = "goods", zh = "品名" }, required = true },
  { code = "sort", text = { en = "sort", zh = "种类" }, kind = "choice", choices = [{ code = "a", text = { en = "a", zh = "甲" } }, { code = "b", text = { en = "b", zh = "乙" } }] },
  { code = "cost", text = { en = "cost", zh = "进价" }, kind = "number", unit = "元" },
  # the price is compared with the cost
  { code = "price", text = { en = "price", zh = "售价" }, kind = "number", maximum = "30", over = "cost" },
  { code = "temp", text = { en = "temp", zh = "温度" }, kind = "number", by = "sort", limits = [{ code = "a", text = { en = "a", zh = "甲" }, maximum = "8" }] },
]

[[sections.items]]
ref = "2.2"
kind = "signature"
text = { en = "Signed", zh = "签名" }
basis = { en = "a", zh = "甲" }
role = "site"
optional = true

[[scores]]
code = "points"
text = { en = "Points", zh = "扣分" }
how = "sum"
tags = ["site"]

[[outcomes]]
code = "good"
label = { en = "Good", zh = "好" }
handling = "none"

[[rules]]
clause = "few"
outcome = "good"
text = { en = "Few", zh = "少" }
when = { points = { max = "3" } }

[[rules]]
clause = "rest"
outcome = "good"
text = { en = "Rest", zh = "其余" }
"""  # noqa: E501 - an inline table is one line in TOML
AT = {name: n for n, name in enumerate(RICH.split("\n"), start=1)}


def test_a_checklist_of_every_shape_survives_its_canonical_form() -> None:
    checklist = parse(RICH.encode())

    again = load(canonical_json(checklist))

    assert again == checklist
    assert digest(again) == digest(checklist)
    assert [item.kind for item in again.items] == [
        "verdict", "choice", "temperature", "table", "signature",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "near", "field", "says"),
    [
        ('"1.1", one_of', '"1.2", one_of', "when = { item = ", "items[1].when.item", "before"),
        ('"1.1", one_of', '"2.1", one_of', "when = { item = ", "items[1].when.item", "before"),
        ('"1.1", one_of', '"9", one_of', "when = { item = ", "items[1].when.item", "before"),
        ('["pass", "na"]', '["yes"]', "when = { item = ", "items[1].when.one_of", "never has"),
        ('["pass", "na"]', "[]", "when = { item = ", "items[1].when.one_of", "length"),
        ('one_of = ["fish"]', 'one_of = ["na"]', 'when = { item = "1.2"', "sections[1].when.one_of",
         "never has"),
        ('item = "1.2", one_of', 'item = "2.1", one_of', 'when = { item = "2.1"',
         "sections[1].when.item", "before"),
        ('item = "1.2", one_of', 'item = "1.3", one_of', 'when = { item = "1.3"',
         "sections[1].when.item", "verdict or a choice"),
        ("several = true", "columns = []\nseveral = true\nunit = 'g'", "unit = 'g'",
         "items[1].unit", "not belong"),
        ("several = true", 'several = true\nexpect = "no"', 'expect = "no"', "items[1].expect",
         "not belong"),
        ("several = true", "several = true\npoints = 3", "points = 3", "items[1].points",
         "not belong"),
        ('code = "meat"', 'code = "fish"', '  { code = "fish", text = { en = "meat"',
         "items[1].choices[1].code", "twice"),
        ('code = "meat"', 'code = "Meat"', '  { code = "Meat"', "items[1].choices[1].code",
         "regex"),
        ('points = 3 }', 'points = -3 }', 'points = -3', "items[1].choices[1].points", ">= 0"),
        ('complies = "no"', 'complies = "maybe"', '  { code = "meat"', "items[1].choices[1].compl",
         "enum"),
        ('  { code = "meat", text = { en = "meat", zh = "肉" }, complies = "no", points = 3 },\n',
         "", "choices = [", "items[1].choices", "two at least"),
        ('unit = "°C"', 'unit = "°C"\nmaximum = "3"', "[[sections.items.limits]]",
         "items[2].limits[0]", "Either"),
        ('minimum = "60"', "", "[[sections.items.limits]]", "items[2].limits[0].minimum", "never"),
        ('minimum = "60"', 'minimum = "60"\nmaximum = "5"', 'minimum = "60"',
         "items[2].limits[0].minimum", "never"),
        ('code = "cold"', 'code = "hot"', 'code = "hot"', "items[2].limits[1].code", "twice"),
        ("na_remark = true", "na_remark = true\nmay_be_na = false", "na_remark = true",
         "items[0].na_remark", "never n/a"),
        ("na_remark = true", "na_remark = true\ninstrument = true", "instrument = true",
         "items[0].instrument", "not belong"),
        ('kind = "number", unit = "元"', 'unit = "元"', '  { code = "cost"',
         "items[0].columns[2].kind", "Only numbers"),
        ('over = "cost"', 'over = "goods"', '  { code = "price"', "items[0].columns[3].over",
         "numbers"),
        ('over = "cost"', 'over = "price"', '  { code = "price"', "items[0].columns[3].over",
         "numbers"),
        ('by = "sort", ', "", '  { code = "temp"', "items[0].columns[4].by", "choices"),
        ('limits = [{ code = "a"', 'limits = [{ code = "c"', '  { code = "temp"',
         "items[0].columns[4].limits", "no choice"),
        ('by = "sort", ', 'by = "nobody", ', '  { code = "temp"', "items[0].columns[4].by",
         "choices"),
        ('kind = "number", maximum = "30"', 'kind = "number", by = "sort", maximum = "30"',
         '  { code = "price"', "items[0].columns[3].by", "choices"),
        ('by = "sort", ', 'by = "goods", ', '  { code = "temp"', "items[0].columns[4].by",
         "choices"),
        ('code = "temp"', 'code = "sort"', '  { code = "sort", text = { en = "temp"',
         "items[0].columns[4].code", "twice"),
        ('role = "site"', 'role = "mayor"', 'role = "mayor"', "items[1].role", "enum"),
        ('tags = ["site"]\n\n[[outcomes', 'tags = ["shop"]\n\n[[outcomes', 'tags = ["shop"]',
         "scores[0].tags", "No item"),
        ('code = "points"', 'code = "failed"', 'code = "failed"', "scores[0].code", "measure"),
        ('how = "sum"', 'how = "mean"', 'how = "mean"', "scores[0].how", "enum"),
        ("{ points = {", "{ marks = {", "when = { marks", "rules[0].when.marks", "no score"),
    ],
)  # fmt: skip
def test_what_a_kind_cannot_say_is_refused_with_its_line_and_field(
    was: str, now: str, near: str, field: str, says: str
) -> None:
    assert RICH.count(was) >= 1
    wrong = RICH.replace(was, now, 1)

    with pytest.raises(Refused) as refused:
        parse(wrong.encode())

    assert refused.value.reason is Reason.CHECKLIST_INVALID
    assert says in str(refused.value.details["problem"])
    assert field in str(refused.value.details["field"])
    line = int(str(refused.value.details["line"]))
    assert near in wrong.split("\n")[line - 1]


@pytest.mark.parametrize(
    ("kind", "needs"),
    [("choice", "two at least"), ("table", "needs columns"), ("temperature", "needs a limit"),
     ("number", ""), ("text", ""), ("count", ""), ("date", ""), ("photo", "")],
)  # fmt: skip
def test_each_kind_says_what_it_needs(kind: Kind, needs: str) -> None:
    wrong = RICH.replace('kind = "signature"', f'kind = "{kind}"').replace('role = "site"\n', "")

    if needs:
        with pytest.raises(Refused) as refused:
            parse(wrong.encode())
        assert needs in str(refused.value.details["problem"])
    else:
        assert [item.kind for item in parse(wrong.encode()).items][-1] == kind


def test_chinese_says_what_english_says_of_every_fault() -> None:
    wrong = RICH.replace('"1.1", one_of', '"1.9", one_of')

    with pytest.raises(Refused) as refused:
        parse(wrong.encode())

    assert re.search("1\\.9 .*之前", str(refused.value.details["problem_zh"]))


def test_items_that_say_the_same_in_other_limits_ask_the_same() -> None:
    old = parse(RICH.encode())
    milder = RICH.replace('maximum = "8"\n', 'maximum = "9"\n').replace("points = 3", "points = 4")
    other = RICH.replace('code = "hot"', 'code = "warm"').replace('en = "fish"', 'en = "cod"')
    other = other.replace('unit = "元"', 'unit = "¥"')

    assert difference(old, parse(milder.encode())).changed == ()
    assert difference(old, parse(other.encode())).changed == ("1.2", "1.3", "2.1")
    single = parse(RICH.replace("several = true", "several = false").encode())
    whose = parse(RICH.replace('role = "site"', 'role = "lead"').encode())
    assert difference(old, single).changed == ("1.2",)
    assert difference(old, whose).changed == ("2.2",)
