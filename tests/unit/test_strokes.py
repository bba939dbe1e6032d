import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import strokes
from sync.refusals import Reason, Refused

DRAWN: dict[str, Any] = {
    "w": 600,
    "h": 200,
    "strokes": [[[10, 20, 0], [30, 40, 16], [600, 200, 33]], [[5, 5, 90]]],
}


def body(**changed: Any) -> bytes:
    return msgspec.json.encode(DRAWN | changed)


def test_a_signature_is_read_as_it_was_drawn() -> None:
    drawn = strokes.read(body())

    assert (drawn.w, drawn.h) == (600, 200)
    assert drawn.strokes[0][2] == (600, 200, 33)
    assert drawn.strokes[1] == ((5, 5, 90),)


def test_it_is_drawn_as_one_path_and_a_dot_stays_a_dot() -> None:
    drawn = strokes.svg(strokes.read(body()))

    assert 'viewBox="0 0 600 200"' in drawn
    assert 'd="M10 20L30 40 600 200M5 5h0"' in drawn
    assert 'stroke-width="5.00"' in drawn


@pytest.mark.parametrize(
    ("rubbish", "problem"),
    [
        (b"", "Input data was truncated"),
        (b"\xff\xfe", "invalid"),
        (b"[" * 100_000, "got `array`"),
        (b'{"\xff":1}', "0xff"),
        (b'{"w":600,"h":200}', "strokes"),
        (body(strokes=[]), "length >= 1"),
        (body(strokes=[[]]), "length >= 1"),
        (body(more=1), "more"),
        (body(w=0), "int` >= 1"),
        (body(w=4097), "int` <= 4096"),
        (body(w=600.5), "float"),
        (body(strokes=[[[1.0, 1, 0]]]), "float"),
        (body(strokes=[[["1", 1, 0]]]), "str"),
        (body(strokes=[[[1, 1]]]), "length 3"),
        (body(strokes=[[[1, 1, 0, 0]]]), "length 3"),
        (body(strokes=[[[-1, 1, 0]]]), "int` >= 0"),
        (body(strokes=[[[601, 1, 0]]]), "outside the field"),
        (body(strokes=[[[1, 201, 0]]]), "outside the field"),
        (body(strokes=[[[1, 1, 600_001]]]), "int` <= 600000"),
        (body(strokes=[[[1, 1, 9]], [[1, 1, 8]]]), "goes back"),
        (body(strokes=[[[1, 1, 0]]] * 201), "length <= 200"),
        (body(strokes=[[[1, 1, 0]] * 5001] * 2), "10002 points, at most 10000"),
        (b" " * (256 * 1024) + body(), "at most 262144"),
    ],
)
def test_rubbish_is_refused_with_what_is_wrong(rubbish: bytes, problem: str) -> None:
    with pytest.raises(Refused) as caught:
        strokes.read(rubbish)

    assert caught.value.reason is Reason.STROKES_INVALID
    assert caught.value.reason.code == "strokes.invalid"
    assert problem in str(caught.value.details["problem"])


@pytest.mark.parametrize(
    "full",
    [
        body(w=4096, h=4096, strokes=[[[4096, 4096, 600_000]]]),
        body(strokes=[[[1, 1, 0]]] * 200),
        body(strokes=[[[1, 1, 0]] * 5000] * 2),
    ],
    ids=["edges and time", "strokes", "points"],
)
def test_what_is_just_within_the_limits_is_read(full: bytes) -> None:
    assert strokes.read(full).strokes


points = st.tuples(st.integers(0, 600), st.integers(0, 200), st.just(7))


@given(st.lists(st.lists(points, min_size=1, max_size=5), min_size=1, max_size=5))
def test_every_point_is_on_the_path_and_nothing_but_numbers_gets_into_it(
    given_strokes: list[list[tuple[int, int, int]]],
) -> None:
    drawn = strokes.svg(strokes.read(body(strokes=given_strokes)))
    path = re.findall(r' d="([MLh0-9 ]+)"', drawn)[0]

    told = [(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)", path)]
    assert told == [(x, y) for stroke in given_strokes for x, y, _ in stroke]
    assert path.count("M") == len(given_strokes)
