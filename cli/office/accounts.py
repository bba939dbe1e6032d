"""帐号: logging in, and the accounts of others."""

import click

from backend.wire import (
    AccountView,
    Credentials,
    LoginView,
    NewPassword,
    OfficerView,
)
from cli import client
from cli.output import as_json, json_option, say, show

COLUMNS = {
    "id": ("id", "编号"),
    "name": ("name", "用户名"),
    "role": ("role", "角色"),
    "division": ("division", "辖区"),
    "active": ("active", "有效"),
}

password_option = click.option(
    "--password",
    envvar="EVENHAND_PASSWORD",
    prompt=True,
    hide_input=True,
    help="Asked for when neither given nor in EVENHAND_PASSWORD. 口令。",
)


@click.command()
@click.argument("name")
@password_option
@json_option
def login(name: str, password: str) -> None:
    """Open a session and keep it for the next commands. 登录。"""
    opened = client.post("/office/login", LoginView, Credentials(name=name, password=password))
    client.remember(client.Session(token=opened.token, name=opened.name))
    say(
        f"Logged in as {opened.name} ({opened.role}, division {opened.division or 'all'}).",
        f"已登录：{opened.name}（{opened.role}，辖区 {opened.division or '全部'}）。",
    )
    if as_json():
        show(client.get("/office/whoami", OfficerView))


@click.command()
@json_option
def logout() -> None:
    """Close every session of this account. 退出。"""
    client.post("/office/logout", type(None))
    client.forget()
    say("Logged out.", "已退出。")


@click.command()
@json_option
def whoami() -> None:
    """Show who is logged in. 当前用户。"""
    show(client.get("/office/whoami", OfficerView))


@click.command()
@click.option("--old", prompt=True, hide_input=True)
@click.option("--new", prompt=True, hide_input=True, confirmation_prompt=True)
@json_option
def password(old: str, new: str) -> None:
    """Change your own password; every session is closed. 修改口令。"""
    client.post("/office/password", type(None), NewPassword(old=old, new=new))
    client.forget()
    say("Password changed; log in again.", "口令已修改，请重新登录。")


@click.group()
def account() -> None:
    """Keep the accounts of others; for admins. 帐号管理。"""


@account.command("list")
@json_option
def list_accounts() -> None:
    """List the accounts of your division. 帐号列表。"""
    show(client.get("/office/accounts", list[AccountView]), COLUMNS)


@account.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "supervisor", "reviewer"]), required=True)
@click.option("--division", default="", help="行政区划代码; none for the whole country.")
@click.option("--inspector", default=None, help="Certificate holder's id, for recusal.")
@password_option
@json_option
def create_account(
    name: str, role: str, division: str, inspector: str | None, password: str
) -> None:
    """Create an account. 新建帐号。"""
    new = {
        "name": name,
        "password": password,
        "role": role,
        "division": division,
        "inspector": inspector,
    }
    show(client.post("/office/accounts", AccountView, new), COLUMNS)


@account.command("deactivate")
@click.argument("account_id")
@json_option
def deactivate_account(account_id: str) -> None:
    """Deactivate an account and close its sessions. 停用帐号。"""
    show(client.post(f"/office/accounts/{account_id}/deactivate", AccountView), COLUMNS)


commands: list[click.Command] = [login, logout, whoami, password, account]
