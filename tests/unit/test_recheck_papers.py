"""复查文书: what is printed of a recheck that asks only what must be checked again."""

from datetime import date

import papers as visits
import pytest
from msgspec.structs import replace
from papers import FORM

from backend.prints.facts import Decision, Facts
from backend.prints.paper_words import WORDS, Language
from backend.prints.typeset import Fonts
from sync.checklist import Text
from sync.ops import Answer, SetAnswers


def recheck(**said: str) -> Facts:
    on = visits.Recording()
    answers = {ref[1:].replace("_", "."): Answer(word) for ref, word in said.items()}
    on.add("a", SetAnswers, f=answers)
    on.sign("a", "lead")
    on.sign("b", "second")
    return on.facts(FORM, origin="recheck", must=["1.2", "3.2"], asks="must")


def test_a_record_shows_the_items_of_a_recheck_and_what_was_added() -> None:
    left = visits.arranged("record", recheck(i1_2="pass"), "zh")["parts"][0]["sections"]
    more = visits.arranged("record", recheck(i1_2="pass", i1_3="fail"), "zh")["parts"][0]

    assert [[(one["ref"], one["tone"]) for one in section["items"]] for section in left] == [
        [("1.2", "pass")], [("3.2", "open")],
    ]  # fmt: skip
    assert [one["ref"] for one in more["sections"][0]["items"]] == ["1.2", "1.3"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_result_says_whether_it_is_remedied_and_that_the_grade_stands(
    language: Language, fonts: Fonts
) -> None:
    known = [recheck(i1_2="pass", i3_2=word) for word in ("pass", "fail", "na")]

    shown = [visits.arranged("result", one, language) for one in known]
    good, bad, gone = (one["results"][0] for one in shown)

    n = language == "zh"
    words = {name: pair[n] for name, pair in WORDS.items()}
    assert [one["outcome"] for one in (good, bad, gone)] == [
        ("Remedied", "整改到位")[n], *[("Not remedied", "未整改到位")[n]] * 2,
    ]  # fmt: skip
    assert [one["handling"] for one in (good, bad, gone)] == [
        words["handling_none"], words["handling_rectify"], words["handling_rectify"],
    ]  # fmt: skip
    assert [one["open"][:1] for one in (good, bad, gone)] == [
        [], [(words["unremedied"], "3.2")], [(words["unremedied"], "3.2")],
    ]  # fmt: skip
    assert good["counts"][0] == (words["asked"], 2)
    assert words["pass_rate"] not in dict(good["counts"])
    assert good["scores"] == [(words["grade"], words["no_grade"])]
    assert (good["clause"], good["heading"]) == ("", words["verdict_again"])
    assert shown[0]["posted"] == words["posted_beside"]
    set_ = visits.pages(visits.written("result", known[0], language, fonts))
    assert visits.squeezed(words["no_grade"]) in visits.squeezed("".join(set_))


def test_what_a_whole_visit_prints_has_a_grade_and_is_posted_alone() -> None:
    whole = visits.visit().facts(FORM, origin="recheck", must=["1.2"])

    shown = visits.arranged("result", whole, "zh")

    assert shown["posted"] == WORDS["posted"][1]
    assert WORDS["pass_rate"][1] in dict(shown["results"][0]["counts"])
    assert shown["results"][0]["clause"] != ""
    assert shown["results"][0]["heading"] == WORDS["verdict"][1]
    assert len(shown["results"][0]["scores"]) == len(FORM.scores)


def test_a_decision_names_what_the_office_concluded_of_a_recheck() -> None:
    on = recheck(i1_2="pass", i3_2="pass")
    made = Decision(
        digest=on.digest, outcome="remedied", result=Text("Nothing found", "未发现问题"), remark="",
        concluded_on=date(2026, 3, 4), approved=True,
    )  # fmt: skip

    decision = visits.arranged("result", replace(on, decision=made), "zh")["decision"]

    assert ("按检查表规则得出的结论", "整改到位") in decision
