"""抽样结果: what the tests of a sample amount to. Pure; clocks and orders decide nothing.

A quick test that fails is a suspicion: it is repeated, or the sample goes to a laboratory, and what
the retest (复检) says counts then. The limit that applied stays with every test.
"""

from typing import Literal, TypeAlias

from sync.particulars import Sample

Standing: TypeAlias = Literal["untested", "passed", "suspect", "failed", "unclear"]

WORDS: dict[Standing, tuple[str, str]] = {
    "untested": ("not tested yet", "未检验"),
    "passed": ("passed", "合格"),
    "suspect": ("failed once, to be tested again", "初检不合格，待复检"),
    "failed": ("failed", "不合格"),
    "unclear": ("unclear", "结果不明"),
}


def standing(sample: Sample) -> Standing:
    """Say where a sample stands, test by test: the worst of them is told.

    For each test its retests count, if there are any that are clear; a first failure alone is a
    suspicion, retests that contradict each other are unclear. Withdrawn tests count for nothing.
    """
    told = [one for one in sample.tests if not one.voided]
    if not told:
        return "untested"
    found = {
        _of(
            {one.verdict for one in told if one.test == test and not one.retest},
            {one.verdict for one in told if one.test == test and one.retest},
        )
        for test in {one.test for one in told}
    }
    worst_first: tuple[Standing, ...] = ("failed", "suspect", "unclear", "passed")
    return next(one for one in worst_first if one in found)


def _of(first: set[str], again: set[str]) -> Standing:
    clear = again - {"unclear"}
    if len(clear) > 1:
        return "unclear"
    if clear:
        return "failed" if "fail" in clear else "passed"
    if "fail" in first:
        return "suspect"
    return "passed" if first == {"pass"} and not again else "unclear"
