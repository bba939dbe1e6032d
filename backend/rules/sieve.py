"""快速读取: the usual row of a register of establishments, read at a glance. Pure.

What a cell of few different values became is remembered from the careful reader, which also gets
every row that has anything odd about it. So a glance never decides anything by itself.
"""

from operator import mul

from backend.rules.identifiers import USCC_ALPHABET
from backend.rules.mapping import Field, Table
from backend.rules.reader import NUMBER
from backend.rules.records import EstablishmentRecord

VALUES_MAX = 20_000  # different ones of a field that are remembered

_read = {
    "code", "name", "category", "division", "address", "risk", "status", "longitude", "latitude",
    "datum",
}  # fmt: skip

_values = bytes(USCC_ALPHABET.find(chr(one)) % 256 for one in range(256))  # 255: not in it
_weights = (*(pow(3, place, 31) for place in range(17)), 1)  # with the check character: none left


class Sieve:
    """Reads rows of one file at a glance, where the mapping is plain enough."""

    def __init__(self, fields: dict[str, Field], table: Table) -> None:
        self._identifiers = table.identifiers
        self._plain = not table.convert
        self._code, self._name = self._own(fields, "code"), self._own(fields, "name")
        self._address = self._own(fields, "address")
        self._east, self._north = self._own(fields, "longitude"), self._own(fields, "latitude")
        self._category = self._few(fields, "category")
        self._division = self._few(fields, "division")
        self._risk, self._status = self._few(fields, "risk"), self._few(fields, "status")
        self._datum = self._few(fields, "datum")
        self._plain = self._plain and self._code >= 0 and self._name >= 0 and _read >= fields.keys()
        self._categories: dict[str, str] = {}
        self._divisions: dict[str, str] = {}
        self._risks: dict[str, str] = {}
        self._statuses: dict[str, tuple[str, str]] = {}
        self._datums: dict[str, str] = {}

    def learn(self, cells: list[str], record: EstablishmentRecord) -> None:
        """Remember what the cells of a careful reading, nothing odd about it, became."""
        if not self._plain or len(self._divisions) >= VALUES_MAX:
            return
        row = [*cells, ""]
        self._categories[row[self._category]] = record.category
        self._divisions[row[self._division]] = record.division
        self._risks[row[self._risk]] = record.risk
        self._statuses[row[self._status]] = (record.status, record.status_raw)
        if record.longitude is not None:
            self._datums[row[self._datum]] = record.datum
        if len(self._statuses) + len(self._categories) + len(self._risks) > VALUES_MAX:
            self._plain = False  # columns of many values: no use, and no end

    def read(self, cells: list[str]) -> EstablishmentRecord | None:
        """Read a row, or leave it to the careful reader."""
        if not self._plain:
            return None
        code, name = cells[self._code].strip(), cells[self._name].strip()
        if not name or len(name) > 300 or not code:
            return None
        if self._identifiers:
            if len(code) != 18 or not code.isascii():
                return None
            values = code.encode().translate(_values)
            if sum(map(mul, values, _weights)) % 31 or max(values) > 30:
                return None
        elif len(code) > 64:
            return None
        cells.append("")  # what is not mapped, or the same in every row
        try:
            address = cells[self._address].strip()
            east, north = cells[self._east].strip(), cells[self._north].strip()
            longitude = latitude = None
            datum = ""
            if east or north:
                if not NUMBER.fullmatch(east) or not NUMBER.fullmatch(north):
                    return None
                longitude, latitude = float(east), float(north)
                if abs(longitude) > 180 or abs(latitude) > 90:
                    return None
                datum = self._datums[cells[self._datum]]
            if len(address) > 500:
                return None
            status, status_raw = self._statuses[cells[self._status]]
            return EstablishmentRecord(
                code,
                name,
                self._categories[cells[self._category]],
                self._divisions[cells[self._division]],
                address,
                self._risks[cells[self._risk]],
                status,
                status_raw,
                longitude,
                latitude,
                datum,
            )
        except KeyError:
            return None
        finally:
            cells.pop()

    def _own(self, fields: dict[str, Field], name: str) -> int:
        """Find the one column whose text is the field; the empty one if it is not mapped."""
        field = fields.get(name)
        if field is None:
            return -1
        source = field.source
        usual = not source.values and not source.split and source.otherwise is None
        if len(field.places) != 1 or not usual:
            self._plain = False
            return -1
        return field.places[0]

    def _few(self, fields: dict[str, Field], name: str) -> int:
        """Find the one column that decides the field; the empty one if there is none."""
        field = fields.get(name)
        if field is None or field.source.constant is not None:
            return -1
        if len(field.places) != 1:
            self._plain = False
        return field.places[0]
