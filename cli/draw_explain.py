"""释明: `evenhand draw explain`, in plain words, from a bundle alone."""

from pathlib import Path

import click
import msgspec

from backend.rules import explain, ladder, papers
from backend.rules.canonical import NotCanonical
from backend.rules.explain import Asked, Filled, Inspector, Site
from backend.rules.ladder import Rule
from cli.draw_course import tell_inspector, tell_site
from cli.output import Words, json_option, say, show, text
from cli.verify import read_bundle
from sync.refusals import Reason, Refused

ASKED_MAX = 12  # of those a rule keeps away from one position; `--all` shows the others too
LISTED_MAX = 8
LOTS: dict[str, Words] = {
    "P": ("drawn", "中签"),
    "R": ("a reserve", "候补"),
    "": ("not drawn", "未中签"),
}
BARRED: dict[Rule, Words] = {
    "cap": ("no free seat", "任务已满"),
    "certificate": (
        "certificate not valid on the whole window",
        "执法证件有效期未覆盖全部检查时段",
    ),
    "department": ("of another department", "不属该部门"),
    "district": ("the rule on districts", "辖区规则限制"),
    "division": ("of another division", "不属本辖区"),
    "kind": ("an expert's seat, or no expert's", "专家席位与执法席位不可互换"),
    "last-visit": ("was there the last time", "上次检查人员"),
    "leave": ("on leave", "请假"),
    "qualification": ("without the qualification", "不具备所需资格"),
    "recusal": ("recused", "回避"),
}
OTHERS: dict[str, Words] = {
    "behind": ("went to somebody with a smaller ticket", "由签号更小者取得"),
    "here": ("are at a site where this inspector sits already", "位于其已任职的同一检查对象"),
    "rule": ("were closed by a rule", "因规则不得担任"),
    "full": ("came when all seats were taken", "轮到时其名额已满"),
    "cut": ("would have left others without anybody", "若由其担任将致其他岗位无人可派"),
    "kept": ("were closed by a reason that the auditor keeps", "因审计方保存的原因不得担任"),
}


@click.command("explain")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("id_", metavar="ID")
@click.option(
    "--all", "everybody", is_flag=True, help="List everybody before the chosen. 全部列出。"
)
@json_option
def explain_place(folder: Path, id_: str, everybody: bool) -> None:
    """Say why a business was drawn or not, or why an inspector goes where. 释明。

    ID is the code of a business or the certificate of an inspector. It takes the bundle at its
    word: `evenhand verify draw` proves it.
    """
    files = read_bundle(folder)
    try:
        site = explain.site(files, id_)
        inspector = explain.inspector(files, id_) if site is None and _held(files) else None
    except (NotCanonical, msgspec.MsgspecError, LookupError, ValueError) as error:
        raise Refused(Reason.BUNDLE_UNREADABLE, problem=str(error)) from None
    if site is not None:
        show(site, {})
        _tell_site(site, everybody)
    elif inspector is not None:
        show(inspector, {})
        _tell_inspector(inspector, everybody)
    else:
        raise Refused(Reason.BUNDLE_NOBODY, id=id_)


def _held(files: dict[str, bytes]) -> bool:
    return files.keys() >= papers.RESULT_FILES


# -- a business ------------------------------------------------------------------------------------


def _tell_site(site: Site, everybody: bool) -> None:
    place = site.place
    _tell_void(site.void)
    if place.status == "X":
        en, zh = papers.EXCLUSIONS[place.reason[:3]]
        say(f"{place.id} could not be drawn ({place.reason}): {en}.",
            f"{place.id} 不参加抽取（{place.reason}）：{zh}。")  # fmt: skip
        if place.evidence:
            say(f"Evidence: {place.evidence}.", f"依据：{place.evidence}。")
        return
    say(f"{place.id} could be drawn, in stratum {place.stratum} with {place.eligible} in all.",
        f"{place.id} 可被抽取，属层 {place.stratum}，该层共 {place.eligible} 户。")  # fmt: skip
    if not place.ticket:
        say("The draw has not been held.", "尚未抽取。")
        return
    say(f"Its ticket is {place.ticket}.", f"签号为 {place.ticket}。")
    if site.last_ticket:
        _tell_rank(site)
    else:
        say("Nobody was to be drawn from this stratum.", "该层不抽取任何对象。")
    say(f"So it was {LOTS[place.lot][0]}.", f"因此：{LOTS[place.lot][1]}。")
    say("Repeat the ticket yourself:", "可自行复算签号：")
    say(f"  {place.command}", f"  {place.command}")
    for one in site.positions:
        _tell_position(one, site, everybody)
    if site.since is not None:
        tell_site(site.place.id, site.since)


def _tell_rank(site: Site) -> None:
    place, weighed = site.place, site.weighed
    if weighed is None:
        say(
            f"It is number {place.rank} from the smallest; {place.primary} were drawn and "
            f"{site.reserves} are reserves.\nThe last that was drawn has {site.last_ticket}.",
            f"按签号由小到大列第 {place.rank}；抽取 {place.primary} 户，候补 {site.reserves} 户。\n"
            f"最后一个中签的签号为 {site.last_ticket}。",
        )
    elif weighed.certain:
        say(f"Its weight {weighed.weight} is so large that it was certain to be drawn.",
            f"其权重 {weighed.weight} 足够大，必然中签。")  # fmt: skip
    else:
        say(
            f"Its weight is {weighed.weight}; ticket and weight give the key\n  {weighed.key}.\n"
            f"It is number {place.rank} by key; {place.primary} were drawn and {site.reserves} are "
            f"reserves. The last that was drawn has\n  {weighed.last_key or '-'}.",
            f"权重为 {weighed.weight}；由签号和权重得出的键为\n  {weighed.key}。\n"
            f"按键由小到大列第 {place.rank}；抽取 {place.primary} 户，候补 {site.reserves} 户。"
            f"最后一个中签的键为\n  {weighed.last_key or '-'}。",
        )


def _tell_position(one: Filled, site: Site, everybody: bool) -> None:
    of = "" if one.department == "*" else f" ({one.department})"
    say(f"\n{one.position}{of}: {one.inspector}. It was turn {one.turn} of all positions; asked in "
        "the order of their tickets:",
        f"\n{one.position}{of}：{one.inspector}。在全部岗位中第 {one.turn} 个派员，"
        "按签号依次询问：")  # fmt: skip
    hidden = 0
    barred = 0
    for met in one.asked:
        barred += met.why == "rule"
        if met.why == "rule" and barred > ASKED_MAX and not everybody:
            hidden += 1
            continue
        _line(f"  {met.ticket[:16]}  {met.inspector}  {text(*_why(met))}")
    if hidden:
        say(f"  … and {hidden} more whom a rule kept away (--all).",
            f"  …… 另有 {hidden} 人因规则不得担任（--all 全部列出）。")  # fmt: skip
    if not site.recusals_known and any(met.why == "kept" for met in one.asked):
        say("  recusal.tsv is kept by the auditor; its hash is public.",
            "  recusal.tsv 由审计方保存，其散列值已公布。")  # fmt: skip


def _line(words: str) -> None:
    """Print a line that is the same in both languages, unless a program is reading."""
    say(words, words)


def _why(met: Asked) -> Words:
    match met.why:
        case "seated":
            return "takes the position", "担任该岗位"
        case "here":
            return "already sits at this site", "已在该对象任职"
        case "rule":
            return _barred(met.rules)
        case "full":
            sites = _listed(met.sites)
            return f"no free seat left: {sites}", f"名额已满：{sites}"
        case "cut":
            return _cut(met)
        case "kept":
            return "kept away for a reason that is not public", "因未公开的原因不得担任"
        case "behind":
            raise AssertionError("who comes after the chosen is not asked")


def _barred(rules: list[Rule]) -> Words:
    """Put the rules that keep somebody away into words."""
    words = [BARRED[rule] for rule in rules]
    return ", ".join(en for en, _ in words), "、".join(zh for _, zh in words)


def _cut(met: Asked) -> Words:
    if met.cut is None:
        return "would have left others without anybody", "若由其担任将致其他岗位无人可派"
    holders = _listed(met.cut.inspectors)
    places = _listed([_place(group, name) for group, name in met.cut.positions])
    seats = met.cut.seats
    return (
        f"would have left others without anybody: {places} could then be held only by "
        f"{holders or 'nobody'}, with {seats} free seats",
        f"若由其担任，则 {places} 仅能由 {holders or '无人'} 承担，剩余名额仅 {seats} 个",
    )


def _place(group: str, name: str) -> str:
    site = group.partition("/")[2]
    return f"{site.removesuffix('/*')} {name}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:LISTED_MAX])
    more = len(names) - LISTED_MAX
    return f"{shown}, +{more}" if more > 0 else shown


# -- an inspector ----------------------------------------------------------------------------------


def _tell_inspector(one: Inspector, everybody: bool) -> None:
    _tell_void(one.void)
    say(f"{one.inspector} holds {len(one.seats)} seats of at most {one.cap}.",
        f"{one.inspector} 担任 {len(one.seats)} 个席位，上限 {one.cap} 个。")  # fmt: skip
    for seat in one.seats if everybody else one.seats[: 5 * ASKED_MAX]:
        beside = ", ".join(seat.partners)
        say(f"  {seat.site}  {seat.position}  with {beside}",
            f"  {seat.site}  {seat.position}  同组 {beside}")  # fmt: skip
    left = 0 if everybody else len(one.seats) - 5 * ASKED_MAX
    if left > 0:
        say(f"  … and {left} more (--all).", f"  …… 另有 {left} 个（--all 全部列出）。")
    whole = sum(one.others.values())
    say(f"Of the {whole} other positions:", f"其余 {whole} 个岗位中：")
    for why, words in OTHERS.items():
        if count := one.others.get(why, 0):
            say(f"  {count} {words[0]}", f"  {count} 个{words[1]}")
            if why == "rule":
                for rule in ladder.RULES:
                    if by := one.rules.get(rule):
                        say(f"    {by}: {BARRED[rule][0]}", f"    {by}：{BARRED[rule][1]}")
    if one.since is not None:
        tell_inspector(one.since)


def _tell_void(reason: str) -> None:
    if reason:
        say(f"THIS DRAW IS VOID: {reason}.", f"本次抽取已作废：{reason}。")
