"""违法行为清单与检查结果代码表: releasing catalogues, and the results an officer may give."""

from pathlib import Path

import click

from backend.wire import ResultListView
from cli import client
from cli.office.releases import release, show_listed
from cli.output import as_json, json_option, say, show, text
from sync.violations import Catalogue, digest, parse

VIOLATIONS = {
    "code": ("code", "编码"),
    "text": ("violation", "违法行为"),
    "law": ("law", "法律"),
    "article": ("article", "条款"),
    "severity": ("severity", "程度"),
    "exempt": ("first may be exempt if", "首违不罚条件"),
}
CHINESE = {
    "checklist": "检查表",
    "officer": "经办人员",
    "full": "全部",
    "partial": "部分",
    "none": "无",
    "remark": "说明",
    "evidence": "证据",
}
RESULTS = {
    "code": ("code", "代码"),
    "label": ("result", "检查结果"),
    "number": ("national", "国家代码"),
    "local": ("local", "本地代码"),
    "given": ("given by", "由谁得出"),
    "visit": ("items answered", "检查项"),
    "needs": ("needs", "须附"),
}
FOLLOW_UPS = {"code": ("code", "代码"), "label": ("what follows", "后续处置")}


@click.group("catalogue")
def catalogue() -> None:
    """Release catalogues of violations and read them. 违法行为清单。"""


@catalogue.command("release")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def release_catalogue(file: Path) -> None:
    """Release a catalogue; the same file again changes nothing. 违法行为清单定版。"""
    release("/office/catalogues", file, parse)


@catalogue.command("list")
@json_option
def list_catalogues() -> None:
    """List the released catalogues. 违法行为清单列表。"""
    show_listed("/office/catalogues")


@catalogue.command("show")
@click.argument("name")
@json_option
def show_catalogue(name: str) -> None:
    """Show a catalogue by its digest, or the newest of a code. 查看违法行为清单。"""
    found = client.get(f"/office/catalogues/{name}", Catalogue)
    if as_json():
        show(found)
        return
    say(f"{found.title.en} ({found.version})", f"{found.title.zh}（{found.version}）")
    say(found.exemption.en, found.exemption.zh)
    for those in found.classes:
        click.echo()
        say(those.title.en, those.title.zh)
        lines = [
            {
                "code": one.code,
                "text": text(one.text.en, one.text.zh),
                "law": text(found.law(one.law).en, found.law(one.law).zh),
                "article": text(one.article.en, one.article.zh),
                "severity": one.severity,
                "exempt": text(one.conditions.en, one.conditions.zh) if one.conditions else "",
            }
            for one in those.violations
        ]
        show(lines, VIOLATIONS)
    click.echo()
    click.echo(digest(found))


@click.group("result")
def result() -> None:
    """See the results that may be concluded. 检查结果代码表。"""


@result.command("list")
@json_option
def list_codes() -> None:
    """List results and follow-ups in force in your division. 现行检查结果代码表。"""
    found = client.get("/office/results", ResultListView)
    if as_json():
        show(found)
        return
    say(f"{found.name}, since {found.since}", f"{found.name}，自 {found.since} 起")
    show(
        [
            {
                "code": one.code,
                "label": text(one.label.en, one.label.zh),
                "number": one.number or f"→ {one.reported_as}",
                "local": one.local,
                "given": text(one.given, CHINESE[one.given]),
                "visit": text(one.visit, CHINESE[one.visit]),
                "needs": text(", ".join(one.needs), "、".join(CHINESE[need] for need in one.needs)),
            }
            for one in found.results
        ],
        RESULTS,
    )
    show(
        [{"code": one.code, "label": text(one.label.en, one.label.zh)} for one in found.follow_ups],
        FOLLOW_UPS,
    )


commands: list[click.Command] = [catalogue, result]
