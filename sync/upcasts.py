"""旧版操作: every released form of an operation that a newer version of its kind has replaced.

A form here is frozen: it shares nothing with today's structs, so that changing those cannot change
what a device of last year may have written. `upcast` tells in today's words what it said, and never
so that an inspection would fold to anything else than it did.
"""

import msgspec
from msgspec import Struct


class Form(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", forbid_unknown_fields=True
):
    """What every released form of an operation carries."""

    n: int
    e: str
    w: int
    m: int
    boot: str
    orig: str = ""


class Answer1(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An answer as `answers.set/1` has it: its kind and unit are those of the item."""

    v: str
    note: str = ""


class SetAnswers1(Form, frozen=True, kw_only=True, omit_defaults=True, tag="answers.set/1"):
    """Answers of text alone, always to the checklist that came with the task."""

    f: dict[str, Answer1]
    s: dict[str, tuple[str, ...]] = {}


OldForm = SetAnswers1

NOW = {"answers.set/1": "answers.set/2"}


def upcast(form: OldForm) -> dict[str, object]:
    """Write an old form as today's operation, in plain values."""
    said: dict[str, object] = msgspec.to_builtins(form)
    return said | {"t": NOW[str(said["t"])]}
