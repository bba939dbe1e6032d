"""名称: fold names and addresses, and cut them into the terms that an index finds them by. Pure.

A register and a question are cut by the same rules, so one index of terms serves parts of names,
one Chinese character, 繁體, pinyin initials (拼音首字母), numbers and filters on any database.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from msgspec import Struct

_levels = (2, 4, 6, 9, 12)  # digits of a division: province, city, county, township, village
_number_prefixes = (8, 10, 12, 14, 16)
_number_suffix = 6
_number = re.compile(r"(?=(?:[a-z]*[0-9]){3})[0-9a-z]{6,}")
_marks = re.compile("[\u0300-\u036f]+")
_silent = re.compile(r"[^\w\s]|_")  # brackets, quotes, dashes: nobody types them
_runs = re.compile(r"[0-9a-z]+|[^\W0-9a-z_]+")
_han = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_han_codes = range(0x3400, 0xA000)
_many_voiced = re.compile("[重厦行长乐单曾朝藏查校]")  # read by the words they stand in


@cache
def _simple() -> dict[int, str]:
    from opencc_purepy import OpenCC  # the dictionaries weigh 80 MB: only who looks for names pays

    every = [chr(code) for code in _han_codes]
    plain = OpenCC("t2s").convert("\n".join(every)).split("\n")
    return {ord(one): two for one, two in zip(every, plain, strict=True) if one != two}


def _apart(unread: str) -> Any:  # a list is allowed, whatever its types say
    return [*unread]


@cache
def _letters() -> dict[int, str]:
    from pypinyin import Style, lazy_pinyin

    every = [chr(code) for code in range(0x4E00, 0x9FA6)]
    letters = lazy_pinyin(every, style=Style.FIRST_LETTER, errors=_apart)
    return {ord(one): letter for one, letter in zip(every, letters, strict=True)}


class Facts(Struct, frozen=True):
    """What is known of an establishment that somebody may look for."""

    name: str
    address: str = ""
    numbers: tuple[str, ...] = ()  # 统一社会信用代码, licences
    category: str = ""
    division: str = ""
    risk: str = ""
    status: str = ""
    key_object: bool = False
    lists: tuple[str, ...] = ()  # credit lists that it is on


class Question(Struct, frozen=True):
    """What is looked for: words, all of which must be there, and filters."""

    words: tuple[str, ...] = ()
    category: str = ""
    divisions: tuple[str, ...] = ()  # the officer's own, and the one asked for
    risk: str = ""
    status: str = ""
    key_object: bool = False  # those only
    listed: str = ""  # on this credit list


def fold(text: str) -> str:
    """Fold width, case, accents and 繁體, and drop punctuation."""
    if not text.isascii():
        plain = _marks.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", plain).translate(_simple())
    return _silent.sub("", text.lower())


def initials(folded: str) -> str:
    """Give the pinyin initials of a folded name, or nothing when it holds no Chinese."""
    if not _han.search(folded):
        return ""
    if _many_voiced.search(folded):
        from pypinyin import Style, lazy_pinyin

        return "".join(lazy_pinyin(folded, style=Style.FIRST_LETTER)).replace(" ", "")
    return folded.translate(_letters()).replace(" ", "")


def question(
    text: str,
    *,
    category: str = "",
    divisions: Iterable[str] = (),
    risk: str = "",
    status: str = "",
    key_object: bool = False,
    listed: str = "",
) -> Question:
    """Fold what somebody typed."""
    return Question(
        words=tuple(fold(text).split()),
        category=category,
        divisions=tuple(one for one in divisions if one),
        risk=risk,
        status=status,
        key_object=key_object,
        listed=listed,
    )


def terms(facts: Facts) -> set[str]:
    """Cut everything by which an establishment may be found into terms."""
    name = fold(facts.name)
    numbers, other = _numbers(facts)
    division = _slug(facts.division)
    found = {f"d@{division[:level]}" for level in _levels if len(division) >= level}
    found |= {f"c@{_slug(facts.category)}", f"r@{_slug(facts.risk)}", f"s@{_slug(facts.status)}"}
    found |= {f"l@{_slug(one)}" for one in facts.lists}
    if facts.key_object:
        found.add("k@")
    found.update(char for char in name if not char.isascii() and char.isalnum())
    letters = initials(name)
    for text in (name, letters, fold(facts.address), *other):
        found.update(_grams(text))
    found.update(pair for text in (name, letters) for pair in _pairs(text))
    for number in numbers:
        found.add(f"#{number}")
        found.add(f"#{number[-_number_suffix:]}")
        found.update(f"#{number[:size]}" for size in _number_prefixes if len(number) > size)
    return found


def wanted(asked: Question) -> set[str]:
    """Name the terms that everything which fits must have."""
    found = {f"d@{_slug(division)}" for division in asked.divisions}
    if asked.category:
        found.add(f"c@{_slug(asked.category)}")
    if asked.risk:
        found.add(f"r@{_slug(asked.risk)}")
    if asked.status:
        found.add(f"s@{_slug(asked.status)}")
    if asked.listed:
        found.add(f"l@{_slug(asked.listed)}")
    if asked.key_object:
        found.add("k@")
    for word in asked.words:
        if not _number.fullmatch(word):
            found.update(_grams(word))
        elif len(word) < _number_prefixes[0]:
            found.add(f"#{word}")
        else:
            found.add(f"#{word[: min(len(word) // 2 * 2, _number_prefixes[-1])]}")
    return found


def fits(asked: Question, facts: Facts) -> bool:
    """Tell whether an establishment is what was looked for; the terms alone may say yes too often.

    Every word is a part of the name, the address or the name's initials, or a number, or the
    first eight or more or the last six characters of one.
    """
    name = fold(facts.name)
    numbers, other = _numbers(facts)
    texts = [name.replace(" ", ""), fold(facts.address).replace(" ", ""), initials(name), *other]
    return (
        wanted(asked) <= terms(facts)
        and asked.category in ("", facts.category)
        and asked.risk in ("", facts.risk)
        and asked.status in ("", facts.status)
        and (not asked.listed or asked.listed in facts.lists)
        and all(facts.division.startswith(division) for division in asked.divisions)
        and all(
            any(number.startswith(word) or number.endswith(word) for number in numbers)
            if _number.fullmatch(word)
            else any(word in text for text in texts)
            for word in asked.words
        )
    )


def _grams(text: str) -> Iterable[str]:
    """Cut Latin and digits into threes, everything else into twos; what is shorter stays whole."""
    for run in _runs.findall(text):
        size = 3 if run.isascii() else 2
        for start in range(max(len(run) - size, 0) + 1):
            yield run[start : start + size]


def _pairs(text: str) -> Iterable[str]:
    """Cut Latin and digits into twos: people type the initials of a short name (hc: 海川)."""
    for run in _runs.findall(text):
        if run.isascii():
            yield from (run[start : start + 2] for start in range(len(run) - 1))


def _numbers(facts: Facts) -> tuple[list[str], list[str]]:
    """Part what looks like a number from what is found like a text."""
    numbers: list[str] = []
    other: list[str] = []
    for one in facts.numbers:
        folded = _slug(one)
        (numbers if _number.fullmatch(folded) else other).append(folded)
    return numbers, other


def _slug(text: str) -> str:
    return "".join(fold(text).split())
