"""公示: what may be published of an inspection, and proof that nothing else is.

A published result names the business, what was checked, what failed and by when it must be put
right. It names no person: neither inspectors nor officers nor who was met on site; no free text of
theirs is published, and what is published is searched for their names and for personal numbers.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import cast

import msgspec
from msgspec import Struct

from sync.checklist import Checklist, Text, named
from sync.verdict import Verdict

# Whose words these are is known: the register's, the released checklist's, the draw's, or numbers
# of our own. A field that is added later is searched for names until somebody adds it here.
_KNOWN = (
    "id", "site.", "checklist.", "failed.", "outcome.", "scores.", "result.", "order.", "draw.",
    "origin.",
)  # fmt: skip
_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z])(?:1[3-9][0-9]{9}"  # mobile telephone
    r"|[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}[0-9Xx]"  # 身份证
    r"|[\w.+-]+@[\w-]+\.[\w.-]+)(?![0-9A-Za-z])"  # e-mail
)
_NAME_CHARS_MIN = 2

_JPEG_PARTS = {0xC4, 0xDB, 0xDD, *range(0xC0, 0xC4)}  # tables, restart interval, frame


class Site(Struct, frozen=True):
    """The business as the register has it."""

    code: str
    name: str
    category: str
    division: str


class Form(Struct, frozen=True):
    """The checklist that was used."""

    code: str
    version: str
    digest: str
    title: Text


class Said(Struct, frozen=True):
    """A word of a closed list, and how it reads."""

    code: str
    label: Text


class Failed(Struct, frozen=True):
    """An item that failed: its wording and legal basis, nothing that was written on site."""

    ref: str
    key: bool
    text: Text
    basis: Text


class Counts(Struct, frozen=True):
    """How many items were checked."""

    passed: int
    failed: int
    not_applicable: int


class Scored(Struct, frozen=True):
    """得分: a figure that the checklist declares, as decimal text."""

    code: str
    label: Text
    value: str


class PartResult(Struct, frozen=True, omit_defaults=True):
    """部门联合: what a partner's matters amount to, by its own checklist."""

    departments: tuple[str, ...]
    checklist: Form
    outcome: Said | None
    counts: Counts
    failed: tuple[Failed, ...]
    scores: tuple[Scored, ...] = ()


class Order(Struct, frozen=True):
    """责令整改."""

    items: tuple[str, ...]
    ordered_on: date
    due_on: date


class DrawLink(Struct, frozen=True):
    """The draw that chose the site, and its place there."""

    id: str
    commit_hash: str
    bundle_sha256: str
    place: int


class Corrects(Struct, frozen=True):
    """更正: which publication of the same inspection is corrected, and why."""

    n: int  # it is kept as replaced/<id>-<n>.json, or withheld
    sha256: str
    published_on: date
    reason: str


class Withheld(Struct, frozen=True, omit_defaults=True):
    """撤下: what stands in the place of a corrected publication whose content is withheld."""

    id: str
    n: int
    sha256: str  # of what stood there
    published_on: date
    withheld_on: date
    reason: str
    corrects: Corrects | None = None  # as it said there, without its reason


class Result(Struct, frozen=True, omit_defaults=True):
    """检查结果公示信息: one published result, complete."""

    id: str
    site: Site
    checklist: Form
    outcome: Said | None  # none: no checklist decided, the officer found the result
    result: Said
    counts: Counts
    failed: tuple[Failed, ...]
    order: Order | None
    formed_on: date
    due_on: date  # 20 working days after it was formed
    published_on: date
    photos: tuple[str, ...]  # paths in the publication's folder
    draw: DrawLink | None  # none: no draw chose the site, but `origin`
    parts: tuple[PartResult, ...] = ()
    origin: Said | None = None
    corrects: Corrects | None = None
    scores: tuple[Scored, ...] = ()


def public_view(
    *,
    id: str,
    site: Site,
    checklist: Checklist,
    checklist_digest: str,
    verdict: Verdict,
    result: Said,
    order: Order | None,
    formed_on: date,
    due_on: date,
    published_on: date,
    photos: int,
    draw: DrawLink | None,
    parts: tuple[PartResult, ...] = (),
    origin: Said | None = None,
    corrects: Corrects | None = None,
) -> Result:
    """Choose what is published of an inspection; of what no draw chose, why it was visited."""
    return Result(
        id=id,
        site=site,
        checklist=_form(checklist, checklist_digest),
        outcome=_said(checklist, verdict),
        result=result,
        counts=_counts(checklist, verdict),
        failed=_failed(checklist, verdict),
        order=order,
        formed_on=formed_on,
        due_on=due_on,
        published_on=published_on,
        photos=tuple(f"photos/{id}/{n}.jpg" for n in range(1, photos + 1)),
        draw=draw,
        parts=parts,
        origin=origin,
        corrects=corrects,
        scores=_scores(checklist, verdict),
    )


def public_part(
    *, departments: tuple[str, ...], checklist: Checklist, digest: str, verdict: Verdict
) -> PartResult:
    """Choose what is published of a partner's part."""
    return PartResult(
        departments=departments,
        checklist=_form(checklist, digest),
        outcome=_said(checklist, verdict),
        counts=_counts(checklist, verdict),
        failed=_failed(checklist, verdict),
        scores=_scores(checklist, verdict),
    )


def _form(checklist: Checklist, digest: str) -> Form:
    return Form(checklist.code, checklist.version, digest, checklist.title)


def _said(checklist: Checklist, verdict: Verdict) -> Said | None:
    if not verdict.given:
        return None
    return Said(verdict.outcome, checklist.outcome(verdict.outcome).label)


def _counts(checklist: Checklist, verdict: Verdict) -> Counts:
    every, failed = sum(1 for _ in checklist.items), len(verdict.failed)
    every -= len(verdict.not_asked) + len(verdict.unanswered) + len(verdict.in_conflict)
    every -= len(verdict.not_weighed)  # left out, or only telling something
    return Counts(
        passed=every - failed - verdict.not_applicable,
        failed=failed,
        not_applicable=verdict.not_applicable,
    )


def _scores(checklist: Checklist, verdict: Verdict) -> tuple[Scored, ...]:
    """List the scores of an outcome; without one, or of nothing, there are none."""
    told = verdict.scores if verdict.given else {}
    every = [(one, told.get(one.code, "")) for one in checklist.scores]
    return tuple(Scored(one.code, one.text, value) for one, value in every if value)


def _failed(checklist: Checklist, verdict: Verdict) -> tuple[Failed, ...]:
    """List what failed by the references of its checklist."""
    names = {ref: one for one in checklist.items for ref in (one.ref, named(checklist, one.ref))}
    failed = [names[ref] for ref in verdict.failed]
    return tuple(Failed(one.ref, one.key, one.text, one.basis) for one in failed)


def plain_ref(name: str) -> str:
    """Write the name of a partner's item for people, e.g. 2.4 (fire-safety 2026.1)."""
    form, slash, ref = name.rpartition("/")
    return f"{ref} ({form.replace('@', ' ')})" if slash else name


def withhold(before: Result, n: int, *, sha256: str, withheld_on: date, reason: str) -> Withheld:
    """Say of a publication that it was there, and nothing of what stood in it."""
    told = before.corrects
    return Withheld(
        id=before.id,
        n=n,
        sha256=sha256,
        published_on=before.published_on,
        withheld_on=withheld_on,
        reason=reason,
        corrects=None if told is None else msgspec.structs.replace(told, reason=""),
    )


def leaks(view: Result | Withheld, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Name the fields with a personal number in them, or with one of these people's names."""
    found: list[str] = []
    named = [_name(one) for one in names if len(one) >= _NAME_CHARS_MIN]
    for path, text in _texts(msgspec.to_builtins(view), ""):
        ours = not path.startswith(_KNOWN)
        if (path != "site.code" and numbered(text)) or (
            ours and any(one.search(text) for one in named)
        ):
            found.append(path)
    return tuple(found)


def numbered(text: str) -> bool:
    """Tell whether a text has a telephone, an identity number or a mail address in it."""
    return _NUMBERS.search(text) is not None


def _name(name: str) -> re.Pattern[str]:
    """Match a name: Chinese ones anywhere, others as whole words."""
    if name.isascii():
        return re.compile(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", re.IGNORECASE)
    return re.compile(re.escape(name))


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in cast("dict[str, object]", value).items():
            yield from _texts(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for one in cast("Iterable[object]", value):
            yield from _texts(one, path)


def jpeg_metadata(body: bytes) -> tuple[str, ...]:
    """Name what a JPEG holds besides its pixels (ITU-T T.81, B.1.1): () if it may be shown."""
    if body[:2] != b"\xff\xd8":
        return ("no JPEG",)
    found: list[str] = []
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker, size = body[at + 1], int.from_bytes(body[at + 2 : at + 4], "big")
        if marker == 0xDA:  # pixels from here to the end-of-image marker
            end = body.find(b"\xff\xd9", at)
            if end != len(body) - 2:
                found.append("bytes after the end of the image")
            return tuple(found)
        if not (marker in _JPEG_PARTS or (marker == 0xE0 and body[at + 4 : at + 9] == b"JFIF\0")):
            found.append(f"segment {marker:02X}")
        at += 2 + size
    return (*found, "no end")
