"""现场记录 as a device shows them: arrivals, samples, goods, lots, signatures, who took part."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from cli.device_files import Kept
from cli.device_status import moment
from cli.device_tasks import TaskBody, people_of, role_word
from cli.on_site import acts, how, lines, point, voided
from cli.output import say, text
from sync.merge import SITE, Inspection, Recorded, Signature
from sync.particulars import Arrival
from sync.replica import Replica
from sync.taking_part import Part, parts


class OnSite(Struct, frozen=True):
    """Who took part, with what is lacking, and the clocks of what was recorded."""

    parts: tuple[Part, ...]
    clocks: Mapping[str, int]


def parts_of(replica: Replica, task: TaskBody) -> tuple[Part, ...]:
    """Say which of the two inspectors took part, as this device knows it."""
    return parts({"lead": task.lead.id, "second": task.second.id}, replica.recorded(task.id))


def on_site(task: TaskBody, known: Sequence[Recorded]) -> OnSite:
    """Gather what the commands show of a visit."""
    seats = {"lead": task.lead.id, "second": task.second.id}
    return OnSite(parts(seats, known), {one.id: one.op.w for one in known})


def say_absent(told: Sequence[Part], people: Mapping[str, str]) -> None:
    """Warn of an inspector of whom nothing is known but the name."""
    for part in told:
        if not part.took_part:
            name, role = people.get(part.who, part.who), role_word(part.role)
            say(
                f"WARNING: {name} ({role}) has taken no part that is known here: two must.",
                f"警告：{name}（{role}）尚无本人到场、记录或签名；须由两名检查人员共同实施。",
            )


def say_on_site(seen: OnSite, state: Inspection, task: TaskBody, kept: Sequence[Kept]) -> None:
    """Print what was recorded beside answers, findings and files."""
    people = people_of(task)
    for opening in state.openings or ():
        by = people.get(opening.who, opening.who)
        say(
            f"Opened on site by {by}: {opening.reason}{voided(opening)}\n  {opening.op}",
            f"现场登记：{by}，{opening.reason}{voided(opening)}\n  {opening.op}",
        )
    for arrival in state.arrivals or ():
        _say_arrival(arrival, seen, people)
    for words, one in lines(state):
        indent = " " * (2 + len(words) - len(words.lstrip()))
        say(*(f"{words}\n{indent}{one.op}",) * 2)
    if state.astray:
        lost = ", ".join(one.op for one in (*state.astray.tests, *state.astray.disposals))
        say(f"Of samples that are not here: {lost}", f"所属样品不在本终端：{lost}")
    for signature in state.signatures:
        _say_signature(signature, seen, people, kept)
    for part in seen.parts:
        did, lacking = acts(part.did) or text("nothing yet", "尚无"), acts(part.lacking)
        open_ = text(f"; not yet {lacking}", f"；尚未：{lacking}") if lacking else ""
        say(*(f"{people.get(part.who, part.who)} ({role_word(part.role)}): {did}{open_}",) * 2)
    say_absent(seen.parts, people)


def _say_arrival(one: Arrival, seen: OnSite, people: Mapping[str, str]) -> None:
    said = f"{people.get(one.who, one.who)}, {moment(seen.clocks.get(one.op, 0))} {point(one)}"
    said = said.rstrip()
    say(
        f"Arrival: {said}, {how(one)} {one.code}{voided(one)}\n  {one.op}",
        f"到达现场：{said}，{how(one)} {one.code}{voided(one)}\n  {one.op}",
    )


def _say_signature(
    one: Signature, seen: OnSite, people: Mapping[str, str], kept: Sequence[Kept]
) -> None:
    who = one.name if one.role == SITE else people.get(one.who, one.who)
    role = role_word(one.role)
    when = moment(seen.clocks.get(one.op, 0))
    if one.refused:
        say(
            f"Would not sign: {who} ({role}), {when}: {one.refused}; witness {one.witness}",
            f"拒绝签名：{who}（{role}），{when}：{one.refused}；见证人 {one.witness}",
        )
        return
    drawn = text(", drawn", "，有笔迹") if one.strokes else ""
    if one.strokes and one.strokes not in {file.sha256 for file in kept}:
        drawn = text(", its strokes have not arrived", "，笔迹文件尚未到达")
    amended = text(", amended", "，已补签") if one.amended_by else ""
    say(
        f"Signed: {who} ({role}), {when}{drawn}{amended}",
        f"签名：{who}（{role}），{when}{drawn}{amended}",
    )
