"""Devices for tests without a network or a database: replicas and a server in memory."""

from copy import copy

import msgspec
from simulation.memory_hub import MemoryHub
from simulation.world import FORM, REFS

from sync import checklist, codec
from sync.exchange import drive, exchange
from sync.messages import Clock
from sync.ops import Answer, decode_op
from sync.replica import Replica
from sync.store import MemoryStore

OK, BAD = {REFS[0]: Answer("pass")}, {REFS[0]: Answer("fail")}


def paired() -> MemoryHub:
    """Make a server where li and wang have one task, `t1`."""
    hub = MemoryHub("22" * 32, FORM)
    hub.dispatch("t1", "li", "wang")
    hub.put("i:t1", "task", "t1", msgspec.json.encode({"checklist": checklist.digest(FORM)}))
    hub.join("li", "i:t1")
    hub.join("wang", "i:t1")
    return hub


def phone(hub: MemoryHub, who: str = "li") -> Replica:
    """Enrol a device that holds its tasks."""
    secret = codec.new_key()
    replica = Replica(MemoryStore(), lambda: Clock(0, 0, "b"))
    replica.enrol(hub.enrol(who, codec.public_key(secret)), server="", secret=secret)
    drive(exchange(replica), hub.ask)
    return replica


def twin(replica: Replica) -> Replica:
    """Copy a phone as it is now."""
    store = MemoryStore()
    vars(store).update({name: copy(value) for name, value in vars(replica.store).items()})
    return Replica(store, replica.clock)


def name(replica: Replica) -> str:
    """Give the name that a phone has now."""
    return replica.identity.enrolled.device


def told(hub: MemoryHub, device: str) -> list[str]:
    """Tell of each operation of a chain which act it records anew."""
    return [decode_op(one.raw).orig for one in hub.chain(device)]
