"""Texts that look alike, and numbers of many spellings: the bytes are signed (pitfall 23)."""

import json
from pathlib import Path
from typing import Any

import pytest
from vectors.sync_vectors import read
from vectors.text_vectors import make

from sync import codec
from sync.merge import canonical, digest, fold
from sync.refusals import Reason, Refused

PATH = Path(__file__).parents[2] / "fixtures" / "vectors" / "texts.json"
TEXTS: dict[str, Any] = json.loads(PATH.read_text("ascii"))


@pytest.mark.parametrize("one", TEXTS["lines"], ids=lambda one: one["name"])
def test_a_line_is_hashed_and_signed_as_it_travels(one: dict[str, str]) -> None:
    raw = bytes.fromhex(one["utf8"])

    codec.check_body(TEXTS["public"], one["header"], raw)

    assert one["text"].encode() == raw
    assert codec.link(TEXTS["genesis"], raw) == one["hash"]


@pytest.mark.parametrize("one", TEXTS["lines"], ids=lambda one: one["name"])
def test_a_line_that_only_means_the_same_is_not_the_same(one: dict[str, str]) -> None:
    others = [o for o in TEXTS["lines"] if o is not one]

    for other in others:
        with pytest.raises(Refused) as refused:
            codec.check_body(TEXTS["public"], one["header"], bytes.fromhex(other["utf8"]))
        assert refused.value.reason is Reason.SIGNATURE_WRONG
        assert other["hash"] != one["hash"]


@pytest.mark.parametrize("one", TEXTS["folds"], ids=lambda one: one["name"])
def test_a_fold_is_written_in_one_way(one: dict[str, Any]) -> None:
    state = fold(read(one["ops"]))

    assert canonical(state).decode() == one["state"]
    assert digest(state) == one["digest"]


def test_keys_stand_in_the_order_of_their_code_points() -> None:
    state = json.loads(TEXTS["folds"][0]["state"])

    keys = list(state["items"])

    assert keys == sorted(keys)
    assert keys != sorted(keys, key=lambda key: key.encode("utf-16-be"))


def test_the_helper_still_makes_the_same_file() -> None:
    assert json.loads(json.dumps(make())) == TEXTS
