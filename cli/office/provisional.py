"""临时对象: places that are in no register: write one down, match it, register it."""

from collections.abc import Mapping

import click

from backend.wire import EstablishmentView, MatchOrder, ProvisionalLine, RegisterOrder
from cli import client
from cli.output import json_option, say, show, text
from cli.place import described, on_map

POINT = ("longitude", "latitude", "datum")
LINES = {
    "code": ("code", "临时编号"),
    "name": ("name", "名称"),
    "category": ("category", "业态"),
    "division": ("division", "区划"),
    "address": ("address", "地址"),
    "since": ("since", "登记时间"),
    "inspections": ("inspections", "检查次数"),
}


@click.group("provisional")
def provisional() -> None:
    """Places that are in no register, such as an unlicensed den. 临时对象。"""


@provisional.command("create")
@described(required=True)
@on_map
@json_option
def create_provisional(**place: str | float | None) -> None:
    """Write down a place that nobody registered. 登记临时对象。

    It gets a code of its own, is found by search and never drawn.
    """
    made = client.post("/office/provisional", EstablishmentView, place_of(place))
    say(f"{made.name} goes by {made.code}.", f"{made.name} 的临时编号为 {made.code}。")
    show(made, {})


@provisional.command("list")
@json_option
def list_provisional() -> None:
    """List the places that wait to be matched or registered. 待归并的临时对象。"""
    show(client.get("/office/provisional", list[ProvisionalLine]), LINES)


@provisional.command("match")
@click.argument("code")
@click.argument("into")
@json_option
def match_provisional(code: str, into: str) -> None:
    """Merge a place into the registered establishment INTO; for admins. 归并临时对象。

    Its inspections follow. To undo it, decide that the pair is different: office register review.
    """
    kept = client.post(f"/office/provisional/{code}/match", EstablishmentView, MatchOrder(into))
    say(f"{code} is {kept.name} ({kept.code}).", f"{code} 即 {kept.name}（{kept.code}）。")
    show(kept, {})


@provisional.command("register")
@click.argument("code")
@click.argument("number")
@click.option("--name", default="", help="As registered. 登记名称。")
@click.option("--category", default="", help="业态。")
@click.option("--address", default="", help="登记地址。")
@json_option
def register_provisional(code: str, number: str, name: str, category: str, address: str) -> None:
    """Put a place into the register as NUMBER and merge it in; for admins. 临时对象入库。"""
    order = RegisterOrder(code=number, name=name, category=category, address=address)
    kept = client.post(f"/office/provisional/{code}/register", EstablishmentView, order)
    say(f"{code} is {kept.name} ({kept.code}).", f"{code} 即 {kept.name}（{kept.code}）。")
    show(kept, {})


def place_of(told: Mapping[str, str | float | None]) -> dict[str, object]:
    """Describe a place as it was told; a point is whole, and has its datum."""
    missing = [name for name in ("longitude", "latitude") if told[name] is None]
    if len(missing) == 1:
        raise click.UsageError(
            text("Give --longitude and --latitude, or neither.", "经度和纬度须一并填写。")
        )
    return {name: one for name, one in told.items() if not missing or name not in POINT}


commands: list[click.Command] = [provisional]
