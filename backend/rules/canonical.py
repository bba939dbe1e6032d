"""规范字节: the one way to write a value down, so that a hash of it means something.

JSON is RFC 8785 restricted to text, integers below 2^53, booleans, arrays and objects with ASCII
keys: no floats and no nulls, whose spelling differs between languages.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias, cast

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value]"

INTEGER_MAX = 2**53 - 1


class NotCanonical(ValueError):
    """The bytes or the value cannot be written, or are not written, in canonical form."""


def digest(data: bytes) -> str:
    """Give the SHA-256 of some bytes in lower-case hex."""
    return sha256(data).hexdigest()


def encode(value: Value) -> bytes:
    """Write a value as canonical JSON."""
    _admit(value)
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def decode(data: bytes) -> Value:
    """Read canonical JSON; raise NotCanonical for anything that `encode` would not have written."""
    try:
        value: Value = json.loads(data)
        again = encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise NotCanonical(str(error)) from error
    if again != data:
        raise NotCanonical("the bytes are not in canonical form")
    return value


def text(value: str) -> str:
    """Return the text if it may stand in a field: not empty, NFC, no control character."""
    if not value:
        raise NotCanonical("a field is empty")
    return optional_text(value)


def optional_text(value: str) -> str:
    """Return the text if it may stand in a field that may be empty."""
    if value.isascii():
        if not value.isprintable():
            raise NotCanonical(f"control character in {value!r}")
        return value
    if not unicodedata.is_normalized("NFC", value):
        raise NotCanonical(f"not in Unicode form NFC: {value!r}")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise NotCanonical(f"control character in {value!r}")
    return value


def require_texts(values: Sequence[bytes]) -> None:
    """Refuse values of which one may not stand in a field as UTF-8: many at once are faster."""
    whole = b"".join(values)
    if not (all(values) and whole.isascii() and whole.decode().isprintable()):
        for value in values:
            text(value.decode())


def line(fields: Iterable[str]) -> bytes:
    """Write one line of a table: fields between tabs, without the line feed."""
    return "\t".join(map(optional_text, fields)).encode()


def table(lines: Iterable[bytes]) -> bytes:
    """Write a table: every line ends with a line feed."""
    return b"".join(row + b"\n" for row in lines)


def lines(data: bytes) -> list[bytes]:
    """Read the lines of a table; raise NotCanonical when the last one has no end."""
    if not data:
        return []
    if not data.endswith(b"\n"):
        raise NotCanonical("the last line has no line feed")
    return data[:-1].split(b"\n")


def fields(row: bytes, count: int) -> list[str]:
    """Read exactly `count` fields of one line; raise NotCanonical otherwise."""
    try:
        parts = row.decode().split("\t")
    except UnicodeDecodeError as error:
        raise NotCanonical("a line is not UTF-8") from error
    if len(parts) != count:
        raise NotCanonical(f"a line has {len(parts)} fields, not {count}: {row[:80]!r}")
    return [optional_text(part) for part in parts]


def _admit(value: object) -> None:
    match value:
        case bool():
            pass
        case str():
            value.encode()  # a lone surrogate has no bytes
        case int():
            if abs(value) > INTEGER_MAX:
                raise NotCanonical(f"the integer {value} is too large")
        case list() | tuple():
            for item in cast("Iterable[object]", value):
                _admit(item)
        case dict():
            for key, item in cast("dict[object, object]", value).items():
                if not isinstance(key, str) or not key.isascii():
                    raise NotCanonical(f"the key {key!r} is not ASCII text")
                _admit(item)
        case _:
            raise NotCanonical(f"{type(value).__name__} has no canonical form")
