"""Contents that a hostile or broken device signs: every field of every kind, told by the structs.

A new kind is here as soon as sync/ops.py has it; what it needs beyond the plainest values so that
the hub lets it count, `_needed` says.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import inspect

from sync import ops, upcasts
from sync.ids import new_id

Fields = dict[str, Any]

OPENS = "inspection.open/1"
STAMP, STAMPED = ("w", "m", "boot", "orig"), ("arrive/1", "sign/2")
SELF = "@self"  # stands for the operation's own name
MARKUP = '<b>&amp;<script>alert(1)</script> #panic("x") $x^2 \\ #{ @a *_`[ = // /* %s {0} {{'
LONG, ENDLESS, MANY = "长" * 5_000, "x" * 200_000, 1_100
TEXTS = (
    "", " ", "\0", "a\0b", "many", "1e999", "-0", "-1", "NaN", "٣", "１２", "1_0", "999999999999",
    "0000-01-01", "99999-12-31", "\ufeff\u202e\u2066txt.exe\u200f", MARKUP,
    "\uffff\ufdd0\u0007\x1b[31m\x7f\u0085", "𠮷😀👩‍👩‍👧\U0010fffd", "a\r\nb\u2028c\td\\\"'", "=1+1",
    "../../etc/passwd", "'; DROP TABLE entry; --", "na", "pass", ":", "x:٣", "x:-1", f"x:{10**30}",
    "0" * 64,
)  # fmt: skip
INTS = (-1, 0, 2**31, 2**53, 2**63 - 1, 2**64 - 1, -(2**63), 10**30)
# What is no value of a type, or none that every language has.
WRONG = (b"null", b"[]", b"{}", b"1e999", b'"\\ud800"', b"[[[[1]]]]")


def _kinds() -> dict[str, inspect.StructType]:
    found: dict[str, inspect.StructType] = {}
    for one in (*get_args(ops.AnyOp), *get_args(upcasts.OldForm)):
        told = inspect.type_info(one)
        assert isinstance(told, inspect.StructType)
        found[str(told.tag)] = told
    return found


KINDS = _kinds()


class Names(NamedTuple):
    """What operations may speak of."""

    device: str
    inspection: str
    items: tuple[str, ...]
    checklist: str
    blob: str
    second: str

    def ops_for(self, kind: str) -> tuple[str, ...]:
        """Name operations: of that kind, of another, elsewhere, not there at all, and itself."""
        numbers = [[*KINDS].index(name) + 1 for name in (kind, "answers.set/2", OPENS)]
        return (*(f"{self.device}:{n}" for n in (*numbers, 10**6)), SELF)


class Variant(NamedTuple):
    """An operation to be sent, and the field of it that is strange; none for a sound one."""

    kind: str
    field: str
    fields: Fields
    instead: bytes = b""  # JSON that stands for the field's value

    def written(self, device: str, n: int) -> bytes:
        """Write it as the operation of that number."""
        raw = {name: msgspec.Raw(msgspec.json.encode(one)) for name, one in self.fields.items()}
        if self.instead:
            raw[self.field] = msgspec.Raw(self.instead)
        line = msgspec.json.encode(raw | {"n": n, "t": self.kind})
        return line.replace(f'"{SELF}"'.encode(), f'"{device}:{n}"'.encode())


def variants(names: Names) -> Iterator[Variant]:
    """Give each kind as it should be, in order; then every field of every kind, each time wrong."""
    sound = {kind: _sound(kind, names) for kind in KINDS}
    for kind, fields in sound.items():
        yield Variant(kind, "", fields)
    for kind, struct in KINDS.items():
        base = sound[kind]
        for field in struct.fields:
            name = field.encode_name
            if name in ("n", "e") or (name in STAMP and kind not in STAMPED):
                continue  # the envelope's: tests/api/test_hostile_pushes.py; or of all kinds alike
            for at, value in enumerate(_values(field.type, names.ops_for(kind), base.get(name))):
                fresh = {"e": new_id()} if kind == OPENS and at % 7 == 0 else {}  # makes a task
                yield Variant(kind, name, base | fresh | {name: value})
            for wrong in WRONG:
                yield Variant(kind, name, base, wrong)
        texts = [one.encode_name for one in struct.fields if _free(one)]
        for text, long in ((texts[0], ENDLESS), (texts[-1], LONG)):
            yield Variant(kind, text, base | {text: long})


def _free(field: inspect.Field) -> bool:
    return isinstance(field.type, inspect.StrType) and field.encode_name not in ("e", "boot")


def _sound(kind: str, names: Names) -> Fields:
    """Write a kind so that it counts, with every field that must be there."""
    must = {one.encode_name: _plain(one.type) for one in KINDS[kind].fields if one.required}
    stamp = {"e": names.inspection, "w": 1_772_413_200_000, "m": 1, "boot": "b"}
    return must | stamp | _needed(names).get(kind, {})


def _needed(names: Names) -> dict[str, Fields]:
    """Give what a kind needs beyond the plainest values of its types."""
    answers: Fields = {"f": {names.items[0]: {"v": "pass"}}}
    file: Fields = {"blob": names.blob, "mime": "image/jpeg"}
    return {
        "answers.set/1": answers,
        "answers.set/2": answers,
        "evidence.add/1": file,
        "evidence.add/2": file,
        "sign/1": {"role": "lead"},
        "sign/2": {"role": "lead"},
        "checklist.carry/1": {"to": names.checklist, "again": {names.items[1]: [names.checklist]}},
        OPENS: {
            "e": new_id(), "division": "310101", "checklist": names.checklist,
            "second": names.second, "reason": "巡查发现",
        },
    }  # fmt: skip


def _values(of: inspect.Type, named: tuple[str, ...], now: Any = None) -> Iterator[Any]:
    """Give strange values of a type; `now` is what else would stand there."""
    match of:
        case inspect.StrType():
            yield from (*TEXTS, *named)
        case inspect.IntType():
            yield from INTS
        case inspect.BoolType():
            yield from (False, True)
        case inspect.LiteralType(values=known):
            yield from known
        case inspect.VarTupleType(item_type=item):
            some, own = [*_values(item, named)], now or []
            yield from ([], some[:1] * 3, [*own, *some], [*own, *(some * MANY)[:MANY]])
        case inspect.TupleType(item_types=items):
            yield from zip(*(_values(one, named) for one in items), strict=False)
            yield [1, 10**9]
        case inspect.DictType(value_type=held):
            own: Fields = now or {}
            keys = [*own, *named, "1.1", "", "\0", LONG[:300], MARKUP, "__proto__"]
            for value in _values(held, named, next(iter(own.values()), None)):
                yield {keys[0]: value}
            yield {}
            yield dict.fromkeys(keys, next(iter(own.values()), value))
        case inspect.StructType(fields=fields):
            base: Fields = {one.encode_name: _plain(one.type) for one in fields if one.required}
            for one in fields:
                for value in _values(one.type, named):
                    yield base | (now or {}) | {one.encode_name: value}
        case _:
            raise AssertionError(f"say what is strange for {of}")


def _plain(of: inspect.Type) -> Any:
    """Give the plainest value of a type."""
    match of:
        case inspect.StrType():
            return "1"
        case inspect.IntType():
            return 1
        case inspect.LiteralType(values=known):
            return known[-1]
        case inspect.VarTupleType(item_type=inspect.StrType()):
            return ["1"]
        case inspect.DictType():
            return {}
        case _:
            raise AssertionError(f"say what is plain for {of}")
