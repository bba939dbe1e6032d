"""What the office and the public send and receive. Only plain values; importable by the CLI.

A request forbids unknown fields; a view is filled from a row by `msgspec.convert`.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

# 行政区划代码: GB/T 2260 and GB/T 10114, 2 to 12 digits; empty for the whole country
Division = Annotated[str, Meta(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$")]

# -- accounts ------------------------------------------------------------------------------------

AccountName = Annotated[str, Meta(min_length=1, max_length=80)]
Password = Annotated[str, Meta(min_length=12, max_length=200)]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to log in."""

    name: AccountName
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class LoginView(Struct, frozen=True):
    """An open session: send the token as `Authorization: Bearer …`."""

    token: str
    expires_at: datetime
    name: str
    role: str
    division: str


class OfficerView(Struct, frozen=True):
    """Who is logged in."""

    id: str
    name: str
    role: str
    division: str


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """An account to create."""

    name: AccountName
    password: Password
    role: Literal["admin", "supervisor", "reviewer"]
    division: Division = ""
    inspector: str | None = None


class AccountView(Struct, frozen=True):
    """An account as admins see it."""

    id: str
    name: str
    role: str
    division: str
    inspector_id: str | None
    active: bool


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of the officer's own password."""

    old: Annotated[str, Meta(min_length=1, max_length=200)]
    new: Password


# -- heads ---------------------------------------------------------------------------------------


class HeadsView(Struct, frozen=True):
    """The ends of the ledger and the journal, and the key that signs receipts, for any witness."""

    epoch: str
    public_key: str
    ledger_n: int
    ledger_root: str
    act_n: int
    act_hash: str


class HealthView(Struct, frozen=True):
    """The server and its database answer."""

    status: Literal["ok"]
    database: str
    schema: str

# -- evidence ------------------------------------------------------------------------------------

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
FileSize = Annotated[int, Meta(ge=0, le=2**53)]


class WantBlobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that a device holds: size by digest. Which of them should it send?"""

    files: Annotated[dict[Sha256, FileSize], Meta(max_length=1000)]


class NewUpload(Struct, frozen=True, forbid_unknown_fields=True):
    """A file about to be sent."""

    sha256: Sha256
    size: FileSize
    mime: Annotated[str, Meta(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=80)]


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
    """Of the files asked about: stored (digest: flag), begun, and missing. Send the last two."""

    stored: dict[str, str]
    begun: dict[str, UploadState]
    missing: tuple[str, ...]


# -- devices -------------------------------------------------------------------------------------


class NewInvite(Struct, frozen=True, forbid_unknown_fields=True):
    """An inspector, by certificate, who gets a device."""

    certificate: Annotated[str, Meta(min_length=1, max_length=40)]


class InviteView(Struct, frozen=True):
    """A one-time code; it is shown once and kept nowhere."""

    code: str
    certificate: str
    name: str
    expires_at: datetime


class DeviceView(Struct, frozen=True):
    """A device, and how far the ledger knows it."""

    id: str
    label: str
    certificate: str
    name: str
    operations: int
    enrolled_at: datetime
    seen_at: datetime | None
    skew_ms: int
    revoked_at: datetime | None
