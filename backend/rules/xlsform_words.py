"""XLSForm 双语文字: labels by language as both of ours, marked where one is missing. Pure."""

import re
from collections.abc import Collection
from typing import NamedTuple, cast

UNTRANSLATED = ("[not translated] ", "【未翻译】")

_chinese = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_zh = re.compile(r"中文|汉语|漢語|简体|繁体|chinese|(?:^|\()(?:zh|cmn)\b", re.IGNORECASE)
_en = re.compile(r"英文|英语|english|(?:^|\()en\b", re.IGNORECASE)


class Words(NamedTuple):
    """A text in both languages, and the languages that are neither."""

    en: str
    zh: str
    marked: bool  # one of them stands for the other
    others: frozenset[str]


def bilingual(said: object, languages: Collection[str]) -> Words:
    """Find both languages of a text, by the name of its language or else by its characters."""
    told = cast(dict[str, object], said) if isinstance(said, dict) else {"": said}
    en = zh = ""
    others = {one for one in languages if one and one != "default" and _language(one) == ""}
    for name, one in told.items():
        text = str(one)
        language = _language(name)
        if not language and name in ("", "default"):
            language = "zh" if _chinese.search(text) else "en"
        if language == "en":
            en = en or text
        elif language == "zh":
            zh = zh or text
    if bool(en) == bool(zh):
        return Words(en, zh, False, frozenset(others))
    return Words(en or UNTRANSLATED[0] + zh, zh or UNTRANSLATED[1] + en, True, frozenset(others))


def _language(name: str) -> str:
    return "zh" if _zh.search(name) else "en" if _en.search(name) else ""
