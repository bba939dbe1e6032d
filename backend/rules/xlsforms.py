"""XLSForm 导入: a workbook of survey, choices and settings becomes a checklist in our TOML. Pure.

pyxform holds the workbook to the rules of XLSForm; what a checklist cannot say is told by its row.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import get_xlsform
from pyxform.xls2xform import convert as check

from backend.rules.checklist_toml import UNKNOWN, write
from backend.rules.xlsform_items import Builder
from backend.rules.xlsform_problems import Problem, Trouble, problem
from backend.rules.xlsform_sheets import MARK, Sheet, read_sheet
from sync.checklist import Bound as Within
from sync.checklist import Checklist, Item, Outcome, Rule, Text, parse

SHEETS = ("survey", "choices", "settings")
FOREIGN = ("entities", "external_choices", "osm")  # of XLSForm, but nothing of ours

_row = re.compile(r"\[row : (\d+)\]\s*")
_sheet = re.compile(r"'(survey|choices|settings)'")
_column = re.compile(r"the '([^']+)' value")
_kind = re.compile(r"Unknown question type '(.*)'")

OUTCOMES = (
    Outcome(code="conform", label=Text(en="Conforms", zh="符合"), handling="none"),
    Outcome(code="basic", label=Text(en="Basically conforms", zh="基本符合"), handling="rectify"),
    Outcome(code="nonconform", label=Text(en="Does not conform", zh="不符合"), handling="stop"),
)
RULES = (
    Rule(
        clause="no-problem",
        outcome="conform",
        text=Text(en="No item failed.", zh="所查项目未发现问题。"),
        when={"failed": Within(max="0")},
    ),
    Rule(
        clause="few-problems",
        outcome="basic",
        text=Text(
            en="At most one key item failed and at least 70 % of the applicable general items "
            "passed.",
            zh="重点项不合格不超过1项，且适用的一般项合格率不低于70%。",
        ),
        when={"key_failed": Within(max="1"), "general_pass_percent": Within(min="70")},
    ),
    Rule(
        clause="many-problems",
        outcome="nonconform",
        text=Text(en="More than that failed.", zh="不合格超出上述范围。"),
    ),
)


class Conversion(Struct, frozen=True):
    """What became of an XLSForm: our TOML, empty while something stops it, and what was found."""

    toml: str
    problems: tuple[Problem, ...]
    sections: int = 0
    items: int = 0


def convert(
    workbook: Mapping[str, Sequence[Sequence[str]]],
    source: str,
    *,
    code: str = "",
    version: str = "",
) -> Conversion:
    """Convert the cells of a workbook, by sheet; `source` is what the file is called.

    `code` and `version` stand for what the sheet settings says of them.
    """
    named = {name.strip().lower(): cells for name, cells in workbook.items()}
    foreign = [problem(Trouble.SHEET, one, 0, "", "") for one in FOREIGN if named.get(one)]
    sheets = {name: read_sheet(name, named.get(name, ())) for name in SHEETS}
    found = [*foreign, *(one for sheet in sheets.values() for one in sheet.problems)]
    if not found:
        survey, found = _checked(sheets, list(workbook))
        if survey is not None:
            return _converted(survey, sheets, source, code, version)
    return Conversion("", tuple(found))


def _checked(
    sheets: Mapping[str, Sheet], names: list[str]
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Let pyxform read it, and make an XForm of it, which is when it finds most."""
    try:
        survey = workbook_to_json(get_xlsform(_for_pyxform(sheets, names, marked=True)))
        check(_for_pyxform(sheets, names, marked=False))
    except Exception as error:  # of any kind, as a form may be: pyxform's own and those of its code
        return None, [_said(error, sheets["survey"])]
    return survey, []


def _for_pyxform(
    sheets: Mapping[str, Sheet], names: list[str], *, marked: bool
) -> dict[str, object]:
    told: dict[str, object] = {"sheet_names": names}
    for name, sheet in sheets.items():
        if sheet.headers:
            mark = marked and name == "survey"
            more = [MARK] if mark else []
            told[f"{name}_header"] = [dict.fromkeys([*sheet.standard, *more])]
            told[name] = [
                sheet.of_xlsform(row) | ({MARK: str(row.number)} if mark and row.cells else {})
                for row in sheet.rows
            ]
    return told


def _said(error: Exception, survey: Sheet) -> Problem:
    """Take the row, the sheet and the column out of what pyxform says."""
    said = " ".join(str(error).split()) or type(error).__name__
    row, sheet, column = _row.search(said), _sheet.search(said), _column.search(said)
    number, where = int(row[1]) if row else 0, sheet[1] if sheet else "survey"
    at = column[1] if column else ""
    value = ""
    if kind := _kind.search(said):
        at, value = "type", kind[1]
        number = next((one.number for one in survey.rows if one.cells.get("type") == value), 0)
    return problem(Trouble.WORKBOOK, where, number, at, value, more=_row.sub("", said)[:300])


def _converted(
    survey: dict[str, Any], sheets: Mapping[str, Sheet], source: str, code: str, version: str
) -> Conversion:
    builder = Builder(sheets)
    known = builder.name(survey, code, version)
    sections = builder.sections(survey["children"])
    problems = tuple(builder.problems)
    items = sum(len(one.items) for one in sections)
    if not items and not any(one.stops for one in problems):
        problems = (*problems, problem(Trouble.NOTHING, "survey", 0, "", ""))
    if known is None or any(one.stops for one in problems):
        return Conversion("", problems)
    made = Checklist(*known, sections=sections, outcomes=OUTCOMES, rules=RULES)
    parse(write(_filled(made)).encode())  # whatever it is made of, it can be read
    head = [f"Imported from {source}. What was not taken over, and what is still to be done:"]
    head += [
        f"{one.sheet}:{one.row} {one.column} {one.value}".strip() + f" {one.en}. {one.remedy_en}"
        for one in problems
    ]
    return Conversion(write(made, "\n".join(head)), problems, len(sections), items)


def _filled(made: Checklist) -> Checklist:
    """Put a text where the legal basis is still to be written."""

    def filled(item: Item) -> Item:
        return item if item.basis.en != UNKNOWN else replace(item, basis=item.text)

    sections = [replace(one, items=tuple(map(filled, one.items))) for one in made.sections]
    return replace(made, sections=tuple(sections))
