"""XLSForm 导入问题: what an XLSForm has that a checklist cannot say, and what to do about it."""

from enum import Enum
from typing import NamedTuple

from msgspec import Struct

Words = tuple[str, str]  # English, 中文


class Told(NamedTuple):
    """One kind of problem: what it is, what to do, and whether it stops the import."""

    what: Words
    remedy: Words
    stops: bool = True


class Trouble(Enum):
    """The kinds of problems, in the order of an import."""

    WORKBOOK = Told(
        ("pyxform finds the form wrong", "pyxform 校验未通过"),
        ("Correct the cell that it names, then import again.", "请更正其所指单元格后重新导入。"),
    )
    SIZE = Told(
        ("The sheet is larger than a form may be", "工作表超出表单允许的大小"),
        ("Delete rows and columns that are no part of the form.", "请删除与表单无关的行和列。"),
    )
    HEADER = Told(
        ("Two columns have this name", "列名重复"),
        ("Rename or delete one of them.", "请改名或删除其中一列。"),
    )
    NOTHING = Told(
        ("The form asks nothing", "表单没有可检查的问题"),
        ("Add questions to the sheet survey.", "请在 survey 工作表中添加问题。"),
    )
    SHEET = Told(
        ("A checklist has nothing like this sheet", "检查表没有与此工作表对应的内容"),
        (
            "Remove the sheet; see to it that no question needs it.",
            "请删除该工作表，并确认没有问题依赖它。",
        ),
    )
    KIND = Told(
        ("A checklist has no such kind of item", "检查表没有这类检查项"),
        (
            "Use select_one, select_multiple, integer, decimal, text, date or image; place and "
            "time are recorded on arrival.",
            "请改用 select_one、select_multiple、integer、decimal、text、date 或 image；"
            "地点和时间在到达时自动记录。",
        ),
    )
    CELL_KIND = Told(
        ("A row of a table has no such cell", "表格行不支持这类单元格"),
        (
            "In a repeat use text, integer, decimal, date or select_one, without groups.",
            "repeat 内请用 text、integer、decimal、date 或 select_one，且不嵌套分组。",
        ),
    )
    CHOICES = Told(
        (
            "The choices depend on other answers, or come from a file",
            "选项取决于其他答案或外部文件",
        ),
        (
            "Write the choices into the sheet choices; make several questions with `relevant`.",
            "请把选项写入 choices 工作表；必要时拆成多个问题并用 relevant。",
        ),
    )
    FEW_CHOICES = Told(
        ("A choice is between two at least", "选项不得少于两个"),
        ("Add choices, or use text.", "请补充选项，或改用 text。"),
    )
    OTHER = Told(
        ("`or_other` asks a question of its own", "or_other 会另外提问"),
        (
            "Add a choice `other`, and a text question that is relevant to it.",
            "请增加 other 选项，并另设一个 relevant 的 text 问题。",
        ),
    )
    RELEVANT = Told(
        ("A checklist cannot weigh this condition", "检查表无法表达此条件"),
        (
            "Use ${name} = 'choice', joined by `or`, of one earlier question with choices.",
            "请写成对前面某一选择题的 ${name} = '选项'，多个用 or 连接。",
        ),
    )
    RELEVANT_TWICE = Told(
        ("Groups within groups have conditions of their own", "嵌套分组各有条件"),
        ("Give the condition to one of the groups only.", "请只在其中一个分组上设置条件。"),
    )
    REF = Told(
        ("This is no number of an item, or it appears twice", "编号不符合要求或重复"),
        (
            "Write 1, 2.3 or 3.10, as text and each once.",
            "请以文本写成 1、2.3、3.10 等，且不重复。",
        ),
    )
    FLAG = Told(
        ("This column takes other words", "该列取值不符合要求"),
        (
            "Write yes or no; a number of working days; or what the how-to names.",
            "请填 yes 或 no、工作日数，或操作指南所列取值。",
        ),
    )
    TEXT = Told(
        ("The text is empty or longer than 600 characters", "文字为空或超过600字"),
        ("Write a text of 1 to 600 characters.", "请填写1至600字。"),
    )
    FORM_NAME = Told(
        ("This can be neither code nor version of a checklist", "不能作为检查表的代码或版本"),
        (
            "Give --code (a-z, 0-9, -) and --version (letters, digits, . and -).",
            "请用 --code（a-z、0-9、-）和 --version（字母、数字、.、-）指定。",
        ),
    )
    NO_BASIS = Told(
        ("No legal basis is given", "未填写依据"),
        (
            "Fill it in before the release, or add columns basis::中文 and basis::English.",
            "请在定版前补填，或在工作表中增加 basis::中文 和 basis::English 列。",
        ),
        stops=False,
    )
    ONE_LANGUAGE = Told(
        ("The text is there in one language only", "文字只有一种语言"),
        (
            "It stands in both, marked: translate it before the release.",
            "已在两种语言中写入并加标记，请在定版前译好。",
        ),
        stops=False,
    )
    LANGUAGE = Told(
        ("Only Chinese and English are taken", "仅采用中文和英文"),
        ("Nothing need be done; the column is left out.", "无需处理，该列未导入。"),
        stops=False,
    )
    NO_REF = Told(
        ("Items have no numbers of their own", "检查项没有编号"),
        (
            "They were numbered in order; add a column `ref` to keep numbers when rows move.",
            "已按顺序编号；如需固定编号，请增加 ref 列。",
        ),
        stops=False,
    )
    LEFT_OUT = Told(
        ("This row is left out: it asks nothing of an inspector", "该行不向检查人员提问，未导入"),
        (
            "Put a text for the inspector into `hint` of a question.",
            "说明文字请写入问题的 hint 列。",
        ),
        stops=False,
    )
    COLUMN = Told(
        (
            "This cell has no meaning in a checklist and is left out",
            "该单元格在检查表中没有含义，未导入",
        ),
        ("See whether the form still asks what it should.", "请核对表单是否仍表达原意。"),
        stops=False,
    )
    CONSTRAINT = Told(
        ("This constraint is not a limit and is left out", "该约束不是限值，未导入"),
        (
            "Use `. >= a and . <= b`, or set the limits in the file.",
            "请写成 . >= a and . <= b，或在文件中设置限值。",
        ),
        stops=False,
    )
    LIMIT = Told(
        ("The constraint became a limit", "约束已转为限值"),
        (
            "A reading beyond it is recorded and fails; it is not kept from being typed.",
            "超出限值的读数仍会记录并判为不合格，不会阻止录入。",
        ),
        stops=False,
    )
    CODE = Told(
        ("The name of this choice became another code", "该选项名称已改为其他代码"),
        (
            "Nothing need be done: the same name always becomes the same code.",
            "无需处理：同一名称总是得到同一代码。",
        ),
        stops=False,
    )
    NESTED = Told(
        (
            "Sections have no parts: the inner group's title is left out",
            "分部内不再分组，内层标题未导入",
        ),
        ("Make it a group of its own if the title matters.", "如需保留标题，请改为单独分组。"),
        stops=False,
    )
    DEFAULT_RULES = Told(
        ("An XLSForm has no rules of a verdict", "XLSForm 没有结论规则"),
        (
            "Three outcomes and the usual rules were added: read them, and mark the key items.",
            "已加入三种结论及常用规则，请核对并标出重点项。",
        ),
        stops=False,
    )


class Problem(Struct, frozen=True):
    """A problem where it is: the sheet, its row as the spreadsheet counts, column and value."""

    code: str
    sheet: str
    row: int  # 0: of the whole sheet
    column: str
    value: str
    stops: bool
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str


def problem(
    trouble: Trouble, sheet: str, row: int, column: str, value: str, *, more: str = ""
) -> Problem:
    """Say a problem of one cell; `more` follows what it is, in any language."""
    told = trouble.value
    return Problem(
        code=trouble.name.lower().replace("_", "-"),
        sheet=sheet,
        row=row,
        column=column,
        value=value[:80],
        stops=told.stops,
        en=told.what[0] + (f": {more}" if more else ""),
        zh=told.what[1] + (f"：{more}" if more else ""),
        remedy_en=told.remedy[0],
        remedy_zh=told.remedy[1],
    )
