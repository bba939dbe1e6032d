from itertools import chain, combinations

import pytest

from sync import particulars
from sync.particulars import Sample
from sync.sampling import WORDS, Standing, standing

Said = tuple[str, bool]  # verdict, retest
ALL: tuple[Said, ...] = tuple(
    (verdict, retest) for verdict in ("pass", "fail", "unclear") for retest in (False, True)
)


def a_test(
    n: int, verdict: str, retest: bool, *, what: str = "pesticides", voided: str = ""
) -> particulars.Tested:
    return particulars.Tested(
        op=f"d:{n}", who="p1", voided=voided, sample="d:1", test=what, method="", instrument="",
        result="", unit="", limit="", verdict=verdict, retest=retest,
    )  # fmt: skip


def sample(*tests: particulars.Tested) -> Sample:
    return Sample(
        op="d:1", who="p1", voided="", number="S1", of="goods", what="leek", quantity="", unit="",
        batch="", producer="", place="", item="", tests=tests, disposals=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], "untested"),
        ([("pass", False)], "passed"),
        ([("fail", False)], "suspect"),
        ([("unclear", False)], "unclear"),
        ([("fail", False), ("pass", True)], "passed"),
        ([("fail", False), ("fail", True)], "failed"),
        ([("pass", False), ("fail", True)], "failed"),
        ([("fail", False), ("unclear", True)], "suspect"),
        ([("fail", False), ("pass", True), ("fail", True)], "unclear"),
        ([("pass", False), ("fail", False)], "suspect"),
        ([("pass", False), ("unclear", True)], "unclear"),
    ],
)
def test_what_the_retest_says_counts(said: list[Said], expected: Standing) -> None:
    found = standing(sample(*(a_test(n, *one) for n, one in enumerate(said))))

    assert found == expected


def test_the_order_of_tests_decides_nothing_and_every_set_of_them_has_a_standing() -> None:
    sets = chain.from_iterable(combinations(ALL, size) for size in range(1, len(ALL) + 1))

    for said in sets:
        tests = [a_test(n, *one) for n, one in enumerate(said)]
        assert standing(sample(*tests)) == standing(sample(*reversed(tests)))
        assert standing(sample(*tests)) in WORDS.keys() - {"untested"}
        if ("fail", True) in said and ("pass", True) not in said:
            assert standing(sample(*tests)) == "failed"


def test_a_pass_in_one_test_does_not_hide_a_failure_in_another() -> None:
    one = sample(
        a_test(2, "fail", False, what="pesticides"), a_test(3, "pass", True, what="colour")
    )

    assert standing(one) == "suspect"


def test_a_withdrawn_test_counts_for_nothing() -> None:
    failed = a_test(2, "fail", False, voided="another sample's")

    assert standing(sample(failed)) == "untested"
    assert standing(sample(failed, a_test(3, "pass", False))) == "passed"
