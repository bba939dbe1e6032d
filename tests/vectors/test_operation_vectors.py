"""Every operation version ever shipped, and what it must fold to for ever (P11)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from vectors.operation_vectors import form, kinds, nameless
from vectors.sync_vectors import read

from sync import codec, upcasts
from sync.merge import canonical, digest, fold
from sync.ops import SetAnswers, decode_envelope, decode_op

FOLDER = Path(__file__).parents[2] / "fixtures" / "vectors" / "operations"
CORPUS: dict[str, dict[str, Any]] = {
    held["kind"]: held
    for held in (json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.iterdir()))
}
FOLDS = [(kind, one) for kind, held in CORPUS.items() for one in held["folds"]]


def test_every_kind_that_is_read_has_a_corpus_and_none_was_forgotten() -> None:
    assert kinds().keys() == CORPUS.keys()
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{kind.replace('/', '-')}.json" for kind in CORPUS
    }


@pytest.mark.parametrize("kind", kinds())
def test_a_released_kind_has_the_form_it_was_released_with(kind: str) -> None:
    held = CORPUS[kind]["form"]

    assert nameless(form(kind)) == nameless(held), (
        f"{kind} is released: make a new version and an upcaster from it"
    )


@pytest.mark.parametrize(
    ("kind", "one"), FOLDS, ids=lambda one: one if isinstance(one, str) else one["name"]
)
def test_it_replays_to_the_projection_of_its_day(kind: str, one: dict[str, Any]) -> None:
    recorded = read(one["ops"])

    assert canonical(fold(recorded)).decode() == one["state"]
    assert digest(fold(recorded)) == one["digest"]
    assert fold(reversed(recorded)) == fold(recorded)
    assert kind in {decode_envelope(op["raw"].encode()).t for op in one["ops"]}


@pytest.mark.parametrize(
    ("kind", "one"), FOLDS, ids=lambda one: one if isinstance(one, str) else one["name"]
)
def test_its_hashes_are_those_of_its_bytes(kind: str, one: dict[str, Any]) -> None:
    logs: dict[str, list[dict[str, str]]] = {}
    for op in one["ops"]:
        logs.setdefault(op["id"].rpartition(":")[0], []).append(op)

    for device, ops in logs.items():
        raws = [op["raw"].encode() for op in ops]
        assert codec.chain(codec.genesis(device), raws) == [op["hash"] for op in ops]


@pytest.mark.parametrize("kind", kinds())
def test_a_field_too_many_is_another_form(kind: str) -> None:
    raw = next(op["raw"] for op in CORPUS[kind]["folds"][-1]["ops"] if f'"t":"{kind}"' in op["raw"])

    with pytest.raises(msgspec.DecodeError):
        decode_op(raw.replace(f'"t":"{kind}"', f'"t":"{kind}","x":1').encode())


def test_the_first_answers_are_read_as_todays_and_say_no_more_than_they_did() -> None:
    raw = (
        b'{"t":"answers.set/1","n":3,"e":"t","w":-5,"m":6,"boot":"b",'
        b'"f":{"1.1":{"v":"-17.5","note":"x"}},"s":{"1.1":["d:1"]}}'
    )

    op = decode_op(raw)

    assert isinstance(op, SetAnswers)
    assert (op.n, op.e, op.w, op.m, op.boot, op.orig, op.under) == (3, "t", -5, 6, "b", "", "")
    assert op.s == {"1.1": ("d:1",)}
    assert (op.f["1.1"].v, op.f["1.1"].note, op.f["1.1"].kind) == ("-17.5", "x", "")


@pytest.mark.parametrize(
    "more", [b'"under":"x"', b'"f":{"1":{"v":"1","kind":"number"}}'], ids=["under", "kind"]
)
def test_an_old_form_does_not_take_what_only_the_new_one_has(more: bytes) -> None:
    raw = b'{"t":"answers.set/1","n":1,"e":"t","w":0,"m":0,"boot":"b","f":{},' + more + b"}"

    with pytest.raises(msgspec.DecodeError):
        decode_op(raw)


def test_every_old_form_has_a_successor_that_is_read() -> None:
    assert set(upcasts.NOW.values()) <= kinds().keys()
    assert upcasts.NOW.keys() | set(upcasts.NOW.values()) <= CORPUS.keys()
