"""Establishments as a device keeps them (检查对象): enough to find one and to open a visit.

They travel column by column, because alike values then lie together, and without revisions: the
revision of one is its values after the code, joined by U+001F.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sync.messages import Sites
from sync.pages import term
from sync.refusals import Reason, Refused

KIND = "site"
BLOCK_ROWS = 10_000  # of one line in a snapshot


class Site(NamedTuple):
    """One establishment; `licences` are the numbers of its licences, sorted, with spaces."""

    code: str
    name: str
    address: str
    category: str
    division: str
    risk: str
    status: str
    licences: str


def term_of(site: Sequence[str]) -> int:
    """Give what an establishment, in the order of `Site`, adds to the sum of its bucket."""
    return term(KIND, site[0], "\x1f".join(site[1:]))


def event(bucket: str, sites: Iterable[Sequence[str]], gone: Iterable[str] = ()) -> Sites:
    """Tell of establishments in the order of `Site`."""
    columns = dict(zip(Site._fields, zip(*sites, strict=True), strict=False))
    return Sites(b=bucket, gone=tuple(gone), **columns)


def blocks(bucket: str, sites: Sequence[Sequence[str]]) -> Iterator[Sites]:
    """Tell of many, in lines that a small device can hold."""
    for first in range(0, len(sites), BLOCK_ROWS):
        yield event(bucket, sites[first : first + BLOCK_ROWS])


def rows(told: Sites) -> list[Site]:
    """Read the columns of an event, or refuse it with ANSWER_STRANGE."""
    columns = (told.code, told.name, told.address, told.category, told.division, told.risk,
               told.status, told.licences)  # fmt: skip
    if any(len(column) != len(told.code) for column in columns):
        raise Refused(Reason.ANSWER_STRANGE, problem="columns of different length")
    return list(map(Site._make, zip(*columns, strict=True)))
