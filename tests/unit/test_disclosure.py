from datetime import date

import msgspec
import pytest
from msgspec.structs import replace
from visits import FORM, answers

from backend.rules import site
from backend.rules.disclosure import (
    Counts,
    DrawLink,
    Form,
    Result,
    Said,
    Scored,
    Site,
    jpeg_metadata,
    leaks,
    public_part,
    public_view,
)
from backend.rules.results import label, result_of
from backend.work.code_lists import result_lists
from sync.checklist import Score, Text
from sync.merge import Inspection
from sync.verdict import judge

DRAW = DrawLink(id="d1", commit_hash="1" * 64, bundle_sha256="2" * 64, place=3)
SITE = Site(code="913101010000000001", name="王记冷库", category="cold-store", division="310101")
DAY = date(2026, 3, 2)

VIEW = Result(
    id="i1",
    site=SITE,
    checklist=Form("cold-store", "1", "0" * 64, Text("Cold", "冷库")),
    outcome=Said("conform", Text("Conforms", "符合")),
    result=Said("none-found", label(result_lists(), "national 2026.1", "none-found")),
    counts=Counts(passed=16, failed=0, not_applicable=0),
    failed=(),
    order=None,
    formed_on=DAY,
    due_on=DAY,
    published_on=DAY,
    photos=(),
    draw=DRAW,
)


def test_a_plain_result_leaks_nothing() -> None:
    assert leaks(VIEW, ["王", "王记", "admin", "20", "cold-store"]) == ()


@pytest.mark.parametrize(
    "text", ["电话13800138000", "31010119900101123X", "wang@example.com 转交", "+86 13912345678"]
)
def test_a_personal_number_is_found_wherever_it_stands(text: str) -> None:
    view = replace(VIEW, site=replace(SITE, name=f"冷库 {text}"))

    assert leaks(view) == ("site.name",)


def test_a_code_of_digits_is_not_taken_for_an_identity_card() -> None:
    view = replace(VIEW, site=replace(SITE, code="310101199001011230"))

    assert leaks(view) == ()


def test_a_field_that_is_added_later_is_searched_for_names() -> None:
    view = replace(VIEW, photos=("photos/王检查.jpg", "photos/chief.jpg"))

    assert leaks(view, ["王检查"]) == ("photos",)
    assert leaks(view, ["Chief"]) == ("photos",)
    assert leaks(view, ["hie"]) == ()


def test_the_view_holds_the_wording_of_what_failed_and_no_note() -> None:
    items: dict[str, object] = {}
    for ref, one in answers(i1_1="fail").items():
        said = {"op": "d:1", "who": "w", "v": one.v, "note": "秘密"}
        items[ref] = {"value": one.v, "standing": [said]}
    file = {"op": "d:2", "who": "w", "blob": "b", "size": 1, "mime": "image/jpeg", "voided": ""}
    shown = file | {"item": "1.1", "caption": "秘密", "voided": ""}
    state = msgspec.convert({"items": items, "evidence": [shown]}, Inspection)

    view = public_view(
        id="i1", site=SITE, checklist=FORM, checklist_digest="0" * 64,
        verdict=judge(FORM, state), result=VIEW.result, order=None,
        formed_on=DAY, due_on=DAY, published_on=DAY, photos=2, draw=DRAW,
    )  # fmt: skip

    assert [item.ref for item in view.failed] == ["1.1"]
    assert view.counts == Counts(passed=15, failed=1, not_applicable=0)
    assert view.photos == ("photos/i1/1.jpg", "photos/i1/2.jpg")
    assert "秘密" not in msgspec.json.encode(view).decode()


def test_the_scores_of_a_form_are_published_with_its_outcome_and_no_others() -> None:
    score = Score("points", Text("Points", "得分"), "sum")
    form = replace(
        FORM, scores=(score, Score("of-none", Text("Of nothing", "无"), how="percent")),
    )  # fmt: skip
    verdict = replace(judge(FORM, Inspection()), scores={"points": "13", "of-none": ""})
    told = {
        "id": "i1", "site": SITE, "checklist": form, "checklist_digest": "0" * 64,
        "result": VIEW.result, "order": None, "formed_on": DAY, "due_on": DAY,
        "published_on": DAY, "photos": 0, "draw": DRAW,
    }  # fmt: skip

    found = replace(verdict, outcome=form.outcomes[0].code)
    given, none = public_view(**told, verdict=found), public_view(**told, verdict=verdict)
    part = public_part(departments=("消防",), checklist=form, digest="0" * 64, verdict=found)
    alone = replace(given, parts=(part,), draw=None)
    page = site.write([alone], {}, {}, script=b"", secret="01" * 32)

    assert given.scores == part.scores == (Scored("points", Text("Points", "得分"), "13"),)
    assert none.scores == ()
    assert b"scores" not in msgspec.json.encode(none)
    assert page["results/i1.html"].count("得分：13".encode()) == 2


@pytest.mark.parametrize(
    ("handling", "failed", "code"),
    [
        ("none", 0, "none-found"),
        ("rectify", 2, "ordered"),
        ("stop", 5, "pending"),
        ("none", 1, "pending"),
    ],
)
def test_the_national_category_follows_from_the_outcome(
    handling: str, failed: int, code: str
) -> None:
    assert result_of([(handling, failed)]) == code


def test_the_category_of_a_joint_visit_follows_from_every_checklist() -> None:
    assert result_of([("none", 0), ("none", 0)]) == "none-found"
    assert result_of([("none", 0), ("rectify", 1)]) == "ordered"
    assert result_of([("rectify", 2), ("stop", 1)]) == "pending"
    assert result_of([("stop", 0), ("rectify", 1)]) == "ordered"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"GIF89a", ("no JPEG",)),
        (b"\xff\xd8", ("no end",)),
        (b"\xff\xd8\xff\xe1\x00\x04ab\xff\xda\x00\x02\xff\xd9", ("segment E1",)),
        (b"\xff\xd8\xff\xfe\x00\x04hi\xff\xda\x00\x02\xff\xd9", ("segment FE",)),
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9hidden", ("bytes after the end of the image",)),
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", ()),
    ],
)
def test_whatever_a_jpeg_carries_besides_pixels_is_named(
    body: bytes, found: tuple[str, ...]
) -> None:
    assert jpeg_metadata(body) == found


def test_a_folder_of_nonsense_is_refuted_and_not_a_crash() -> None:
    deep = b'{"x":' + b"[" * 100_000

    steps = site.verify({"feed.json": deep, "MANIFEST.sig": b"\xff", "results/a.json": deep})

    assert {step.ok for step in steps if step.name != "links"} == {False}
