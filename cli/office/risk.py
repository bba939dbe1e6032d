"""风险等级: `office risk`, who is due how many visits this year and how the classes came about."""

import click

from backend.wire import RiskLine, RiskPage, RiskRecord
from cli import client
from cli.output import as_json, json_option, say, show, text

SUMS = {
    "risk": ("class", "等级"),
    "establishments": ("places", "户数"),
    "visited": ("visited", "已查户数"),
    "due": ("due", "应查户次"),
    "visits": ("visits", "已查户次"),
    "owing": ("owing", "欠查户次"),
}
ROWS = {
    "code": ("code", "编号"),
    "name": ("name", "名称"),
    "risk": ("class", "等级"),
    "source": ("given by", "评定依据"),
    "record": ("by the records", "按记录测算"),
    "due": ("due", "应查"),
    "visits": ("had", "已查"),
    "owing": ("owing", "欠查"),
}


@click.command("risk")
@click.option("--division", default="", help="A division and all below it. 区划及其下级。")
@click.option("--owing", is_flag=True, help="Only who is owed a visit. 仅列欠查对象。")
@click.option("--after", default="", help="Go on after this code. 续页。")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@json_option
def risk(division: str, owing: bool, after: str, limit: int) -> None:
    """Show risk classes, how they came about, and visits due and had this year. 风险等级与频次。

    The class in force is the register's; what the records make of it stands beside it.
    """
    page = client.get(
        "/office/visits-due", RiskPage, division=division, owing=owing, after=after, limit=limit
    )
    if as_json():
        show(page)
        return
    say(f"{page.year}, by: {page.source.en}", f"{page.year} 年，依据：{page.source.zh}")
    show(list(page.sums), SUMS)
    click.echo()
    show([_line(one) for one in page.rows], ROWS)
    if page.after:
        say(f"More: --after {page.after}", f"续页：--after {page.after}")


def _line(one: RiskLine) -> dict[str, object]:
    most = one.visits_max
    due = f"{one.visits_min}+" if most is None else f"{one.visits_min}-{most}"
    return {
        "code": one.code,
        "name": one.name,
        "risk": one.risk,
        "source": one.source,
        "record": _told(one.record) if one.record else text("not inspected yet", "未检查"),
        "due": str(one.visits_min) if most == one.visits_min else due,
        "visits": one.visits,
        "owing": one.owing,
    }


def _told(record: RiskRecord) -> str:
    """Say how a class came about: 25 + 15 = 40 B, and why it is another."""
    parts = [record.static, record.dynamic, *([record.credit] if record.credit else [])]
    said = f"{' + '.join(map(str, parts))} = {record.points} {record.by_points}"
    if not record.reasons:
        return said
    why = text("; ", "；").join(text(one.en, one.zh) for one in record.reasons)
    return f"{said} → {record.risk} ({why})"


commands: list[click.Command] = [risk]
