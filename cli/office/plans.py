"""计划、抽取、任务: from a plan to tasks on the inspectors' devices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import click
import msgspec

from backend.rules.beacons import BITS_ADVISED
from backend.rules.draw import nonce_commitment
from backend.rules.papers import AUDITOR_ONLY
from backend.wire import (
    Dispatched,
    DrawView,
    HoldOrder,
    NewLottery,
    TaskView,
    TypeOrder,
    VoidOrder,
)
from cli import client
from cli.office import assignments
from cli.office.planning import Pair, plan
from cli.output import as_json, json_option, say, show, text
from sync.origins import ORIGINS

DRAW = {
    "id": ("draw", "抽取"),
    "status": ("status", "状态"),
    "agency": ("agency", "机关"),
    "seq": ("number", "序号"),
    "commit_hash": ("commitment", "承诺"),
    "not_before": ("not before", "不早于"),
    "sources": ("sources", "随机源"),
    "nonces": ("nonces from", "随机数来自"),
    "in_scope": ("in scope", "范围内"),
    "eligible": ("eligible", "可抽"),
    "sites": ("drawn", "已抽"),
    "seed": ("seed", "种子"),
    "bundle_sha256": ("bundle", "抽取档案包"),
    "verifiable": ("verifiable", "可验证"),
    "sealed_until": ("sealed until", "封存至"),
}
TYPED = {
    "one": ("kept; another officer must type the same", "已留存，须由另一名人员录入相同数值"),
    "differ": ("differs from what was typed before", "与此前录入不一致"),
    "settled": ("two officers agree", "两名人员录入一致"),
}
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])
AHEAD = timedelta(minutes=15)
RELAYS = {"drand": "https://api.drand.sh", "nist": "https://beacon.nist.gov"}


class Issue(click.ParamType[NewLottery]):
    """`kl8:2026312@2026-12-01`: a lottery, its issue, the day it is announced for."""

    name = "game:issue@day"

    def convert(
        self, value: str | NewLottery, param: click.Parameter | None, ctx: click.Context | None
    ) -> NewLottery:
        """Read the three parts."""
        if isinstance(value, NewLottery):
            return value
        game, _, rest = value.partition(":")
        issue, _, day = rest.partition("@")
        try:
            return msgspec.convert({"game": game, "issue": issue, "on": day}, NewLottery)
        except msgspec.ValidationError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


@click.group()
def draw() -> None:
    """Commit to a draw, hold it, export its bundle. 抽取。"""


@draw.command("nonce")
@click.argument("who")
@json_option
def nonce(who: str) -> None:
    """Make a secret nonce for one contributor, and what they publish of it. 生成随机数及其承诺。"""
    secret = token_hex(32)
    show({"who": who, "nonce": secret, "commitment": nonce_commitment(who, secret)})


@draw.command("commit")
@click.argument("plan_id")
@click.option("--drand", "chains", multiple=True, help="quicknet or default; the default source.")
@click.option("--at", type=MOMENT, help="Of drand and NIST; else in 15 minutes. 随机源时间。")
@click.option(
    "--nist", "pulse", is_flag=True, help="A pulse of NIST's beacon too. 美国标准院信标。"
)
@click.option("--dice", "ceremonies", multiple=True, help="Ceremony's name. 掷骰。")
@click.option("--sides", type=click.Choice(["6", "8", "10"]), default="10", show_default=True)
@click.option("--rolls", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--lottery", "lotteries", multiple=True, type=Issue(), help="kl8:2026312@2026-12-01")
@click.option(
    "--local", "local", help="UNVERIFIABLE server chance; give a reason. 不可验证的本机随机。"
)
@click.option("--nonce", "nonces", type=Pair(), multiple=True, help="WHO=COMMITMENT. 随机数承诺。")
@click.option("--not-before", type=MOMENT, default=None, help="Not held before. 不早于。")
@click.option("--sealed-until", type=MOMENT, default=None, help="Publish only the hash. 封存至。")
@json_option
def commit_draw(
    plan_id: str,
    chains: tuple[str, ...],
    at: datetime | None,
    pulse: bool,
    ceremonies: tuple[str, ...],
    sides: str,
    rolls: int,
    lotteries: tuple[NewLottery, ...],
    local: str | None,
    nonces: tuple[tuple[str, str], ...],
    not_before: datetime | None,
    sealed_until: datetime | None,
) -> None:
    """Freeze the frame and publish the commitment, before any seed can exist. 冻结名录并承诺。"""
    if not (chains or pulse or ceremonies or lotteries or local):
        chains = ("quicknet",)
    time = at or not_before or datetime.now(UTC) + AHEAD
    order = {
        "drand": [{"chain": one, "at": time} for one in chains],
        "nist": [{"at": time.replace(second=0, microsecond=0)}] if pulse else [],
        "dice": [{"ceremony": one, "sides": int(sides), "rolls": rolls} for one in ceremonies],
        "lotteries": lotteries,
        "local": local,
        "nonce_commits": dict(nonces),
        "not_before": not_before,
        "sealed_until": sealed_until,
    }
    made = client.post(f"/office/plans/{plan_id}/draws", DrawView, order)
    say(
        f"Committed to {made.eligible} eligible of {made.in_scope} in scope. "
        "Publish the commitment now:",
        f"已对范围内 {made.in_scope} 户（可抽 {made.eligible} 户）作出承诺。请立即公布：",
    )
    if not made.verifiable:
        say(
            "UNVERIFIABLE: nobody can check a seed from this server.",
            "不可验证：种子由本机产生，任何人都无法核对。",
        )
    elif made.total_bits < BITS_ADVISED:
        say(
            f"Only {made.total_bits} bits cannot be known yet; {BITS_ADVISED} are advised.",
            f"目前不可预知的随机量仅 {made.total_bits} 位，建议不少于 {BITS_ADVISED} 位。",
        )
    for one in made.beside:
        say(
            f"{one.draw} is not held yet and may draw some of the same {one.shared:,}. By a cap, a "
            "window or a campaign the later one gives way; a joint plan would visit them once.",
            f"{one.draw} 尚未举行，与本次有 {one.shared:,} 户相同，可能重复抽中："
            "按频次上限、间隔或专项行动，重复的在后一次中替补；也可改为联合计划，综合查一次。",
        )
    show(made, DRAW)


@draw.command("type")
@click.argument("draw_id")
@click.option("--digits", type=Pair(), multiple=True, help="SOURCE=VALUE; asked for without it.")
@json_option
def type_value(draw_id: str, digits: tuple[tuple[str, str], ...]) -> None:
    """Type what was rolled or published; another officer types it again. 录入。"""
    waiting = client.get(f"/office/draws/{draw_id}", DrawView)
    given = dict(digits)
    for source in waiting.typed if not given else ():
        question = f"{source} ({waiting.sources[source]})"
        given[source] = click.prompt(question, err=True, hide_input=True)
    for source, value in given.items():
        order = TypeOrder(source=source, value=value)
        waiting = client.post(f"/office/draws/{draw_id}/typings", DrawView, order)
        say(f"{source}: {text(*TYPED[waiting.typed[source]])}",
            f"{source}：{text(*TYPED[waiting.typed[source]])}")  # fmt: skip
    show(waiting, {})


@draw.command("hold")
@click.argument("draw_id")
@click.option("--digits", type=Pair(), multiple=True, help="SOURCE=VALUE. 现场数字。")
@click.option("--beacon", "relays", multiple=True, help="A file, or any relay's address. 信标。")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--nonce", "nonces", type=Pair(), multiple=True, help="WHO=NONCE. 公开随机数。")
@click.option("--ceremony", "on_wall", is_flag=True, help="Show it on a wall. 投影仪式。")
@click.option("--pace", type=click.FloatRange(0, 10), default=0.5, show_default=True)
@json_option
def hold_draw(
    draw_id: str,
    digits: tuple[tuple[str, str], ...],
    relays: tuple[str, ...],
    certificate: Path | None,
    nonces: tuple[tuple[str, str], ...],
    on_wall: bool,
    pace: float,
) -> None:
    """Hold the draw, once; asks for what is not given. 抽取。"""
    waiting = client.get(f"/office/draws/{draw_id}", DrawView)

    def hold() -> DrawView:
        order = _hold_order(waiting, dict(digits), relays, certificate, dict(nonces))
        return client.post(f"/office/draws/{draw_id}/hold", DrawView, order)

    if on_wall and not as_json():
        from rich.console import Console

        from cli.office import ceremony  # only the wall needs all of rich

        wall = ceremony.Wall(Console(highlight=False), pace=pace, now=lambda: datetime.now(UTC))
        ceremony.hall(waiting, wall, hold)
        return
    held = hold()
    say(f"Drawn: {held.sites} sites.", f"已抽取 {held.sites} 户。")
    show(held, DRAW)


def _hold_order(
    waiting: DrawView,
    values: dict[str, str],
    relays: tuple[str, ...],
    certificate: Path | None,
    nonces: dict[str, str],
) -> HoldOrder:
    """Put together what was given, asking for the rest; two officers' typing needs no more."""
    from cli.office.ceremony import beacon

    proofs: dict[str, dict[str, str]] = {}
    wanted = [source for source in waiting.sources if source.startswith(("drand:", "nist:"))]
    for source in wanted:
        relay = (
            relays[min(wanted.index(source), len(relays) - 1)]
            if relays
            else RELAYS[source.partition(":")[0]]
        )
        values[source], proofs[source] = beacon(source, relay)
        if certificate is not None and source.startswith("nist:"):
            proofs[source]["certificate"] = _der(certificate)
    for source, state in waiting.typed.items():
        if source not in values and state != "settled":
            question = f"{source} ({waiting.sources[source]})"
            values[source] = click.prompt(question, err=True)
    for who in waiting.nonces:
        if who not in nonces:
            nonces[who] = click.prompt(f"nonce / 随机数 {who}", err=True)
    return HoldOrder(digits=values, nonces=nonces, proofs=proofs)


def _der(path: Path) -> str:
    """Read a certificate, PEM or DER, as the hex of its DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    body = path.read_bytes()
    load = x509.load_pem_x509_certificate if b"-----" in body else x509.load_der_x509_certificate
    try:
        return load(body).public_bytes(Encoding.DER).hex()
    except ValueError:
        raise click.UsageError(f"{path} is no certificate") from None


@draw.command("unseal")
@click.argument("draw_id")
@json_option
def unseal_draw(draw_id: str) -> None:
    """Open a sealed draw when its visits are over; takes two officers. 解封。"""
    now = client.post(f"/office/draws/{draw_id}/unseal", DrawView)
    if now.unsealed_at is None:
        say("Asked; another officer must agree.", "已提出解封，须由另一名人员同意。")
    else:
        say("Open: anyone can read it now.", "已解封并公开。")
    show(now, {})


@draw.command("show")
@click.argument("draw_id")
@json_option
def show_draw(draw_id: str) -> None:
    """Show a draw. 抽取详情。"""
    show(client.get(f"/office/draws/{draw_id}", DrawView), DRAW)


@draw.command("void")
@click.argument("draw_id")
@click.option("--reason", required=True, help="Published. 作废理由（公开）。")
@json_option
def void_draw(draw_id: str, reason: str) -> None:
    """Declare a draw void; only another officer than who committed may. 作废。"""
    show(client.post(f"/office/draws/{draw_id}/void", DrawView, VoidOrder(reason=reason)), DRAW)


@draw.command("export")
@click.argument("draw_id")
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="A new or empty folder. 目标文件夹。",
)  # fmt: skip
@click.option("--public", is_flag=True, help="Without what only an auditor may see. 仅公开部分。")
@json_option
def export_draw(draw_id: str, folder: Path, public: bool) -> None:
    """Write the files of a draw into a folder, for `evenhand verify draw`. 导出抽取档案包。"""
    names = client.get(f"/office/draws/{draw_id}", DrawView).files
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in names if not (public and name in AUDITOR_ONLY)]
    for name in wanted:
        body = client.fetch(f"/office/draws/{draw_id}/files/{name}")
        (folder / name).write_bytes(body)
    say(f"{len(wanted)} files in {folder}.", f"{folder} 中共 {len(wanted)} 个文件。")
    if as_json():
        show({"folder": str(folder), "files": wanted})


@click.group()
def task() -> None:
    """List tasks and dispatch them. 检查任务。"""


@task.command("list")
@click.argument("plan_id", default="")
@click.option("--origin", default="", type=click.Choice(["", *ORIGINS]), help="检查缘由。")
@json_option
def list_tasks(plan_id: str, origin: str) -> None:
    """List the tasks of a plan by their place in the draw, or those of an origin. 任务列表。

    Without a plan: whatever no draw led to.
    """
    if not plan_id:
        assignments.show_assigned(origin)
        return
    found = client.get(f"/office/plans/{plan_id}/tasks", list[TaskView])
    if as_json():
        show(found)
    else:
        rows = [
            {
                "place": one.place,
                "code": one.establishment.code,
                "name": one.establishment.name,
                "lead": one.lead.name,
                "second": one.second.name,
                "dispatched_at": one.dispatched_at,
            }
            for one in found
        ]
        show(rows, TASKS)


@task.command("dispatch")
@click.argument("plan_id")
@json_option
def dispatch(plan_id: str) -> None:
    """Send the tasks to the inspectors' devices; again sends only new ones. 派发。"""
    sent = client.post(f"/office/plans/{plan_id}/dispatch", Dispatched)
    say(
        f"Dispatched {sent.now}; {sent.total} are out.",
        f"本次派发 {sent.now} 项，共 {sent.total} 项。",
    )
    show(sent, {})


TASKS = {
    "place": ("place", "名次"),
    "code": ("code", "代码"),
    "name": ("establishment", "检查对象"),
    "lead": ("lead", "主办"),
    "second": ("second", "协办"),
    "dispatched_at": ("dispatched", "派发时间"),
}

for _command in assignments.commands:
    task.add_command(_command)

commands: list[click.Command] = [plan, draw, task]
