"""映射建议: a proposal is a mapping that parses, and what nothing speaks for stays open."""

from io import BytesIO
from pathlib import Path

import pytest
from conftest import shared_data
from workbooks import xlsx

from backend.rules import builders, mapping, reader
from backend.rules.guess import Guess, guess
from backend.rules.headers import headed
from backend.rules.mapping import Table
from backend.rules.sources import tables

REGISTERS = Path(__file__).parents[2] / "fixtures" / "registers"


def guessed(body: bytes, sheet: str = "") -> Guess:
    opened = next(tables("a", BytesIO(body), Table(fields={}, sheet=sheet)))
    try:
        return guess(opened.detected, *headed(opened, None))
    finally:
        opened.close()


def sources(of: Guess) -> dict[str, tuple[str, ...]]:
    return {one.field: one.columns for one in of.fields}


@pytest.mark.parametrize("register", ["establishments", "inspectors", "recusals"])
def test_the_mapping_proposed_for_a_sample_reads_what_its_own_mapping_reads(
    register: mapping.Register,
) -> None:
    body = (REGISTERS / f"{register}.csv").read_bytes()

    found = guessed(body)

    assert (found.register, found.open) == (register, ())
    own = (REGISTERS.parent / "mappings" / "own.toml").read_bytes()
    assert set(sources(found)) == set(mapping.parse(own, register).fields)
    table = mapping.parse(found.toml.encode(), register)
    if register == "establishments":
        reading = reader.read(
            [("a", BytesIO(body))], table, builders.establishment, lambda one: one.code
        )
        assert len(reading.records) == 2000


def test_english_headers_are_known_and_what_is_missing_is_named() -> None:
    body = next((shared_data() / "toronto_dinesafe").glob("*2008.csv")).read_bytes()

    found = guessed(body)

    assert sources(found)["code"] == ("Establishment ID",)
    assert sources(found)["name"] == ("Establishment Name",)
    assert found.open == ("division",)
    assert "status" not in sources(found)  # `Establishment Status` is what an inspection found
    assert 'datum = { constant = "WGS-84" } # 90 %' in found.toml
    mapping.parse(found.toml.encode(), "establishments")


def test_several_columns_of_an_address_are_put_together() -> None:
    body = next((shared_data() / "uk_fsa_wholesalers").glob("*.xlsx")).read_bytes()

    found = guessed(body, "FSAwholesalers_dedupedAPR25")

    assert sources(found)["address"][0] == "AddressLine1"
    assert sources(found)["address"][-1] == "PostCode"
    assert set(found.open) == {"code", "division"}
    assert mapping.parse(found.toml.encode(), "establishments").sheet == found.detected.sheet


def test_values_that_do_not_fit_make_it_less_sure() -> None:
    header = "统一社会信用代码,名称,业态,区划代码\n"
    good = guessed((header + "91330106MAWDLXX28X,店,冷库,330106\n" * 5).encode())
    poor = guessed((header + "1,店,冷库,滨江\n2,店,冷库,西湖\n").encode())

    sure = [{one.field: one.sure for one in of.fields} for of in (good, poor)]

    assert sure[0]["code"] > sure[1]["code"]
    assert sure[0]["division"] > sure[1]["division"]


def test_the_order_of_days_is_told_from_the_days() -> None:
    header = ["执法证号", "姓名", "部门", "区划代码", "发证日期", "有效期至"]
    rows = [[f"A{n}", "张三", "一科", "330106", "1/2/2024", f"{n}/12/2029"] for n in range(13, 29)]

    found = guessed(xlsx({"一": [["执法人员名录"], header, *rows]}))

    table = mapping.parse(found.toml.encode(), "inspectors")
    source = table.fields["valid_to"]
    assert isinstance(source, mapping.Source)
    assert source.date == "dmy"


def test_words_that_lost_something_are_proposed_once() -> None:
    words = ["a"] * 28 + ["D\udc80", "D\udc81"]
    lines = "".join(f"{n},店,市场,330106,{word}\n" for n, word in enumerate(words))
    text = f"\ufeff编号,名称,业态\udcff,区划,风险等级\n{lines}"

    found = guessed(text.encode("utf-8", "surrogateescape"))

    table = mapping.parse(found.toml.encode(), "establishments")
    assert found.columns[2] == "业态\ufffd"
    assert found.toml.count("D\ufffd") == 1
    assert table.fields.keys() >= {"code", "name", "division"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("信用风险分类", ["A", "B", "C", "D"]),
        ("企业信用风险分类结果", ["A类", "B类", "C类", "D类"]),
        ("信用等级", ["信用风险低（A类）", "信用风险一般", "信用风险较高", "信用风险高（D类）"]),
        ("Credit class", ["a", "b", "c", "d"]),
    ],
)
def test_credit_classes_are_proposed_beside_risk_classes(name: str, words: list[str]) -> None:
    lines = "".join(f"{n},店,冷库,330106,B级,{word}\n" for n, word in enumerate(words))

    found = guessed(f"编号,名称,业态,区划,风险等级,{name}\n{lines}".encode())

    assert sources(found)["risk"] == ("风险等级",)
    assert sources(found)["credit_class"] == (name,)
    table = mapping.parse(found.toml.encode(), "establishments")
    credit = table.fields["credit_class"]
    if isinstance(credit, mapping.Source):
        assert [credit.values.get(word, word) for word in words] == ["A", "B", "C", "D"]
