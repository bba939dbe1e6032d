"""Damaged and hostile pushes, byte by byte (pitfalls 10 and 28): refused or kept, never a fault."""

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import msgspec
import pytest
from simulation.world import FORM, REFS

from sync import answers, checklist, codec, hub
from sync.merge import Recorded, canonical, fold
from sync.messages import Clock, Pull, PushHead
from sync.ops import AddEvidence, Answer, CarryChecklist, SetAnswers, Sign, decode_op
from sync.refusals import Reason, Refused

DEVICE, SECRET = "0190a000-0000-7000-8000-00000000000a", "01" * 32
PUBLIC, GENESIS = codec.public_key(SECRET), codec.genesis(DEVICE)
STAMP: dict[str, Any] = {"e": "t1", "w": 1_772_413_200_000, "m": 5, "boot": "b"}
FACTS = {"t1": hub.Facts({"li": "lead"}, partial(answers.admits, checklist.asked([FORM])))}
RAWS = [
    msgspec.json.encode(SetAnswers(n=1, f={REFS[0]: Answer("fail", "锈蚀")}, **STAMP)),
    msgspec.json.encode(
        Sign(n=2, role="lead", covers={DEVICE: ((1, 1),)}, blobs=(), digest="0" * 64, **STAMP)
    ),
]


def body(raws: list[bytes]) -> bytes:
    hashes = [GENESIS, *codec.chain(GENESIS, raws)]
    clock, pull = Clock(5, 6, "b"), Pull("e", 7, ("i:t1",))
    head = PushHead("2026-11-22", DEVICE, 1, len(raws), GENESIS, hashes[-1], clock, pull)
    return b"\n".join([msgspec.json.encode(head), *raws])


def take_in(header: str, sent: bytes) -> hub.Push:
    """Do what the server does until it would store something."""
    sender, _, _ = codec.open_header(header)
    if sender != DEVICE:
        raise Refused(Reason.DEVICE_UNKNOWN)
    codec.check_body(PUBLIC, header, sent)
    push = hub.read(sent)
    if push.head.dev != sender:
        raise Refused(Reason.SIGNATURE_WRONG)
    return push


def damaged(whole: bytes) -> list[bytes]:
    """Cut at every byte, and turn every bit."""
    cuts = [whole[:end] for end in range(len(whole))]
    flips = [
        whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
        for at in range(len(whole))
        for bit in range(8)
    ]
    return cuts + flips


def outcome(act: Callable[[], hub.Push]) -> hub.Push | Reason:
    """Give what was read, or why not; anything but a refusal is a fault."""
    try:
        return act()
    except Refused as refused:
        return refused.reason


def reason(act: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.reason


WHOLE = body(RAWS)
HEADER = codec.seal_body(SECRET, DEVICE, WHOLE)


def test_whatever_happens_to_a_body_on_the_way_its_signature_tells() -> None:
    reasons = {reason(partial(take_in, HEADER, one)) for one in damaged(WHOLE)}

    assert reasons == {Reason.SIGNATURE_WRONG}


def test_whatever_happens_to_a_header_nothing_else_is_taken_in() -> None:
    intact = take_in(HEADER, WHOLE)

    ends = [
        outcome(partial(take_in, one.decode("latin-1"), WHOLE)) for one in damaged(HEADER.encode())
    ]

    taken = [end for end in ends if isinstance(end, hub.Push)]
    assert {end for end in ends if not isinstance(end, hub.Push)} == {
        Reason.SIGNATURE_WRONG,
        Reason.DEVICE_UNKNOWN,
    }
    assert all(push == intact for push in taken)  # a capital letter in a signature means the same


def test_a_valid_signature_over_damage_is_refused_or_judged_and_never_a_fault() -> None:
    ends = [outcome(partial(hub.read, one)) for one in damaged(WHOLE)]

    pushes = [end for end in ends if isinstance(end, hub.Push)]
    assert {end for end in ends if not isinstance(end, hub.Push)} == {
        Reason.SYNC_MALFORMED,
        Reason.SYNC_VERSION,
    }
    assert all(len(push.raws) == push.head.count for push in pushes)


@pytest.mark.parametrize("n", [1, 2])
def test_every_damaged_operation_gets_a_verdict_and_what_counts_can_be_folded(n: int) -> None:
    for raw in damaged(RAWS[n - 1]):
        verdict = hub.admit(raw, n, "li", False, FACTS)

        assert verdict.verdict in ("ok", "parked", "quarantined")
        assert "\0" not in verdict.kind + verdict.inspection
        if verdict.verdict == "ok":
            canonical(fold([Recorded(f"{DEVICE}:{n}", "0" * 64, "li", decode_op(raw))]))


HEAD_LINE = WHOLE.split(b"\n")[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b'"2026-11-22"', b"1" + b"0" * 400, Reason.SYNC_VERSION),
        (b'"2026-11-22"', b'"' + b"9" * 100_000 + b'"', Reason.SYNC_VERSION),
        (b'"2026-11-22"', b'"2026-11-22 1"', Reason.SYNC_VERSION),
        (b'"2026-11-22"', b"1.0", Reason.SYNC_MALFORMED),
        (b'"2026-11-22"', b"1e400", Reason.SYNC_MALFORMED),
        (b'"2026-11-22"', b"true", Reason.SYNC_MALFORMED),
        (b'"2026-11-22"', b"NaN", Reason.SYNC_MALFORMED),
        (b'"2026-11-22"', b'["1"]', Reason.SYNC_MALFORMED),
        (b'"2026-11-22"', b'"\\ud800"', Reason.SYNC_MALFORMED),
        (b'"v":', b'"x":' + b"[" * 100_000 + b',"v":', Reason.SYNC_MALFORMED),
        (b'"v":', b'"v":7,"v":7,"w":', Reason.SYNC_VERSION),
        (b'"from":1', b'"from":' + b"1" * 400, Reason.SYNC_MALFORMED),
        (b'"from":1', b'"from":-1', Reason.SYNC_MALFORMED),
        (b'"count":2', b'"count":2,"count":1', Reason.SYNC_MALFORMED),
        (b'"count":2', b'"count":501', Reason.SYNC_MALFORMED),
        (b'"w":5', b'"w":' + b"9" * 30, Reason.SYNC_MALFORMED),
        (b'"seq":7', b'"seq":1e3', Reason.SYNC_MALFORMED),
        (b'"have":["i:t1"]', b'"have":[' + b'"",' * 10_001 + b'""]', Reason.SYNC_MALFORMED),
        (b'"boot":"b"', b'"boot":"' + b"b" * 65 + b'"', Reason.SYNC_MALFORMED),
        (b'"b"', b'"\xff"', Reason.SYNC_MALFORMED),
    ],
    ids=lambda one: one[:20].decode("latin-1") if isinstance(one, bytes) else "",
)
def test_a_valid_signature_over_rubbish_is_a_refusal(
    old: bytes, new: bytes, expected: Reason
) -> None:
    assert old in HEAD_LINE

    sent = b"\n".join([HEAD_LINE.replace(old, new, 1), *RAWS])

    assert reason(lambda: hub.read(sent)) is expected


@pytest.mark.parametrize("line", [b"", b"{}", b'{"n":1}'])
def test_ten_million_tiny_operations_are_not_looked_at(line: bytes) -> None:
    sent = HEAD_LINE + (b"\n" + line) * (8_000_000 // (len(line) + 1))
    start = process_time()

    refused = reason(lambda: hub.read(sent))

    assert refused is Reason.SYNC_MALFORMED
    assert process_time() - start < 0.1


@pytest.mark.parametrize(
    "op",
    [
        AddEvidence(n=1, blob="a" * 64, size=2**53 + 1, mime="x/y", **STAMP),
        AddEvidence(n=1, blob="a" * 64, size=10**400, mime="x/y", **STAMP),
        AddEvidence(n=1, blob="a" * 64, size=-1, mime="x/y", **STAMP),
        SetAnswers(n=1, f={REFS[0]: Answer("pass")}, under="ff" * 32, **STAMP),
        SetAnswers(n=1, f={REFS[0]: Answer("1", kind="number", unit="°C")}, **STAMP),
        SetAnswers(n=1, f={REFS[0]: Answer("pass", unit="°C")}, **STAMP),
        CarryChecklist(n=1, to="ff" * 32, **STAMP),
        CarryChecklist(n=1, to="\0", **STAMP),
    ],
)
def test_what_no_item_and_no_file_could_be_is_quarantined(op: Any) -> None:
    verdict = hub.admit(msgspec.json.encode(op), 1, "li", False, FACTS)

    assert verdict.verdict == "quarantined"


def test_the_widest_operation_of_all_is_judged_and_folded_in_bounded_time() -> None:
    many = {f"{n}": Answer("pass") for n in range(100_000)}
    spans = tuple((n, n) for n in range(1, 200_000, 2))
    wide = SetAnswers(n=1, f=many, s={ref: ("d:1",) for ref in many}, **STAMP)
    sign = Sign(n=2, role="lead", covers={DEVICE: spans}, blobs=(), digest="", **STAMP)
    start = process_time()

    verdict = hub.admit(msgspec.json.encode(wide), 1, "li", False, FACTS)
    state = fold(
        Recorded(f"{DEVICE}:{op.n}", f"{op.n}".rjust(64, "0"), "li", op) for op in (wide, sign)
    )

    assert verdict.why == Reason.ITEM_UNKNOWN.code
    assert len(state.items) == 100_000
    assert process_time() - start < 5
