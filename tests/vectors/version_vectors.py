"""How the requests in fixtures/vectors/versions.json were made: see `tests/api/test_versions.py`.

Once for each version of the exchange. Every byte that a device of that day sends is there, and
what it was answered; a server that speaks the version must answer so for as long as it does.
"""

from typing import Any

import msgspec
from vectors.sync_vectors import LI, SECRETS, WANG

from sync import codec
from sync.messages import Version

EPOCH = "epoch-1"
INSPECTION = "0190a000-0000-7000-8000-0000000000ee"
ANSWER = (
    '{"t":"answers.set/1","n":%d,"e":"' + INSPECTION + '","w":1772413200000,"m":5,"boot":"b",'
    '"f":{"%s":{"v":"%s"}}}'
)
FUTURE = '{"t":"tomorrow/1","n":%d,"e":"' + INSPECTION + '","w":0,"m":0,"boot":"b","new":{}}'
RAWS = [
    ANSWER % (1, "1.1", "fail"),
    FUTURE % 2,
    FUTURE % 3,
    ANSWER % (4, "9.9", "pass"),
    FUTURE % 5,
    ANSWER % (6, "1.2", "pass"),
]
COLLEAGUE = [ANSWER % (1, "1.1", "pass")]


def request(
    version: Version, device: str, *, first: int, raws: list[str], before: list[str], pull: Any
) -> dict[str, str]:
    """Write one push as a device of a version does."""
    lines = [raw.encode() for raw in raws]
    prev = ([codec.genesis(device), *codec.chain(codec.genesis(device), _bytes(before))])[-1]
    head = {
        "v": version, "dev": device, "from": first, "count": len(lines), "prev": prev,
        "head": ([prev, *codec.chain(prev, lines)])[-1],
        "clock": {"w": 1_772_413_200_000, "m": 60_000, "boot": "b"},
    }  # fmt: skip
    whole = head if pull is None else head | {"pull": pull}
    body = b"\n".join([msgspec.json.encode(whole), *lines])
    return {"header": codec.seal_body(SECRETS[device], device, body), "body": body.decode()}


def requests(version: Version, seqs: tuple[int, int]) -> list[dict[str, str]]:
    """Write what a device asks: all there is, with its first work, then once more for nothing."""
    more: dict[str, Any] = {} if version == 1 else {"packs": True}
    buckets = ["i:" + INSPECTION, "u:li", *(["d:44"] if version != 1 else [])]

    def pull(seq: int) -> dict[str, Any]:
        known = seq > 0
        return {
            "epoch": EPOCH * known, "seq": seq, "have": buckets * known, "limit": 500, **more,
        }  # fmt: skip

    first, second = seqs
    return [
        request(version, LI, first=1, raws=[], before=[], pull=pull(0)),
        request(version, LI, first=1, raws=RAWS, before=[], pull=pull(first)),
        request(version, LI, first=7, raws=[], before=RAWS, pull=pull(second)),
        request(version, LI, first=1, raws=RAWS, before=[], pull=None),
    ]


def colleague() -> dict[str, str]:
    return request(1, WANG, first=1, raws=COLLEAGUE, before=[], pull=None)


def _bytes(raws: list[str]) -> list[bytes]:
    return [raw.encode() for raw in raws]
