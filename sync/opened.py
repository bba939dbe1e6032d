"""现场登记 on a device: inspections that it opened itself, and what it shows of them till then.

The server makes a task of such an opening. Until its row is here the device keeps one of its own
beside the log, so that no restored server, new name or lost answer takes the visit from it.
"""

import msgspec
from msgspec import Struct

from sync import openings, particulars
from sync.device_log import DeviceLog, Stamp
from sync.messages import Enrolled
from sync.ops import AnyOp, OpenInspection
from sync.refusals import Reason, Refused
from sync.store import EXCLUDED, Mine, Row, Store

KEY = "opened"


class Described(Struct, frozen=True):
    """A place as an inspector describes it; of a registered establishment with its `code`."""

    name: str
    address: str
    category: str
    division: str
    code: str = ""
    longitude: str = ""
    latitude: str = ""
    datum: str = ""


class Colleague(Struct, frozen=True):
    """Who goes along: known by id, or by the number of the certificate alone."""

    id: str = ""
    name: str = ""
    certificate: str = ""


class _Seat(Struct, frozen=True):
    department: str
    position: str
    inspector: Colleague
    checklist: str


class _Task(Struct, frozen=True):
    """A task as the server would tell it."""

    id: str
    establishment: dict[str, str]
    checklist: str
    lead: Colleague
    second: Colleague
    seats: tuple[_Seat, ...]
    reason: str
    place: int = 0
    origin: str = "ad-hoc"
    opened: bool = True  # here alone, until the server tells of it


def open_on_site(
    log: DeviceLog,
    inspection: str,
    site: Described,
    *,
    checklist: str,
    second: Colleague,
    reason: str,
) -> Mine:
    """Open an inspection that nobody assigned, under a new id, with a checklist held here.

    Refuses with OPENING_INVALID, OPENING_SECOND, PLACE_INVALID or CHECKLIST_NOT_FOUND.
    """
    enrolled = log.identity.enrolled
    particulars.check_place(site.longitude, site.latitude, site.datum, "")
    if log.store.row("checklist", checklist) is None:
        raise Refused(Reason.CHECKLIST_NOT_FOUND, checklist=checklist)
    named = {second.id, second.certificate} - {""}
    if not named or named & {enrolled.inspector, enrolled.certificate}:
        raise Refused(Reason.OPENING_SECOND, second=second.id or second.certificate)

    def make(stamp: Stamp) -> AnyOp:
        op = OpenInspection(
            name=site.name,
            address=site.address,
            category=site.category,
            division=site.division,
            code=site.code,
            longitude=site.longitude,
            latitude=site.latitude,
            datum=site.datum,
            reason=reason,
            checklist=checklist,
            second=second.id,
            certificate="" if second.id else second.certificate,
            **stamp,
        )
        openings.check(op)
        _keep(log.store, _kept(log.store) | {op.e: _task(op, enrolled, second)})
        return op

    return log.record(inspection, make)


def _task(op: OpenInspection, enrolled: Enrolled, second: Colleague) -> msgspec.Raw:
    """Write the task that an opening leads to, as far as this device knows it."""
    lead = Colleague(enrolled.inspector, enrolled.name, enrolled.certificate)
    site = {name: getattr(op, name) for name in ("code", "name", "address", "category", "division")}
    seats = (
        _Seat("*", "lead", lead, op.checklist),
        _Seat("*", "second", second, op.checklist),
    )
    body = _Task(op.e, site, op.checklist, lead, second, seats, op.reason)
    return msgspec.Raw(msgspec.json.encode(body))


# -- beside the log ------------------------------------------------------------------------------


def held(store: Store) -> list[Row]:
    """Give the tasks of what was opened here, of which the server has told nothing yet."""
    return [Row("", "task", name, "", bytes(body)) for name, body in _kept(store).items()]


def let_go(store: Store, inspection: str) -> None:
    """Forget it: the server's own word is here."""
    kept = _kept(store)
    if kept.pop(inspection, None) is not None:
        _keep(store, kept)


def let_go_of_others(log: DeviceLog) -> None:
    """Forget what was taken in and given to others, now that all is read that is this person's.

    It was, once one of the acts that opened it counts, whatever became of those that did so again.
    """
    store, acked = log.store, log.acked()
    for row in held(store):
        former = [
            one
            for chain in log.retired()
            for one in store.retired(chain.identity.enrolled.device, 1, chain.kept)
            if one.inspection == row.id
        ]
        own = [one for one in store.log_of(row.id) if openings.OPENS in one.raw]
        told = [one for one in former if openings.OPENS in one.raw]
        told += [one for one in own if one.n <= acked]
        counts = any(one.note not in EXCLUDED for one in told)
        if counts or not (told or own):
            let_go(store, row.id)


def _kept(store: Store) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(store.get(KEY) or "{}", type=dict[str, msgspec.Raw])


def _keep(store: Store, kept: dict[str, msgspec.Raw]) -> None:
    store.set(KEY, msgspec.json.encode(kept).decode() if kept else "")
