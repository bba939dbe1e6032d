"""What the page on the protocol says in tables, figures and bytes, against the code."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import FieldInfo
from msgspec.structs import fields as fields_of

from backend.auth_device import UPLOAD_TOKEN_LIFE
from backend.routes import evidence as evidence_door
from backend.routes.problems import STATUS
from backend.work import evidence, upkeep
from sync import answers, codec, media, messages, ops, outbox, pages, squeeze, versions
from sync.merge import Carry, Evidence, Finding, Recorded, Said, Signature, canonical, digest, fold
from sync.ops import Answer, AnyOp, decode_op
from sync.particulars import Arrival, Disposal, Lot, Opening, Sample, Seizure, Tested
from sync.refusals import Reason

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "protocol.md").read_text("utf-8")
ROOM = (
    "sync/hub.py", "sync/versions.py", "sync/chains.py", "sync/squeeze.py",
    "backend/auth_device.py", "backend/routes/device.py", "backend/routes/packing.py",
    "backend/routes/evidence.py", "backend/work/intake.py", "backend/work/evidence.py",
    "backend/work/snapshots.py", "backend/work/throttles.py",
)  # fmt: skip
KEYS = json.loads((ROOT / "fixtures" / "vectors" / "sync.json").read_text("utf-8"))["keys"]
DEVICE, OTHER = sorted(KEYS)[:2]


def section(title: str) -> str:
    """Give a part of the page, up to the next title of its level or above."""
    start = PAGE.index(f"\n{title}\n")
    level = title.count("#", 0, title.index(" "))
    end = re.search(rf"^#{{1,{level}}} ", PAGE[start + len(title) + 2 :], re.MULTILINE)
    return PAGE[start : start + len(title) + 2 + end.start()] if end else PAGE[start:]


def named(text: str) -> set[str]:
    """Give the words that stand as code."""
    return set(re.findall(r"[\w.\-/*]+", " ".join(re.findall(r"`([^`]+)`", text))))


def row(part: str, first: str) -> str:
    """Give the row of a table that begins with some code."""
    found = re.search(rf"^\| `{re.escape(first)}.*$", part, re.MULTILINE)
    assert found, first
    return found.group()


def test_every_refusal_that_a_device_may_meet_is_on_the_page() -> None:
    told = {
        Reason[name].code
        for path in ROOM
        for name in re.findall(r"Reason\.([A-Z_]+)", (ROOT / path).read_text("utf-8"))
    }
    missing = told - named(PAGE) - {Reason.ANSWER_STRANGE.code}  # what a device says of a server

    assert len(told) > 25
    assert missing == set()


def test_every_code_on_the_page_is_one_with_that_status() -> None:
    codes = {reason.code: reason for reason in Reason}
    rows = re.findall(r"^\| `([a-z.-]+)`[^|]*\| (\d{3}) \|", section("## The exchange"), re.M)
    files = re.findall(r"^\| ([\d, ]+) \| ([^|]*)\|", section("## Evidence files"), re.M)
    told = [(code, {int(status)}) for code, status in rows]
    told += [
        (code, set(map(int, statuses.split(", "))))
        for statuses, text in files
        for code in re.findall(r"`([a-z]+\.[a-z-]+)`", text)
    ]
    wrong = [
        (code, statuses)
        for code, statuses in told
        if evidence_door.STATUS.get(codes[code], int(STATUS[codes[code].kind])) not in statuses
    ]

    assert len(told) > 20
    assert wrong == []


def test_the_table_of_operations_names_every_kind_and_field() -> None:
    part = section("## Operations")
    stamp = {field.encode_name for field in fields_of(ops.Op)}
    for kind in get_args(AnyOp):
        tag = str(kind.__struct_config__.tag)
        own = {field.encode_name for field in fields_of(kind)} - stamp
        assert named(row(part, tag)) == {tag, *own} | (named(row(part, tag)) & EXTRAS), tag
        assert needed(kind) <= stamp | OBLIGATORY, tag
    assert stamp | {"t"} <= named(part.split("| `t` |")[0])
    assert {field.encode_name for field in fields_of(Answer)} <= named(part)


EXTRAS = {
    "SHA-256", "lead", "second", "member", "site", "first", "last", "device", "n",
    "annotation", "strokes", "document", "scanned", "shown", "stated", "WGS-84", "GCJ-02", "BD-09",
    "goods", "person", "environment", "pass", "fail", "unclear", "seal", "seize",
}  # fmt: skip
OBLIGATORY = {
    "f", "to", "text", "basis", "blob", "size", "mime", "role", "covers", "blobs", "digest",
    "target", "reason", "how", "number", "of", "what", "sample", "test", "verdict", "disposal",
    "quantity", "unit", "measure", "nominal", "lot", "contents", "name", "address", "category",
    "division", "checklist",
}  # fmt: skip


def needed(kind: type[Any]) -> set[str]:
    return {field.encode_name for field in fields_of(kind) if field.required}


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("standing`, `overruled", Said),
        ("findings", Finding),
        ("evidence", Evidence),
        ("signatures", Signature),
        ("standing` of `carried", Carry),
        ("openings", Opening),
        ("arrivals", Arrival),
        ("samples", Sample),
        ("tests", Tested),
        ("disposals", Disposal),
        ("seizures", Seizure),
        ("lots", Lot),
    ],
)
def test_the_table_of_the_fold_names_every_field(first: str, kind: type[Any]) -> None:
    told = named(row(section("## The fold"), first).split("|")[2])

    assert told == {field.encode_name for field in fields_of(kind)}


def test_the_first_lines_and_events_have_the_fields_on_the_page() -> None:
    part = section("## The exchange")
    heads: list[FieldInfo] = [
        *fields_of(messages.PushHead), *fields_of(messages.Clock), *fields_of(messages.Pull),
        *fields_of(messages.AnswerHead), *fields_of(messages.Ack), *fields_of(messages.Receipt),
    ]  # fmt: skip
    names = {field.encode_name for field in heads} - {"whole"}  # it never travels
    events = {str(one.__struct_config__.tag): one for one in get_args(messages.Event)}
    rows = dict(re.findall(r'^\| `\{"t":"(\w+)"([^`]*)\}`', part, re.MULTILINE))
    told: dict[str, set[str]] = {}
    for tag, rest in re.findall(r'^\| `\{"t":"(\w+)"([^`]*)\}`', part, re.MULTILINE):
        told.setdefault(tag, set()).update(re.findall(r'"(\w+)"', rest))
    site = {"address", "category", "division", "risk", "status", "licences"}  # "…" in the row

    assert names <= named(part) | set(re.findall(r'"(\w+)":', part))
    assert set(rows) == set(events)
    assert told["sites"] | site == {field.encode_name for field in fields_of(messages.Sites)}
    assert {tag: told[tag] for tag in told if tag != "sites"} == {
        tag: {field.encode_name for field in fields_of(one)}
        for tag, one in events.items()
        if tag != "sites"
    }


def test_the_versions_on_the_page_are_those_that_are_spoken() -> None:
    rows = re.findall(r"^\| `([\d-]+)` \|", section("## Versions"), re.MULTILINE)

    assert rows == [str(one) for one in versions.SPOKEN]
    assert f"Version {messages.VERSION};" in PAGE


@pytest.mark.parametrize(
    "figure",
    [
        f"at most {messages.BATCH_OPS_MAX}, and",
        f"(1 to {messages.PAGE_ROWS_MAX}; {messages.PAGE_ROWS_MAX} when absent)",
        f"{squeeze.DECODED_BYTES_MAX:,} bytes, and a hundred times",
        f"({squeeze.RATIO_FREE_BYTES:,} in any case)",
        f"as make {outbox.BYTES_FIRST // 1000} kB packed",
        f"up to {outbox.BYTES_MAX // 1000} kB and {messages.BATCH_OPS_MAX} operations",
        f"good for {UPLOAD_TOKEN_LIFE.total_seconds() / 3600:.0f} hours",
        f"({upkeep.TOMBSTONES_KEPT.days} days)",
        f"at most {media.WANTED_MAX:,} of them",
        f"up to {evidence.PIECE_BYTES_MAX // 1024} KiB that",
        f"expired` ({evidence.UPLOAD_DAYS_MAX} days)",
        f"{evidence.OPEN_MAX} uploads and {evidence.OPEN_BYTES_MAX >> 30} GiB a device",
        f"at most {evidence.RENDITION_BYTES_MAX // 1024} KiB without metadata",
        f"longer than {answers.CHARS_MAX:,} characters",
        f"at most {answers.ROWS_MAX} objects of text with the same columns",
        f"at most {answers.COLUMNS_MAX}, each named",
    ],
)
def test_a_figure_on_the_page_is_that_of_the_code(figure: str) -> None:
    assert (squeeze.RATIO_MAX, pages.CHECK_MODULUS) == (100, 2**60)
    assert figure in PAGE


def test_the_bytes_of_the_example_are_right() -> None:
    blocks = re.findall(r"(?:^    .*\n)+", section("### One exchange, byte for byte"), re.MULTILINE)
    up, up_header, down, down_header, state = [
        "\n".join(line[4:] for line in block.splitlines()) for block in blocks
    ]
    push = messages.decode_push_head(up.split("\n")[0].encode())
    (line,) = up.encode().split(b"\n")[1:]
    head, (told, end) = versions.read_answer(down.encode().split(b"\n"))
    receipt = messages.receipt_text(
        DEVICE, head.ack, ledger=head.receipt.ledger, root=head.receipt.root
    )
    assert isinstance(told, messages.Told)
    assert isinstance(end, messages.End)
    both = [(f"{DEVICE}:1", push.head, "li", line), (told.id, told.h, told.who, bytes(told.raw))]
    folded = fold([Recorded(name, h, who, decode_op(raw)) for name, h, who, raw in both])
    inspection = msgspec.json.decode(line)["e"]

    assert push.prev == codec.genesis(DEVICE)
    assert push.head == head.ack.h == codec.link(push.prev, line)
    assert told.h == codec.link(codec.genesis(OTHER), bytes(told.raw))
    for header, sender, body in ((up_header, DEVICE, up), (down_header, "hub", down)):
        signed = codec.seal_body(KEYS[sender]["secret"], sender, body.encode())
        assert header == f"Sync-Signature: {signed}"
    assert codec.verifies(KEYS["hub"]["public"], receipt, head.receipt.sig)
    assert end.check == {
        f"i:{inspection}": pages.checksum(
            [("task", inspection, "ab" * 32), *(("op", name, h) for name, h, _, _ in both)]
        ),
        "u:li": pages.checksum([("checklist", "c1", "cd" * 32)]),
    }
    assert canonical(folded).decode() == state
    assert digest(folded) == sha256(state.encode()).hexdigest()
    assert f"`{digest(folded)}`" in PAGE
