"""Who is asking at the office door (监管机关): passwords, sessions, roles and divisions.

A guard lets a request through a door before anything of it is read. Every route has a guard or
says in its `opt` that it is `public` (read only) or `open` (the way in); the app checks at start.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Literal, TypeAlias, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct
from sqlmodel import select

from backend.db import Session, transaction
from backend.settings import Settings
from backend.tables import Account, Token
from sync.refusals import Reason, Refused

Role = Literal["admin", "supervisor", "reviewer"]
ROLES: tuple[Role, ...] = get_args(Role)

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Guard: TypeAlias = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

# One hash takes 64 MiB and a core for a moment; more than two at once would starve the rest.
_hashers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


class Officer(Struct, frozen=True):
    """经办人: who acts for the office in this request."""

    id: str
    name: str
    role: Role
    division: str


async def office_door(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in who holds a valid session; the officer becomes the request's user."""
    if handler.opt.get("open"):
        return
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(Reason.NOT_LOGGED_IN)
    state = connection.app.state
    async with transaction(state.engine, write=False) as db:
        officer = await whose(db, token.strip(), state.now())
    connection.scope["user"] = officer
    connection.scope["state"]["actor"] = officer.id


def needs(*roles: Role) -> Guard:
    """Let only these roles through."""

    async def role_guard(connection: Connection, _: BaseRouteHandler) -> None:
        officer: Officer = connection.user
        if officer.role not in roles:
            raise Refused(Reason.ROLE_FORBIDDEN, role=officer.role, needs=", ".join(roles))

    return role_guard


def may_see(officer: Officer, division: str) -> None:
    """Refuse unless the officer's division governs this one."""
    if not division.startswith(officer.division):
        raise Refused(Reason.DIVISION_FORBIDDEN, division=division, yours=officer.division)


async def whose(db: Session, token: str, now: datetime) -> Officer:
    """Find the officer whose session this token opened."""
    query = select(Account).join(Token).where(Token.digest == digest(token), Token.expires_at > now)
    account = (await db.exec(query.where(Account.active))).first()
    if account is None:
        raise Refused(Reason.NOT_LOGGED_IN)
    return as_officer(account)


def as_officer(account: Account) -> Officer:
    """See an account as the officer it belongs to."""
    assert account.role in ROLES
    return Officer(id=account.id, name=account.name, role=account.role, division=account.division)


def new_token() -> str:
    """Make a session token of 256 random bits."""
    return token_urlsafe(32)


def digest(token: str) -> str:
    """Hash a token for keeping; it is long and random, so a plain hash is enough."""
    return sha256(token.encode()).hexdigest()


async def hash_password(settings: Settings, password: str) -> str:
    """Hash a password with argon2id, off the event loop."""
    hasher = _hasher(settings)
    return await asyncio.get_running_loop().run_in_executor(_hashers, hasher.hash, password)


async def password_fits(settings: Settings, password_hash: str | None, password: str) -> bool:
    """Check a password; without a hash it takes as long and fails, so names cannot be probed."""
    hasher, known = _hasher(settings), password_hash or _dummy(settings)

    def fits() -> bool:
        try:
            return hasher.verify(known, password)
        except VerifyMismatchError:
            return False

    fit = await asyncio.get_running_loop().run_in_executor(_hashers, fits)
    return fit and password_hash is not None


@lru_cache
def _hasher(settings: Settings) -> PasswordHasher:
    return PasswordHasher(
        time_cost=settings.password_time,
        memory_cost=settings.password_memory_kib,
        parallelism=settings.password_lanes,
    )


@lru_cache
def _dummy(settings: Settings) -> str:
    return _hasher(settings).hash(token_urlsafe(16))
