"""What may be odd about one row of a file (行级问题); a warning keeps the row."""

from sync.refusals.said import Kind, Said

ROW_COLUMNS_WRONG = Said(
    "row.columns-wrong",
    Kind.INVALID,
    "The row has more or fewer columns than the header.",
    "该行列数与表头不符",
    "Quote cells that hold the delimiter or a line break.",
    "含分隔符或换行的单元格请加引号。",
)
ROW_UNDECODABLE = Said(
    "row.undecodable",
    Kind.INVALID,
    "A cell has bytes that are not text in the file's encoding; `value` has them in hex.",
    "单元格含无法解码的字节，`value` 以十六进制列出",
    "Correct the cell at its source, or name the right encoding in the mapping.",
    "请在数据源更正该单元格，或在映射中指定正确的编码。",
)
ROW_FORMULA_ERROR = Said(
    "row.formula-error",
    Kind.INVALID,
    "A cell has the error of a formula in place of its value.",
    "单元格为公式错误值",
    "Correct the formula in the workbook; the cell was read as empty.",
    "请更正工作簿中的公式；该单元格按空值处理。",
)
ROW_PRIVATE_USE = Said(
    "row.private-use",
    Kind.INVALID,
    "A cell has characters that only a private font can show.",
    "单元格含造字（私用区字符）",
    "Replace them at the source by characters of Unicode; they were imported as they are.",
    "请在数据源改用 Unicode 标准字符；该行已按原样导入。",
)
ROW_CONTROL_CHARACTER = Said(
    "row.control-character",
    Kind.INVALID,
    "A cell has control characters, which cannot be seen.",
    "单元格含不可见的控制字符",
    "Remove them at the source; they were imported as they are.",
    "请在数据源删除；该行已按原样导入。",
)
ROW_HTML_ENTITY = Said(
    "row.html-entity",
    Kind.INVALID,
    "A cell has text as a web page writes it, such as &amp; for &.",
    "单元格含网页转义文本，如以 &amp; 表示 &",
    "Correct the export; the text was imported as it is.",
    "请更正导出程序；该行已按原样导入。",
)
ROW_VALUE_MISSING = Said(
    "row.value-missing",
    Kind.INVALID,
    "The row lacks a value that it cannot do without.",
    "该行缺少必填值",
    "Fill the column in.",
    "请补填该列。",
)
ROW_VALUE_UNKNOWN = Said(
    "row.value-unknown",
    Kind.INVALID,
    "The value is not one that the mapping knows.",
    "该值不在映射的取值范围内",
    "Correct the value, or add it to the mapping.",
    "请更正该值，或将其加入映射。",
)
ROW_VALUE_INVALID = Said(
    "row.value-invalid",
    Kind.INVALID,
    "The value does not have the form of its column.",
    "该值格式不符合要求",
    "Correct the value.",
    "请更正该值。",
)
ROW_VALUE_TOO_LONG = Said(
    "row.value-too-long",
    Kind.INVALID,
    "The value is longer than its column allows.",
    "该值超出长度上限",
    "Shorten the value.",
    "请缩短该值。",
)
ROW_DIVISION_FOREIGN = Said(
    "row.division-foreign",
    Kind.FORBIDDEN,
    "The row belongs to a division outside yours.",
    "该行所属行政区划不在您的辖区内",
    "Ask an officer of that division to import it.",
    "请由该辖区人员导入。",
)
ROW_DIVISION_UNKNOWN = Said(
    "row.division-unknown",
    Kind.INVALID,
    "No edition of the list of divisions has this code.",
    "行政区划名录的任何版本均无此代码",
    "Correct it, or leave it (development zones use codes of their own); it was imported.",
    "请更正，或保留（开发区常用自编代码）；该行仍已导入。",
)
ROW_DIVISION_HISTORICAL = Said(
    "row.division-historical",
    Kind.INVALID,
    "The division of this code is no longer in force.",
    "该行政区划代码已停用",
    "See what followed it: evenhand office register division CODE; it was imported.",
    "查看后继代码：evenhand office register division CODE；该行仍已导入。",
)
DIVISION_NOT_FOUND = Said(
    "division.not-found",
    Kind.MISSING,
    "The register of divisions does not have this code.",
    "行政区划名录中没有此代码",
    "Check the code, or import the lists of divisions first.",
    "请检查代码，或先导入行政区划名录。",
)
EDITION_INVALID = Said(
    "edition.invalid",
    Kind.INVALID,
    "This edition of the list of divisions cannot be read.",
    "无法读取该版行政区划名录",
    "Write EDITION=FILE, the edition as 2002, 2002-12 or 2002-12-31; see `problem`.",
    "请写成 版本=文件，版本如 2002、2002-12 或 2002-12-31；原因见 `problem`。",
)
ROW_NOT_REGISTERED = Said(
    "row.not-registered",
    Kind.MISSING,
    "The row names someone who is in no register.",
    "该行所指对象或人员不在名录库中",
    "Import the establishments and inspectors first.",
    "请先导入检查对象名录库和执法检查人员名录库。",
)
ROW_PARENT_UNKNOWN = Said(
    "row.parent-unknown",
    Kind.MISSING,
    "What the row lies within is in no register.",
    "该行所属的上级对象不在名录库中",
    "Correct it, or import what it names as well; the row was imported.",
    "请更正，或一并导入其所指对象；该行仍已导入。",
)
ROW_DUPLICATE = Said(
    "row.duplicate",
    Kind.CONFLICT,
    "Rows of the same code disagree; one of them was taken.",
    "同一编号的多行内容不一致，仅采用其中一行",
    "Remove the row that is wrong.",
    "请删除错误的行。",
)
ROW_CELLS_MERGED = Said(
    "row.cells-merged",
    Kind.INVALID,
    "A cell of the row is merged across columns.",
    "该行存在跨列合并的单元格",
    "Unmerge the cells in the workbook, and fill each column in.",
    "请在工作簿中取消合并单元格，并逐列填写。",
)
CODE_MISSING = Said(
    "code.missing",
    Kind.INVALID,
    "There is no number.",
    "没有编号",
    "Ask the business for its registration number.",
    "请向经营者核实注册编号。",
)
CODE_CHECK_WRONG = Said(
    "code.check-wrong",
    Kind.INVALID,
    "The check character of the number is wrong.",
    "编号校验位错误",
    "Compare it with the licence; the row was imported all the same.",
    "请与证照核对；该行仍已导入。",
)
CODE_SHAPE_WRONG = Said(
    "code.shape-wrong",
    Kind.INVALID,
    "The number is of no known kind.",
    "编号不属于任何已知类型",
    "Compare it with the licence; the row was imported all the same.",
    "请与证照核对；该行仍已导入。",
)
CODE_MASKED = Said(
    "code.masked",
    Kind.INVALID,
    "Parts of the number are masked.",
    "编号部分字符被遮盖",
    "Ask for the full number: others may be masked alike; the row was imported all the same.",
    "请索取完整编号：不同对象遮盖后可能相同；该行仍已导入。",
)
CODE_ROUNDED = Said(
    "code.rounded",
    Kind.INVALID,
    "A spreadsheet turned the code into a rounded number; its last digits are lost.",
    "编号已被电子表格转为近似数值，末位数字丢失",
    "Export the file again with this column formatted as text.",
    "请将该列设为文本格式后重新导出。",
)
CODE_RESERVED = Said(
    "code.reserved",
    Kind.INVALID,
    "Codes that begin so are given to places that are in no register.",
    "该前缀仅用于未登记的临时对象",
    "Give the establishment's own code; merge the provisional one into it: "
    "evenhand office provisional match.",
    "请填写该对象自己的编号；临时对象请归并：evenhand office provisional match。",
)
CODE_NORMALISED = Said(
    "code.normalised",
    Kind.INVALID,
    "The number was written with small, full-width or invisible characters.",
    "编号含小写、全角或不可见字符",
    "Nothing: it was imported in its normal form.",
    "无需处理：已按规范形式导入。",
)
LOOKALIKE_NOT_FOUND = Said(
    "lookalike.not-found",
    Kind.MISSING,
    "There is no such pair on the review list, or one of its establishments is gone.",
    "复核清单中没有这一对，或其中一个对象已不在名录库",
    "List the pairs again: evenhand office register review.",
    "请重新查看复核清单：evenhand office register review。",
)
