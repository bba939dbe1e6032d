"""终端与证据: devices, and the files that they send."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
FileSize = Annotated[int, Meta(ge=0, le=2**53)]


class WantBlobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that a device holds: size by digest. Which of them should it send?"""

    files: Annotated[dict[Sha256, FileSize], Meta(max_length=1000)]


class NewUpload(Struct, frozen=True, forbid_unknown_fields=True):
    """A file about to be sent. `original` is the digest that it is a rendition of, if it is one."""

    sha256: Sha256
    size: FileSize
    mime: Annotated[str, Meta(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$(?!\n)", max_length=80)]
    original: Sha256 | None = None


class UploadState(Struct, frozen=True):
    """How far an upload is. `flag` is a refusal's code if the stored file is no sound picture."""

    id: str
    sha256: str
    size: int
    mime: str
    offset: int
    expires: datetime
    flag: str = ""


class BlobsWanted(Struct, frozen=True):
    """Of the files asked about: stored (digest: flag), begun, and missing. Send the last two.

    `previewed` are those of which the server has this device's rendition.
    """

    stored: dict[str, str]
    begun: dict[str, UploadState]
    missing: tuple[str, ...]
    previewed: tuple[str, ...]


class NewInvite(Struct, frozen=True, forbid_unknown_fields=True):
    """An inspector, by certificate, who gets a device."""

    certificate: Annotated[str, Meta(min_length=1, max_length=40)]


class InviteView(Struct, frozen=True):
    """A one-time code; it is shown once and kept nowhere."""

    code: str
    certificate: str
    name: str
    expires_at: datetime
    server_key: str  # whose fingerprint the QR code holds


class DeviceView(Struct, frozen=True):
    """A device, how far the ledger knows it, and what is known not to have come from it."""

    id: str
    label: str
    certificate: str
    name: str
    operations: int
    enrolled_at: datetime
    seen_at: datetime | None
    skew_ms: int
    revoked_at: datetime | None
    head_hash: str
    revoked_n: int | None  # the end of its chain when it was revoked
    revoked_hash: str
    files_missing: int  # announced by its operations, and not arrived
    held_back: int  # quarantined, and nobody decided on it yet
    parked: int
    forked: int
    tasks: int  # sent to its inspector
    untouched: int  # of these, with nothing recorded by anybody
    renews: str  # the name that it went on from
    family: tuple[str, ...]  # its other names and those of its copies: they are revoked together


class EntryView(Struct, frozen=True):
    """One operation of a device as the ledger holds it."""

    n: int
    position: int
    hash: str
    kind: str
    inspection_id: str
    verdict: str
    why: str
    received_at: datetime
