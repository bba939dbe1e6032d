"""执法文书: documents say all that is known of an inspection, and are the same bytes each time."""

import io
import random
from datetime import date
from pathlib import Path

import papers as visits
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from msgspec.structs import replace
from papers import ACT, FORM, drawn_by_another, pages, squeezed, visit, written
from PIL import Image, ImageChops, ImageFilter

from backend.prints import paper_words, papers, typeset
from backend.prints.facts import Asked, Decision, Facts, Order
from backend.prints.paper_words import WHATS, Language, What
from backend.prints.typeset import Fonts
from sync import photos, sampling
from sync.checklist import Text
from sync.ops import AddEvidence, AddFinding, Answer, SetAnswers, Sign, TakeSample, Void
from sync.refusals import Reason, Refused

DECIDED = Decision(
    digest="", outcome="basic", result=Text("Ordered", "发现问题已责令改正"),
    remark="请于期限内整改",
    concluded_on=date(2026, 3, 4), approved=True, follow_ups=(Text("Recheck", "复查"),),
    order=Order(
        (Asked("1.3", 5, date(2026, 3, 11)), Asked("2.1", 3, date(2026, 3, 9))), date(2026, 3, 4)
    ),
)  # fmt: skip
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return visits.fonts()


@pytest.fixture(scope="module")
def known() -> Facts:
    return visit().facts()


def told(what: What, facts: Facts, language: Language, fonts: Fonts) -> str:
    return squeezed("".join(pages(written(what, facts, language, fonts))))


def decided(facts: Facts) -> Facts:
    return replace(facts, decision=replace(DECIDED, digest=facts.digest))


# -- what they say -----------------------------------------------------------------------------

EVERYWHERE = (
    "上海望山冷链物流有限公司",
    "913101010000000014",
    "王建国",
    "沪A0003",
    "李秀英",
    "沪A0008",
)
RECORD = (
    "沪市监检〔2026〕0312号", "2026-03-02 10:20", "121.490317, 31.231706 WGS-84 ±12 m", "ab" * 32,
    "-14.5 °C", "≤ -18 °C", "TH-2031", "空气", "库门密封条破损", "3月1日至3日的自查记录无签字",
    "不存放进口冷链食品", "随后到岗", "冷冻库内 -14.5 °C，存放冷冻牛腱 120 箱",
    "GB 31605-2020 第5.2条", "0188f2c1-0000-7000-8000-00000000aaaa", "过道堆放货物", "误记",
    "温度计读数", "营业执照副本", "SH2026030900017", "20260110-03", "-11.2 °C", "送检，余样封存",
    "沪市监封〔2026〕7号",
    "望山冷链", "498, 501, 497 g", "陈志强", "称须请示总部", "网格员赵敏", "5" * 16,
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_record_holds_everything_that_was_recorded(
    known: Facts, language: Language, fonts: Fonts
) -> None:
    text = told("record", known, language, fonts)

    zh = language == "zh"
    w = paper_words.words(language)
    for fact in (*EVERYWHERE, *RECORD, known.digest, known.task.id):
        assert squeezed(fact) in text, fact
    for item in FORM.items:
        assert squeezed(item.text.zh if zh else item.text.en) in text, item.ref
    for name in ("told_who", "told_recusal", "told_duties", "fixed", "seal", "retest", "clocks"):
        assert squeezed(w[name]) in text, name
    assert squeezed(ACT.text.zh if zh else ACT.text.en) in text
    assert squeezed(ACT.quote.zh if zh else ACT.quote.en) in text
    for one in known.state.evidence:
        assert one.role == "strokes" or one.blob in text


def test_a_failed_item_is_told_with_its_law_and_one_that_passed_in_a_word(
    known: Facts, fonts: Fonts
) -> None:
    text = told("record", known, "zh", fonts)

    failed = [squeezed(FORM.item(ref).basis.zh) for ref in ("1.3", "2.1") if FORM.item(ref)]
    passed = squeezed(next(one.basis.zh for one in FORM.items if one.ref == "4.4"))
    assert all(law in text for law in failed)
    assert passed not in text
    assert text.count("不符合") == 3, "two that failed, and what the second said of 1.2"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_result_says_outcome_clause_counts_and_what_the_office_decided(
    known: Facts, language: Language, fonts: Fonts
) -> None:
    zh = language == "zh"

    before, after = (told("result", one, language, fonts) for one in (known, decided(known)))

    outcome = FORM.outcome("basic").label
    clause = next(one for one in FORM.rules if one.outcome == "basic")
    for fact in (*EVERYWHERE, "88.9 %", "陈志强", known.digest):
        assert squeezed(fact) in before, fact
    assert squeezed(outcome.zh if zh else outcome.en) in before
    assert squeezed(clause.text.zh if zh else clause.text.en) in before
    for fact in ("请于期限内整改", "2026-03-04"):
        assert fact not in before
        assert fact in after
    assert squeezed(DECIDED.result.zh if zh else DECIDED.result.en) in after


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sampling_sheet_says_what_was_taken_tested_weighed_and_done_with(
    known: Facts, language: Language, fonts: Fonts
) -> None:
    text = told("sampling", known, language, fonts)

    for fact in (
        *EVERYWHERE, "SH2026030900017", "SH2026030900018", "冷冻牛腱", "2.5 kg", "20260110-03",
        "甲肉类有限公司", "2号冷冻库 A-14", "挥发性盐基氮", "GB 5009.228", "KJ-07", "12.1 mg/100 g",
        "15 mg/100 g", "-11.2 °C", "送检，余样封存", "外包装涂抹样", "冷冻虾仁", "498, 501, 497 g",
    ):  # fmt: skip
        assert squeezed(fact) in text, fact
    w = paper_words.words(language)
    zh = language == "zh"
    for standing in ("untested", "failed"):
        assert squeezed(sampling.WORDS[standing][zh]) in text
    for fact in ("498.667 g", "15 g", w["too_few"].format(asked=50)):
        assert squeezed(fact) in text, fact


def test_an_order_is_provisional_until_the_office_made_it(known: Facts, fonts: Fonts) -> None:
    before, after = (told("notice", one, "zh", fonts) for one in (known, decided(known)))

    mark = squeezed(paper_words.WORDS["provisional"][1])
    assert mark in before
    assert mark not in after
    assert "2026年3月5日" in before, "three working days after Monday 2 March"
    assert "2026年3月9日" in before, "five"
    assert "2026年3月11日" in after
    for text in (before, after):
        for word in (
            "上海望山冷链物流有限公司",
            "行政复议",
            "行政诉讼",
            "陈述、申辩",
            "自查记录缺签字",
        ):
            assert word in text, word


def test_an_order_whose_term_ends_in_a_year_without_a_notice_says_so(fonts: Fonts) -> None:
    on = visit()
    on.now = 1_798_500_000_000  # 2026-12-29
    on.sign("a", "lead", reason="补签")

    text = told("notice", on.facts(), "zh", fonts)

    assert squeezed(paper_words.WORDS["provisional_days"][1]) in text


def test_there_is_no_document_about_nothing() -> None:
    fine = visits.plain().facts()
    nothing = replace(visit().facts(), decision=replace(DECIDED, order=None))
    reasons: list[Reason] = []

    for what, facts in (("notice", fine), ("notice", nothing), ("sampling", fine)):
        with pytest.raises(Refused) as caught:
            visits.arranged(what, facts, "zh")
        reasons.append(caught.value.reason)

    ordered, taken = Reason.PAPER_NOTHING_TO_ORDER, Reason.PAPER_NO_SAMPLES
    assert reasons == [ordered, ordered, taken]


def test_what_nobody_may_overlook_is_marked(known: Facts, fonts: Fonts) -> None:
    on = visit(signed=False)
    on.add("b", SetAnswers, f={"4.1": Answer("fail", "另一意见")})

    marks = [
        visits.arranged("record", one, "en")["marks"]
        for one in (known, on.facts(), replace(known, decision=DECIDED))
    ]

    assert marks[0] == []
    assert marks[1] == ["NOT SIGNED BY BOTH INSPECTORS", "THE INSPECTORS' ANSWERS DIFFER: 4.1"]
    assert marks[2] == ["The office concluded an earlier state of this inspection"]
    assert all(
        "NOTSIGNEDBYBOTHINSPECTORS" in squeezed(page)
        for page in pages(written("record", on.facts(), "en", fonts))
    )


def test_what_came_after_both_signed_is_named_and_not_counted(fonts: Fonts) -> None:
    on = visit()
    late = on.add("a", AddFinding, text="事后补记", basis="—")
    on.ops[-1] = replace(on.ops[-1], id="a:1000")

    text = told("record", on.facts(), "zh", fonts)

    assert late != "a:1000"
    assert "a:1000" in text
    assert "事后补记" not in text


def test_an_amended_signature_and_its_reason_are_shown(fonts: Fonts) -> None:
    on = visit()
    first = next(one.id for one in on.ops if isinstance(one.op, Sign) and one.op.role == "lead")
    on.sign("a", "lead", s=(first,), reason="补充说明后重签")

    text = told("record", on.facts(), "zh", fonts)

    assert "补充说明后重签" in text
    assert "（后已补签）" in text or "(后已补签)" in text


# -- the same bytes ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", WHATS)
def test_the_same_operations_in_any_order_give_the_same_bytes(what: What, fonts: Fonts) -> None:
    on = visit()
    one = on.facts()
    random.Random(4).shuffle(on.ops)
    on.ops += on.ops[:3]

    other = on.facts()

    assert written(what, one, "zh", fonts) == written(what, other, "zh", typeset.fonts())
    assert written(what, one, "zh", fonts) != written(what, one, "en", fonts)


def test_a_file_that_is_not_here_is_named_and_comes_in_later(known: Facts, fonts: Fonts) -> None:
    on = visit()
    pictures = [one.blob for one in known.state.evidence if one.mime == "image/jpeg"]
    gone = on.files.pop(pictures[0])
    lacking = on.facts()

    text = told("record", lacking, "zh", fonts)
    same = [written(what, lacking, "zh", fonts) == written(what, known, "zh", fonts)
            for what in ("notice", "result", "sampling", "record")]  # fmt: skip
    on.files[pictures[0]] = gone

    assert lacking.lacking == (pictures[0],)
    assert squeezed(paper_words.WORDS["has_lacking"][1]) in text
    assert text.count(pictures[0]) == 2, "below the grey box, and at the end"
    assert same == [True, True, True, False]
    assert written("record", on.facts(), "zh", fonts) == written("record", known, "zh", fonts)


def test_a_picture_that_cannot_be_read_is_evidence_all_the_same(fonts: Fonts) -> None:
    on = visits.plain()
    broken = on.attach("a", b"\xff\xd8\xff\xe0 torn", caption="残缺照片")
    on.ops.insert(1, on.ops.pop())  # before they signed
    facts = on.facts()

    text = told("record", facts, "zh", fonts)

    assert facts.pictures[broken].has == "unreadable"
    assert "残缺照片" in text
    assert squeezed(paper_words.WORDS["has_unreadable"][1]) in text


def test_a_picture_that_only_another_machine_can_read_is_named_as_lacking(
    fonts: Fonts, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = visits.plain()
    phone = on.attach("a", b"\0\0\0\x18ftypheic" + b"\0" * 40, "image/heic")
    on.ops.insert(1, on.ops.pop())
    monkeypatch.setattr(photos, "HEIF", False)

    facts = on.facts()

    assert facts.lacking == (phone,)
    assert squeezed(paper_words.WORDS["has_unsupported"][1]) in told("record", facts, "zh", fonts)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"w":1}', b"\xff\xfe", b"[" * 5000])
def test_strokes_that_are_none_are_said_to_be_unreadable(body: bytes, fonts: Fonts) -> None:
    on = visits.plain()
    sign = next(one for one in on.ops if isinstance(one.op, Sign))
    assert isinstance(sign.op, Sign)
    on.files[sign.op.strokes] = body

    text = told("record", on.facts(), "zh", fonts)

    assert squeezed(paper_words.WORDS["strokes_unreadable"][1]) in text


def test_a_document_is_dated_by_the_last_signature_even_of_an_absurd_clock(fonts: Fonts) -> None:
    on = visit()
    facts = on.facts()
    on.now = 2**60
    on.sign("a", "lead", reason="时钟错误")
    absurd = on.facts()

    with pypdfium2.PdfDocument(written("record", facts, "zh", fonts)) as document:
        metadata = document.get_metadata_dict()

    assert facts.at.isoformat() == "2026-03-02T12:10:00+08:00"
    assert metadata["CreationDate"].startswith("D:20260302")
    assert absurd.at.year == 2100
    assert written("record", absurd, "zh", fonts).startswith(b"%PDF")


# -- what it looks like ------------------------------------------------------------------------


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_another_program_draws_every_page_as_typst_does(
    what: What, language: Language, known: Facts, fonts: Fonts
) -> None:
    """Two renderers that share nothing agree on each page, but for the softness of edges."""
    data = visits.arranged(what, known, language)
    small = {
        papers.picture_path(name): one.jpeg for name, one in known.pictures.items() if one.jpeg
    }

    ours = typeset.pictures(papers.TEMPLATES[what], data, known.at, fonts, small, dots=144)
    theirs = list(drawn_by_another(written(what, known, language, fonts), 144))

    assert len(ours) == len(theirs)
    for body, other in zip(ours, theirs, strict=True):
        with Image.open(io.BytesIO(body)) as picture:
            mine = picture.convert("RGB").resize(other.size)
        assert worst(mine, other) < 18
        assert worst(mine, ImageChops.offset(other, 0, 6)) > 18, "a millimetre lower would show"


def worst(one: Image.Image, other: Image.Image) -> int:
    """Measure the square of 4 mm where two blurred pages differ most, in steps of grey."""
    blurred = [picture.convert("L").filter(ImageFilter.GaussianBlur(3)) for picture in (one, other)]
    squares = (one.width // 24, one.height // 24)
    difference = ImageChops.difference(*blurred).resize(squares, Image.Resampling.BOX)
    return int(difference.getextrema()[1])


def test_photos_stand_upright_and_small_and_say_nothing_of_themselves(
    known: Facts, fonts: Fonts
) -> None:
    pdf = written("record", known, "zh", fonts)

    with pypdfium2.PdfDocument(pdf) as document:
        shown = [
            one.get_bitmap().to_pil().convert("RGB")
            for n in range(len(document))
            for one in document[n].get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])
        ]

    assert sorted(one.size for one in shown) == [(360, 480), (480, 360)]
    for one in shown:
        red, _, blue = one.getpixel((one.width // 2, 8))
        assert (red > 200, blue < 60) == (True, True), "the yellow edge is on top"
    assert b"GPS of Wang" not in pdf


def test_a_signature_is_drawn_as_it_was_and_a_refusal_has_none(known: Facts) -> None:
    signatures = visits.arranged("record", known, "zh")["signatures"]

    assert [one["role"] for one in signatures] == ["主办", "协办", "现场负责人"]
    assert [one["svg"].startswith("<svg") for one in signatures] == [True, True, False]
    assert signatures[2]["instead"] == "拒绝签名"


@pytest.mark.parametrize("what", WHATS)
def test_every_font_is_in_the_file_and_it_says_that_it_is_for_the_archive(
    what: What, known: Facts, fonts: Fonts
) -> None:
    pdf = written(what, known, "zh", fonts)

    with pypdfium2.PdfDocument(pdf) as document:
        embedded = {
            pdfium.FPDFFont_GetIsEmbedded(pdfium.FPDFTextObj_GetFont(one.raw))
            for n in range(len(document))
            for one in document[n].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT])
        }

    assert embedded == {1}
    assert b"pdfaid:part" in pdf
    assert b"pdfaid:conformance" in pdf
    assert len(pdf) < 400_000


def test_no_character_is_lost_that_no_font_has(fonts: Fonts) -> None:
    on = visits.plain()
    on.add("a", AddFinding, text="𠮷先生 👨‍👩‍👧 سلام \x07 e\u0301", basis="—")
    on.ops.insert(1, on.ops.pop())

    text = told("record", on.facts(), "zh", fonts)

    for number in ("[U+20BB7]", "U+1F468", "U+1F467", "U+0633", "[U+0007]"):
        assert number in text, number
    assert "先生" in text


def test_a_text_that_looks_like_markup_is_printed_as_it_is(fonts: Fonts) -> None:
    evil = '#panic("x") $1+1$ *b* \\ @ref <lab> "q" [c] // not /* this */'
    on = visits.plain()
    on.add("a", AddFinding, text=evil, basis=evil)
    on.ops.insert(1, on.ops.pop())

    text = told("record", on.facts(), "zh", fonts)

    assert text.count(squeezed(evil)) == 2


def test_no_word_is_so_long_that_it_leaves_the_page(fonts: Fonts) -> None:
    on = visits.plain()
    on.add("a", AddFinding, text="x" * 300, basis="https://law.example/" + "9" * 200)
    on.add("a", TakeSample, number="N" * 60, of="goods", what="W" * 90, batch="B" * 60)
    on.ops[1:1] = [on.ops.pop(), on.ops.pop()]

    pdf = written("record", on.facts(), "en", fonts)

    with pypdfium2.PdfDocument(pdf) as document:
        edges = [
            one.get_bounds()
            for n in range(len(document))
            for one in document[n].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT])
        ]
        width = document[0].get_width()
    margin = 20 / 25.4 * 72 - 2
    assert min(left for left, *_ in edges) > margin
    assert max(right for _, _, right, _ in edges) < width - margin


def test_a_long_record_numbers_its_pages_and_names_its_state_on_each(fonts: Fonts) -> None:
    on = visits.plain()
    for n in range(60):
        on.add("a", AddFinding, text=f"问题 {n} " + "长" * 200, basis="食品安全法第五十四条")
    facts = on.facts()

    told = pages(written("record", facts, "zh", fonts))

    assert len(told) > 8
    for n, page in enumerate(told, start=1):
        assert f"第{n}页共{len(told)}页" in squeezed(page)
        assert facts.digest in squeezed(page)


# -- code and templates ------------------------------------------------------------------------


@pytest.mark.parametrize("what", WHATS)
def test_the_code_names_inspection_and_state_in_the_picture_and_in_the_file(
    what: What, known: Facts, fonts: Fonts
) -> None:
    code = f"EHI1:{known.task.id}:{known.digest}"

    data = visits.arranged(what, known, "zh")
    pdf = written(what, known, "zh", fonts)

    assert data["qr"] == typeset.code(code)
    assert code.encode() in pdf


def test_an_office_replaces_one_template_and_keeps_the_others(known: Facts, fonts: Fonts) -> None:
    agencies = typeset.TEMPLATES.joinpath("agencies.toml").read_text("utf-8")
    own = agencies.replace("市场监督管理局", "黄浦区市场监督管理局")
    toml = typeset.own_files(None) | {"agencies.toml": own.encode()}

    pdf = papers.write("record", known, visits.arranged("record", known, "zh"), fonts, toml)
    mine = written("record", known, "zh", fonts, record=b'#import "paper.typ": *\nOnly #data.site')

    assert "黄浦区市场监督管理局" in squeezed(pages(pdf)[0])
    assert squeezed("".join(pages(mine))) == "Only上海望山冷链物流有限公司"


def test_the_agency_is_the_one_whose_division_fits_best(known: Facts, fonts: Fonts) -> None:
    agencies = typeset.TEMPLATES.joinpath("agencies.toml").read_text("utf-8")
    table = agencies[agencies.index("[[agency]]") :]
    both = agencies + "".join(
        table.replace('division = ""', f'division = "{code}"').replace("市场监督管理局", name)
        for code, name in (("310101", "黄浦局"), ("31", "上海局"), ("44", "广东局"))
    )

    pdf = papers.write(
        "notice", known, visits.arranged("notice", known, "zh"), fonts,
        {"agencies.toml": both.encode()},
    )  # fmt: skip

    assert squeezed(pages(pdf)[0]).startswith("黄浦局责令改正通知书")


@pytest.mark.parametrize(
    ("name", "body", "line"),
    [
        ("record", '#import "paper.typ": *\n\n#show: paper\n#nothing\n', 4),
        ("record", "#let x = (1,\n", 1),
        ("paper", '#let data = json(bytes(sys.inputs.data))\n#panic("stop")\n', 2),
        ("record", '\n#read("/../../etc/passwd")', 2),
        ("record", '\n#read("/etc/passwd")', 2),
        ("record", '\n#import "@preview/example:0.1.0": add', 2),
        ("record", "#let f() = { while true {} }\n#f()", 1),
    ],
)
def test_a_broken_template_is_refused_with_its_file_and_line(
    name: str, body: str, line: int, known: Facts, fonts: Fonts
) -> None:
    with pytest.raises(Refused) as caught:
        written("record", known, "zh", fonts, **{name: body.encode()})

    assert caught.value.reason is Reason.TEMPLATE_WRONG
    assert (caught.value.details["file"], caught.value.details["line"]) == (f"{name}.typ", line)
    assert caught.value.details["problem"]


def test_a_folder_of_templates_is_read_without_folders_and_within_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "record.typ").write_bytes(b"own")
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "folder").mkdir()

    found = typeset.own_files(tmp_path)
    monkeypatch.setattr(typeset, "OWN_BYTES_MAX", 2)
    with pytest.raises(Refused) as large:
        typeset.own_files(tmp_path)
    with pytest.raises(Refused) as absent:
        typeset.own_files(tmp_path / "nowhere")

    assert found == {"record.typ": b"own"}
    assert large.value.reason is absent.value.reason is Reason.TEMPLATE_WRONG


def test_both_languages_have_every_word_and_none_of_the_other() -> None:
    for name, (en, zh) in paper_words.WORDS.items():
        assert en.isascii() or "–" in en, name
        assert bool(en) == bool(zh), name


def test_evidence_that_was_withdrawn_stays_with_its_reason(fonts: Fonts) -> None:
    on = visits.plain()
    name = on.attach("a", visits.photo("x"), caption="误拍照片")
    target = next(o.id for o in on.ops if isinstance(o.op, AddEvidence) and o.op.blob == name)
    on.add("a", Void, target=target, reason="拍错对象")

    text = told("record", on.facts(), "zh", fonts)

    assert "误拍照片" in text
    assert "拍错对象" in text
