"""查找与查重: `register search`, `duplicates`, `review` and `index`."""

import click
import msgspec

from backend.wire import (
    ComparisonView,
    Decision,
    FoundPage,
    IndexView,
    LookalikeView,
    NewComparison,
)
from cli import client
from cli.office.registers import register_group
from cli.output import as_json, json_option, say, show, text

FOUND = {
    "code": ("code", "编号"),
    "name": ("name", "名称"),
    "address": ("address", "地址"),
    "category": ("category", "业态"),
    "division": ("division", "区划"),
    "risk": ("risk", "风险"),
    "status": ("status", "状态"),
    "key": ("key object", "重点"),
    "same_as": ("same as", "同一对象"),
}
STATUSES = ("active", "suspended", "revoked", "cancelled", "moved", "unknown", "provisional")
PAIRS = {
    "score": ("score", "相似度"),
    "one": ("one", "对象一"),
    "other": ("other", "对象二"),
    "evidence": ("evidence", "依据"),
    "id": ("id", "编号"),
}


@register_group.command("search")
@click.argument("words", nargs=-1)
@click.option("--category", default="", help="市场 market, 冷库 cold-store, …")
@click.option("--division", default="", help="A division and all below it. 区划及其下级。")
@click.option("--risk", default="", type=click.Choice(["A", "B", "C", "D", ""]), help="风险等级。")
@click.option("--status", default="", type=click.Choice([*STATUSES, ""]), help="登记状态。")
@click.option("--key-objects", "key_object", is_flag=True, help="Key objects. 仅重点监管对象。")
@click.option(
    "--listed", default="", type=click.Choice(["abnormal", "serious", ""]),
    help="On a credit list today. 经营异常 abnormal, 严重违法 serious。",
)  # fmt: skip
@click.option("--after", default=0, type=click.IntRange(0), help="Go on after this place. 续页。")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@json_option
def search_register(words: tuple[str, ...], **asked: str | int) -> None:
    """Find establishments by words that must all be there. 查找检查对象。

    A word is a part of a name or address (one Chinese character is enough, 繁體 too), its pinyin
    initials (拼音首字母), or a code or licence, its first eight or more or its last six characters.
    """
    page = client.get("/office/registers/search", FoundPage, words=" ".join(words), **asked)
    if as_json():
        show(page)
        return
    rows: list[dict[str, object]] = [
        {
            **msgspec.structs.asdict(one),
            "key": "✓" if one.key_object else "",
            "same_as": one.successor_code,
        }
        for one in page.found
    ]
    show(rows, FOUND)
    if page.after is not None:
        say(f"More: --after {page.after}", f"还有更多：--after {page.after}")


@register_group.command("duplicates")
@click.option("--division", default="", help="Only this division. 仅限该区划。")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@json_option
def find_duplicates(division: str, limit: int) -> None:
    """Look for suspected duplicates, put them on the review list and show it. 查找疑似重复。"""
    done = client.post(
        "/office/registers/comparisons", ComparisonView, NewComparison(division=division)
    )
    say(
        f"{done.compared} establishments compared: {done.suspected} pairs may be duplicates, "
        f"{done.new} of them new. Nothing was merged.",
        f"比对 {done.compared} 家：疑似重复 {done.suspected} 对，新发现 {done.new} 对。未作合并。",
    )
    _pairs("", limit)


@register_group.command("review")
@click.argument("lookalike", required=False)
@click.option("--same", "decision", flag_value="same", help="They are one. 是同一对象。")
@click.option("--different", "decision", flag_value="different", help="They are two. 不是。")
@click.option(
    "--stays", default="first", type=click.Choice(["first", "second"]),
    help="Which of the two stays when they are one. 合并后保留哪一个。",
)  # fmt: skip
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@json_option
def review(lookalike: str | None, decision: str | None, stays: str, limit: int) -> None:
    """Show the review list, or decide on one of its pairs. 复核疑似重复。

    Of a pair that is --same, the first stays and succeeds the second, which is drawn no more;
    `register undo` parts them again. Without a pair, --same and --different show what was decided.
    """
    if lookalike is None:
        _pairs(decision or "", limit)
        return
    if decision is None:
        raise click.UsageError(text("Say --same or --different.", "请指明 --same 或 --different。"))
    path = f"/office/registers/lookalikes/{lookalike}"
    pair = client.post(
        path, LookalikeView, msgspec.convert({"decision": decision, "stays": stays}, Decision)
    )
    say(
        f"Recorded: {pair.decision}.",
        "已记录：" + ("同一对象。" if decision == "same" else "不同对象。"),
    )
    if as_json():
        show(pair)


@register_group.command("index")
@json_option
def refresh_index() -> None:
    """Take what was written since into the search index. 更新检索索引。"""
    done = client.post("/office/registers/index", IndexView)
    say(f"{done.indexed} establishments indexed.", f"已索引 {done.indexed} 家。")
    show(done, {})


def _pairs(decision: str, limit: int) -> None:
    found = client.get(
        "/office/registers/lookalikes", list[LookalikeView], decision=decision, limit=limit
    )
    if as_json():
        show(found)
        return
    rows: list[dict[str, object]] = []
    for pair in found:
        one, other = (
            f"{side.name}\n{side.address}\n{side.code}" for side in (pair.first, pair.second)
        )
        evidence = "\n".join(
            f"{name} {value}"
            for name, value in pair.evidence.items()
            if value is not None and value is not False and value != ""
        )
        rows.append(
            {"score": pair.score, "one": one, "other": other, "evidence": evidence, "id": pair.id}
        )
    show(rows, PAIRS)


commands: list[click.Command] = []  # they joined the group `register`
