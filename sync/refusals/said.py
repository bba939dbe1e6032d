"""How a refusal is said (拒绝): its code, its kind, what happened and what to do."""

from enum import IntEnum

from msgspec import Struct


class Kind(IntEnum):
    """How the asker should take a refusal. The number is the command line's exit status."""

    INVALID = 10
    UNAUTHENTICATED = 11
    FORBIDDEN = 12
    MISSING = 13
    CONFLICT = 14
    GONE = 15
    TOO_LARGE = 16
    UNSUPPORTED = 17
    BUSY = 18
    TOO_MANY = 19


class Said(Struct, frozen=True):
    """One refusal in both languages; `en` and `zh` say what happened, the remedies what to do."""

    code: str
    kind: Kind
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str
