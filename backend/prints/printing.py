"""打印文书: one way from what is known to the bytes, which a device and the office both take."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from backend.prints import facts, papers, typeset
from backend.prints.facts import Picture, Read
from backend.prints.paper_words import Language, What
from backend.work.calendars import working_days
from sync.checklist import Checklist
from sync.merge import Recorded


class Printed(Struct, frozen=True):
    """A document, and what it says is lacking."""

    pdf: bytes
    code: str
    lacking: tuple[str, ...]


def print_paper(
    what: What,
    language: Language,
    *,
    task: bytes,
    forms: Iterable[Checklist],
    ops: Iterable[Recorded],
    read: Read,
    catalogue: Read,
    decision: bytes | None,
    fonts: Path | None,
    templates: Path | None,
    seen: Mapping[str, Picture] | None = None,
) -> Printed:
    """Print what is known of an inspection; the same gives the same bytes, wherever it is."""
    known = facts.gather(
        task=task,
        forms=forms,
        ops=ops,
        read=read,
        catalogue=catalogue,
        decision=decision,
        seen=seen,
    )
    data = papers.arrange(what, known, language, working_days())
    pdf = papers.write(what, known, data, typeset.fonts(fonts), typeset.own_files(templates))
    return Printed(pdf, papers.code_of(known), papers.lacking(what, known))
