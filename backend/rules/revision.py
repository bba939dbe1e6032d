"""导入比对: what an import would create, change and leave, against what is stored. Pure."""

from collections.abc import Mapping
from typing import Any, Generic

from backend.rules.reader import Problem, Reading, Record
from backend.rules.records import EstablishmentRecord, InspectorRecord
from sync.refusals import Reason


class Change(Generic[Record]):
    """What an import does, by key."""

    def __init__(self) -> None:
        self.created: dict[str, Record] = {}
        self.changed: dict[str, Record] = {}
        self.unchanged = 0

    @property
    def counts(self) -> dict[str, int]:
        """Count what the import does."""
        return {
            "created": len(self.created),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
        }


def revise(
    reading: Reading[Record],
    stored: Mapping[str, Mapping[str, Any]],
    division: str,
    fields: tuple[str, ...],
    divisions: Mapping[str, str] | None = None,
) -> Change[Record]:
    """Compare records with stored rows; leave out what lies outside the officer's division.

    What only the register can tell joins the problems of the reading. `divisions` gives the
    division of records that have none themselves; a record that is not in it names something
    that is in no register.
    """
    change = Change[Record]()
    for key, record in reading.records.items():
        before = stored.get(key)
        if isinstance(record, EstablishmentRecord | InspectorRecord):
            places = [record.division, before["division"] if before else record.division]
        elif divisions is not None and key in divisions:
            places = [divisions[key]]
        else:
            reading.problems.add(_problem(reading, key, key, Reason.ROW_NOT_REGISTERED))
            continue
        outside = [place for place in places if not place.startswith(division)]
        if outside:
            reading.problems.add(_problem(reading, key, outside[0], Reason.ROW_DIVISION_FOREIGN))
        elif before is None:
            change.created[key] = record
        elif any(getattr(record, name) != before[name] for name in fields):
            change.changed[key] = record
        else:
            change.unchanged += 1
    return change


def _problem(reading: Reading[Record], key: str, value: str, reason: Reason) -> Problem:
    source, row = reading.places[key]
    return Problem(source, row, "", value, reason, kept=False)
