"""What is known of an inspection (文书事实): the same on a device and at the office, or it is said.

A document is made of the task as it was sent, the checklists, the operations, the files that are
here and, once the office decided, its decision. No clock, no register, no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol, TypeAlias, TypeVar

import msgspec
from msgspec import Struct, UnsetType

from backend.rules.calendar import CHINA
from sync import layers, merge, photos, violations
from sync.checklist import Checklist, Text
from sync.layers import Layer
from sync.merge import Evidence, Inspection, Recorded
from sync.ops import OpId, Sign
from sync.refusals import Reason, Refused
from sync.tasks import Told
from sync.verdict import Verdict, judge_visit
from sync.violations import Catalogue

THUMBNAIL_EDGE = 480
THUMBNAIL_QUALITY = 75
W_MAX = 4_102_444_800_000  # 2100-01-01; a clock beyond it is none, and no PDF could say it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class An(Protocol):
    """Something that an operation recorded."""

    @property
    def op(self) -> OpId:
        """Name the operation."""
        ...


A = TypeVar("A", bound=An)
Has: TypeAlias = Literal["picture", "file", "unreadable", "unsupported", "lacking"]
Read: TypeAlias = Callable[[str], bytes | None]


class Site(Struct, frozen=True):
    """The establishment, as the task names it."""

    code: str
    name: str
    address: str = ""
    category: str = ""
    division: str = ""
    risk: str = ""


class Task(Told, frozen=True, kw_only=True):
    """The part of a task that is printed."""

    establishment: Site
    origin: str = ""
    withdrawn: str = ""  # the day on which the office took it back, though it was begun


class Asked(Struct, frozen=True):
    """整改项: one item of an order, with its own term."""

    item: str  # its name in the inspection
    working_days: int
    due_on: date


class Order(Struct, frozen=True):
    """责令改正: what is to be put right and by when."""

    items: tuple[Asked, ...]
    ordered_on: date


class Decision(Struct, frozen=True):
    """What the office decided (检查结果), as it is told to the devices."""

    digest: str  # of the inspection that was concluded
    outcome: str
    result: Text  # 检查结果类别
    remark: str
    concluded_on: date
    approved: bool
    order: Order | None = None
    follow_ups: tuple[Text, ...] = ()  # 后续处置


class Picture(Struct, frozen=True):
    """What is here of a file: a small upright rendition, or why there is none."""

    has: Has
    jpeg: bytes = b""


class Facts(Struct, frozen=True):
    """All that a document is made of."""

    task: Task
    forms: tuple[Checklist, ...]  # the one that is followed, then those of partners
    ops: tuple[Recorded, ...]
    clocks: Mapping[OpId, int]  # of each, as its device had it
    state: Inspection
    pictures: Mapping[str, Picture]  # by digest
    strokes: Mapping[str, bytes]  # drawn signatures, by digest
    catalogues: Mapping[str, Catalogue]  # of violations, by digest
    decision: Decision | None

    @property
    def digest(self) -> str:
        """Name the state of the inspection."""
        return merge.digest(self.state)

    @property
    def verdicts(self) -> list[Verdict]:
        """Judge the inspection by every checklist."""
        return judge_visit(self.forms, self.state, must=self.task.must, narrow=self.task.narrow)

    @property
    def lacking_strokes(self) -> tuple[str, ...]:
        """Name the drawn signatures that are not here."""
        drawn = {one.strokes for one in self.state.signatures if one.strokes}
        return tuple(sorted(drawn - self.strokes.keys()))

    @property
    def lacking(self) -> tuple[str, ...]:
        """Name what stands but is not here: with it the record would have other bytes."""
        files = {one.blob for one in self.state.evidence if not one.voided}
        unseen = ("lacking", "unsupported")
        gone = {one for one in files & self.pictures.keys() if self.pictures[one].has in unseen}
        quoted = {one.catalogue for one in self.state.findings if one.catalogue}
        return tuple(sorted(gone | {*self.lacking_strokes} | (quoted - self.catalogues.keys())))

    def when(self, op: OpId) -> int:
        """Give the wall clock of an operation, as its device had it."""
        return self.clocks[op]

    def told(self, those: Iterable[A] | UnsetType) -> list[A]:
        """Put what the fold holds into the order that people tell it in: as the devices' clocks."""
        return sorted(those or (), key=lambda one: (self.when(one.op), one.op))

    @property
    def at(self) -> datetime:
        """Date the document: by the device's clock at its latest signature, or else operation."""
        signed = [one.op.w for one in self.ops if isinstance(one.op, Sign)]
        return moment(max(signed or [one.op.w for one in self.ops]))


def gather(
    *,
    task: bytes,
    forms: Iterable[Checklist],
    ops: Iterable[Recorded],
    read: Read,
    catalogue: Read,
    decision: bytes | None = None,
    seen: Mapping[str, Picture] | None = None,
) -> Facts:
    """Gather what is known.

    `read` gives a file and `catalogue` a catalogue by its digest, or None when it is not here.
    `seen` are the pictures that were made small already.
    """
    recorded, made = tuple(ops), seen or {}
    state = merge.fold(recorded)
    drawn = {one.strokes for one in state.signatures if one.strokes}
    strokes = {name: body for name in sorted(drawn) if (body := read(name)) is not None}
    return Facts(
        task=msgspec.json.decode(task, type=Task),
        forms=tuple(forms),
        ops=recorded,
        clocks={one.id: one.op.w for one in recorded},
        state=state,
        pictures={
            one.blob: made.get(one.blob) or small(state, one, read)
            for one in state.evidence
            if one.blob not in drawn or one.role != "strokes"
        },
        strokes=strokes,
        catalogues={
            name: violations.load(body)
            for name in sorted({one.catalogue for one in state.findings if one.catalogue})
            if (body := catalogue(name)) is not None
        },
        decision=msgspec.json.decode(decision, type=Decision) if decision else None,
    )


def small(state: Inspection, one: Evidence, read: Read) -> Picture:
    """Make a small picture of a file of an inspection, with what was drawn over it."""
    return picture(one.mime, read(one.blob), _drawn(state, one.blob, read))


def picture(mime: str, body: bytes | None, drawn: Sequence[Layer] = ()) -> Picture:
    """Make a small picture of a file, upright and without anything that it says of itself."""
    if body is None:
        return Picture("lacking")
    if not mime.startswith("image/"):
        return Picture("file")
    try:
        seen = photos.thumbnail(body, THUMBNAIL_EDGE, THUMBNAIL_QUALITY, layers=drawn)
    except Refused as refused:
        elsewhere = refused.reason is Reason.PHOTO_FORMAT_UNSUPPORTED  # where more is installed
        return Picture("unsupported" if elsewhere else "unreadable")
    return Picture("picture", seen)


def _drawn(state: Inspection, digest: str, read: Read) -> list[Layer]:
    """Read what was drawn over a picture (标注), as far as it is here and can be read."""
    bodies = [read(one) for one in layers.over(state.evidence, digest)]
    return layers.readable(body for body in bodies if body is not None)


def moment(w: int) -> datetime:
    """Read a device's wall clock (ms since 1970), in the time of China."""
    return (EPOCH + timedelta(milliseconds=min(max(w, 0), W_MAX))).astimezone(CHINA)
