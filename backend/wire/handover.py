"""交接: what the office is told of a bundle that was brought by hand."""

from msgspec import Struct


class ReceivedView(Struct, frozen=True):
    """What came of a bundle; `receipt` is a text for the device that wrote it."""

    device: str
    certificate: str
    name: str
    operations: int  # in it, new or not
    new: int
    forked: int  # in it, of another history than the ledger's: kept in quarantine
    files: int
    receipt: str
