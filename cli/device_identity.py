"""Whose this device is (终端身份): enrol, and let several people share one phone.

Each person has a folder of their own on the phone, with their own key, log and files; nobody's
commands open another's.
"""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from cli.home import FIRST, PEOPLE, Home, make_current, person_folder
from cli.link import Ask, link
from cli.output import AnyCommand, json_option, say, show
from sync import codec, invitation, lineage
from sync.messages import Enrol, Enrolled, Request, enrolled_text
from sync.problems import refusal
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica

WHO = "evenhand.who"
HOME_KEY = "EVENHAND_HOME_KEY"

PERSONS = {
    "who": ("who", "人员代号"),
    "name": ("name", "姓名"),
    "certificate": ("certificate", "执法证号"),
    "unsent": ("not yet acknowledged", "未确认操作"),
    "current": ("current", "当前"),
}


def _folder_option(command: AnyCommand, find: Callable[[click.Context, Path], Path]) -> AnyCommand:
    def callback(context: click.Context, _: click.Parameter, folder: Path) -> Path:
        return find(context, folder.expanduser())

    option = click.option(
        "--home",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="EVENHAND_HOME",
        default=Path("~/.evenhand"),
        show_default=True,
        callback=callback,
        help="The device's folder (EVENHAND_HOME). 终端目录。",
    )
    return option(command)


def phone_option(command: AnyCommand) -> AnyCommand:
    """Give a command the phone's folder."""
    return _folder_option(command, lambda _, folder: folder)


def who_option(command: AnyCommand) -> AnyCommand:
    """Give a command the option that names one of the people who share the phone."""

    def remember(context: click.Context, _: click.Parameter, who: str) -> str:
        context.meta[WHO] = who
        return who

    option = click.option(
        "--who",
        envvar="EVENHAND_WHO",
        default="",
        is_eager=True,
        expose_value=False,
        callback=remember,
        help="Which of the people on this phone; else as `switch` chose. 使用人。",
    )
    return option(command)


def home_option(command: AnyCommand) -> AnyCommand:
    """Give a command the folder of the person who uses the phone."""

    def own(context: click.Context, folder: Path) -> Path:
        return person_folder(folder, context.meta.get(WHO, ""))

    return who_option(_folder_option(command, own))


def at_a_terminal() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin.isatty()


@contextmanager
def opened(
    folder: Path, *, create: bool = False, key: str = "", ask: bool = True
) -> Generator[Home]:
    """Open a person's folder for the block; only an enrolment makes one.

    An encrypted one opens with EVENHAND_HOME_KEY, or with what a person types when asked.
    """
    if not create and not (folder / "device.db").exists():
        if folder.parent.name == PEOPLE:
            raise Refused(Reason.PERSON_UNKNOWN, who=folder.name)
        raise Refused(Reason.DEVICE_NOT_ENROLLED, home=str(folder))
    key = key or os.environ.get(HOME_KEY, "")
    try:
        home = Home(folder, key=key)
    except Refused as refused:
        if refused.reason is not Reason.DEVICE_LOCKED or not (ask and at_a_terminal()):
            raise
        home = Home(folder, key=click.prompt("Passphrase 口令", hide_input=True, err=True))
    try:
        yield home
    finally:
        home.close()


@click.command()
@click.argument("server", metavar="SERVER|QRTEXT")
@click.argument("code", default="")
@click.option("--label", default="", help="What you call this device. 终端名称。")
@click.option(
    "--anew",
    is_flag=True,
    help="Go on under a new code, when the server does not know this device. 服务器已无本终端时。",
)
@click.option(
    "--passphrase",
    "encrypt",
    is_flag=True,
    help="Encrypt the folder; EVENHAND_HOME_KEY, or asked for. 加密终端目录。",
)
@home_option
@json_option
def enrol(server: str, code: str, label: str, anew: bool, encrypt: bool, folder: Path) -> None:
    """Become an inspector's device, with a QR code's text or a server and a code. 终端登记。"""
    key = os.environ.get(HOME_KEY, "")
    if encrypt and not key:
        key = click.prompt("Passphrase 口令", hide_input=True, confirmation_prompt=True, err=True)
    fingerprint = ""
    if not code:
        asked = invitation.read(server)
        server, code, fingerprint = asked.server, asked.code, asked.fingerprint
    if not server.startswith(("http://", "https://")):
        raise Refused(Reason.SERVER_ADDRESS, server=server)
    with opened(folder, create=True, key=key) as home, link(server) as ask:
        if key and not home.store.file.encrypted:
            raise Refused(Reason.DEVICE_NOT_ENCRYPTED, home=str(folder))
        enrolled = enrol_at(
            home.replica,
            ask,
            server=server,
            code=code,
            label=label,
            fingerprint=fingerprint,
            anew=anew,
        )
    if folder.parent.name == PEOPLE:
        make_current(folder.parent.parent, folder.name)
    say(
        f"This is now a device of {enrolled.name} ({enrolled.certificate}).",
        f"本终端已登记给 {enrolled.name}（{enrolled.certificate}）。",
    )
    show({"device": enrolled.device, "server_key": enrolled.server_key})


def enrol_at(
    replica: Replica,
    ask: Ask,
    *,
    server: str,
    code: str,
    label: str,
    fingerprint: str = "",
    anew: bool = False,
) -> Enrolled:
    """Enrol over a link; the key is made here and never leaves the device.

    With a fingerprint only the server whose key has it is believed. `anew` lets the same inspector
    go on with what this device recorded under a name that the server has lost.
    """
    emptied = bool(replica.store.get("wiped"))  # a revoked device that holds nothing any more
    known = bool(replica.store.get("identity"))
    if known != anew and not emptied:
        raise Refused(Reason.DEVICE_ENROLLED if known else Reason.DEVICE_NOT_ENROLLED)
    key = "renewal" if anew else "secret"
    with replica.store.transaction():  # a lost answer is asked for again with the same key
        secret = replica.store.get(key) or codec.new_key()
        replica.store.set(key, secret)
    public = codec.public_key(secret)
    body = msgspec.json.encode(Enrol(code, public, label))
    answer = ask(Request("POST", "/device/enrol", {"content-type": "application/json"}, body))
    if answer.status >= 400:
        raise refusal(answer)
    try:
        enrolled = msgspec.json.decode(answer.body, type=Enrolled)
    except msgspec.DecodeError as error:
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error
    _believe(enrolled, public, fingerprint)
    if emptied:
        return _begin_again(replica, Identity(enrolled, server, secret))
    if not anew:
        replica.enrol(enrolled, server=server, secret=secret)
        return enrolled
    old = replica.identity.enrolled
    if enrolled.inspector != old.inspector:
        raise Refused(Reason.DEVICE_ENROLLED, name=old.name)
    lineage.take_over(replica, old.device, Identity(enrolled, server, secret), kept=0)
    return enrolled


def _begin_again(replica: Replica, identity: Identity) -> Enrolled:
    """Let a device that was emptied work again, for the inspector whose photos it may hold."""
    old, store = replica.identity.enrolled, replica.store
    if identity.enrolled.inspector != old.inspector:
        raise Refused(Reason.DEVICE_ENROLLED, name=old.name)
    with store.transaction():
        for key in ("wiped", "revoked", "renewal"):
            store.set(key, "")
        store.set("identity", msgspec.json.encode(identity).decode())
    return identity.enrolled


def _believe(enrolled: Enrolled, public_key: str, fingerprint: str) -> None:
    """Refuse an answer that is not the word of the server whose key was shown."""
    signed = codec.verifies(enrolled.server_key, enrolled_text(enrolled), enrolled.sig)
    ours = enrolled.public_key == public_key
    if not (signed and ours) or fingerprint not in ("", codec.fingerprint(enrolled.server_key)):
        raise Refused(Reason.SERVER_OTHER)


class Person(Struct, frozen=True):
    """One of the people on a phone; of an encrypted folder only that it is there."""

    who: str
    name: str
    certificate: str
    unsent: int | None
    current: bool


@click.command()
@phone_option
@json_option
def people(folder: Path) -> None:
    """List the people who share this phone. 本机人员列表。"""
    show(_people(folder), PERSONS)


@click.command()
@click.argument("who")
@phone_option
@json_option
def switch(who: str, folder: Path) -> None:
    """Let another person of this phone use it; nobody's work is touched. 切换使用人。"""
    found = [person for person in _people(folder) if person.who == who]
    if not found:
        raise Refused(Reason.PERSON_UNKNOWN, who=who)
    make_current(folder, who)
    name = found[0].name or who
    say(f"{name} uses this phone now.", f"当前使用人：{name}。")
    show({"who": who}, {})


def _people(folder: Path) -> list[Person]:
    chosen = person_folder(folder, "")
    names = [FIRST, *sorted(one.name for one in (folder / PEOPLE).glob("*"))]
    persons: list[Person] = []
    for who in names:
        own = person_folder(folder, who)
        if not (own / "device.db").exists():
            continue
        try:
            with opened(own, ask=False) as home:
                if home.store.get("identity"):
                    one = home.replica.identity.enrolled
                    unsent = home.replica.unsent()
                    persons.append(Person(who, one.name, one.certificate, unsent, own == chosen))
        except Refused as refused:
            if refused.reason not in (Reason.DEVICE_LOCKED, Reason.DEVICE_KEY_WRONG):
                raise
            persons.append(Person(who, "", "", None, own == chosen))  # encrypted, so not our matter
    return persons


commands: list[click.Command] = [enrol, people, switch]
