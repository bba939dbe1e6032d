"""名称: what is folded alike, and what finds what."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.names import Facts, fits, fold, initials, question, terms, wanted

MARKET = Facts(
    name="杭州臨河（西湖）菜市場有限公司",
    address="浙江省杭州市西湖区文三路１２号",
    numbers=("92330106MAUX4U4Q3W", "JY13301060123456"),
    category="market",
    division="330106001",
    risk="B",
    status="active",
    lists=("abnormal",),
)
PIZZA = Facts(name="Café 1 Plus-Pizza's", address="361 OAKWOOD AVE, Unit 4", numbers=("10500438",))


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("臺灣廣東餐飲", "台湾广东餐饮"),
        ("ＡＢＣ１２３超市", "abc123超市"),
        ("海川（杭州）冷库", "海川杭州冷库"),
        ("海川(杭州)冷库", "海川杭州冷库"),
        ("Café Zürich", "cafe zurich"),
        ("JOE'S", "joes"),
    ],
)
def test_what_is_written_differently_folds_alike(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("临河菜市场", "lhcsc"),
        ("重庆长城银行食堂", "cqccyhst"),  # characters read by the words they stand in
        ("厦门音乐餐厅", "xmyyct"),
        ("7天便利店", "7tbld"),
        ("Pizza Pizza", ""),
    ],
)
def test_initials_are_those_of_the_words(name: str, letters: str) -> None:
    assert initials(fold(name)) == letters


@pytest.mark.parametrize(
    "typed",
    [
        "菜", "菜市", "西湖菜市场", "临河 文三路", "臨河", "hzlh", "CSC", "文三路12号",
        "92330106MAUX4U4Q3W", "92330106", "92330106maux4", "4U4Q3W", "",
        "JY13301060123456", "jy133010", "123456",
    ],
)  # fmt: skip
def test_a_market_is_found_by(typed: str) -> None:
    asked = question(
        typed, category="market", divisions=("33", "3301"), risk="B", status="active",
        listed="abnormal",
    )  # fmt: skip
    assert fits(asked, MARKET)


@pytest.mark.parametrize(
    "typed", ["pizza", "izz", "1 plus", "PLUSPIZZA", "361 oakwood", "10500438"]
)
def test_a_pizzeria_is_found_by(typed: str) -> None:
    assert fits(question(typed), PIZZA)


@pytest.mark.parametrize("typed", ["湖州", "场菜", "hzcs", "92330107", "文三路13号"])
def test_a_market_is_not_found_by(typed: str) -> None:
    assert not fits(question(typed), MARKET)


def test_a_filter_leaves_out_what_lies_elsewhere() -> None:
    assert not fits(question("菜市场", divisions=("3302",)), MARKET)
    assert not fits(question("菜市场", risk="A"), MARKET)
    assert not fits(question("菜市场", category="cold-store"), MARKET)
    assert not fits(question("菜市场", status="revoked"), MARKET)
    assert not fits(question("菜市场", key_object=True), MARKET)
    assert not fits(question("菜市场", listed="serious"), MARKET)


names = st.text(st.sampled_from("临河臨發菜市場有限公司（）ＡbÉ１ -'重"), min_size=1, max_size=14)


@given(names, st.data())
def test_every_part_of_a_chinese_name_finds_it(name: str, data: st.DataObject) -> None:
    han = "".join(char for char in fold(name) if "\u4e00" <= char <= "\u9fff") or "菜"
    start = data.draw(st.integers(0, len(han) - 1))
    end = data.draw(st.integers(start + 1, len(han)))

    asked = question(han[start:end])

    assert fits(asked, Facts(name=han))
    assert wanted(asked) <= terms(Facts(name=han))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_terms_hold_nothing_that_an_index_would_take_for_a_sign(
    name: str, address: str, number: str
) -> None:
    facts = Facts(
        name, address, (number,), category=number, division=number, risk=number, status=number,
        key_object=True, lists=(number,),
    )  # fmt: skip
    asked = question(
        name, category=number, divisions=(number,), risk=number, status=number, key_object=True,
        listed=number,
    )  # fmt: skip

    every = terms(facts) | wanted(asked)

    assert all(re.fullmatch(r"[#\w]\w*|[cdklrs]@\w*", term) for term in every)


@pytest.mark.parametrize("word", ["hc", "HC", "cs", "kf", "聯", "海川"])
def test_two_letters_find_a_name_by_its_initials_or_its_own_letters(word: str) -> None:
    facts = Facts(name="海川联合超市 KFC")

    asked = question(word)

    assert wanted(asked) <= terms(facts)
    assert fits(asked, facts)
