"""检查表文本: a checklist written as the TOML that people read, amend and release. Pure.

`sync.checklist.parse` reads it back to the same checklist; what equals its default is left out.
"""

from collections.abc import Iterator
from typing import Any, cast

import msgspec
from msgspec import Struct

from sync.checklist import Checklist

TABLES = ("sections", "items", "columns", "scores", "outcomes", "rules")  # each under a head
LISTS = ("choices", "limits")  # one a line
UNKNOWN = "?"  # stands where a text is still to be written; none of ours is that


def write(checklist: Checklist, head: str = "") -> str:
    """Write a checklist as TOML, after a head of remarks.

    A basis whose English is `UNKNOWN` becomes a remark, so that nobody releases it unwritten.
    """
    remarks = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    body = "\n".join(_struct(checklist, "")).lstrip("\n")
    return (f"{remarks}\n" if remarks else "") + body + "\n"


def _struct(value: Struct, path: str) -> Iterator[str]:
    """Write the fields of a table, then the tables in it under their heads."""
    told = {name: one for name, one in _fields(value) if name not in TABLES}
    for name, one in told.items():
        if name == "basis" and _plain(one) == {"en": UNKNOWN, "zh": UNKNOWN}:
            yield '# basis = { en = "…", zh = "…" }  # the law and article; 请填写依据'
        elif name in LISTS:
            parts: list[Any] = _plain(one)
            yield f"{name} = ["
            yield from (f"  {_inline(part)}," for part in parts)
            yield "]"
        else:
            yield f"{name} = {_inline(_plain(one))}"
    for name, one in _fields(value):
        if name in TABLES:
            for part in one:
                yield ""
                yield f"[[{path}{name}]]"
                yield from _struct(part, f"{path}{name}.")


def _fields(value: Struct) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(value):
        one = getattr(value, field.name)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if one != default:
            yield field.name, one


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value)


def _inline(value: Any) -> str:
    """Write a value on one line; a text in JSON is a text in TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return msgspec.json.encode(value).decode()
        case dict():
            pairs = cast(dict[str, Any], value)
            return "{ " + ", ".join(f"{key} = {_inline(one)}" for key, one in pairs.items()) + " }"
        case _:
            return "[" + ", ".join(map(_inline, value)) + "]"
