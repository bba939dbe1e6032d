"""检查结果代码表: the categories in which results are published, and what may follow. Pure.

The lists are data (`backend/results`): versioned, with national numbers and local codes by
division. A conclusion stores a code and the list that has it. Only three results follow from a
checklist; the rest are found by the officer.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from backend.rules.governing import governing
from sync.checklist import Text
from sync.refusals import Reason, Refused
from sync.verdict import Verdict

Need = Literal["remark", "evidence"]


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """检查结果: a category. `number` is the national one, `local` the division's own code."""

    code: str
    label: Text
    given: Literal["checklist", "officer"]
    visit: Literal["full", "partial", "none"] = "full"
    needs: tuple[Need, ...] = ()
    number: str = ""
    local: str = ""
    reported_as: str = ""  # upward, where it has no number


class FollowUp(Struct, frozen=True, forbid_unknown_fields=True):
    """后续处置: what may follow from a result."""

    code: str
    label: Text


class ResultList(Struct, frozen=True):
    """A version of the list, for a division from a day on."""

    code: str
    version: str
    division: str
    since: date
    results: tuple[Result, ...]
    follow_ups: tuple[FollowUp, ...]

    @property
    def name(self) -> str:
        """Name the list as conclusions do."""
        return f"{self.code} {self.version}"

    def result(self, code: str) -> Result | None:
        """Find a result."""
        return next((one for one in self.results if one.code == code), None)

    def follow_up(self, code: str) -> FollowUp | None:
        """Find what may follow."""
        return next((one for one in self.follow_ups if one.code == code), None)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    version: str
    division: str
    since: date
    extends: str = ""
    local: Mapping[str, str] = {}
    results: tuple[Result, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()


class Part(Struct, frozen=True):
    """部门联合: what a partner's matters amount to, by the checklist that it brings."""

    departments: tuple[str, ...]  # several may bring the same one
    checklist: str  # its digest
    verdict: Verdict


def read(files: Iterable[str]) -> tuple[ResultList, ...]:
    """Read lists from TOML; one that extends another takes over what it does not have itself."""
    found: dict[str, ResultList] = {}
    waiting = [msgspec.convert(tomllib.loads(text), _File) for text in files]
    while waiting:
        ready = [one for one in waiting if not one.extends or one.extends in found]
        assert ready, f"nobody has {waiting[0].extends}"
        for one in ready:
            made = _extended(one, found.get(one.extends))
            found[made.name] = made
        waiting = [one for one in waiting if one not in ready]
    return tuple(found.values())


def in_force(lists: Iterable[ResultList], division: str, day: date) -> ResultList:
    """Choose the list for a division on a day."""
    return governing(lists, division, day)


def named(lists: Iterable[ResultList], name: str) -> ResultList:
    """Give the list that a conclusion names; none is ever taken away."""
    return next(one for one in lists if one.name == name)


def label(lists: Iterable[ResultList], name: str, code: str) -> Text:
    """Give the words of a result in the list that a conclusion names."""
    found = named(lists, name).result(code)
    assert found is not None, f"the list {name} never loses {code}"
    return found.label


def require_given(
    known: ResultList, code: str, *, remark: str, evidenced: bool, judged: Iterable[str]
) -> Result:
    """Give a result that an officer found, or refuse one that is not theirs or not proven.

    `judged`: the items that were answered as complying or not; where nothing was inspected there
    are none.
    """
    found = known.result(code)
    if found is None or found.given != "officer":
        raise Refused(Reason.RESULT_UNKNOWN, result=code, list=known.name)
    has = {"remark": bool(remark.strip()), "evidence": evidenced}
    if lacking := [need for need in found.needs if not has[need]]:
        raise Refused(Reason.RESULT_UNPROVEN, result=code, lacking=" ".join(lacking))
    if found.visit == "none" and (items := list(judged)):
        raise Refused(Reason.RESULT_CONTRADICTED, result=code, items=" ".join(items))
    return found


def require_follow_ups(known: ResultList, codes: Iterable[str]) -> None:
    """Refuse what the list does not have."""
    if strange := [code for code in codes if known.follow_up(code) is None]:
        raise Refused(Reason.RESULT_UNKNOWN, follow_ups=" ".join(strange), list=known.name)


def result_of(judged: Iterable[tuple[str, int]]) -> str:
    """Choose the category that follows from (handling, items failed) of every checklist."""
    handlings = {handling for handling, failed in judged if failed}
    if not handlings:
        return "none-found"
    return "ordered" if handlings == {"rectify"} else "pending"


def follow_ups_of(failed: Sequence[str]) -> tuple[str, ...]:
    """Give what follows when the officer names nothing: an order where items failed."""
    return ("order",) if failed else ("none",)


def _extended(one: _File, base: ResultList | None) -> ResultList:
    below = base or ResultList("", "", "", date.min, (), ())
    own = {result.code for result in one.results}
    every = [*(result for result in below.results if result.code not in own), *one.results]
    assert one.local.keys() <= {result.code for result in every}, "a local code of no result"
    made = ResultList(
        code=one.code,
        version=one.version,
        division=one.division,
        since=one.since,
        results=tuple(
            msgspec.structs.replace(result, local=one.local.get(result.code, result.local))
            for result in every
        ),
        follow_ups=one.follow_ups or below.follow_ups,
    )
    numbered = {result.code for result in made.results if result.number}
    upward = {result.reported_as for result in made.results if not result.number}
    assert upward <= numbered, "what has no national number is reported as what has one"
    return made
