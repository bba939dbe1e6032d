"""Recording on site, for tests: what a device tells beside answers, findings and files."""

from typing import Any

from sync.ops import Particular
from sync.replica import Replica
from sync.store import Mine


def tell(replica: Replica, inspection: str, kind: type[Particular], **said: Any) -> Mine:
    """Record an operation of a kind with what it says."""
    return replica.tell(inspection, lambda stamp: kind(**said, **stamp))
