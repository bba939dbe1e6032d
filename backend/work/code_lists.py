"""代码表: the lists of results and the terms for complaints that this release ships with."""

from datetime import datetime
from functools import cache

from backend.rules import complaints, results
from backend.rules.calendar import local_day
from backend.rules.complaints import Terms
from backend.rules.results import ResultList
from backend.wire import FollowUpView, ResultListView, ResultView, text_view
from backend.work import shipped


@cache
def result_lists() -> tuple[ResultList, ...]:
    """Read the lists of results once."""
    return results.read(shipped.texts("results"))


@cache
def complaint_terms() -> tuple[Terms, ...]:
    """Read the terms for complaints once."""
    return tuple(
        one for text in shipped.texts("complaints") for one in complaints.parse_terms(text)
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
                label=text_view(one.label),
                given=one.given,
                visit=one.visit,
                needs=one.needs,
                number=one.number,
                local=one.local,
                reported_as=one.reported_as,
            )
            for one in known.results
        ),
        follow_ups=tuple(FollowUpView(one.code, text_view(one.label)) for one in known.follow_ups),
    )
