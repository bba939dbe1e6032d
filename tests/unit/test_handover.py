"""The bundle that is carried by hand: whole and for the right reader, or nothing of it."""

import io
from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest

from sync import codec, handover, invitation, sealing
from sync.handover import Item
from sync.invitation import Invitation
from sync.refusals import Reason, Refused

SECRET, OTHER = "11" * 32, "22" * 32
SERVER = codec.public_key(SECRET)
PHOTO = bytes(range(256)) * 1000  # several pieces
DIGEST = sha256(PHOTO).hexdigest()
THINGS = [
    (Item("batch", "d1", 5, first=1, header="h"), [b"he", b"llo"]),
    (Item("file", DIGEST, len(PHOTO), mime="image/jpeg"), [PHOTO]),
    (Item("batch", "d1", 0, first=2), list[bytes]()),
]


def for_office(secret: str = SECRET) -> bytes:
    out = io.BytesIO()
    key = sealing.seal_key(secret)
    handover.write_for_office(out, THINGS, device="d1", server=codec.public_key(secret), to=key)
    return out.getvalue()


def for_phone(passphrase: str = "correct horse") -> bytes:
    out = io.BytesIO()
    handover.write_for_phone(out, THINGS, device="d1", server=SERVER, passphrase=passphrase)
    return out.getvalue()


def read(body: bytes) -> list[tuple[Item, bytes]]:
    file = io.BytesIO(body)
    key = handover.open_at_office(file, secret=SECRET, server=SERVER)
    handover.verify(file, key)
    found: list[tuple[Item, bytes]] = []
    for item, take in handover.things(file, key):
        parts: list[bytes] = []
        while part := take(1000):
            parts.append(part)
        found.append((item, b"".join(parts)))
    return found


def refused(act: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.reason


def test_what_was_put_in_comes_out_and_nobody_reads_it_on_the_way() -> None:
    body = for_office()

    assert read(body) == [(item, b"".join(parts)) for item, parts in THINGS]
    assert b"hello" not in body
    assert PHOTO[:64] not in body
    assert for_office() != body  # another key each time


@pytest.mark.parametrize(
    "item",
    [
        Item("batch", "../../etc", 0),
        Item("batch", "..", 0),
        Item("batch", "", 0),
        Item("store", "/device.db", 0),
        Item("file", DIGEST, -5),
        Item("batch", "d1", 8_000_001),  # which somebody would hold in memory
    ],
)
def test_what_no_device_writes_is_refused_before_any_of_it_is_read(item: Item) -> None:
    out = io.BytesIO()
    key = sealing.seal_key(SECRET)
    things = [(item, [b"12345"])]
    handover.write_for_office(out, things, device="d1", server=SERVER, to=key)

    assert refused(lambda: read(out.getvalue())) is Reason.BUNDLE_DAMAGED


def test_an_empty_bundle_is_a_bundle() -> None:
    out = io.BytesIO()

    handover.write_for_office(out, [], device="d1", server=SERVER, to=sealing.seal_key(SECRET))

    assert read(out.getvalue()) == []


def test_a_bundle_whose_content_fills_its_pieces_to_the_last_byte_is_whole() -> None:
    for missing in range(-2, 3):
        item = Item("batch", "d1", 1)
        line = len(msgspec.json.encode(item)) + 1
        size = 2 * handover.PIECE_BYTES - line + missing
        size -= len(str(size)) - 1  # the line names the size
        out = io.BytesIO()
        handover.write_for_office(
            out,
            [(Item("batch", "d1", size), [b"x" * size])],
            device="d1",
            server=SERVER,
            to=sealing.seal_key(SECRET),
        )

        assert [len(part) for _, part in read(out.getvalue())] == [size]


def test_a_bundle_cut_at_any_byte_is_refused() -> None:
    body = for_office()
    head = body.index(b"\n", body.index(b"\n", 30) + 1) + 1

    for at in [*range(head + 40), *range(head, len(body), 4099), len(body) - 1]:
        assert refused(lambda at=at: read(body[:at])) is Reason.BUNDLE_DAMAGED


def test_a_bundle_with_any_bit_turned_is_refused() -> None:
    body = for_office()

    for at in [*range(500), *range(500, len(body), 4099), len(body) - 1]:
        broken = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert refused(lambda broken=broken: read(broken)) is Reason.BUNDLE_DAMAGED


def test_a_bundle_with_more_behind_it_is_refused() -> None:
    assert refused(lambda: read(for_office() + b"x")) is Reason.BUNDLE_DAMAGED


def test_pieces_that_changed_places_are_refused() -> None:
    body = for_office()
    start = body.index(b"\n", body.index(b"\n", 30) + 1) + 1
    size = handover.PIECE_BYTES + handover.TAG_BYTES
    one, two = body[start : start + size], body[start + size : start + 2 * size]
    swapped = body[:start] + two + one + body[start + 2 * size :]

    assert refused(lambda: read(swapped)) is Reason.BUNDLE_DAMAGED


def test_another_server_and_another_purpose_are_refused_by_name() -> None:
    phone = io.BytesIO(for_phone())
    office = io.BytesIO(for_office())

    assert refused(lambda: read(for_office(OTHER))) is Reason.BUNDLE_FOREIGN
    assert refused(lambda: read(for_phone())) is Reason.BUNDLE_FOREIGN
    assert refused(lambda: handover.open_on_phone(office, passphrase="x")) is Reason.BUNDLE_FOREIGN
    assert handover.read_label(phone).purpose == "phone"


def test_only_the_passphrase_opens_a_bundle_for_a_phone() -> None:
    file = io.BytesIO(for_phone())

    key = handover.open_on_phone(file, passphrase="correct horse")
    handover.verify(file, key)

    wrong = refused(lambda: handover.open_on_phone(file, passphrase="Correct horse"))
    assert wrong is Reason.BUNDLE_PASSPHRASE


def test_a_file_that_is_not_what_its_name_says_is_refused() -> None:
    out = io.BytesIO()
    lie = [(Item("file", DIGEST, 3, mime="image/jpeg"), [b"abc"])]
    handover.write_for_office(out, lie, device="d1", server=SERVER, to=sealing.seal_key(SECRET))

    assert refused(lambda: read(out.getvalue())) is Reason.BUNDLE_DAMAGED


@pytest.mark.parametrize("content", [b"no json\n", b"{}\n", b'{"kind":"batch"', b"x" * 70_000])
def test_content_that_is_no_list_of_things_is_refused(content: bytes) -> None:
    out = io.BytesIO()
    told, kek = sealing.agree(sealing.seal_key(SECRET))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "_plain", lambda _: iter([content]))
        label = handover.Label("office", "d1", SERVER, told, "")
        handover._write(out, [], kek, label)

    assert refused(lambda: read(out.getvalue())) is Reason.BUNDLE_DAMAGED


def test_a_seal_that_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="fromhex"):
        sealing.open_agreed(SECRET, "xx")


# -- the QR code ---------------------------------------------------------------------------------


def test_an_invitation_is_read_as_it_was_written() -> None:
    asked = Invitation("https://a.example:8443/x", "K7WM3PQ9TXYZ", "ab" * 16)

    text = invitation.write(asked)

    assert text == ("evenhand://enrol?s=https://a.example:8443/x&c=K7WM3PQ9TXYZ&k=" + "ab" * 16)
    assert invitation.read(f" {text}\n") == asked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://a.example",
        "evenhand://enrol",
        "evenhand://enrol?s=https://a&c=K",
        "evenhand://enrol?s=https://a&c=&k=" + "ab" * 16,
        "evenhand://enrol?s=ftp://a&c=K&k=" + "ab" * 16,
        "evenhand://enrol?s=https://a&c=K&k=short",
        "evenhand://other?s=https://a&c=K&k=" + "ab" * 16,
        "evenhand://enrol?s=https://a&s=https://b&c=K&k=" + "ab" * 16,
        "evenhand://[enrol?s=https://a",
    ],
)
def test_what_is_no_invitation_is_refused(text: str) -> None:
    assert refused(lambda: invitation.read(text)) is Reason.ENROLMENT_TEXT_WRONG
