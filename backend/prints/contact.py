"""照片汇总表: all pictures of an inspection on a sheet, each with what it is and what is odd."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from backend.prints import typeset
from backend.wire import EvidenceView
from sync.pictures import said
from sync.refusals import Refused, by_code

ROW = 3

TITLE = "照片汇总表 Contact sheet"
LACKING = ("未到达", "not arrived")


class Head(Struct, frozen=True):
    """Whose pictures these are."""

    inspection: str
    name: str
    code: str
    people: tuple[str, ...]
    waiting: int = 0  # pictures that were not compared with these yet


class Shot(Struct, frozen=True):
    """One picture: its small rendition, or why there is none."""

    seen: bytes
    lacking: str
    item: str
    caption: str
    taken: str
    who: str
    digest: str
    remarks: tuple[str, ...] = ()


def ordered(shown: Iterable[EvidenceView]) -> list[EvidenceView]:
    """Choose the pictures that stand, as they were taken; those that say no time come last."""
    pictures = [
        one for one in shown if one.mime.startswith("image/") and not one.voided and not one.role
    ]
    return sorted(pictures, key=lambda one: (_taken(one) or "~", one.item, one.sha256))


def shot(one: EvidenceView, seen: bytes | Refused | None) -> Shot:
    """Put a picture on the sheet: rendered with its annotations, or why it could not be."""
    lacking = " ".join(LACKING) if seen is None else ""
    if one.flag:
        lacking = f"{by_code(one.flag).zh} {by_code(one.flag).en}"
    elif isinstance(seen, Refused):
        lacking = f"{seen.reason.zh} {seen.reason.en}"
    return Shot(
        seen=seen if isinstance(seen, bytes) else b"",
        lacking=lacking,
        item=one.item,
        caption=one.caption,
        taken=_taken(one).replace("T", " "),
        who=one.who,
        digest=one.sha256[:16],
        remarks=tuple(
            said(odd.code, metres=odd.metres, minutes=odd.minutes, inspection=odd.inspection)[1]
            for odd in one.remarks
            if odd.warning
        ),
    )


def pdf(head: Head, shots: Sequence[Shot], at: datetime, folder: Path | None) -> bytes:
    """Set the sheet as PDF/A, dated `at`; `folder` has the office's own fonts, if any."""
    data, files = _data(head, shots)
    return typeset.pdf("contact", data, at, typeset.fonts(folder), files)


def pages(head: Head, shots: Sequence[Shot], at: datetime, *, dots: float) -> list[bytes]:
    """Set the sheet as pictures (PNG), so many dots an inch."""
    data, files = _data(head, shots)
    return typeset.pictures("contact", data, at, typeset.fonts(), files, dots=dots)


def _data(head: Head, shots: Sequence[Shot]) -> tuple[Mapping[str, object], Mapping[str, bytes]]:
    files = {f"shots/{n}.jpg": one.seen for n, one in enumerate(shots, start=1) if one.seen}
    rows = [
        {
            "number": n,
            "file": f"shots/{n}.jpg" if one.seen else "",
            "lacking": one.lacking,
            "item": one.item,
            "caption": one.caption,
            "taken": one.taken,
            "who": one.who,
            "digest": one.digest,
            "remarks": one.remarks,
        }
        for n, one in enumerate(shots, start=1)
    ]
    return {"title": TITLE, "head": head, "shots": rows, "columns": ROW}, files


def _taken(one: EvidenceView) -> str:
    return one.facts.taken + one.facts.zone if one.facts else ""
