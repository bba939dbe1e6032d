"""投诉举报: how complaints are worded, for the office and on a device."""

from cli.output import Words, text

STATES: dict[str, Words] = {
    "received": ("received", "已接收"),
    "accepted": ("accepted", "已受理"),
    "rejected": ("rejected", "不予受理"),
    "closed": ("closed", "已办结"),
}


def state(name: str) -> str:
    """Say how far a complaint is; a state that this version does not know stays as it came."""
    return text(*STATES.get(name, (name, name)))
