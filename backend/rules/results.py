"""检查结果类别: the national categories in which the result of a random inspection is published.

The wording is the eight-way list used by the national enterprise publicity system; provinces
number and extend it, so the codes here are our own words. Only the first, second and third follow
from a checklist; the rest are found by the officer.
"""

from collections.abc import Iterable

from msgspec import Struct

from sync.checklist import Text
from sync.verdict import Verdict

RESULTS: dict[str, Text] = {
    "none-found": Text("No problem found", "未发现问题"),
    "ordered": Text("Problems found, ordered to be put right", "发现问题已责令改正"),
    "pending": Text("Problems found, further handling pending", "发现问题待后续处理"),
    "not-disclosed": Text("Information not disclosed as required", "未按规定公示应当公示的信息"),
    "concealed": Text("Disclosed information false or concealed", "公示信息隐瞒真实情况弄虚作假"),
    "unreachable": Text(
        "Not reachable at the registered address", "通过登记的住所（经营场所）无法联系"
    ),
    "obstructed": Text("Refused to cooperate, seriously", "不配合检查情节严重"),
    "no-activity": Text(
        "The business to be inspected was not carried on", "未发现开展本次抽查涉及的经营活动"
    ),
}


class Part(Struct, frozen=True):
    """部门联合: what a partner's matters amount to, by the checklist that it brings."""

    departments: tuple[str, ...]  # several may bring the same one
    checklist: str  # its digest
    verdict: Verdict


def result_of(judged: Iterable[tuple[str, int]]) -> str:
    """Choose the category that follows from (handling, items failed) of every checklist."""
    handlings = {handling for handling, failed in judged if failed}
    if not handlings:
        return "none-found"
    return "ordered" if handlings == {"rectify"} else "pending"
