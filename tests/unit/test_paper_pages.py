"""执法文书 as pages: how they look, and the templates that an office changes."""

import io
from pathlib import Path

import papers as visits
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from papers import LANGUAGES, drawn_by_another, pages, squeezed, told, written
from PIL import Image, ImageChops, ImageFilter

from backend.prints import paper_words, papers, typeset
from backend.prints.facts import Facts
from backend.prints.paper_words import WHATS, Language, What
from backend.prints.typeset import Fonts
from sync.ops import AddEvidence, AddFinding, TakeSample, Void
from sync.refusals import Reason, Refused

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


def test_a_signature_is_drawn_as_it_was_and_a_refusal_has_none(known: Facts, fonts: Fonts) -> None:
    signatures = visits.arranged("record", known, "zh")["signatures"]

    with pypdfium2.PdfDocument(written("record", known, "zh", fonts)) as document:
        last = document[len(document) - 1].get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH])
        lines = [pdfium.FPDFPath_CountSegments(one.raw) for one in last]
    assert sum(segments >= 60 for segments in lines) == 2, "three strokes of twenty points each"
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
