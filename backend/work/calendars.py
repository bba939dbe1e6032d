"""The holiday notices (节假日安排) and figures of terms that this release ships with."""

from functools import cache
from importlib.resources import files

from backend.rules import followup
from backend.rules.calendar import Calendar, build, parse
from backend.rules.followup import Terms


@cache
def working_days() -> Calendar:
    """Read the notices once."""
    folder = files("backend") / "calendars"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return build(parse(one.read_text(encoding="utf-8")) for one in found)


@cache
def terms() -> tuple[Terms, ...]:
    """Read the figures of terms, reminders and rechecks once."""
    folder = files("backend") / "terms"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return tuple(one for file in found for one in followup.parse(file.read_text(encoding="utf-8")))
