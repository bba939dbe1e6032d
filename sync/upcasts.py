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


class AddFinding1(Form, frozen=True, kw_only=True, omit_defaults=True, tag="finding.add/1"):
    """A finding in words alone, of no catalogue."""

    text: str
    basis: str
    item: str = ""


class AddEvidence1(Form, frozen=True, kw_only=True, omit_defaults=True, tag="evidence.add/1"):
    """A file that shows something of the site."""

    blob: str
    size: int
    mime: str
    item: str = ""
    caption: str = ""


class Sign1(Form, frozen=True, kw_only=True, omit_defaults=True, tag="sign/1"):
    """A signature before anyone could refuse it. No fold of its day showed its `strokes`."""

    role: str
    covers: dict[str, tuple[tuple[int, int], ...]]
    blobs: tuple[str, ...]
    digest: str
    name: str = ""
    strokes: str = ""
    s: tuple[str, ...] = ()
    reason: str = ""


OldForm = SetAnswers1 | AddFinding1 | AddEvidence1 | Sign1

NOW = {
    "answers.set/1": "answers.set/2",
    "finding.add/1": "finding.add/2",
    "evidence.add/1": "evidence.add/2",
    "sign/1": "sign/2",
}


def upcast(form: OldForm) -> dict[str, object]:
    """Write an old form as today's operation, in plain values."""
    said: dict[str, object] = msgspec.to_builtins(form)
    if isinstance(form, Sign1):
        said.pop("strokes", None)  # the bytes keep it; the fold of today would show it
    return said | {"t": NOW[str(said["t"])]}
