"""催办: how reminders are worded, for the office and on a device."""

import msgspec
from msgspec import Struct

from cli.output import Words, text

COLUMNS: dict[str, Words] = {
    "kind": ("of what", "事项"),
    "name": ("business", "检查对象"),
    "step": ("step", "节点"),
    "due_on": ("due", "期限"),
}
KINDS: dict[str, Words] = {
    "order": ("order", "责令整改"),
    "measure": ("measure", "处置措施"),
    "risk": ("risk", "风险"),
    "recheck": ("recheck", "复查"),
    "publication": ("publication", "公示"),
}
STEPS: dict[str, Words] = {
    "due": ("due today", "今日到期"),
    "overdue": ("overdue", "已逾期"),
    "stuck": ("nobody can be sent", "无法安排人员"),
}


def kind(name: str) -> str:
    """Say of what a reminder is; what a newer server reminds of stays as it came."""
    return text(*KINDS.get(name, (name, name)))


def step(name: str) -> str:
    """Say how far a term is, in working days."""
    if name in STEPS:
        return text(*STEPS[name])
    when, _, days = name.partition("-")
    if when == "before":
        return text(f"{days} working days before", f"期满前 {days} 个工作日")
    return text(f"{days} working days over", f"逾期 {days} 个工作日")


def worded(one: Struct) -> dict[str, object]:
    """Put a reminder into words."""
    plain: dict[str, object] = msgspec.to_builtins(one)
    return plain | {"kind": kind(str(plain["kind"])), "step": step(str(plain["step"]))}
