"""经过: what followed a draw, in words, for `draw explain` and `verify draw --id`."""

from backend.rules.amendments import REASONS
from backend.rules.course import Course, Passage, Place
from cli.output import Words, say

HIDDEN: Words = ("for a reason that the auditor keeps", "原因由审计方保存")


def tell_site(id: str, since: Course) -> None:
    """Say what followed for a business, and who goes there now."""
    if not since.passages:
        return
    say("\nAfter the draw:", "\n抽取之后：")
    for one in since.passages:
        _say_line(one, _at_site(one))
    if not since.listed:
        say(f"So {id} is not on the list now.", f"因此 {id} 现不在名单上。")
        return
    say(f"So {id} is on the list now. Who goes there:", f"因此 {id} 现在名单上。检查人员：")
    for _, position, who in since.seats:
        say(f"  {position}: {who}", f"  {position}：{who}")


def tell_inspector(since: Course) -> None:
    """Say what followed for an inspector, and how many seats he has now."""
    if not since.passages:
        return
    say("\nAfter the draw:", "\n抽取之后：")
    for one in since.passages:
        _say_line(one, _of_person(one))
    say(f"So it is {len(since.seats)} seats now.", f"因此现有 {len(since.seats)} 个席位。")
    for site, position, _ in since.seats:
        say(f"  {site}  {position}", f"  {site}  {position}")


def _at_site(one: Passage) -> Words:
    en, zh = _why(one)
    match one.part:
        case "gave-way":
            next_en = f"{one.other} was called" if one.other else "no reserve was left"
            next_zh = f"由 {one.other} 递补" if one.other else "已无候补"
            return f"it gave way, {en}; {next_en}", f"被替补（{zh}），{next_zh}"
        case "called":
            return (
                f"it was called as number {one.rank} in the place of {one.other}, {en}",
                f"作为第 {one.rank} 签递补 {one.other}（{zh}）",
            )
        case "more":
            return (
                f"it was called as number {one.rank}, since more were drawn: {en}",
                f"因增抽被抽中，第 {one.rank} 签（{zh}）",
            )
        case _:
            came = _listed([(position, who) for _, position, who in one.places])
            return f"{one.other} left, {en}: {came}", f"{one.other} 离席（{zh}）：{came}"


def _of_person(one: Passage) -> Words:
    seats = _places(one.places)
    if one.part == "left":
        en, zh = _why(one)
        count = len(one.places)
        return f"left {count} seats, {en}: {seats}", f"离席 {count} 个（{zh}）：{seats}"
    after = (f" of {one.other}", f"接替 {one.other} 的") if one.other else ("", "")
    return f"took the seats{after[0]} {seats}", f"担任{after[1]}席位 {seats}"


def _why(one: Passage) -> Words:
    if not one.reason:
        return HIDDEN
    known = {code: words for kind in REASONS.values() for code, words in kind.items()}
    return known.get(one.reason, (one.reason, one.reason))


def _places(places: list[Place]) -> str:
    return _listed([(site, position) for site, position, _ in places])


def _listed(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(f"{first} {second}" for first, second in pairs)


def _say_line(one: Passage, words: Words) -> None:
    say(f"  {one.at[:10]} (line {one.n} of the log) {words[0]}.",
        f"  {one.at[:10]}（日志第 {one.n} 行）{words[1]}。")  # fmt: skip
