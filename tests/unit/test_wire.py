"""What travels: a text is exactly what its pattern says, to its last character."""

import re
from collections.abc import Iterator

import pytest
from msgspec import Struct, inspect

from backend import wire
from backend.rules import papers
from sync import messages

GIVEN = ("310101", "a" * 64, "image/jpeg", "hall-1")  # between them, they fit every pattern


def patterned(kind: object) -> Iterator[inspect.StrType]:
    """Walk a type down to the texts that have a pattern."""
    if isinstance(kind, inspect.StrType):
        if kind.pattern is not None:
            yield kind
        return
    if isinstance(kind, inspect.Metadata):
        yield from patterned(kind.type)
    for name in getattr(kind, "__struct_fields__", ()):
        value = getattr(kind, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, inspect.Type | inspect.Field):
                yield from patterned(one)


@pytest.mark.parametrize("module", [wire, messages, papers])
def test_no_pattern_lets_a_line_feed_through_at_the_end(module: object) -> None:
    kinds = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Struct) and one is not Struct
    ]
    texts = [text for kind in kinds for text in patterned(inspect.type_info(kind))]

    loose = {
        text.pattern
        for text in texts
        for given in GIVEN
        if re.search(text.pattern or "", given + "\n")
        and len(given) < (text.max_length or len(given) + 1)
    }

    assert texts
    assert loose == set()
