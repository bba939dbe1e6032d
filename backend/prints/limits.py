"""限值: how limits are written, on forms, in documents and at the office."""

from backend.prints.paper_words import Language
from sync.checklist import Column, Item, Limit


def bounds(one: Item | Column | Limit, unit: str, language: Language, *, minus: str = "−") -> str:
    """Say a limit: `0 to 8 °C`, `≤ −18 °C`; empty for none.

    Beside readings, which stand as they were recorded, `minus` is what devices type.
    """
    low, high = one.minimum, one.maximum
    if low is not None and high is not None:
        said = f"{low}{'～' if language == 'zh' else ' to '}{high}"
    elif low is None and high is None:
        return ""
    else:
        said = f"≤ {high}" if low is None else f"≥ {low}"
    return f"{said.replace('-', minus)} {unit}".strip()
