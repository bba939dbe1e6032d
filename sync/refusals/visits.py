"""Refusals of what is recorded on site and printed of it (现场)."""

from sync.refusals.said import Kind, Said

TEMPLATE_WRONG = Said(
    "print.template-wrong",
    Kind.INVALID,
    "A template of your office cannot be set.",
    "本机关的文书模板无法排版",
    "Mend `file` at `line`, or take the file out of the folder of templates.",
    "请修改 `file` 第 `line` 行，或将该文件移出模板文件夹。",
)
PAPER_NO_SAMPLES = Said(
    "paper.no-samples",
    Kind.MISSING,
    "No sample was taken and no lot was weighed on this inspection.",
    "本次检查未抽样、未称量",
    "Print the record instead.",
    "请改为打印现场检查笔录。",
)
PAPER_NOTHING_TO_ORDER = Said(
    "paper.nothing-to-order",
    Kind.MISSING,
    "Nothing failed on this inspection, so there is nothing to order.",
    "本次检查无不符合项，无需责令改正",
    "Print the result instead.",
    "请改为打印检查结果记录表。",
)
PAPER_CODE_MISSING = Said(
    "paper.code-missing",
    Kind.INVALID,
    "This is no document of an inspection, and no code of one.",
    "这不是检查文书，也不是检查文书的核验码",
    "Give the PDF, or what a scanner reads from its QR code: EHI1:...",
    "请提供文书 PDF，或扫描二维码所得内容：EHI1:……",
)
PAPER_OUTDATED = Said(
    "paper.outdated",
    Kind.CONFLICT,
    "The inspection is no longer, or never was, in the state that this document shows.",
    "检查的现状与本文书所载状态不一致",
    "Print the document anew and compare: `paper` is the digest printed, `now` that of today.",
    "请重新打印并核对：`paper` 为文书所载散列值，`now` 为现状散列值。",
)
NAMES_WRONG = Said(
    "print.names-wrong",
    Kind.INVALID,
    "The file of names cannot be read.",
    "无法读取名称文件",
    "Give a CSV with a header: `code` or `certificate`, `name`, and `address` if known.",
    "请提供带表头的 CSV：`code` 或 `certificate`、`name`，以及可选的 `address`。",
)
SIGN_WITNESS = Said(
    "sign.witness",
    Kind.INVALID,
    "A refusal to sign needs a witness, and a witness belongs to a refusal.",
    "拒绝签名须有见证人；见证人仅用于拒签",
    "Name who saw it: --refused REASON --witness NAME.",
    "请注明见证人：--refused 理由 --witness 姓名。",
)
ARRIVAL_ELSEWHERE = Said(
    "arrival.elsewhere",
    Kind.CONFLICT,
    "The code that was scanned is another establishment's: `scanned`, not `expected`.",
    "所扫企业码属于其他检查对象：`scanned`，而非 `expected`",
    "Look where you are. If this is the site all the same, say so with --anyway.",
    "请核对所在地点；确为本检查对象的，请加 --anyway 确认。",
)
TABLE_FILE = Said(
    "table.file",
    Kind.INVALID,
    "The rows of item `item` could not be read: `problem`.",
    "无法读取检查项 `item` 的表格：`problem`",
    "Write them as CSV in UTF-8, the first line naming the columns: 3.2=@prices.csv.",
    "请保存为 UTF-8 编码的 CSV，首行为列名，如 3.2=@prices.csv。",
)
TABLE_CELL = Said(
    "table.cell",
    Kind.INVALID,
    "Item `item` does not take `value` in row `row`, column `column` of the file.",
    "检查项 `item` 的表格第 `row` 行 `column` 列不能填写“`value`”",
    "Correct that cell; row 1 names the columns. Nothing was recorded.",
    "请更正该单元格（第 1 行为列名）；本次未记录任何内容。",
)
STROKES_INVALID = Said(
    "strokes.invalid",
    Kind.INVALID,
    "This is no signature that was drawn: `problem`.",
    "签名笔迹文件无效：`problem`",
    "Draw it again; the form of the file is in docs/reference/protocol.md under Strokes.",
    "请重新签名；文件格式见 docs/reference/protocol.md 的 Strokes 一节。",
)
SAMPLE_UNKNOWN = Said(
    "sample.unknown",
    Kind.MISSING,
    "This device knows no sample of that number in the inspection.",
    "本终端上，该检查没有此编号的样品",
    "Take the number that is shown beside it: evenhand device show INSPECTION.",
    "请使用 evenhand device show 检查编号 所显示的编号。",
)
TEXT_INVALID = Said(
    "text.invalid",
    Kind.INVALID,
    "What `field` says is too long, or has a character that cannot be stored.",
    "`field` 过长，或含有无法保存的字符",
    "Write at most 2,000 characters, none of them U+0000; a list has at most 1,000 entries.",
    "请勿超过 2000 字，且不得含空字符（U+0000）；列表至多 1000 项。",
)
DECIMAL_INVALID = Said(
    "decimal.invalid",
    Kind.INVALID,
    "The value of `field` is no plain number of 0 or more: `value`.",
    "`field` 须为不小于 0 的十进制数：`value`",
    "Write digits, with a point if need be, at most 12 characters: 12.5.",
    "请只写数字和小数点，至多 12 个字符，如 12.5。",
)
PLACE_INVALID = Said(
    "place.invalid",
    Kind.INVALID,
    "This is no point: degrees and a datum are needed together.",
    "位置无效：经纬度与坐标系须同时填写",
    "Give --longitude, --latitude and --datum (WGS-84, GCJ-02 or BD-09), or none of them.",
    "请同时填写 --longitude、--latitude 和 --datum（WGS-84、GCJ-02 或 BD-09），或均不填写。",
)
LOT_INVALID = Said(
    "lot.invalid",
    Kind.INVALID,
    "A net-content check cannot take `value` in `field`.",
    "净含量检验的 `field` 不能为 `value`",
    "Give nominal and contents as plain decimals in the unit of the label (g, kg, mL, L, cm, "
    "m, dm², m², pieces; content up to 50 kg or L), and no more packages than the lot has.",
    "标注量与实际含量请填十进制数，单位与标注一致（g、kg、mL、L、cm、m、dm²、m²、pieces，"
    "质量体积不超过 50 kg 或 L），件数不得多于批量。",
)
