"""What a server in memory would have in its database."""

from msgspec import Struct

from sync import hub
from sync.merge import Marks
from sync.messages import Boot, Event

ROOT = "0" * 64


class Entry(Struct, frozen=True):
    """One operation in the ledger."""

    device: str
    who: str
    placed: hub.Placed
    received_ms: int


class Known(Struct):
    """One device and its chain."""

    inspector: str
    key: str
    renews: str = ""
    since: int = 0  # how long the ledger was
    revoked: bool = False
    chain: list[Entry] = []


class Held(Struct):
    """What was ruled on an operation that was held back: codes set aside, and what holds it now."""

    waived: list[str]
    why: str


class State(Struct):
    """Everything a database would hold."""

    secret: str
    epoch: str = "epoch-1"
    devices: dict[str, Known] = {}
    ledger: list[Entry] = []
    ends: hub.Ends = hub.Ends(0, ROOT, 0)
    feed: dict[tuple[str, str, str], tuple[int, Event]] = {}
    revisions: dict[tuple[str, str, str], str] = {}
    members: dict[str, set[str]] = {}
    roles: dict[str, dict[str, str]] = {}
    opened: list[str] = []  # inspections that began on site, each time that one did
    forks: list[tuple[str, int, bytes]] = []
    packs: dict[str, Boot] = {}
    snapshots: dict[str, bytes] = {}
    floor: int = 0
    durable: int = 0  # up to here the ledger is in a backup
    marks: dict[str, Marks] = {}  # of each inspection, as they were last found
    held: dict[tuple[str, int], Held] = {}
    desk: str = ""
