"""现场登记: open an inspection offline where nobody was sent, such as at an unlicensed den."""

from pathlib import Path

import click
import msgspec

from cli.device_identity import home_option
from cli.device_recording import recording
from cli.device_tasks import people_on
from cli.home import Home
from cli.output import json_option, say, show, text
from cli.place import described, located
from sync import checklist
from sync.ids import new_id
from sync.opened import Colleague, Described, open_on_site
from sync.refusals import Reason, Refused


@click.command("open")
@click.option("--code", default="", help="Of an establishment on this device. 检查对象代码。")
@described()
@click.option("--checklist", "form", required=True, help="CODE or CODE@VERSION. 检查表。")
@click.option("--second", required=True, help="A colleague's name or certificate. 协办人员。")
@click.option("--reason", required=True, help="Why it is inspected. 检查缘由。")
@located
@home_option
@json_option
def open_inspection(form: str, second: str, reason: str, folder: Path, **site: str) -> None:
    """Open an inspection where nobody was sent; record in it at once. 现场登记。

    The second's device has it after both have synced.
    """
    inspection = new_id()
    with recording(folder, inspection) as (home, _):
        colleague = _colleague(home, second)
        mine = open_on_site(
            home.replica,
            inspection,
            _filled(home, Described(**site)),
            checklist=_checklist(home, form),
            second=colleague,
            reason=reason,
        )
    say(
        f"Opened {inspection}, recorded as operation {mine.n}.",
        f"已现场登记 {inspection}，记录为第 {mine.n} 号操作。",
    )
    if not colleague.id:
        say(
            f"No colleague of that name is known here: {second} is taken for a certificate.",
            f"本终端没有此姓名的同事：{second} 按执法证号处理。",
        )
    show({"n": mine.n, "inspection": inspection}, {})


def _filled(home: Home, site: Described) -> Described:
    """Take what is left open from the establishment with this code; what is said stands."""
    if not site.code:
        return site
    held = [one for one in home.store.find_sites((site.code,), 1000) if one.code == site.code]
    if not held:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=site.code)
    return msgspec.structs.replace(
        site,
        name=site.name or held[0].name,
        address=site.address or held[0].address,
        category=site.category or held[0].category,
        division=site.division or held[0].division,
    )


def _checklist(home: Home, wanted: str) -> str:
    """Find a checklist that this device holds by CODE or CODE@VERSION; give its digest."""
    held = {row.id: checklist.load(row.body) for row in home.store.rows("checklist")}
    found = {
        f"{one.code}@{one.version}": digest
        for digest, one in held.items()
        if wanted in (one.code, f"{one.code}@{one.version}")
    }
    if not found:
        raise Refused(Reason.CHECKLIST_NOT_FOUND, checklist=wanted)
    if len(found) > 1:
        several = ", ".join(sorted(found))
        raise click.UsageError(text(f"Name one of: {several}", f"请指明版本：{several}"))
    return found.popitem()[1]


def _colleague(home: Home, wanted: str) -> Colleague:
    """Find a colleague by name, certificate or id among the tasks here; else a certificate."""
    known = {
        one.id: Colleague(one.id, one.name, one.certificate)
        for one in people_on(home.replica)
        if wanted in (one.id, one.name, one.certificate)
    }
    if len(known) > 1:
        several = ", ".join(sorted(one.certificate for one in known.values()))
        raise click.UsageError(
            text(f"Several are called {wanted}: {several}", f"有多人名为{wanted}：{several}")
        )
    return known.popitem()[1] if known else Colleague(certificate=wanted)


commands: list[click.Command] = [open_inspection]
