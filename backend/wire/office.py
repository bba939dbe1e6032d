"""帐号与会话: who may ask, and the heads of what is chained."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from backend.wire.base import Division

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
