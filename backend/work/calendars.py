"""The holiday notices (节假日安排) and figures of terms that this release ships with."""

from functools import cache

from backend.rules import followup
from backend.rules.calendar import Calendar, build, parse
from backend.rules.followup import Terms
from backend.work import shipped


@cache
def working_days() -> Calendar:
    """Read the notices once."""
    return build(map(parse, shipped.texts("calendars")))


@cache
def terms() -> tuple[Terms, ...]:
    """Read the figures of terms, reminders and rechecks once."""
    return tuple(one for text in shipped.texts("terms") for one in followup.parse(text))
