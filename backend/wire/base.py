"""Texts of one form, which several rooms send and receive."""

from typing import Annotated

from msgspec import Meta, Struct

from sync.checklist import Text

# 行政区划代码: GB/T 2260 and GB/T 10114, 2 to 12 digits; empty for the whole country
Division = Annotated[str, Meta(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$(?!\n)")]

# one line that says something, and several; neither ends in white space
LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f]$(?!\n)"
LINES = r"^[^\x00]*[^\x00-\x20\x7f]$(?!\n)"


class TextView(Struct, frozen=True):
    """A text in both languages."""

    en: str
    zh: str


def text_view(text: Text) -> TextView:
    """Show a text of a rule or a checklist."""
    return TextView(text.en, text.zh)
