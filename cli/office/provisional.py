"""临时对象: places that are in no register: write one down, match it, register it."""

import click

from backend.wire import EstablishmentView, MatchOrder, ProvisionalLine, RegisterOrder
from cli import client
from cli.output import json_option, say, show, text
from sync.coordinates import DATUMS

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
@click.option("--name", required=True, help="名称。")
@click.option("--address", required=True, help="地址。")
@click.option("--category", required=True, help="业态。")
@click.option("--division", required=True, help="Six digits or more. 区划代码。")
@click.option("--longitude", type=float, default=None, help="经度。")
@click.option("--latitude", type=float, default=None, help="纬度。")
@click.option(
    "--datum", type=click.Choice(DATUMS), default="WGS-84", show_default=True, help="坐标系。"
)
@json_option
def create_provisional(
    name: str,
    address: str,
    category: str,
    division: str,
    longitude: float | None,
    latitude: float | None,
    datum: str,
) -> None:
    """Write down a place that nobody registered. 登记临时对象。

    It gets a code of its own, is found by search and never drawn.
    """
    order = place_of(name, address, category, division, longitude, latitude, datum)
    made = client.post("/office/provisional", EstablishmentView, order)
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


def place_of(
    name: str,
    address: str,
    category: str,
    division: str,
    longitude: float | None,
    latitude: float | None,
    datum: str,
) -> dict[str, object]:
    """Describe a place; a point is whole, and has its datum."""
    if (longitude is None) != (latitude is None):
        raise click.UsageError(
            text("Give --longitude and --latitude, or neither.", "经度和纬度须一并填写。")
        )
    place: dict[str, object] = {
        "name": name,
        "address": address,
        "category": category,
        "division": division,
    }
    if longitude is not None and latitude is not None:
        place |= {"longitude": longitude, "latitude": latitude, "datum": datum}
    return place


commands: list[click.Command] = [provisional]
