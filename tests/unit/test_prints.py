"""交付: lists, notices and calendars say what the bundle says, and are the same bytes each time."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import drawings
import msgspec
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from python_calamine import CalamineWorkbook

from backend.prints import ics, pages, sheet, typeset, workbook
from backend.prints.sheet import Name, Sheet
from backend.prints.typeset import Fonts
from backend.rules import bundle, papers
from backend.rules.beacons import Local
from backend.rules.papers import Party, Place
from sync.refusals import Reason, Refused

ADDRESS = "https://draw.example.gov.cn/public/draws/1"
NAMES = {
    "913101010000000014": Name("上海望山冷链物流有限公司", "望山路9号2幢"),
    "沪A0003": Name("王建国"),
    "沪A0008": Name("李秀英"),
    "310101": Name("黄浦区市场监督管理局"),
}


def read(files: bundle.Files | None = None, **names: Name) -> Sheet:
    files = drawings.held(drawings.committed()).files if files is None else files
    return sheet.read(files, {**NAMES, **names}, address=ADDRESS)


def many(strata: tuple[str, ...] = ("risk",)) -> Sheet:
    """Read a list of several pages."""
    people = [
        msgspec.structs.replace(one, cap=30, qualifications=("food",), valid_to="2027-12-31")
        for one in drawings.roster(40)
    ]
    paper = drawings.task(strata=list(strata), rate=(15, 100), minimum=3)
    frozen = drawings.frame(paper, 2200)
    return read(drawings.held(drawings.committed(paper, inspectors=people, frozen=frozen)).files)


def text_of(pdf: bytes) -> list[str]:
    """Extract the text of every page, as another program sees it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [document[n].get_textpage().get_text_bounded() for n in range(len(document))]


def squeezed(text: str) -> str:
    return re.sub(r"\s+|\u200b|\ufffe", "", text)


# -- what is printed -------------------------------------------------------------------------------


def test_a_sheet_says_what_the_bundle_says() -> None:
    held = drawings.held(drawings.committed())

    found = read(held.files)

    assert [row.id for row in found.rows] == [one.id for one in held.lots if one.status == "P"]
    assert [row.ticket for row in found.rows] == [one.ticket for one in held.lots[:4]]
    assert found.commit == bundle.commit_hash(held.files)
    assert [(s.position, s.certificate, s.name) for s in found.rows[0].seats] == [
        ("1主办", "沪A0003", "王建国"), ("2协办", "沪A0008", "李秀英"),
    ]  # fmt: skip
    assert (found.rows[0].name, found.rows[1].name) == ("上海望山冷链物流有限公司", "")
    assert (found.eligible, found.in_scope, found.agency_name) == (51, 60, "黄浦区市场监督管理局")
    assert found.marks == []


def test_a_draw_that_was_not_held_has_no_list() -> None:
    with pytest.raises(Refused) as caught:
        read(drawings.committed())

    assert caught.value.reason is Reason.BUNDLE_NOT_HELD


def test_each_inspector_gets_the_sites_where_he_sits_and_no_others() -> None:
    held = drawings.held(drawings.committed())

    found = sheet.inspectors(read(held.files))

    assert list(found) == sorted({seat.inspector for seat in held.seats})
    for who, rows in found.items():
        groups = [seat.group for seat in held.seats if seat.inspector == who]
        assert {row.id for row in rows} == {group.split("/")[1] for group in groups}
        assert len(rows) == len(groups)


def test_what_nobody_may_overlook_is_marked() -> None:
    held = drawings.held(drawings.committed())
    void = bundle.void(held.files, reason="停电", now=drawings.HELD, by="o", secret=drawings.SECRET)
    sealed = drawings.task(mode="sealed", sealed_until="2027-01-31T09:00:00+08:00")
    own = drawings.task(sources={"local": Local("no network")})
    by_hand = bundle.hold(
        drawings.committed(own), {"local": "ab" * 32}, drawings.NONCES, now=drawings.HELD, by="o",
        secret=drawings.SECRET,
    )  # fmt: skip
    assert isinstance(by_hand, bundle.Held)

    marks = {
        "void": read(void).marks,
        "sealed": read(drawings.held(drawings.committed(sealed)).files).marks,
        "local": read(by_hand.files).marks,
    }

    assert [en for en, _ in marks["void"]] == ["VOID: 停电"]
    assert [zh for _, zh in marks["sealed"]] == ["封存至 2027-01-31T09:00:00+08:00，此前不得公开"]
    assert [zh for _, zh in marks["local"]] == ["不可验证：种子由机关服务器产生"]
    assert read(void).void


def test_changes_after_the_draw_are_followed_and_said() -> None:
    held = drawings.held(drawings.committed())
    gone, next_ = held.lots[0], held.lots[4]
    group = f"T2026-001/{next_.id}/*"
    event = papers.LogLine(
        n=0, prev=papers.NO_HASH, at="2026-11-25T09:00:00+08:00", by="o", event="substitute",
        site=gone.id, lots=[("all", 5, next_.id)],
        seats=[(group, "1主办", "沪A0005", []), (group, "2协办", "沪A0002", [])],
    )  # fmt: skip
    log = papers.append_log(held.files["log.ndjson"], event)

    found = read(held.files | {"log.ndjson": log})

    assert [row.id for row in found.rows] == [one.id for one in held.lots[1:5]]
    assert [seat.certificate for seat in found.rows[-1].seats] == ["沪A0005", "沪A0002"]
    assert found.rows[-1].ticket == next_.ticket
    assert [en for en, _ in found.marks] == ["As it stands after 1 changes, the last on 2026-11-25"]
    assert found.changed_at == event.at


def test_names_come_from_an_export_of_a_register_and_lose_only_its_guard() -> None:
    data = "\ufeffcode,name,address\r\n91,'=HYPERLINK(1),'@家\r\n,无,\r\n".encode()

    names = sheet.read_names(data)

    assert names == {"91": Name("=HYPERLINK(1)", "@家")}
    assert sheet.read_names(b"certificate,name\nA,B\n") == {"A": Name("B")}


@pytest.mark.parametrize(
    "data", [b"", b"id,name\n1,2\n", b"code\n1\n", b"code,name\n1,\xff\n", b'code,name\n1,"a\tb"\n']
)
def test_names_that_cannot_be_read_are_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        sheet.read_names(data)

    assert caught.value.reason is Reason.NAMES_WRONG


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_list_has_every_site_every_inspector_and_all_that_proves_it(
    fonts: Fonts, language: pages.Language
) -> None:
    found = many()

    told = text_of(pages.print_list(found, fonts, language))

    whole = squeezed("".join(told))
    assert len(found.rows) > 250
    for row in found.rows:
        assert row.id in whole
        assert all(seat.certificate in whole for seat in row.seats)
    for proof in (found.commit, found.frame_root, found.seed, *(s.value for s in found.sources)):
        assert proof in whole
    assert squeezed(pages.WORDS["watched_by"][language == "zh"]) in whole
    assert all(found.commit[:16] in squeezed(page) for page in told)
    assert f"{len(told)}/{len(told)}" in squeezed(told[-1])


def test_every_stratum_is_counted_where_there_is_more_than_one(fonts: Fonts) -> None:
    found = many(("risk", "division:9"))

    told = squeezed(text_of(pages.print_list(found, fonts, "zh"))[0])

    assert len(found.counts) == 4
    for one in found.counts:
        name = "".join(pages.stratum(one.stratum, "zh").split())
        assert f"{name}{one.eligible}{one.excluded}{one.drawn}{one.reserves}" in told


def test_every_font_is_in_the_file_and_no_character_is_left_out(fonts: Fonts) -> None:
    pdf = pages.print_list(read(), fonts, "zh")

    embedded = [
        pdfium.FPDFFont_GetIsEmbedded(pdfium.FPDFTextObj_GetFont(one.raw)) for one in _texts(pdf)
    ]

    assert set(embedded) == {1}
    assert "上海望山冷链物流有限公司" in squeezed(text_of(pdf)[0])
    assert b"pdfaid:part" in pdf
    assert len(pdf) < 200_000, "the fonts are cut down to what is used"


def _texts(pdf: bytes) -> Iterator[Any]:
    with pypdfium2.PdfDocument(pdf) as document:
        for n in range(len(document)):
            yield from document[n].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT])


def test_the_same_bundle_gives_the_same_bytes(fonts: Fonts) -> None:
    one, two = read(), read()

    assert pages.print_list(one, fonts, "zh") == pages.print_list(two, typeset.fonts(), "zh")
    assert pages.print_notices(one, fonts, "en") == pages.print_notices(two, fonts, "en")
    assert workbook.write(one, "zh") == workbook.write(two, "zh")
    assert pages.print_list(one, fonts, "en") != pages.print_list(one, fonts, "zh")


def test_marks_are_red_and_on_the_page(fonts: Fonts) -> None:
    held = drawings.held(drawings.committed())
    void = bundle.void(held.files, reason="停电", now=drawings.HELD, by="o", secret=drawings.SECRET)

    plain = _red(pages.list_data(read(held.files), "zh"), fonts)
    marked = _red(pages.list_data(read(void), "zh"), fonts)

    assert plain == 0
    assert marked > 500
    assert "本次抽取已作废：停电" in squeezed(text_of(pages.print_list(read(void), fonts, "zh"))[0])
    long = msgspec.structs.replace(many(), marks=[("VOID", "作废")])
    assert all("作废" in page for page in text_of(pages.print_list(long, fonts, "zh")))
    assert not any("作废" in page for page in text_of(pages.print_list(many(), fonts, "zh")))
    for notice in pages.print_notices(read(void), fonts, "zh").values():
        assert "本次抽取已作废：停电" in squeezed(text_of(notice)[0])


def _red(data: dict[str, object], fonts: Fonts) -> int:
    from PIL import Image

    page = typeset.pictures("list", data, drawings.HELD, fonts)[0]
    with Image.open(io.BytesIO(page)) as picture:
        pixels = picture.convert("RGB").tobytes()
    triples = zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True)
    return sum(r > 150 and g < 60 and b < 80 for r, g, b in triples)


def test_the_code_leads_to_the_address_or_else_holds_the_commitment(fonts: Fonts) -> None:
    found = read()
    without = msgspec.structs.replace(found, address="")

    assert pages.list_data(found, "zh")["qr"] == typeset.code(ADDRESS)
    assert pages.list_data(found, "zh")["scan"] == "扫码复核"
    assert pages.list_data(without, "zh")["qr"] == typeset.code(found.commit)
    assert pages.list_data(without, "zh")["scan"] == "承诺散列值"
    assert typeset.code("a") != typeset.code("b")


def test_a_notice_has_the_inspectors_own_sites_with_the_partners(fonts: Fonts) -> None:
    found = read()

    notices = {who: squeezed("".join(text_of(pdf)))
               for who, pdf in pages.print_notices(found, fonts, "zh").items()}  # fmt: skip

    for who, rows in sheet.inspectors(found).items():
        for row in found.rows:
            assert (row.id in notices[who]) == (row in rows)
    assert "王建国（沪A0003）" in notices["沪A0003"]
    assert "协办李秀英沪A0008" in notices["沪A0003"]
    assert "ab" * 32 in notices["沪A0003"]
    assert "不得少于两人" in notices["沪A0003"]


def test_checklists_go_by_category_as_the_task_writes_it_and_by_department() -> None:
    lead = {"%E5%86%B7%E5%BA%93": "a" * 64, "*": "b" * 64}
    parties = [Party("market", "", lead), Party("fire", "", {"*": "c" * 64})]
    paper = drawings.task(checklists=lead, parties=parties)

    found = {name: sheet._checklists(paper, name) for name in ("冷库", "饭店")}

    assert found == {"冷库": ["a" * 64, "c" * 64], "饭店": ["b" * 64, "c" * 64]}


def test_a_joint_plan_names_the_department_of_each_seat(fonts: Fonts) -> None:
    positions = [Place("1主办", "market", []), Place("2协办", "market", []), Place("1", "fire", [])]
    people = [msgspec.structs.replace(one, cap=9) for one in drawings.roster(6)]
    people += [msgspec.structs.replace(people[0], inspector="消F1", department="fire", cap=9)]
    files = drawings.held(
        drawings.committed(drawings.task(positions=positions), inspectors=people)
    ).files

    told = squeezed(text_of(pages.print_list(read(files), fonts, "zh"))[0])

    assert "market主办" in told
    assert "fire1消F1" in told


def test_fonts_of_the_office_come_first_and_missing_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = typeset.fonts()
    (own,) = [one.path for one in plain.found.fonts() if one.family == "Noto Sans SC"]
    assert own is not None
    (tmp_path / "only.otf").symlink_to(own)

    with_own = typeset.fonts(tmp_path)
    monkeypatch.setattr(typeset, "FONTS", "no_such_package")
    with pytest.raises(Refused) as caught:
        typeset.fonts(tmp_path)

    assert with_own.sans[0] == "Noto Sans SC"
    assert caught.value.reason is Reason.FONT_MISSING
    assert "Noto Serif SC" in str(caught.value.details["one_of"])
    assert caught.value.details["found"] == "Noto Sans SC"


def test_a_text_that_looks_like_markup_is_printed_as_it_is(fonts: Fonts) -> None:
    evil = '#panic("x") $1+1$ *b* \\ @ref <lab> "q" [c]'

    found = read(**{"913101010000000014": Name(evil, "//not a comment/* nor this */")})
    told = squeezed(text_of(pages.print_list(found, fonts, "zh"))[0])

    assert squeezed(evil) in told
    assert squeezed("//not a comment/* nor this */") in told


def test_a_character_that_no_font_has_is_printed_as_its_number(fonts: Fonts) -> None:
    found = read(**{"913101010000000014": Name("𠮷野家 🐟", "东\x07路")})

    told = squeezed(text_of(pages.print_list(found, fonts, "zh"))[0])

    assert "[U+20BB7]野家[U+1F41F]" in told
    assert "东[U+0007]路" in told


def test_characters_that_are_told_by_another_name_are_found_too(fonts: Fonts) -> None:
    found = read(**{"913101010000000014": Name('甲\x07\x08\t\n\x0b\x0c\r"\\乙', "东路")})

    told = squeezed(text_of(pages.print_list(found, fonts, "zh"))[0])

    assert "甲[U+0007][U+0008]" in told
    assert '"\\乙' in told


# -- workbook --------------------------------------------------------------------------------------


def test_the_workbook_reads_back_as_the_list() -> None:
    found = many()

    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook.write(found, "zh")))

    assert book.sheet_names == ["检查对象与检查人员", "检查人员", "各层名额", "任何人均可复核"]
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[0][0] == found.title
    assert [row[1] for row in rows[2:]] == [one.id for one in found.rows]
    assert [row[9] for row in rows[2:]] == [one.ticket for one in found.rows]
    assert rows[2][10].endswith(found.rows[0].seats[0].certificate)
    people = book.get_sheet_by_index(1).to_python()[2:]
    assert {row[0]: row[2] for row in people} == {
        who: len(rows) for who, rows in sheet.inspectors(found).items()
    }
    counts = book.get_sheet_by_index(2).to_python()[2:]
    assert [row[1:] for row in counts] == [
        [one.eligible, one.excluded, one.drawn, one.reserves] for one in found.counts
    ]
    proof = dict(row[:2] for row in book.get_sheet_by_index(3).to_python())
    assert proof["承诺"] == found.commit
    assert proof["扫码复核"] == ADDRESS


def test_no_text_is_ever_a_formula_a_link_or_markup() -> None:
    evil = ['=HYPERLINK("http://x","y")', "+1+1", "<r><t>x</t></r>", "https://x.example", "007"]
    names = {lot.id: Name(evil[n], evil[-1 - n]) for n, lot in
             enumerate(drawings.held(drawings.committed()).lots[:4])}  # fmt: skip

    data = workbook.write(read(**names), "en")

    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert [str(row[2]).strip() for row in rows[2:]] == evil[:4]
    assert rows[2][3] == "007"
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        sheets = [package.read(name) for name in package.namelist() if "sheet" in name]
    assert not any(b"<f>" in one or b"<hyperlink " in one for one in sheets)


def test_a_void_list_says_so_on_every_sheet() -> None:
    held = drawings.held(drawings.committed())
    void = bundle.void(held.files, reason="停电", now=drawings.HELD, by="o", secret=drawings.SECRET)

    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook.write(read(void), "zh")))

    for n in range(4):
        assert book.get_sheet_by_index(n).to_python()[1][0] == "本次抽取已作废：停电"


# -- calendars -------------------------------------------------------------------------------------


def calendars(found: Sheet, language: pages.Language = "zh") -> dict[str, bytes]:
    return {
        who: ics.calendar(found, who, rows, language)
        for who, rows in sheet.inspectors(found).items()
    }


def properties(data: bytes) -> dict[str, str]:
    """Read a calendar of one event by the letter of RFC 5545, and by none of our code."""
    assert data.endswith(b"\r\n")
    lines = data[:-2].split(b"\r\n")
    assert all(len(one) <= 75 and b"\n" not in one and b"\r" not in one for one in lines)
    for one in lines:
        one.decode()  # no character is cut in two
    unfolded = b"\r\n".join(lines).replace(b"\r\n ", b"").decode().split("\r\n")
    assert unfolded[0] == "BEGIN:VCALENDAR"
    assert unfolded[-2:] == ["END:VEVENT", "END:VCALENDAR"]
    pairs = [one.split(":", 1) for one in unfolded]
    plain = {"n": "\n", "N": "\n"}
    return {
        name: re.sub(r"\\(.)", lambda found: plain.get(found[1], found[1]), value)
        for name, value in pairs
        if name not in ("BEGIN", "END")
    }


def test_a_calendar_has_the_window_as_whole_days_and_every_site() -> None:
    found = many()

    for who, data in calendars(found).items():
        event = properties(data)

        assert event["VERSION"] == "2.0"
        assert event["DTSTART;VALUE=DATE"] == "20261201"
        last = date.fromisoformat(found.closes_on)
        assert event["DTEND;VALUE=DATE"] == f"{last + timedelta(days=1):%Y%m%d}"
        assert event["DTSTAMP"] == f"{drawings.HELD:%Y%m%dT%H%M%SZ}"
        assert event["STATUS"] == "CONFIRMED"
        for row in sheet.inspectors(found)[who]:
            assert row.id in event["DESCRIPTION"]


def test_special_characters_survive_and_the_last_line_is_as_it_was() -> None:
    name = Name("甲;乙,丙\\n丁" + "长" * 60, "1")

    found = read(**{"913101010000000014": name})
    event = properties(calendars(found)["沪A0003"])

    raw = calendars(found)["沪A0003"].replace(b"\r\n ", b"").decode()
    value = next(line for line in raw.splitlines() if line.startswith("DESCRIPTION:"))
    assert not re.search(r"(?<!\\)(\\\\)*[,;]", value.partition(":")[2])
    assert f"{name.name} 913101010000000014 1" in event["DESCRIPTION"]
    assert len(event["DESCRIPTION"].split("\n")) == 1 + 3 + 1
    assert event["DESCRIPTION"].split("\n")[-1].endswith(found.commit)


def test_uids_are_one_for_each_inspector_and_stay_when_the_draw_is_void() -> None:
    held = drawings.held(drawings.committed())
    later = drawings.HELD + timedelta(days=1)
    void = bundle.void(held.files, reason="停电", now=later, by="o", secret=drawings.SECRET)

    before = {who: properties(data) for who, data in calendars(read(held.files)).items()}
    after = {who: properties(data) for who, data in calendars(read(void)).items()}

    assert len({one["UID"] for one in before.values()}) == len(before) == 4
    for who, one in before.items():
        assert after[who]["UID"] == one["UID"]
        assert after[who]["STATUS"] == "CANCELLED"
        assert int(after[who]["SEQUENCE"]) > int(one["SEQUENCE"])
        assert "停电" in after[who]["DESCRIPTION"]


def test_a_certificate_makes_a_file_name_that_goes_nowhere_else() -> None:
    names = [pages.file_name(one) for one in ("沪A0001", "../../etc", "a/b", "a\\b", "C:", "..")]

    assert names[0] == "沪A0001"
    assert len(set(names)) == len(names)
    assert not any(set(one) & set("/\\:.") for one in names)


def test_the_pages_are_dated_by_the_last_event(fonts: Fonts) -> None:
    with pypdfium2.PdfDocument(pages.print_list(read(), fonts, "zh")) as document:
        told = document.get_metadata_dict()

    assert told["CreationDate"].startswith("D:20261122")
    assert told["ModDate"].startswith("D:20261122")
    assert told["Title"] == "2026 年冷库抽查"
