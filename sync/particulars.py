"""现场记录: openings, arrivals, samples, seizures and lots of an inspection, as they stand.

Nothing here is replaced by anything: each record stands for itself, or is withdrawn and stays
visible. Where an inspection has none of a kind its JSON says nothing of it, so that those from
before there was such a kind keep their digests.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar, assert_never, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sync.answers import CHARS_MAX, measured
from sync.coordinates import DATUMS
from sync.ops import (
    Arrive,
    DisposeSample,
    OpenInspection,
    OpId,
    Particular,
    SeizeGoods,
    TakeSample,
    TestSample,
    WeighLot,
)
from sync.refusals import Reason, Refused

TEXT_MAX = CHARS_MAX  # characters, as in an answer
LIST_MAX = 1000  # certificates, or packages of a lot that were weighed


class Shown(Struct, frozen=True, kw_only=True):
    """What every record shows: its operation, whose it is, and why it was withdrawn, if it was."""

    op: OpId
    who: str
    voided: str


class Arrival(Shown, frozen=True, kw_only=True):
    """到达现场."""

    how: str
    code: str
    approval: str
    certificates: tuple[str, ...]
    longitude: str
    latitude: str
    datum: str
    accuracy: str


class Opening(Shown, frozen=True, kw_only=True):
    """现场登记 of an inspection that nobody assigned."""

    name: str
    address: str
    category: str
    division: str
    reason: str
    checklist: str
    code: str
    second: str
    certificate: str
    longitude: str
    latitude: str
    datum: str


class Tested(Shown, frozen=True, kw_only=True):
    """检验结果 of a sample."""

    sample: OpId
    test: str
    method: str
    instrument: str
    result: str
    unit: str
    limit: str
    verdict: str
    retest: bool


class Disposal(Shown, frozen=True, kw_only=True):
    """样品处置."""

    sample: OpId
    disposal: str


class Sample(Shown, frozen=True, kw_only=True):
    """样品, with what was found in it and what became of it."""

    number: str
    of: str
    what: str
    quantity: str
    unit: str
    batch: str
    producer: str
    place: str
    item: str
    tests: tuple[Tested, ...]
    disposals: tuple[Disposal, ...]


class Seizure(Shown, frozen=True, kw_only=True):
    """查封扣押."""

    what: str
    quantity: str
    unit: str
    measure: str
    owner: str
    place: str
    number: str


class Lot(Shown, frozen=True, kw_only=True):
    """定量包装商品净含量抽查."""

    what: str
    nominal: str
    unit: str
    lot: str
    contents: tuple[str, ...]
    item: str


class Astray(Struct, frozen=True):
    """Tests and disposals of samples that are not here; they are kept, and point nowhere."""

    tests: tuple[Tested, ...] = ()
    disposals: tuple[Disposal, ...] = ()


class Told(NamedTuple):
    """One record before it is shown."""

    id: OpId
    who: str
    op: Particular


class Particulars(Struct, frozen=True):
    """All of them, in an order that every replica shares and no clock decides; UNSET is none."""

    arrivals: tuple[Arrival, ...] | UnsetType = UNSET
    samples: tuple[Sample, ...] | UnsetType = UNSET
    seizures: tuple[Seizure, ...] | UnsetType = UNSET
    lots: tuple[Lot, ...] | UnsetType = UNSET
    astray: Astray | UnsetType = UNSET
    openings: tuple[Opening, ...] | UnsetType = UNSET

    @property
    def recorded(self) -> Iterator[Shown]:
        """Walk all records; each of them may be withdrawn."""
        yield from self.openings or ()
        yield from self.arrivals or ()
        for sample in self.samples or ():
            yield sample
            yield from sample.tests
            yield from sample.disposals
        yield from self.seizures or ()
        yield from self.lots or ()
        if self.astray:
            yield from self.astray.tests
            yield from self.astray.disposals


NONE = Particulars()


def fold(told: Sequence[Told], voided: Mapping[OpId, str]) -> Particulars:
    """Bring records, already in order, under what they belong to."""
    if not told:  # nearly always
        return NONE
    here = {one.id for one in told if isinstance(one.op, TakeSample)}
    tests: dict[OpId, list[Tested]] = {}
    disposals: dict[OpId, list[Disposal]] = {}
    lost = Astray(
        tests=_under(Tested, TestSample, told, voided, here, tests),
        disposals=_under(Disposal, DisposeSample, told, voided, here, disposals),
    )
    return Particulars(
        arrivals=_each(Arrival, Arrive, told, voided),
        samples=tuple(
            _shown(
                Sample,
                one,
                voided,
                tests=tuple(tests.get(one.id, ())),
                disposals=tuple(disposals.get(one.id, ())),
            )
            for one in told
            if one.id in here
        )
        or UNSET,
        seizures=_each(Seizure, SeizeGoods, told, voided),
        lots=_each(Lot, WeighLot, told, voided),
        astray=lost if lost.tests or lost.disposals else UNSET,
        openings=_each(Opening, OpenInspection, told, voided),
    )


S = TypeVar("S", bound=Shown)


def _each(
    kind: type[S], of: type[Particular], told: Sequence[Told], voided: Mapping[OpId, str]
) -> tuple[S, ...] | UnsetType:
    return tuple(_shown(kind, one, voided) for one in told if isinstance(one.op, of)) or UNSET


T = TypeVar("T", Tested, Disposal)


def _under(
    kind: type[T],
    of: type[Particular],
    told: Sequence[Told],
    voided: Mapping[OpId, str],
    here: Collection[OpId],
    held: dict[OpId, list[T]],
) -> tuple[T, ...]:
    """Put into `held` what belongs to samples that are here; give what belongs to none."""
    lost: list[T] = []
    for one in told:
        if isinstance(one.op, of):
            shown = _shown(kind, one, voided)
            (held.setdefault(shown.sample, []) if shown.sample in here else lost).append(shown)
    return tuple(lost)


def _shown(kind: type[S], one: Told, voided: Mapping[OpId, str], **more: object) -> S:
    """Show what an operation says, but for its clocks."""
    own = {"op": one.id, "who": one.who, "voided": voided.get(one.id, "")}
    return msgspec.convert(msgspec.structs.asdict(one.op) | own | more, kind)


# -- what a device lets be recorded, and the server count ----------------------------------------


def check(op: Particular) -> None:
    """Refuse with TEXT_INVALID, DECIMAL_INVALID or PLACE_INVALID a record that nobody can use."""
    for fault in faults(op):
        raise fault


def faults(op: Particular) -> Iterator[Refused]:
    """Say all that is wrong with a record, from what it says alone."""
    for rule in (_check_texts, _check_figures, _check_place):
        try:
            rule(op)
        except Refused as refused:
            yield refused


def _check_figures(op: Particular) -> None:
    match op:
        case Arrive():
            check_decimals(accuracy=op.accuracy)
        case TakeSample() | SeizeGoods():
            check_decimals(quantity=op.quantity)
        case WeighLot():
            contents = {f"contents[{n}]": one for n, one in enumerate(op.contents)}
            check_decimals(nominal=op.nominal, lot=op.lot, **contents)
        case TestSample() | DisposeSample() | OpenInspection():
            pass  # of an opening there is more in sync/openings.py
        case _:
            assert_never(op)


def _check_place(op: Particular) -> None:
    if isinstance(op, Arrive):
        _check_point(op.longitude, op.latitude, op.datum, op.accuracy)
    elif isinstance(op, OpenInspection):
        _check_point(op.longitude, op.latitude, op.datum, "")


def _check_texts(op: Particular) -> None:
    """Refuse with TEXT_INVALID a text beyond TEXT_MAX or with a NUL, or more than LIST_MAX."""
    for name, said in msgspec.structs.asdict(op).items():
        texts = cast("tuple[object, ...]", said) if isinstance(said, tuple) else (said,)
        wrong = [one for one in texts if isinstance(one, str) and not _storable(one)]
        if wrong or len(texts) > LIST_MAX:
            raise Refused(Reason.TEXT_INVALID, field=name)


def _storable(text: str) -> bool:
    return len(text) <= TEXT_MAX and "\0" not in text


def check_decimals(**values: str) -> None:
    """Refuse with DECIMAL_INVALID what is no plain decimal text of 0 or more, nor empty."""
    for name, value in values.items():
        number = measured(value) if value else Decimal(0)
        if number is None or number < 0:
            raise Refused(Reason.DECIMAL_INVALID, field=name, value=value)


def check_place(longitude: str, latitude: str, datum: str, accuracy: str) -> None:
    """Refuse with PLACE_INVALID what is no point on earth in a known datum, nor empty."""
    check_decimals(accuracy=accuracy)
    _check_point(longitude, latitude, datum, accuracy)


def _check_point(longitude: str, latitude: str, datum: str, accuracy: str) -> None:
    if not any((longitude, latitude, datum, accuracy)):
        return
    point = measured(longitude), measured(latitude)
    inside = all(
        one is not None and abs(one) <= most for one, most in zip(point, (180, 90), strict=True)
    )
    if not inside or datum not in DATUMS:
        raise Refused(Reason.PLACE_INVALID, longitude=longitude, latitude=latitude, datum=datum)
