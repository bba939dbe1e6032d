"""The holiday notices (节假日安排) that this release ships with, one file a year."""

from functools import cache
from importlib.resources import files

from backend.rules.calendar import Calendar, build, parse


@cache
def working_days() -> Calendar:
    """Read the notices once."""
    folder = files("backend") / "calendars"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return build(parse(one.read_text(encoding="utf-8")) for one in found)
