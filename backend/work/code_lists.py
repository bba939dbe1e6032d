"""代码表: the lists of results and the terms for complaints that this release ships with."""

from datetime import datetime
from functools import cache
from importlib.resources import files

from backend.rules import complaints, results
from backend.rules.calendar import local_day
from backend.rules.complaints import Terms
from backend.rules.results import ResultList
from backend.wire import FollowUpView, ResultListView, ResultView, TextView


@cache
def result_lists() -> tuple[ResultList, ...]:
    """Read the lists of results once."""
    folder = files("backend") / "results"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return results.read(one.read_text(encoding="utf-8") for one in found)


@cache
def complaint_terms() -> tuple[Terms, ...]:
    """Read the terms for complaints once."""
    folder = files("backend") / "complaints"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return tuple(
        term for one in found for term in complaints.parse_terms(one.read_text(encoding="utf-8"))
    )


def list_codes(division: str, *, now: datetime) -> ResultListView:
    """Show the list of results that is in force for a division."""
    known = results.in_force(result_lists(), division, local_day(now))
    return ResultListView(
        name=known.name,
        division=known.division,
        since=known.since,
        results=tuple(
            ResultView(
                code=one.code,
                label=TextView(one.label.en, one.label.zh),
                given=one.given,
                visit=one.visit,
                needs=one.needs,
                number=one.number,
                local=one.local,
                reported_as=one.reported_as,
            )
            for one in known.results
        ),
        follow_ups=tuple(
            FollowUpView(one.code, TextView(one.label.en, one.label.zh)) for one in known.follow_ups
        ),
    )
