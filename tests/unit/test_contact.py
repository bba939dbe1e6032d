"""照片汇总表: which pictures are on it, in which order, and what stands where there is none."""

from datetime import UTC, datetime

import msgspec
import pypdfium2

from backend.prints import contact
from backend.wire import EvidenceView, FactsView, RemarkView

HEAD = contact.Head("i", "第一冷库", "91310101", ("李明", "陈晓"))
AT = datetime(2026, 3, 2, tzinfo=UTC)


def piece(name: str, taken: str = "", **given: object) -> EvidenceView:
    facts = FactsView("JPEG", 4, 3, taken, "+08:00" if taken else "", "", "", "", "", "")
    told: dict[str, object] = {
        "sha256": name * 64, "who": "李明", "device": "d", "label": "", "item": "1.1",
        "caption": f"说明{name}", "mime": "image/jpeg", "size": 1, "arrived": True,
        "rendition": "", "flag": "", "voided": "", "facts": facts,
    }  # fmt: skip
    return msgspec.convert(msgspec.to_builtins(told | given), EvidenceView)


def test_pictures_that_stand_come_as_they_were_taken_and_the_silent_ones_last() -> None:
    shown = [
        piece("a"),
        piece("b", "2026-03-02T10:00:00"),
        piece("c", "2026-03-02T09:00:00"),
        piece("d", "2026-03-02T08:00:00", voided="误拍"),
        piece("e", "2026-03-02T08:00:00", role="annotation"),
        piece("f", "2026-03-02T08:00:00", mime="application/pdf"),
    ]

    assert [one.sha256[0] for one in contact.ordered(shown)] == ["c", "b", "a"]


def test_a_picture_that_is_not_here_has_a_place_and_a_reason() -> None:
    remark = RemarkView("far-from-site", True, metres=812)
    said = RemarkView("no-time", False)
    away = contact.shot(piece("a", arrived=False, remarks=(remark, said)), None)
    broken = contact.shot(piece("b", flag="photo.truncated"), None)

    page = contact.pdf(HEAD, [away, broken], AT, None)

    words = pypdfium2.PdfDocument(page)[0].get_textpage().get_text_bounded()
    assert (away.seen, broken.seen) == (b"", b"")
    for word in (
        "未到达 not arrived",
        "图片不完整或已损坏",
        "说明a",
        "a" * 16,
        "距登记地址 812 米",
    ):
        assert word in words.replace("\r\n", " "), word
    assert "未记拍摄时间" not in words


def test_an_inspection_with_many_pictures_has_several_numbered_pages() -> None:
    shots = [contact.shot(piece("a", caption=f"第{n}张"), None) for n in range(1, 41)]

    book = pypdfium2.PdfDocument(contact.pdf(HEAD, shots, AT, None))

    assert len(book) == 4
    assert "第40张" in book[3].get_textpage().get_text_bounded()
    assert "4 / 4" in book[3].get_textpage().get_text_bounded()
