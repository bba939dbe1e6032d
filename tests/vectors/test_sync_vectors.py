"""The golden bytes of the protocol: see docs/reference/protocol.md."""

import json
from pathlib import Path
from typing import Any

import pytest
from vectors.sync_vectors import make, read

from sync import codec, hub, pages
from sync.merge import canonical, digest, fold
from sync.messages import Ack, receipt_text

PATH = Path(__file__).parents[2] / "fixtures" / "vectors" / "sync.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text("utf-8"))


def test_public_keys_follow_from_secret_ones() -> None:
    for pair in VECTORS["keys"].values():
        assert codec.public_key(pair["secret"]) == pair["public"]


def test_a_device_chain() -> None:
    chain = VECTORS["chain"]

    assert codec.genesis(chain["device"]) == chain["genesis"]
    assert codec.chain(chain["genesis"], [r.encode() for r in chain["raws"]]) == chain["hashes"]


def test_a_ledger_chain() -> None:
    for one in VECTORS["ledger"]:
        then = codec.ledger_link(one["root"], one["hash"], one["verdict"], one["received_ms"])
        assert then == one["then"]


def test_a_push_opens_and_adds_up() -> None:
    body, header = VECTORS["push"]["body"].encode(), VECTORS["push"]["header"]

    codec.check_body(VECTORS["keys"][codec.open_header(header)[0]]["public"], header, body)
    push = hub.read(body)

    assert push.head.head == push.hashes[-1]
    assert [line.encode() for line in VECTORS["push"]["body"].split("\n")[1:]] == list(push.raws)


def test_a_receipt() -> None:
    one = VECTORS["receipt"]

    ack = Ack(one["n"], one["h"])
    text = receipt_text(one["device"], ack, ledger=one["ledger"], root=one["root"])

    assert text.decode() == one["text"]
    assert codec.verifies(VECTORS["keys"]["hub"]["public"], text, one["sig"])


def test_a_checksum() -> None:
    rows = [tuple(row) for row in VECTORS["checksum"]["rows"]]

    assert list(pages.checksum(rows)) == VECTORS["checksum"]["is"]


@pytest.mark.parametrize("one", VECTORS["folds"], ids=lambda one: one["name"])
def test_a_fold(one: dict[str, Any]) -> None:
    state = fold(read(one["ops"]))

    assert canonical(state).decode() == one["state"]
    assert digest(state) == one["digest"]
    assert fold(reversed(read(one["ops"]))) == state


def test_the_helper_still_makes_the_same_file() -> None:
    assert json.loads(json.dumps(make())) == VECTORS
