"""帐号: logging in and out, and the accounts that may."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.routes.problems import address
from backend.settings import Settings
from backend.wire import (
    AccountView,
    Credentials,
    LoginView,
    NewAccount,
    NewPassword,
    OfficerView,
)
from backend.work import accounts


@post("/login", opt={"open": True}, security=[])
async def login(
    request: Request[Any, Any, Any],
    db: NamedDependency[Session],
    reader: NamedDependency[Session],
    settings: NamedDependency[Settings],
    now: NamedDependency[datetime],
    data: JSONBody[Credentials],
) -> LoginView:
    """Open a session (登录)."""
    token, session, officer = await accounts.login(
        db, reader, data, address=address(request), settings=settings, now=now
    )
    return LoginView(
        token=token,
        expires_at=session.expires_at,
        name=officer.name,
        role=officer.role,
        division=officer.division,
    )


@post("/logout", status_code=204)
async def logout(db: NamedDependency[Session], officer: NamedDependency[Officer]) -> None:
    """Close the officer's sessions (退出)."""
    await accounts.logout(db, officer)


@get("/whoami")
async def whoami(officer: NamedDependency[Officer]) -> OfficerView:
    """Say who is logged in (当前用户)."""
    return msgspec.convert(officer, OfficerView, from_attributes=True)


@post("/password", status_code=204)
async def change_password(
    db: NamedDependency[Session],
    reader: NamedDependency[Session],
    officer: NamedDependency[Officer],
    settings: NamedDependency[Settings],
    now: NamedDependency[datetime],
    data: JSONBody[NewPassword],
) -> None:
    """Change one's own password (修改密码)."""
    await accounts.change_password(db, reader, data, officer=officer, settings=settings, now=now)


@get("/accounts", guards=[needs("admin")])
async def list_accounts(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[AccountView]:
    """List the accounts of the officer's division (帐号列表)."""
    rows = await accounts.list_accounts(db, officer)
    return msgspec.convert(rows, list[AccountView], from_attributes=True)


@post("/accounts", guards=[needs("admin")])
async def create_account(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    settings: NamedDependency[Settings],
    now: NamedDependency[datetime],
    data: JSONBody[NewAccount],
) -> AccountView:
    """Create an account (新建帐号)."""
    row = await accounts.create_account(db, data, officer=officer, settings=settings, now=now)
    return msgspec.convert(row, AccountView, from_attributes=True)


@post("/accounts/{account_id:str}/deactivate", guards=[needs("admin")], status_code=200)
async def deactivate_account(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    account_id: FromPath[str],
) -> AccountView:
    """Deactivate an account (停用帐号)."""
    row = await accounts.deactivate_account(db, account_id, officer=officer, now=now)
    return msgspec.convert(row, AccountView, from_attributes=True)


handlers = [
    login,
    logout,
    whoami,
    change_password,
    list_accounts,
    create_account,
    deactivate_account,
]
