"""XLSForm 检查项: groups become sections, questions items, repeats tables of rows. Pure."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal, NamedTuple, TypeVar, cast

from msgspec import convert
from msgspec.structs import replace

from backend.rules.checklist_toml import UNKNOWN
from backend.rules.xlsform_expressions import Limits, condition, limits
from backend.rules.xlsform_problems import Problem, Trouble, problem
from backend.rules.xlsform_sheets import MARK, Row, Sheet
from backend.rules.xlsform_words import bilingual
from sync.checklist import Choice, Column, Item, Kind, Section, Text, When

KINDS: dict[str, Kind] = {
    "select one": "choice", "select all that apply": "choice", "integer": "count",
    "decimal": "number", "text": "text", "string": "text", "date": "date", "photo": "photo",
    "repeat": "table",
}  # fmt: skip
CELLS: dict[str, Literal["text", "number", "count", "date", "choice"]] = {
    "select one": "choice", "integer": "count", "decimal": "number", "text": "text",
    "string": "text", "date": "date",
}  # fmt: skip
SILENT = (  # asks nothing of the inspector
    "note", "calculate", "hidden", "start", "end", "today", "deviceid", "subscriberid",
    "simserial", "phonenumber", "username", "email", "audit", "start-geopoint",
    "background-audio", "background-geopoint",
)  # fmt: skip
YES = ("yes", "y", "pass", "ok", "true", "1", "是", "合格", "符合")
NO = ("no", "n", "fail", "not_ok", "false", "0", "否", "不合格", "不符合")
NOT_APPLICABLE = ("na", "n_a", "n-a", "not_applicable", "不适用", "合理缺项")
MEANINGLESS = ("default", "trigger", "parameters", "media", "guidance_hint")
MEANINGLESS_BINDS = {
    "readonly": "read_only", "calculate": "calculation", "jr:constraintMsg": "constraint_message",
    "jr:requiredMsg": "required_message",
}  # fmt: skip

_code = re.compile(r"[a-z0-9][a-z0-9.\-]*")
_ref = re.compile(r"[1-9][0-9]*(\.[1-9][0-9]*)*")
_form = re.compile(r"[a-z0-9][a-z0-9\-]{0,59}")
_version = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,19}")

_Value = TypeVar("_Value")


class Asked(NamedTuple):
    """A question that a later condition may look at: the code of each of its choices."""

    ref: str
    codes: dict[str, str]
    several: bool


class Builder:
    """Goes through what pyxform read, row by row, and notes what cannot be taken over."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        self.problems: list[Problem] = []
        self._sheets = sheets
        self._rows = {row.number: row for row in sheets["survey"].rows}
        self._asked: dict[str, Asked] = {}
        self._refs: set[str] = set()
        self._title = Text(en="-", zh="-")
        self._codes: dict[str, str] = {}
        self._numbered = any("ref" in row.cells for row in sheets["survey"].rows)
        self._demands = any(one.lower() == "required" for one in sheets["survey"].headers)
        settings = sheets["settings"].rows
        self._settings = settings[0] if settings else Row(2, {})

    def name(self, survey: dict[str, Any], code: str, version: str) -> tuple[str, str, Text] | None:
        """Find code, version and title, and tell what every import has to be told."""
        settings = self._sheets["settings"]
        said = settings.own(self._settings, "title") or {"": str(survey["title"])}
        self._title = self._text("settings", 2, "form_title", said)
        for language in sorted(bilingual({}, self._languages()).others):
            self._tell(Trouble.LANGUAGE, 1, "label", language)
        if not self._numbered:
            self._tell(Trouble.NO_REF, 0, "ref", "")
        self._tell(Trouble.DEFAULT_RULES, 0, "", "")
        code = code or str(survey["id_string"]).lower().replace("_", "-")
        version = version or str(survey.get("version", "1"))
        for pattern, column, value in (
            (_form, "form_id", code), (_version, "version", version),
        ):  # fmt: skip
            if not pattern.fullmatch(value):
                self._note(Trouble.FORM_NAME, "settings", 2, column, value)
                return None
        return code, version, self._title

    def sections(self, children: list[dict[str, Any]]) -> tuple[Section, ...]:
        """Make a section of every outer group, and of what stands between them."""
        made: list[Section] = []
        loose: list[Item] = []

        def close() -> None:
            if loose:
                made.append(Section(title=self._title, items=tuple(loose)))
                loose.clear()

        for child in children:
            if child["type"] == "group" and child["name"] != "meta":
                close()
                row = self._row(child)
                when = self._when(child, row)
                items = tuple(self._items(child["children"], len(made) + 1, 0))
                title = self._label(child, row) if "label" in child else self._title
                if items:
                    made.append(Section(title=title, items=items, when=when))
            else:
                inner = child["children"] if child["type"] == "group" else [child]
                loose += self._items(inner, len(made) + 1, len(loose))
        close()
        return tuple(made)

    # -- one question ------------------------------------------------------------------------------

    def _items(
        self, children: list[dict[str, Any]], section: int, before: int, when: When | None = None
    ) -> Iterator[Item]:
        for child in children:
            row = self._row(child)
            if row.number == 0:
                continue  # pyxform's own
            if child["type"] == "group":
                self._tell(Trouble.NESTED, row.number, "label", row.cells.get("name", ""))
                inner = self._when(child, row)
                if when is not None and inner is not None:
                    self._tell(Trouble.RELEVANT_TWICE, row.number, "relevant", "")
                made = list(self._items(child["children"], section, before, inner or when))
            else:
                made = self._item(child, row, f"{section}.{before + 1}", when)
            before += len(made)
            yield from made

    def _item(self, child: dict[str, Any], row: Row, number: str, outer: When | None) -> list[Item]:
        kind = KINDS.get(child["type"])
        if child["type"] in SILENT:
            self._tell(Trouble.LEFT_OUT, row.number, "type", child["type"])
            return []
        if kind is None:
            self._tell(Trouble.KIND, row.number, "type", row.cells.get("type", ""))
            return []
        self._meaningless(child, row)
        ref = self._number(row, number)
        when = self._when(child, row)
        if outer is not None and when is not None:
            self._tell(Trouble.RELEVANT_TWICE, row.number, "relevant", "")
        plain = Item(
            ref=ref,
            text=self._label(child, row),
            basis=self._basis(row),
            kind=kind,
            key=self._flag(row, "key", False),
            evidence=self._flag(row, "evidence", False),
            na_remark=self._flag(row, "na_remark", False),
            rectify_days=self._days(row),
            may_be_na=self._flag(row, "may_be_na", True),
            hint=self._text("survey", row.number, "hint", child["hint"])
            if "hint" in child
            else None,
            when=when or outer,
            optional=self._demands and not self._required(child, row),
        )
        made = self._of_kind(plain, child, row)
        if made.na_remark and not made.may_be_na:
            self._tell(Trouble.FLAG, row.number, "na_remark", row.cells.get("na_remark", ""))
        return [made]

    def _of_kind(self, item: Item, child: dict[str, Any], row: Row) -> Item:
        """Add what only this kind of item has."""
        match child["type"]:
            case "select one" | "select all that apply":
                return self._choice(item, child, row)
            case "integer" | "decimal":
                return self._reading(item, child, row)
            case "photo":
                drawn = "signature" in str(child.get("control", {}).get("appearance", ""))
                return replace(item, kind="signature") if drawn else item
            case "repeat":
                return self._table(item, child, row)
            case _:
                return item

    def _choice(self, item: Item, child: dict[str, Any], row: Row) -> Item:
        several = child["type"] != "select one"
        choices = self._choices(child, row)
        names = [str(one["name"]) for one in child.get("choices", [])]
        answers = [_answer(name) for name in names]
        known = {"pass", "fail"} <= set(answers) <= {"pass", "fail", "na"}
        if several or not known or len(set(answers)) < len(answers):
            codes = dict(zip(names, (one.code for one in choices), strict=False))
            self._asked[child["name"]] = Asked(item.ref, codes, several)
            return replace(item, choices=choices, several=several)
        expect = self._one_of(row, "expect", ("yes", "no"), "yes")
        turn = {"pass": "fail", "fail": "pass"} if expect == "no" else dict[str, str]()
        codes = {name: turn.get(one, one) for name, one in zip(names, answers, strict=True)}
        self._asked[child["name"]] = Asked(item.ref, codes, several)
        return replace(item, kind="verdict", expect=expect, may_be_na="na" in answers)

    def _choices(self, child: dict[str, Any], row: Row) -> tuple[Choice, ...]:
        if not child.get("choices") or "choice_filter" in child:
            self._tell(Trouble.CHOICES, row.number, "type", row.cells.get("type", ""))
            return ()
        if "or_other" in row.cells.get("type", "").replace(" or specify other", " or_other"):
            self._tell(Trouble.OTHER, row.number, "type", row.cells["type"])
            return ()
        if len(child["choices"]) < 2:
            self._tell(Trouble.FEW_CHOICES, row.number, "type", row.cells.get("type", ""))
        made: list[Choice] = []
        for one in child["choices"]:
            at = self._choice_row(str(child["list_name"]), str(one["name"]))
            label = one.get("label", one["name"])
            made.append(
                Choice(
                    code=self._choice_code(str(one["name"]), at.number),
                    text=self._text("choices", at.number, "label", label),
                    complies=self._one_of(
                        at, "complies", ("yes", "no", "na", "none"), "none", sheet="choices"
                    ),
                    points=self._whole(at, "points", 0, 1000, 0, sheet="choices"),
                )
            )
        return tuple(made)

    def _choice_row(self, of: str, name: str) -> Row:
        for row in self._sheets["choices"].rows:
            cells = {key.lower().replace(" ", "_"): cell for key, cell in row.cells.items()}
            if cells.get("list_name") == of and (cells.get("name") or cells.get("value")) == name:
                return row
        return Row(0, {})

    def _choice_code(self, name: str, number: int) -> str:
        """Name a choice as the form does where that is a code, else by a digest of its name."""
        code = name.lower().replace("_", "-")
        taken = self._codes.get(code, name) != name
        if taken or len(code) > 20 or not _code.fullmatch(code):
            code = "x" + sha256(name.encode()).hexdigest()[:12]
            if name not in self._codes.values():
                self._note(Trouble.CODE, "choices", number, "name", name, more=code)
        self._codes[code] = name
        return code

    def _reading(self, item: Item, child: dict[str, Any], row: Row) -> Item:
        whole = child["type"] == "integer"
        bound = self._limits(child, row, whole=whole)
        unit = row.cells.get("unit", "").replace("℃", "°C")
        if len(unit) > 20:
            self._tell(Trouble.FLAG, row.number, "unit", unit)
        kind: Kind = "count" if whole else "number"
        if whole and bound.low is not None and bound.low.startswith("-"):
            kind = "number"
        if unit.startswith("°") and bound != Limits(None, None):
            kind = "temperature"
        measured = kind != "count"
        return replace(
            item,
            kind=kind,
            minimum=bound.low,
            maximum=bound.high,
            unit=unit,
            instrument=measured and self._flag(row, "instrument", False),
            probe=measured and self._flag(row, "probe", False),
        )

    def _table(self, item: Item, child: dict[str, Any], row: Row) -> Item:
        columns = tuple(self._columns(child))
        if not columns:
            self._tell(Trouble.CELL_KIND, row.number, "type", row.cells.get("type", ""))
        if "jr:count" in child.get("control", {}):
            said = str(child["control"]["jr:count"])
            self._tell(Trouble.COLUMN, row.number, "repeat_count", said)
        return replace(item, columns=columns)

    def _columns(self, child: dict[str, Any]) -> Iterator[Column]:
        for cell in child["children"]:
            row = self._row(cell)
            if row.number == 0:
                continue
            kind = CELLS.get(cell["type"])
            if kind is None or "relevant" in cell.get("bind", {}):
                trouble = Trouble.LEFT_OUT if cell["type"] in SILENT else Trouble.CELL_KIND
                self._tell(trouble, row.number, "type", row.cells.get("type", ""))
                continue
            self._meaningless(cell, row)
            measured = kind in ("number", "count")
            bound = (
                self._limits(cell, row, whole=kind == "count") if measured else Limits(None, None)
            )
            yield Column(
                code=self._choice_code(str(cell["name"]), row.number),
                text=self._label(cell, row),
                kind=kind,
                unit=row.cells.get("unit", "").replace("℃", "°C")[:20] if measured else "",
                minimum=bound.low,
                maximum=bound.high,
                required=self._required(cell, row),
                choices=self._choices(cell, row) if kind == "choice" else (),
            )

    # -- conditions, limits, flags -----------------------------------------------------------------

    def _when(self, child: dict[str, Any], row: Row) -> When | None:
        said = child.get("bind", {}).get("relevant")
        if said is None:
            return None
        read = condition(str(said))
        target = self._asked.get(read.name) if read else None
        if read is not None and target is not None:
            codes = [target.codes.get(one) for one in read.choices]
            if read.unless and not target.several:
                codes = [one for one in dict.fromkeys(target.codes.values()) if one not in codes]
            if codes and None not in codes and not (read.unless and target.several):
                return When(item=target.ref, one_of=tuple(cast(list[str], codes)))
        self._tell(Trouble.RELEVANT, row.number, "relevant", str(said))
        return None

    def _limits(self, child: dict[str, Any], row: Row, *, whole: bool) -> Limits:
        said = child.get("bind", {}).get("constraint")
        if said is None:
            return Limits(None, None)
        read = limits(str(said), whole=whole)
        trouble = Trouble.CONSTRAINT if read is None else Trouble.LIMIT
        self._tell(trouble, row.number, "constraint", str(said))
        return read or Limits(None, None)

    def _required(self, child: dict[str, Any], row: Row) -> bool:
        said = str(child.get("bind", {}).get("required", "no"))
        if said.lower() not in ("yes", "no", "true", "false", "true()", "false()"):
            self._tell(Trouble.COLUMN, row.number, "required", said)
        return said.lower() not in ("no", "false", "false()")

    def _meaningless(self, child: dict[str, Any], row: Row) -> None:
        for name in MEANINGLESS:
            if child.get(name):
                self._tell(Trouble.COLUMN, row.number, name, str(child[name]))
        bind = child.get("bind", {})
        for name, column in MEANINGLESS_BINDS.items():
            if name in bind:
                self._tell(Trouble.COLUMN, row.number, column, str(bind[name]))
        if child["type"] not in ("integer", "decimal") and "constraint" in bind:
            self._tell(Trouble.CONSTRAINT, row.number, "constraint", str(bind["constraint"]))

    def _number(self, row: Row, number: str) -> str:
        ref = row.cells.get("ref", number)
        if not _ref.fullmatch(ref) or len(ref) > 20 or ref in self._refs:
            self._tell(Trouble.REF, row.number, "ref", ref)
        self._refs.add(ref)
        return ref

    def _flag(self, row: Row, column: str, otherwise: bool) -> bool:
        said = row.cells.get(column, "").lower()
        if said in YES or said in NO or not said:
            return said in YES if said else otherwise
        self._tell(Trouble.FLAG, row.number, column, said)
        return otherwise

    def _one_of(
        self, row: Row, column: str, may: tuple[_Value, ...], other: _Value, sheet: str = "survey"
    ) -> _Value:
        said = row.cells.get(column, "").lower() or other
        for one in may:
            if one == said:
                return one
        self._note(Trouble.FLAG, sheet, row.number, column, str(said))
        return other

    def _days(self, row: Row) -> int:
        return self._whole(row, "rectify_days", 1, 365, 15)

    def _whole(
        self, row: Row, column: str, low: int, high: int, other: int, sheet: str = "survey"
    ) -> int:
        said = row.cells.get(column, str(other))
        if said.isascii() and said.isdigit() and len(said) < 5 and low <= int(said) <= high:
            return int(said)
        self._note(Trouble.FLAG, sheet, row.number, column, said)
        return other

    # -- texts -------------------------------------------------------------------------------------

    def _label(self, child: dict[str, Any], row: Row) -> Text:
        return self._text("survey", row.number, "label", child.get("label", ""))

    def _basis(self, row: Row) -> Text:
        own = self._sheets["survey"].own(row, "basis")
        own = own or self._sheets["settings"].own(self._settings, "basis")
        if own:
            return self._text("survey", row.number, "basis", own)
        self._tell(Trouble.NO_BASIS, row.number, "basis", "")
        return Text(en=UNKNOWN, zh=UNKNOWN)

    def _text(self, sheet: str, row: int, column: str, said: object) -> Text:
        told = bilingual(said, set())
        if not told.en or max(len(told.en), len(told.zh)) > 600:
            self._note(Trouble.TEXT, sheet, row, column, told.en)
            return Text(en="-", zh="-")
        if told.marked:
            self._note(Trouble.ONE_LANGUAGE, sheet, row, column, told.zh)
        return convert({"en": told.en, "zh": told.zh}, Text)

    def _languages(self) -> set[str]:
        heads = [one for sheet in self._sheets.values() for one in sheet.headers]
        return {one.partition("::")[2].strip() for one in heads if "::" in one}

    def _row(self, child: dict[str, Any]) -> Row:
        return self._rows.get(int(child.get(MARK, 0)), Row(0, {}))

    def _tell(self, trouble: Trouble, row: int, column: str, value: str) -> None:
        self._note(trouble, "survey", row, column, value)

    def _note(
        self, trouble: Trouble, sheet: str, row: int, column: str, value: str, more: str = ""
    ) -> None:
        found = problem(trouble, sheet, row, column, value, more=more)
        if found not in self.problems:
            self.problems.append(found)


def _answer(name: str) -> str:
    """Take the name of a choice for pass, fail or n/a; empty for none of them."""
    lower = name.lower()
    return (
        "pass"
        if lower in YES
        else "fail"
        if lower in NO
        else "na"
        if lower in NOT_APPLICABLE
        else ""
    )
