"""快速读取: the usual rows of a register of establishments, read many at a glance. Pure.

What a cell of few different values became is remembered from the careful reader, which also gets
every row that has anything odd about it. So a glance never decides anything by itself.
"""

import re
from collections.abc import Callable, Sequence

from backend.rules.identifiers import USCC_ALPHABET
from backend.rules.mapping import Field, Table
from backend.rules.reader import NUMBER, Glanced
from backend.rules.records import EstablishmentRecord

VALUES_MAX = 20_000  # different ones of a field that are remembered
NUMBER_MAX = 24  # characters of a number that is read without looking closer
GROUP = 8  # of products below 31 whose sum is below 256

_read = {
    "code", "name", "category", "division", "address", "risk", "status", "longitude", "latitude",
    "datum",
}  # fmt: skip
_values = bytes(max(USCC_ALPHABET.find(chr(one)), 0) for one in range(256))
_foreign = bytes(one for one in range(256) if chr(one) not in USCC_ALPHABET)
_weights = (*(pow(3, place, 31) for place in range(17)), 1)  # with the check character: none left
_times = tuple(bytes(value * weight % 31 for value in range(256)) for weight in _weights)
_mod31 = bytes(value % 31 for value in range(256))
_digits = b"0123456789.,-+"
_unusual = (".,", ",.", "-.", "+.", ",0", "-0", "+0")  # may be no number, or none of ours
_plain = re.compile(f"[{USCC_ALPHABET}]*")


class Sieve:
    """Reads rows of one file at a glance, where the mapping is plain enough."""

    def __init__(self, fields: dict[str, Field], table: Table) -> None:
        self._identifiers = table.identifiers
        self._plain = not table.convert and fields.keys() <= _read
        self._code, self._name = self._own(fields, "code"), self._own(fields, "name")
        self._address = self._own(fields, "address")
        self._east, self._north = self._own(fields, "longitude"), self._own(fields, "latitude")
        self._category = self._few(fields, "category")
        self._division = self._few(fields, "division")
        self._risk, self._status = self._few(fields, "risk"), self._few(fields, "status")
        self._datum = self._few(fields, "datum")
        self._plain = self._plain and self._code >= 0 and self._name >= 0
        self._categories: dict[str, str] = {}
        self._divisions: dict[str, str] = {}
        self._risks: dict[str, str] = {}
        self._statuses: dict[str, str] = {}
        self._raws: dict[str, str] = {}
        self._datums: dict[str, str] = {}

    def learn(self, cells: list[str], record: EstablishmentRecord) -> None:
        """Remember what the cells of a careful reading, nothing odd about it, became."""
        if not self._plain or len(self._divisions) >= VALUES_MAX:
            return
        row = [*cells, ""]
        self._categories[row[self._category]] = record.category
        self._divisions[row[self._division]] = record.division
        self._risks[row[self._risk]] = record.risk
        self._statuses[row[self._status]] = record.status
        self._raws[row[self._status]] = record.status_raw
        if record.longitude is not None:
            self._datums[row[self._datum]] = record.datum
        if len(self._statuses) + len(self._categories) + len(self._risks) > VALUES_MAX:
            self._plain = False  # columns of many values: no use, and no end

    def read(self, columns: list[Sequence[str]]) -> Glanced[EstablishmentRecord] | None:
        """Read rows by their columns; leave to the careful reader which or what it does not know.

        The last column is one of empty cells: of what is not mapped, or the same in every row.
        """
        if not self._plain:
            return None
        odd: set[int] = set()
        codes, names = _stripped(columns[self._code]), _stripped(columns[self._name])
        addresses = _stripped(columns[self._address])
        odd |= _wrong(codes) if self._identifiers else _outside(codes, 1, 64)
        odd |= _outside(names, 1, 300) | _outside(addresses, 0, 500)
        easts, wrong = _degrees(columns[self._east], 180)
        norths, wrong_too = _degrees(columns[self._north], 90)
        odd |= wrong | wrong_too
        if easts.count(None) or norths.count(None):
            pairs = enumerate(zip(easts, norths, strict=True))
            odd.update(at for at, (one, other) in pairs if (one is None) != (other is None))
        few = [
            list(map(known.get, columns[place]))
            for known, place in (
                (self._categories, self._category), (self._divisions, self._division),
                (self._risks, self._risk), (self._statuses, self._status),
                (self._raws, self._status),
            )
        ]  # fmt: skip
        datum: Callable[[str], str | None] = self._datums.get
        few.append(
            ["" if one is None else datum(cell)
            for one, cell in zip(easts, columns[self._datum], strict=True)]
        )  # fmt: skip
        for column in few:
            if None in column:
                odd.update(at for at, value in enumerate(column) if value is None)
        category, division, risk, status, raw, datums = few
        found: dict[str, Sequence[object]] = {
            "code": codes, "name": names, "category": category, "division": division,
            "address": addresses, "risk": risk, "status": status, "status_raw": raw,
            "longitude": easts, "latitude": norths, "datum": datums,
        }  # fmt: skip
        return Glanced(EstablishmentRecord, sorted(odd), found)

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
            return -1
        return field.places[0]


def _stripped(column: Sequence[str]) -> list[str]:
    return list(map(str.strip, column))


def _outside(texts: list[str], low: int, high: int) -> set[int]:
    """Tell which texts are too short or too long."""
    sizes = list(map(len, texts))
    if low <= min(sizes) and max(sizes) <= high:
        return set()
    return {at for at, size in enumerate(sizes) if not low <= size <= high}


def _wrong(codes: list[str]) -> set[int]:
    """Tell which codes are no 统一社会信用代码 whose check character is right (GB 32100-2015).

    All are computed at once: place by place, a byte for each code, added up as one long number.
    """
    odd: set[int] = set()
    joined = "".join(codes)
    if set(map(len, codes)) != {18} or not joined.isascii():
        odd = {at for at, code in enumerate(codes) if len(code) != 18 or not code.isascii()}
        joined = "".join("0" * 18 if at in odd else code for at, code in enumerate(codes))
    text = joined.encode()
    if len(text.translate(None, _foreign)) != len(text):
        odd |= {at for at, code in enumerate(codes) if not _plain.fullmatch(code)}
    values, size = text.translate(_values), len(codes)
    total = 0
    for begin in range(0, 18, GROUP):
        group = sum(
            int.from_bytes(values[place::18].translate(_times[place]), "little")
            for place in range(begin, min(begin + GROUP, 18))
        )
        rest = group.to_bytes(size, "little").translate(_mod31)
        total += int.from_bytes(rest, "little")
    left = total.to_bytes(size, "little").translate(_mod31)
    if left.count(0) != size:
        odd |= {at for at, value in enumerate(left) if value}
    return odd


def _degrees(column: Sequence[str], limit: int) -> tuple[list[float | None], set[int]]:
    """Read coordinates; tell which are there and are none, or beyond the limit."""
    cells = _stripped(column)
    text = f",{','.join(cells)},"
    plain = text.isascii() and not text.encode().translate(None, _digits)
    odd: set[int] = set()
    unusual = max(map(len, cells)) > NUMBER_MAX or any(one in text for one in _unusual)
    if not plain or unusual:
        odd = {at for at, cell in enumerate(cells) if cell and not NUMBER.fullmatch(cell)}
        if odd:
            cells = ["" if at in odd else cell for at, cell in enumerate(cells)]
    elif len(text) == len(cells) + 1:
        return [None] * len(cells), odd
    try:
        found = [float(cell) if cell else None for cell in cells]
    except ValueError:  # of the right characters, but no number
        odd = {at for at, cell in enumerate(cells) if cell and not NUMBER.fullmatch(cell)}
        found = [float(cell) if cell and at not in odd else None for at, cell in enumerate(cells)]
    numbers = [number for number in found if number is not None]
    if numbers and (max(numbers) > limit or min(numbers) < -limit):
        odd |= {at for at, one in enumerate(found) if one is not None and abs(one) > limit}
    return found, odd
