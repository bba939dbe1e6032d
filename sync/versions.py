"""协议版本: the three newest versions of the exchange, and how each is written and read. Pure.

Inside there is one form, that of sync/messages.py. A device that is older than the server is
answered in the form of its day; one that is newer goes back to the newest form that both know.

    1           buckets in one piece, events reset boot drop put del op end
    2026-11-21  buckets in pieces and as files (`part`, `packs`), `sites`, `reset` of reads alone,
                `op` with `ruled`, `durable`; the questions about one's own chain and name
    2026-11-22  `except` by ranges of numbers
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync.messages import (
    VERSION,
    AnswerHead,
    Boot,
    End,
    Event,
    Note,
    Part,
    Pull,
    PushHead,
    Reset,
    Sites,
    Told,
    Version,
    decode_event,
    decode_push_head,
)
from sync.refusals import Reason, Refused

FIRST: Version = 1
PIECES: Version = "2026-11-21"
RANGES = VERSION
SPOKEN: tuple[Version, ...] = (FIRST, PIECES, RANGES)  # oldest first

FIRST_BUCKETS = ("u:", "i:")
FIRST_HEAD = ("v", "epoch", "time", "ack", "except", "receipt", "upload", "revoked")
FIRST_PULL = ("epoch", "seq", "have", "limit")
ASKED_CHARS_MAX = 40
NOTES_MAX = 1_000_000

Fields: TypeAlias = dict[str, object]


class _Tongue(Struct, frozen=True):
    v: Version


class _Ranges(Struct, frozen=True):
    """Operations of which the same is to be said, as ranges of their numbers."""

    d: str
    why: str
    ops: tuple[tuple[int, int], ...]


_decode_tongue = msgspec.json.Decoder(_Tongue).decode


def check(asked: Version, spoken: Sequence[Version] = SPOKEN) -> None:
    """Refuse a version that is not spoken with SYNC_VERSION, naming those that are."""
    if asked not in spoken:
        names = " ".join(map(str, spoken))
        raise Refused(Reason.SYNC_VERSION, spoken=names, asked=f"{asked}"[:ASKED_CHARS_MAX])


def common(refused: Refused, spoken: Sequence[Version] = SPOKEN) -> Version | None:
    """Find in a refusal the newest version that both sides speak, if there is one."""
    theirs = str(refused.details.get("spoken", "")).split(" ")
    return next((one for one in reversed(spoken) if str(one) in theirs), None)


def remembered(held: str, spoken: Sequence[Version] = SPOKEN) -> Version:
    """Read which version a server was found to speak, `<version> <exchanges left>`; else ours."""
    name = held.partition(" ")[0]
    return next((one for one in spoken if str(one) == name), spoken[-1])


def remember(version: Version, exchanges: int) -> str:
    """Write which version to speak for some exchanges, before the newest is tried again."""
    return f"{version} {exchanges}" if exchanges > 0 else ""


def exchanges_left(held: str) -> int:
    """Say for how many exchanges more an older version is spoken."""
    return int(held.partition(" ")[2] or 0)


# -- up ------------------------------------------------------------------------------------------


def read_push_head(line: bytes, spoken: Sequence[Version] = SPOKEN) -> PushHead:
    """Read the first line of a push in whichever form it has.

    Refuses with SYNC_VERSION before anything else of the line is looked at: what else a form of
    the future holds is not known here. Raises msgspec.DecodeError when it is not of its form.
    """
    check(_decode_tongue(line).v, spoken)
    head = decode_push_head(line)
    if head.v == FIRST and head.pull is not None:
        pull = replace(head.pull, part={}, packs=False, whole=True, told=None)
        return replace(head, pull=pull)
    return head


def write_push_head(head: PushHead) -> bytes:
    """Write the first line of a push in the form of its version."""
    if head.v != FIRST or head.pull is None:
        return msgspec.json.encode(head)
    fields: Fields = msgspec.to_builtins(head)
    fields["pull"] = {name: getattr(head.pull, name) for name in FIRST_PULL}
    return msgspec.json.encode(fields)


def followed(pull: Pull, buckets: Sequence[str]) -> list[str]:
    """Leave out the buckets whose rows the first version has no words for."""
    return [one for one in buckets if not pull.whole or one.startswith(FIRST_BUCKETS)]


# -- down ----------------------------------------------------------------------------------------


def write_answer(head: AnswerHead, events: Sequence[Event], device: str) -> bytes:
    """Write an answer to a device in the form of its version."""
    fields: Fields = msgspec.to_builtins(head)
    if head.v == FIRST:
        fields = {name: fields[name] for name in FIRST_HEAD}
        events = _first_events(events, f"{device}:")
    if head.v == RANGES:
        fields["except"] = _ranges(head.notes)
    return b"\n".join(map(msgspec.json.encode, (fields, *events)))


def read_answer(
    lines: Sequence[bytes], spoken: Sequence[Version] = SPOKEN
) -> tuple[AnswerHead, list[Event]]:
    """Read an answer in whichever form it has.

    Refuses with SYNC_VERSION; raises msgspec.DecodeError when it is not of its form.
    """
    version = _decode_tongue(lines[0]).v
    check(version, spoken)
    fields = msgspec.json.decode(lines[0], type=dict[str, object])
    if version == RANGES:
        ranges = msgspec.convert(fields["except"], tuple[_Ranges, ...])
        fields["except"] = _notes(ranges)
    return msgspec.convert(fields, AnswerHead), [decode_event(line) for line in lines[1:]]


def _ranges(notes: Sequence[Note]) -> list[_Ranges]:
    """Say the same thing once, of ranges of numbers."""
    said: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for note in sorted(notes, key=lambda note: note.n):
        spans = said.setdefault((note.d, note.why), [])
        if spans and note.n <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], note.n)
        else:
            spans.append((note.n, note.n))
    return [_Ranges(d, why, tuple(spans)) for (d, why), spans in said.items()]


def _notes(ranges: Sequence[_Ranges]) -> list[Note]:
    if sum(last - first + 1 for one in ranges for first, last in one.ops) > NOTES_MAX:
        raise Refused(Reason.ANSWER_STRANGE, problem="more remarks than any log is long")
    return [
        Note(n, one.d, one.why)
        for one in ranges
        for first, last in one.ops
        for n in range(first, last + 1)
    ]


def _first_events(events: Sequence[Event], own: str) -> list[Event]:
    """Tell in the words of the first version what has happened.

    It has none for an own operation that counts after all, except: forget, offer all again, and
    ask for what is then told anew. What is told of a whole bucket needs no such word: it counts.
    """
    whole = {event.b for event in events if isinstance(event, Boot)}
    told = [event for event in events if isinstance(event, Told) and event.ruled]
    if any(one.id.startswith(own) and one.b not in whole for one in told):
        end = events[-1]
        assert isinstance(end, End)
        return [Reset(), replace(end, more=True, check={})]
    return [_first_event(event) for event in events]


def _first_event(event: Event) -> Event:
    match event:
        case Reset():
            return Reset()
        case Told():
            return replace(event, ruled=False)
        case Part() | Sites():
            raise AssertionError("no word of the first version: see `whole` and `followed`")
        case _:
            return event
