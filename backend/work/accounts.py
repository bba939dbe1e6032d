"""帐号: who may log in at the office door."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col, select

from backend import journal
from backend.auth import (
    Officer,
    as_officer,
    digest,
    hash_password,
    may_see,
    new_token,
    password_fits,
)
from backend.db import Session, head
from backend.settings import Settings
from backend.tables import Account, Inspector, Token
from backend.wire import Credentials, NewAccount, NewPassword
from backend.work import throttles
from sync.refusals import Reason, Refused


async def create_first_admin(
    db: Session, *, name: str, password: str, settings: Settings, now: datetime
) -> Account:
    """Create the admin who creates everybody else; only while no active admin exists."""
    password_hash = await hash_password(settings, password)
    await head(db)  # two at once would otherwise both find none
    admins = select(Account.id).where(Account.role == "admin", Account.active)
    if (await db.exec(admins)).first():
        raise Refused(Reason.SERVER_SET_UP)
    await _require_free(db, name)

    account = Account(name=name, password_hash=password_hash, role="admin", division="")

    db.add(account)
    await journal.append(
        db,
        actor="server",
        verb="account.create",
        subject=account.id,
        now=now,
        name=name,
        role="admin",
        division="",
    )
    return account


async def create_account(
    db: Session, new: NewAccount, *, officer: Officer, settings: Settings, now: datetime
) -> Account:
    """Create an account in the officer's division."""
    may_see(officer, new.division)
    password_hash = await hash_password(settings, new.password)  # slow, so before any lock
    await head(db)
    if new.inspector is not None:
        inspector = await db.get(Inspector, new.inspector)
        if inspector is None:
            raise Refused(Reason.INSPECTOR_NOT_FOUND, inspector=new.inspector)
        may_see(officer, inspector.division)
    await _require_free(db, new.name)

    account = Account(
        name=new.name,
        password_hash=password_hash,
        role=new.role,
        division=new.division,
        inspector_id=new.inspector,
    )

    db.add(account)
    await journal.append(
        db,
        actor=officer.name,
        verb="account.create",
        subject=account.id,
        now=now,
        name=new.name,
        role=new.role,
        division=new.division,
    )
    return account


async def list_accounts(db: Session, officer: Officer) -> list[Account]:
    """List the accounts of the officer's division."""
    query = select(Account).where(col(Account.division).startswith(officer.division))
    return list(await db.exec(query.order_by(Account.name)))


async def deactivate_account(
    db: Session, account_id: str, *, officer: Officer, now: datetime
) -> Account:
    """Close an account and every session of it; the row stays, the journal names it."""
    account = await db.get(Account, account_id, with_for_update=True)
    if account is None:
        raise Refused(Reason.ACCOUNT_NOT_FOUND, account=account_id)
    may_see(officer, account.division)
    if account.id == officer.id:
        raise Refused(Reason.ACCOUNT_YOURS)

    account.active = False

    db.add(account)
    await db.exec(delete(Token).where(col(Token.account_id) == account.id))
    await journal.append(
        db, actor=officer.name, verb="account.deactivate", subject=account.id, now=now
    )
    return account


async def login(
    db: Session,
    reader: Session,
    given: Credentials,
    *,
    address: str,
    settings: Settings,
    now: datetime,
) -> tuple[str, Token, Officer]:
    """Open a session. The slow look at the password happens before `db` locks anything."""
    guesses = throttles.login(given.name, address)
    await throttles.attempt(db, guesses, now)
    account = (await reader.exec(select(Account).where(Account.name == given.name))).first()
    await reader.commit()  # gives the connection back while the password is looked at
    known = account.password_hash if account is not None and account.active else None
    if not await password_fits(settings, known, given.password) or account is None:
        raise Refused(Reason.LOGIN_WRONG)

    token = new_token()
    session = Token(
        digest=digest(token), account_id=account.id, expires_at=now + settings.token_life
    )

    await db.exec(delete(Token).where(col(Token.expires_at) <= now))
    db.add(session)
    await throttles.forgive(db, guesses)
    return token, session, as_officer(account)


async def logout(db: Session, officer: Officer) -> None:
    """Close every session of the officer."""
    await db.exec(delete(Token).where(col(Token.account_id) == officer.id))


async def change_password(
    db: Session,
    reader: Session,
    given: NewPassword,
    *,
    officer: Officer,
    settings: Settings,
    now: datetime,
) -> None:
    """Change the officer's own password, which closes every session opened with the old one."""
    known = (await reader.exec(select(Account).where(Account.id == officer.id))).one()
    await reader.commit()
    if not await password_fits(settings, known.password_hash, given.old):
        raise Refused(Reason.LOGIN_WRONG)
    password_hash = await hash_password(settings, given.new)
    account = (await db.exec(select(Account).where(Account.id == officer.id))).one()

    account.password_hash = password_hash

    db.add(account)
    await db.exec(delete(Token).where(col(Token.account_id) == officer.id))
    await journal.append(
        db, actor=officer.name, verb="account.password", subject=officer.id, now=now
    )


async def _require_free(db: Session, name: str) -> None:
    if (await db.exec(select(Account.id).where(Account.name == name))).first():
        raise Refused(Reason.ACCOUNT_NAME_TAKEN, name=name)
