"""违法行为清单: the acts that a finding picks from, with law, article, severity and exemption.

A catalogue is written in TOML, released once under the digest of its canonical JSON, and never
changed. The code of a violation means the same in every version of its catalogue.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from sync.checklist import Text
from sync.checklist_file import Fault, read, twice
from sync.history import History
from sync.refusals import Reason, Refused

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9\-]*\Z", max_length=40)]
Severity = Literal["minor", "general", "serious"]
MONTHS = 12


class Law(Struct, frozen=True):
    """A law that acts offend."""

    code: Name
    title: Text


class Violation(Struct, frozen=True, omit_defaults=True):
    """违法行为. `first_exempt` marks 首违不罚, which may apply under `conditions`."""

    code: Name
    text: Text
    law: Name
    article: Text
    quote: Text  # what the article demands, in our words
    severity: Severity = "general"
    first_exempt: bool = False
    conditions: Text | None = None


class Class(Struct, frozen=True):
    """A class of acts."""

    code: Name
    title: Text
    violations: Annotated[tuple[Violation, ...], Meta(min_length=1)]


class Catalogue(Struct, frozen=True):
    """A catalogue of violations."""

    code: Name
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*\Z", max_length=20)]
    title: Text
    repeat_months: Annotated[int, Meta(ge=1, le=120)]  # so long an act counts as found before
    exemption: Text  # the law on first offences
    laws: Annotated[tuple[Law, ...], Meta(min_length=1)]
    classes: Annotated[tuple[Class, ...], Meta(min_length=1)]

    @property
    def violations(self) -> Iterator[Violation]:
        """Walk all acts in the order of the list."""
        return (one for those in self.classes for one in those.violations)

    def law(self, code: str) -> Text:
        """Give the title of a law that the catalogue declares."""
        return next(one.title for one in self.laws if one.code == code)


class Picked(Struct, frozen=True):
    """A violation and the catalogue that has it, by its digest."""

    digest: str
    catalogue: Catalogue
    violation: Violation

    @property
    def basis(self) -> Text:
        """Write law and article as a finding quotes them."""
        law, article = self.catalogue.law(self.violation.law), self.violation.article
        return Text(f"{law.en}, {article.en}", f"《{law.zh}》{article.zh}")


def parse(toml: bytes) -> Catalogue:
    """Read a catalogue from TOML; refuse it naming line and field when anything is wrong."""
    return read(toml, Catalogue, _faults, Reason.CATALOGUE_INVALID)


def load(body: bytes | str) -> Catalogue:
    """Read a released catalogue from its canonical JSON; fields of newer versions are ignored."""
    return msgspec.json.decode(body, type=Catalogue)


def canonical(catalogue: Catalogue) -> bytes:
    """Write a catalogue as the JSON that its digest is taken of: sorted keys, no spaces."""
    return msgspec.json.encode(catalogue, order="sorted")


def digest(catalogue: Catalogue) -> str:
    """Name a catalogue by the SHA-256 of its canonical JSON."""
    return sha256(canonical(catalogue)).hexdigest()


def pick(catalogues: Mapping[str, Catalogue], code: str) -> Picked:
    """Find an act in catalogues by their digests; `catalogue/code` when several have the code."""
    wanted, _, bare = code.rpartition("/")
    found = [
        Picked(name, one, act)
        for name, one in sorted(catalogues.items())
        for act in one.violations
        if act.code == bare and wanted in ("", one.code)
    ]
    if len(found) != 1:
        many = " ".join(f"{one.catalogue.code}/{bare}" for one in found)
        raise Refused(Reason.VIOLATION_UNKNOWN, violation=code, several=many)
    return found[0]


def search(catalogues: Mapping[str, Catalogue], words: Iterable[str]) -> list[Picked]:
    """Find the acts in which every word occurs: in code, class, text, law, article or quote."""
    wanted = [word.casefold() for word in words]
    return [
        picked
        for name, one in sorted(catalogues.items())
        for those in one.classes
        for act in those.violations
        if (picked := Picked(name, one, act)) and _has(_told(those, picked), wanted)
    ]


def repeats(history: History | None, picked: Picked, today: date) -> tuple[str, ...]:
    """Name the earlier inspections that found the same act within the catalogue's months."""
    if history is None:
        return ()
    since = months_before(today, picked.catalogue.repeat_months)
    return tuple(
        one.inspection
        for one in history.offences
        if one.violation == picked.violation.code and since <= one.day <= today
    )


def may_be_exempt(history: History | None, picked: Picked, today: date) -> bool:
    """Tell whether 首违不罚 may apply: the list flags the act and the history has it no more.

    Nothing is decided by this; without a history nobody knows whether it is a first offence.
    """
    known = history is not None and not repeats(history, picked, today)
    return known and picked.violation.first_exempt


def months_before(day: date, months: int) -> date:
    """Go back by months, to the month's last day where it has no such day."""
    year, month = divmod(day.year * MONTHS + day.month - 1 - months, MONTHS)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _told(those: Class, picked: Picked) -> str:
    act, law = picked.violation, picked.catalogue.law(picked.violation.law)
    texts = (those.title, act.text, law, act.article, act.quote)
    return " ".join([act.code, *(f"{one.en} {one.zh}" for one in texts)]).casefold()


def _has(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def _faults(catalogue: Catalogue) -> Iterator[Fault]:
    """Tell what types cannot."""
    yield from twice("laws", [one.code for one in catalogue.laws])
    yield from twice("classes", [one.code for one in catalogue.classes])
    laws, seen = {one.code for one in catalogue.laws}, set[str]()
    for c, those in enumerate(catalogue.classes):
        for n, act in enumerate(those.violations):
            path = f"classes[{c}].violations[{n}]"
            if act.code in seen:
                yield f"{path}.code", f"Code {act.code} appears twice.", f"编码 {act.code} 重复"
            seen.add(act.code)
            if act.law not in laws:
                yield f"{path}.law", f"Law {act.law} is not declared.", f"法律 {act.law} 未声明"
            if act.first_exempt != (act.conditions is not None):
                yield (
                    f"{path}.conditions",
                    "A first offence that may be exempt needs conditions, and no other has any.",
                    "首违不罚须写明条件，其他情形不得填写条件",
                )
            if act.first_exempt and act.severity == "serious":
                yield (
                    f"{path}.first_exempt",
                    "A serious violation is never exempt.",
                    "严重违法行为不适用首违不罚",
                )
