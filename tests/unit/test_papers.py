"""执法文书: documents say all that is known of an inspection, and are the same bytes each time."""

import random
from datetime import date
from pathlib import Path

import papers as visits
import pypdfium2
import pytest
from msgspec.structs import replace
from papers import ACT, FORM, LANGUAGES, pages, squeezed, told, visit, written

from backend.prints import paper_words, typeset
from backend.prints.facts import Asked, Decision, Facts, Order
from backend.prints.paper_words import WHATS, Language, What
from backend.prints.typeset import Fonts
from sync import checklist, photos, sampling
from sync.checklist import Item, Text
from sync.ops import AddFinding, Answer, SetAnswers, Sign, WeighLot
from sync.refusals import Reason, Refused

DECIDED = Decision(
    digest="", outcome="basic", result=Text("Ordered", "发现问题已责令改正"),
    remark="请于期限内整改",
    concluded_on=date(2026, 3, 4), approved=True, follow_ups=(Text("Recheck", "复查"),),
    order=Order(
        (Asked("1.3", 5, date(2026, 3, 11)), Asked("2.1", 3, date(2026, 3, 9))), date(2026, 3, 4)
    ),
)  # fmt: skip


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
    between = "0～8 °C" if zh else "0 to 8 °C"
    for fact in (*EVERYWHERE, *RECORD, between, known.digest, known.task.id):
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


def answer_to(item: Item) -> Answer | None:
    """Answer an item as its kind is answered."""
    match item.kind:
        case "verdict":
            return Answer("fail", "备注")
        case "choice":
            codes = [one.code for one in item.choices][: 2 if item.several else 1]
            return Answer(" ".join(sorted(codes)), kind="choice")
        case "number" | "temperature":
            limit = item.limits[0].code if item.limits else ""
            return Answer("-99.5", kind="number", unit=item.unit, limit=limit, instrument="仪器7")
        case "count":
            return Answer("17", kind="count")
        case "text":
            return Answer("所填内容", kind="text")
        case "date":
            return Answer("2026-02-28", kind="date")
        case "table":
            row = {
                one.code: one.choices[0].code if one.choices else f"单元格{n}"
                for n, one in enumerate(item.columns)
            }
            return Answer("1", kind="table", rows=(row,))
        case _:
            return None


@pytest.mark.parametrize(
    "path", sorted(Path(visits.FIXTURES, "checklists").glob("*.toml")), ids=str
)
def test_every_form_that_is_shipped_can_be_printed_with_all_its_kinds(
    path: Path, fonts: Fonts
) -> None:
    form, on = checklist.parse(path.read_bytes()), visits.Recording()
    given = {one.ref: found for one in form.items if (found := answer_to(one)) is not None}
    on.add("a", SetAnswers, f=given)
    on.sign("a", "lead")
    on.sign("b", "second")

    text = told("record", on.facts(form), "zh", fonts)
    result = told("result", on.facts(form), "en", fonts)

    for item in form.items:
        assert squeezed(item.text.zh) in text, item.ref
        said = given.get(item.ref)
        if item.kind == "choice" and item.when is None:
            assert squeezed(item.choices[0].text.zh) in text, item.ref
        for limit in item.limits[:1]:
            assert squeezed(limit.text.zh) in text, item.ref
        for column in item.columns:
            assert squeezed(column.text.zh) in text, item.ref
            for choice in column.choices[:1]:
                assert squeezed(choice.text.zh) in text, item.ref
        if said is not None and item.kind in ("count", "date", "text") and item.when is None:
            assert squeezed(said.v) in text, item.ref
    for score in form.scores:
        assert squeezed(score.text.en) in result, score.code


def test_a_grade_without_faults_asks_for_nothing_and_a_wrong_answer_is_told(fonts: Fonts) -> None:
    form = checklist.parse((visits.FIXTURES / "checklists" / "nyc_style.toml").read_bytes())
    fine, odd = visits.Recording(), visits.Recording()
    best = {
        one.ref: Answer(one.choices[0].code, kind="choice") if one.choices else Answer("pass")
        for one in form.items
    }
    fine.add("a", SetAnswers, f=best)
    odd.add("a", SetAnswers, f={"1.1": Answer("perhaps")})

    good = visits.arranged("result", fine.facts(form), "en")["results"][0]
    record = told("record", odd.facts(), "en", fonts)

    assert (good["outcome"], good["handling"]) == (form.outcomes[0].label.en, "passed")
    assert squeezed(paper_words.WORDS["inadmissible"][0]) in record


def test_an_item_that_must_be_answered_this_time_leaves_the_result_open(fonts: Fonts) -> None:
    items = [replace(one, optional=one.ref == "4.4") for one in FORM.sections[-1].items]
    form = replace(FORM, sections=(*FORM.sections[:-1], replace(FORM.sections[-1], items=items)))
    on = visits.Recording()
    on.add("a", SetAnswers, f={
        one.ref: Answer("pass" if one.kind == "verdict" else one.maximum or "0")
        for one in FORM.items if one.ref != "4.4"
    })  # fmt: skip

    free, bound = on.facts(form), on.facts(form, must=["4.4"])

    rows = [visits.arranged("record", one, "zh")["parts"][0] for one in (free, bound)]
    tones = [one["sections"][-1]["items"][-1]["tone"] for one in rows]
    assert tones == ["not_asked", "open"]
    open_ = squeezed(paper_words.WORDS["no_verdict"][1])
    assert open_ not in told("result", free, "zh", fonts)
    assert open_ in told("result", bound, "zh", fonts)


def test_a_joint_visit_prints_what_each_department_brought(fonts: Fonts) -> None:
    partner = replace(FORM, code="fire-safety", title=Text("Fire safety", "消防安全检查表"))
    on = visits.plain()
    name = checklist.named(partner, "1.3")
    on.add("b", SetAnswers, f={name: Answer("fail", "消防通道堵塞")})
    on.ops.insert(1, on.ops.pop())
    seats = [{"department": "fire", "inspector": {"id": "F", "name": "周磊", "certificate": "消7"}}]

    facts = on.facts(FORM, partner, seats=seats)

    record, notice = (told(what, facts, "zh", fonts) for what in ("record", "notice"))
    assert record.count("消防安全检查表") >= 2
    assert "消防通道堵塞" in record
    assert "周磊（参加人员，消7）" in record
    assert "消防通道堵塞" in notice
    assert [one["name"] for one in visits.arranged("notice", facts, "zh")["problems"]] == [name]


def test_strokes_stand_with_their_signature_and_not_among_the_evidence(known: Facts) -> None:
    data = visits.arranged("record", known, "zh")

    assert [one["caption"] for one in data["evidence"]] == [
        "温度计读数",
        "库门密封条",
        "营业执照副本",
    ]


# -- the same bytes ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", WHATS)
def test_the_same_operations_in_any_order_give_the_same_bytes(what: What, fonts: Fonts) -> None:
    for on in (visit(), visits.plain()) if what in ("record", "result") else (visit(),):
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


def test_a_lot_of_so_many_as_no_number_says_is_printed_without_a_judgement() -> None:
    on = visits.plain()
    for lot in ("many", "1.5", "9" * 5000):
        on.add("a", WeighLot, what=lot[:4], nominal="5", unit="g", lot=lot, contents=("5",))

    data = visits.arranged("sampling", on.facts(), "zh")

    assert isinstance(data["tables"], list)
    assert sorted(row[4:] == [""] * 4 and row[2] for row in data["tables"][0]["rows"]) == [
        "1.5", "9" * 5000, "many",
    ]  # fmt: skip


def test_an_order_names_the_rows_of_a_table_that_do_not_comply(fonts: Fonts) -> None:
    form = checklist.parse((visits.FIXTURES / "checklists" / "cold_store_2026_2.toml").read_bytes())
    empty = {one.code: "" for item in form.items if item.ref == "2.1" for one in item.columns}
    rooms = tuple(
        empty | {"room": room, "goods": goods, "temperature": degrees}
        for room, goods, degrees in (("东一", "frozen", "-19.5"), ("东二", "frozen", "-12.0"))
    )
    on = visits.Recording()
    on.add("a", SetAnswers, f={"2.1": Answer("2", kind="table", rows=rooms)})
    on.sign("a", "lead")
    on.sign("b", "second")

    chinese = told("notice", on.facts(form), "zh", fonts)
    english = told("notice", on.facts(form), "en", fonts)

    assert squeezed("东二 · 冻品 · -12.0 °C") in chinese
    assert squeezed("东二 · frozen goods · -12.0 °C") in english
    assert "东一" not in chinese
