"""检查缘由: why a site is visited, whether a draw chose it or not."""

from typing import Literal, get_args

from sync.checklist import Text

Origin = Literal["draw", "recheck", "complaint", "return", "mystery", "ad-hoc", "guidance"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
WORDS: dict[Origin, Text] = {
    "draw": Text("Drawn at random", "随机抽取"),
    "recheck": Text("Recheck of what was ordered", "整改复查"),
    "complaint": Text("Check of a complaint", "投诉举报核查"),
    "return": Text("Return visit", "回访"),
    "mystery": Text("Unannounced check", "暗访"),
    "ad-hoc": Text("Check without a draw", "临时检查"),
    "guidance": Text("Guidance, no enforcement", "行政指导"),
}


def origin_of(written: str) -> Origin:
    """Read an origin as it is kept; ValueError for what is none."""
    for one in ORIGINS:
        if one == written:
            return one
    raise ValueError(f"{written} is no reason for a visit")
