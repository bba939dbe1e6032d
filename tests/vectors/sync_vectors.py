"""How fixtures/vectors/sync.json was made: `python tests/vectors/sync_vectors.py > …/sync.json`.

Once, for version 1. The file is what other implementations are held to, and so are we: when a test
against it fails, the code is wrong. A new version of the protocol gets a file of its own.
"""

import json
import sys
from typing import Any

import msgspec

from sync import codec, pages, versions
from sync.merge import Recorded, canonical, digest, fold
from sync.messages import Ack, Clock, Pull, PushHead, receipt_text
from sync.ops import Void, decode_op, op_id
from sync.upcasts import AddEvidence1, AddFinding1, Answer1, SetAnswers1, Sign1

LI, WANG = "0190a000-0000-7000-8000-00000000000a", "0190a000-0000-7000-8000-00000000000b"
TASK = "0190a000-0000-7000-8000-0000000000ff"
SECRETS = {LI: "01" * 32, WANG: "02" * 32, "hub": "03" * 32}
STAMP: dict[str, Any] = {"e": TASK, "w": 1_772_413_200_000, "m": 5_000, "boot": "b-1"}


def log(device: str, ops: list[Any]) -> list[dict[str, str]]:
    raws = [msgspec.json.encode(op) for op in ops]
    hashes = codec.chain(codec.genesis(device), raws)
    who = "li" if device == LI else "wang"
    return [
        {"id": op_id(device, n), "hash": hash_, "who": who, "raw": raw.decode()}
        for n, (raw, hash_) in enumerate(zip(raws, hashes, strict=True), start=1)
    ]


def answers(n: int, value: str, *replaced: str, note: str = "") -> SetAnswers1:
    said = {"f": {"3.2": Answer1(value, note)}} | ({"s": {"3.2": replaced}} if replaced else {})
    return SetAnswers1(n=n, **STAMP, **said)


def sign(n: int, role: str, covers: dict[str, Any], *replaced: str) -> Sign1:
    return Sign1(n=n, role=role, covers=covers, blobs=(), digest="0" * 64, s=replaced, **STAMP)


def histories() -> dict[str, list[dict[str, str]]]:
    """Small histories, each with one thing to get right."""
    lead = [
        answers(1, "fail", note="锈蚀 ≥ 2 cm²"),
        AddFinding1(n=2, text="霉斑", basis="第三条", **STAMP),
    ]
    both = {LI: ((1, 2),), WANG: ((1, 1),)}
    sealed = [*lead, sign(3, "lead", both)]
    seconded = [answers(1, "fail"), sign(2, "second", both)]
    amended = [*sealed, answers(4, "pass", f"{LI}:1", f"{WANG}:1"),
               sign(5, "lead", {LI: ((1, 2), (4, 4)), WANG: ((1, 1),)}, f"{LI}:3")]  # fmt: skip
    photo = AddEvidence1(n=2, blob="ab" * 32, size=7, mime="image/jpeg", item="3.2", **STAMP)
    return {
        "one answer": log(LI, lead[:1]),
        "equal answers agree": log(LI, lead[:1]) + log(WANG, [answers(1, "fail")]),
        "different answers: the smallest hash is shown": log(LI, lead[:1])
        + log(WANG, [answers(1, "pass")]),
        "settled, the overruled one stays": log(
            LI, [answers(1, "fail"), answers(2, "fail", f"{LI}:1", f"{WANG}:1")]
        )
        + log(WANG, [answers(1, "pass")]),
        "a circle stands as a whole": log(LI, [answers(1, "fail", f"{WANG}:1")])
        + log(WANG, [answers(1, "pass", f"{LI}:1")]),
        "withdrawn twice, the smallest hash gives the reason": log(
            LI, [*lead, Void(n=3, target=f"{LI}:2", reason="看错", **STAMP)]
        )
        + log(WANG, [Void(n=1, target=f"{LI}:2", reason="another", **STAMP), photo]),
        "sealed, one late": log(LI, [*sealed, answers(4, "pass", f"{LI}:1")]) + log(WANG, seconded),
        "amended": log(LI, amended) + log(WANG, seconded),
    }


def push() -> dict[str, Any]:
    raws = [msgspec.json.encode(answers(1, "fail", note="锈蚀 ≥ 2 cm²")), b'{ "not": "ours" }']
    hashes = codec.chain(codec.genesis(LI), raws)
    head = PushHead(
        1, LI, 1, 2, codec.genesis(LI), hashes[-1], Clock(5, 6, "b-1"), Pull("e", 7, ("i:x",))
    )
    body = b"\n".join([versions.write_push_head(head), *raws])
    return {"body": body.decode(), "header": codec.seal_body(SECRETS[LI], LI, body)}


def chain() -> dict[str, Any]:
    raws = ["", "a", '{"n":1}', "检查", "{}"]
    hashes = codec.chain(codec.genesis(LI), [raw.encode() for raw in raws])
    return {"device": LI, "genesis": codec.genesis(LI), "raws": raws, "hashes": hashes}


def ledger() -> list[dict[str, Any]]:
    root, links = "0" * 64, list[dict[str, Any]]()
    for n, verdict in enumerate(["ok", "parked", "quarantined", "ok"], start=1):
        entry = codec.link("00" * 32, str(n).encode())
        after = codec.ledger_link(root, entry, verdict, 1_772_413_200_000 + n)
        links.append({"root": root, "hash": entry, "verdict": verdict,
                      "received_ms": 1_772_413_200_000 + n, "then": after})  # fmt: skip
        root = after
    return links


def receipt() -> dict[str, Any]:
    text = receipt_text(LI, Ack(2, "ab" * 32), ledger=9, root="cd" * 32)
    given = {"device": LI, "n": 2, "h": "ab" * 32, "ledger": 9, "root": "cd" * 32}
    return given | {"text": text.decode(), "sig": codec.sign(SECRETS["hub"], text)}


def read(ops: list[dict[str, str]]) -> list[Recorded]:
    return [Recorded(o["id"], o["hash"], o["who"], decode_op(o["raw"].encode())) for o in ops]


def folded(name: str, history: list[dict[str, str]]) -> dict[str, Any]:
    state = fold(read(history))
    return {
        "name": name,
        "ops": history,
        "state": canonical(state).decode(),
        "digest": digest(state),
    }


def make() -> dict[str, Any]:
    rows = [("task", TASK, "ab" * 32), ("op", f"{LI}:1", "ff" * 32), ("checklist", "c", "00" * 32)]
    return {
        "version": 1,
        "keys": {
            who: {"secret": secret, "public": codec.public_key(secret)}
            for who, secret in SECRETS.items()
        },
        "chain": chain(),
        "ledger": ledger(),
        "push": push(),
        "receipt": receipt(),
        "checksum": {"rows": rows, "is": pages.checksum(rows)},
        "folds": [folded(name, history) for name, history in histories().items()],
    }


if __name__ == "__main__":
    json.dump(make(), sys.stdout, ensure_ascii=False, indent=1)
    print()
