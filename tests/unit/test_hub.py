from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from sync import codec, hub, pages
from sync.merge import Inspection, Item, Said
from sync.messages import (
    Boot,
    Clock,
    Drop,
    Event,
    Gone,
    Part,
    Pull,
    PushHead,
    Put,
    Reset,
    Told,
)
from sync.ops import AddEvidence, AddFinding, Answer, SetAnswers, Sign
from sync.refusals import Reason, Refused

CLOCK = Clock(0, 0, "b")
STAMP: dict[str, Any] = {"e": "t1", "w": 0, "m": 0, "boot": "b"}
GENESIS = codec.genesis("d1")


def push(raws: Sequence[bytes], *, first: int = 1, prev: str = GENESIS, **changed: Any) -> hub.Push:
    return hub.read(body(raws, first=first, prev=prev, **changed))


def body(raws: Sequence[bytes], *, first: int = 1, prev: str = GENESIS, **changed: Any) -> bytes:
    hashes = [prev, *codec.chain(prev, raws)]
    head = PushHead(1, "d1", first, len(raws), prev, hashes[-1], CLOCK)
    return b"\n".join([msgspec.json.encode(msgspec.structs.replace(head, **changed)), *raws])


# -- reading -------------------------------------------------------------------------------------


def test_a_push_is_read_with_its_hashes() -> None:
    read = push([b"a", b"b"])

    assert read.raws == (b"a", b"b")
    assert list(read.hashes) == codec.chain(GENESIS, [b"a", b"b"])


@pytest.mark.parametrize(
    "broken",
    [
        body([b"a"], count=2),
        body([b"a"], count=0),
        body([b"a"], head="0" * 64),
        body([b"a"]) + b"\n",
        body([b"a"])[:-1],
        body([b"a"]).replace(GENESIS.encode(), b"0" * 63),
        body([b"a"]).replace(b'"from":1', b'"from":0'),
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_push_that_does_not_add_up_is_malformed(broken: bytes) -> None:
    with pytest.raises(Refused) as refused:
        hub.read(broken)

    assert refused.value.reason is Reason.SYNC_MALFORMED


def test_a_push_of_another_version_is_told_so() -> None:
    with pytest.raises(Refused) as refused:
        push([b"a"], v=2)

    assert refused.value.reason is Reason.SYNC_VERSION
    assert refused.value.details == {"spoken": "1 2026-11-21 2026-11-22", "asked": "2"}


# -- judging -------------------------------------------------------------------------------------

RAWS = [b"a", b"b", b"c"]
CHAIN = dict(enumerate([GENESIS, *codec.chain(GENESIS, RAWS)]))


@pytest.mark.parametrize(
    ("first", "raws", "head_n", "expected"),
    [
        (1, RAWS, 0, hub.Extends(0)),
        (1, RAWS, 2, hub.Extends(2)),
        (1, RAWS, 3, hub.Extends(3)),
        (1, RAWS[:2], 3, hub.Extends(2)),
        (3, RAWS[2:], 2, hub.Extends(0)),
        (4, [], 3, hub.Extends(0)),
        (2, [], 3, hub.Extends(0)),
        (3, RAWS[2:], 1, hub.Gap()),
        (1, [b"x"], 3, hub.Forks(0)),
        (1, [b"a", b"x", b"c"], 3, hub.Forks(1)),
    ],
)
def test_a_push_is_held_against_the_chain(
    first: int, raws: list[bytes], head_n: int, expected: hub.Judgement
) -> None:
    pushed = push(raws, first=first, prev=CHAIN[first - 1])
    known = {n: hash_ for n, hash_ in CHAIN.items() if n <= head_n}

    assert hub.judge(pushed, head_n=head_n, hash_at=known) == expected


def test_a_push_after_another_history_forks() -> None:
    pushed = push([b"d"], first=4, prev="1" * 64)

    assert hub.judge(pushed, head_n=3, hash_at=CHAIN) == hub.Forks(0)


# -- admitting -----------------------------------------------------------------------------------

FACTS = {
    "t1": hub.Facts(
        {"li": "lead", "wang": "second"},
        lambda ref, _: None if ref == "1" else Reason.ITEM_UNKNOWN,
    )
}


def admit(op: Any, who: str = "li", *, n: int = 1, revoked: bool = False) -> tuple[str, str]:
    raw = op if isinstance(op, bytes) else msgspec.json.encode(op)
    verdict = hub.admit(raw, n, who, revoked, FACTS)
    return verdict.verdict, verdict.why


FINE = SetAnswers(n=1, f={"1": Answer("pass")}, **STAMP)


def sign(role: str) -> Sign:
    return Sign(n=1, role=role, covers={}, blobs=(), digest="", **STAMP)


def evidence(blob: str, *, size: int = 1) -> AddEvidence:
    return AddEvidence(n=1, blob=blob, size=size, mime="image/jpeg", **STAMP)


def test_what_fits_counts() -> None:
    assert admit(FINE) == ("ok", "")
    assert admit(sign("lead")) == ("ok", "")
    assert admit(evidence("a" * 64)) == ("ok", "")
    assert admit(sign("site"), "wang") == ("ok", "")


def test_every_fault_has_its_verdict() -> None:
    bad = SetAnswers(n=1, f={"1": Answer("pass"), "9": Answer("pass")}, **STAMP)
    elsewhere = msgspec.structs.replace(FINE, e="t2")

    assert admit(bad) == ("quarantined", "checklist.item-unknown")
    assert admit(elsewhere) == ("quarantined", "inspection.not-yours")
    assert admit(FINE, "zhang") == ("quarantined", "inspection.not-yours")
    assert admit(FINE, revoked=True) == ("quarantined", "device.revoked")
    assert admit(FINE, n=2) == ("quarantined", "op.malformed")
    assert admit(sign("second")) == ("quarantined", "sign.role")
    assert admit(evidence("\0")) == ("quarantined", "op.malformed")
    assert admit(evidence("a" * 64 + "\n")) == ("quarantined", "op.malformed")
    assert admit(evidence("a" * 64, size=0)) == ("quarantined", "op.malformed")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"n":1,"t":"answers.set/9","e":"t1"}',
        b'{"n":1,"t":"void/1","e":"t1","w":0,"m":0,"boot":"b","target":"x"}',
        msgspec.json.encode(FINE)[:-1] + b',"also":1}',
    ],
    ids=["a kind of tomorrow", "a field too few", "a field too many"],
)
def test_what_a_newer_program_may_have_written_is_parked(raw: bytes) -> None:
    assert admit(raw) == ("parked", "op.unknown")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"1",
        b"{",
        b"\xff",
        b'{"n":1,"t":"a","e":"\xff"}',
        b'{"n":1,"t":"\\ud800","e":""}',
        b'{"n":1,"t":"a","e":"b","x":' + b"[" * 100_000,
        b'{"t":"a","e":"b"}',
    ],
)
def test_what_is_no_operation_is_quarantined(raw: bytes) -> None:
    assert admit(raw) == ("quarantined", "op.malformed")
    assert hub.inspection_of(raw) in ("", "b")


def test_names_are_cut_to_what_a_database_holds() -> None:
    raw = b'{"n":1,"t":"%s","e":"\\u0000%s"}' % (b"k" * 99, b"e" * 99)

    verdict = hub.admit(raw, 1, "li", False, FACTS)

    assert (verdict.kind, verdict.inspection) == ("k" * 60, "e" * 64)


# -- places --------------------------------------------------------------------------------------


def test_places_are_dense_and_only_what_counts_is_told() -> None:
    ok, parked = hub.Verdict("k", "t1", "ok"), hub.Verdict("k", "t1", "parked", "op.unknown")
    pushed = push([b"a", b"b", b"c", b"d"])

    placed, ends = hub.place(pushed, [ok, parked, ok], hub.Ends(7, "0" * 64, 20), 5)

    root = "0" * 64
    for one in placed:
        root = codec.ledger_link(root, one.hash, one.verdict.verdict, 5)
        assert one.root == root
    assert [(one.n, one.position, one.seq) for one in placed] == [
        (2, 8, 21),
        (3, 9, None),
        (4, 10, 22),
    ]
    assert ends == hub.Ends(10, root, 22)


def test_remarks_name_conflicts_and_late_operations_of_the_device_alone() -> None:
    standing = (Said("d1:3", "li", "pass", ""), Said("d2:1", "wang", "fail", ""))
    state = Inspection(items={"1": Item("pass", standing)}, late=("d1:2", "d1:9", "d11:5"))

    remarks = hub.remarks(state, "d1", 3)

    assert [(note.n, note.d) for note in remarks] == [(3, "conflict"), (9, "late")]


# -- pages ---------------------------------------------------------------------------------------

FEED: list[tuple[int, Event]] = [
    (1, Put("a", "task", "1", "r", msgspec.Raw(b"{}"))),
    (2, Told("a", "d2:1", "h", "li", msgspec.Raw(b"{}"))),
    (3, Told("a", "d1:1", "h", "li", msgspec.Raw(b"{}"))),
    (4, Gone("a", "task", "0")),
    (5, Put("b", "task", "2", "r", msgspec.Raw(b"{}"))),
]


def cut(
    pull: Pull,
    entitled: Sequence[str] = ("a", "b"),
    epoch: str = "e",
    floor: int = 0,
    packs: Mapping[str, Boot] | None = None,
) -> pages.Page:
    at = pages.cursor(pull, epoch=epoch, feed_n=5, floor=floor, entitled=entitled)
    page = pages.page(pull, "d1", at=at, feed_n=5, entitled=entitled, packs=packs or {})
    try:
        wanted = next(page)
        while True:
            rows = [row for row in FEED if wanted.after < row[0] <= wanted.upto]
            mine = [row for row in rows if getattr(row[1], "b", "") in wanted.buckets]
            wanted = page.send(mine[: wanted.limit])
    except StopIteration as done:
        result: pages.Page = done.value
        return result


def test_who_holds_nothing_gets_whole_buckets_without_what_is_gone() -> None:
    page = cut(Pull("", 0, ()))

    assert [type(event) for event in page.events] == [Boot, Put, Told, Told, Boot, Put]
    assert (page.next, page.more) == (5, False)


def test_who_holds_a_bucket_gets_what_changed_and_not_its_own() -> None:
    page = cut(Pull("e", 1, ("a", "b")))

    assert [event for event in page.events] == [FEED[1][1], FEED[3][1], FEED[4][1]]
    assert (page.next, page.more) == (5, False)


def test_a_full_page_goes_on_where_it_ended() -> None:
    page = cut(Pull("e", 0, ("a", "b"), limit=2))

    assert len(page.events) == 2
    assert (page.next, page.more) == (2, True)


def test_a_page_of_own_operations_still_moves_the_cursor() -> None:
    page = cut(Pull("e", 2, ("a", "b"), limit=1))

    assert page.events == ()
    assert (page.next, page.more) == (3, True)


def test_new_buckets_come_one_by_one_when_pages_are_small() -> None:
    page = cut(Pull("", 0, (), limit=1))

    assert page.events == (Boot("a"), FEED[0][1], Part("a", 1, 5, whole=False))
    assert page.more
    assert page.next == 5


def test_a_bucket_in_pieces_goes_on_by_places_of_its_own() -> None:
    page = cut(Pull("e", 5, (), limit=3, part={"a": (1, 5)}), entitled=("a",))
    last = cut(Pull("e", 5, (), limit=3, part={"a": (4, 5)}), entitled=("a",))

    assert page.events == (
        FEED[1][1], FEED[2][1], FEED[3][1], Part("a", 4, 5, whole=False)
    )  # fmt: skip
    assert page.more
    assert last.events == (Part("a", 5, 5, whole=True),)
    assert not last.more


def test_a_bucket_in_pieces_that_began_below_the_floor_begins_anew() -> None:
    page = cut(Pull("e", 5, (), part={"a": (4, 2)}), entitled=("a",), floor=3)

    assert page.events[0] == Boot("a")
    assert Gone not in map(type, page.events)


def test_a_bucket_that_is_a_file_is_followed_by_what_came_since() -> None:
    boot = Boot("a", "ab" * 32, 7, as_of=2)

    page = cut(Pull("", 0, (), packs=True), entitled=("a",), packs={"a": boot})

    assert page.events == (boot, FEED[2][1], FEED[3][1])


def test_what_is_held_below_the_floor_is_read_anew_and_nothing_else() -> None:
    page = cut(Pull("e", 2, ("a", "b")), floor=3)
    fresh = cut(Pull("e", 3, ("a", "b")), floor=3)

    assert page.events[0] == Reset(reads=True)
    assert [event.b for event in page.events if isinstance(event, Boot)] == ["a", "b"]
    assert [event for event in fresh.events] == [FEED[3][1], FEED[4][1]]


def test_a_bucket_that_is_no_longer_mine_is_dropped() -> None:
    page = cut(Pull("e", 5, ("a", "b")), entitled=("b",))

    assert page.events == (Drop("a"),)


@pytest.mark.parametrize("pull", [Pull("other", 3, ("a",)), Pull("e", 6, ("a",))])
def test_a_cursor_that_means_nothing_here_begins_anew(pull: Pull) -> None:
    page = cut(pull)

    assert isinstance(page.events[0], Reset)
    assert [event.b for event in page.events if isinstance(event, Boot)] == ["a", "b"]


def test_a_checksum_does_not_depend_on_order() -> None:
    rows = [("task", "1", "r1"), ("op", "d:1", "h")]

    assert pages.checksum(rows) == pages.checksum(reversed(rows))
    assert pages.checksum(rows)[0] == 2
    assert pages.checksum(rows) != pages.checksum([("task", "1", "r2"), ("op", "d:1", "h")])
    assert pages.checksum([]) == (0, 0)


def test_a_finding_needs_no_item() -> None:
    assert admit(AddFinding(n=1, text="x", basis="y", **STAMP)) == ("ok", "")


def test_a_revoked_device_is_told_to_drop_everything() -> None:
    assert pages.revoked(Pull("e", 3, ("a", "b")), "e").events == (Drop("a"), Drop("b"))
    assert pages.revoked(Pull("e", 3, ("a", "b")), "restored").events == (Reset(),)


def test_a_revoked_device_offers_all_again_to_a_ledger_that_it_does_not_know() -> None:
    page = pages.revoked(Pull("e", 3, ("a",)), "e", regressed=True)

    assert (page.events, page.next, page.more) == ((Reset(),), 0, False)
