"""Refusals of registers and checklists (名录库与检查表)."""

from sync.refusals.said import Kind, Said

CHECKLIST_INVALID = Said(
    "checklist.invalid",
    Kind.INVALID,
    "The checklist is not valid.",
    "检查表文件不符合要求",
    "Correct `field` at `line` of the file.",
    "请更正文件第 `line` 行的 `field`。",
)
CHECKLIST_TAKEN = Said(
    "checklist.taken",
    Kind.CONFLICT,
    "This version was released with other content.",
    "该版本已以其他内容定版",
    "Give the changed checklist a new version.",
    "请为修改后的检查表使用新版本号。",
)
CHECKLIST_NOT_FOUND = Said(
    "checklist.not-found",
    Kind.MISSING,
    "There is no such checklist.",
    "检查表不存在",
    "List them: evenhand office checklist list.",
    "请查看已定版的检查表：evenhand office checklist list。",
)
CHECKLIST_NOT_OFFERED = Said(
    "checklist.not-offered",
    Kind.MISSING,
    "This device does not hold exactly one other version of the checklist by that name.",
    "本终端没有可换用的检查表版本，或未指明版本",
    "Name one of `versions` with --to; sync first if it is missing.",
    "请用 --to 指明 `versions` 中的一个版本；如未列出请先同步。",
)
XLSFORM_UNREADABLE = Said(
    "xlsform.unreadable",
    Kind.INVALID,
    "The file is not a workbook that can be read as a form.",
    "文件不是可作为表单读取的工作簿",
    "Save the XLSForm as XLSX; `problem` says what stopped the reader.",
    "请将 XLSForm 另存为 XLSX；`problem` 说明了读取失败的原因。",
)
XLSFORM_REFUSED = Said(
    "xlsform.refused",
    Kind.INVALID,
    "This XLSForm cannot become a checklist as it is.",
    "该 XLSForm 暂不能转为检查表",
    "Mend what was refused above, row by row, and import it again.",
    "请按上面的提示逐行修改后重新导入。",
)
ITEM_UNKNOWN = Said(
    "checklist.item-unknown",
    Kind.INVALID,
    "The checklist has no such item.",
    "检查表中没有该检查项",
    "Use a reference that the checklist lists; 3.10 is not 3.1.",
    "请使用检查表所列编号，注意 3.10 与 3.1 不同。",
)
ANSWER_INADMISSIBLE = Said(
    "checklist.answer-inadmissible",
    Kind.INVALID,
    "The item does not take this answer.",
    "该检查项不接受此结论",
    "Answer pass, fail, na, a plain decimal number or one of `choose`, with what `add` names.",
    "请填 pass、fail、na、十进制数值或 `choose` 所列选项，并补充 `add` 所列内容。",
)
VERDICT_INCOMPLETE = Said(
    "verdict.incomplete",
    Kind.CONFLICT,
    "No verdict can be given yet.",
    "尚不能作出检查结论",
    "Answer the items named, and settle those in conflict.",
    "请补齐所列检查项，并就不一致的结论形成一致意见。",
)
REGISTER_NOT_CSV = Said(
    "register.not-csv",
    Kind.INVALID,
    "The file is not a table that can be read.",
    "文件不是可读取的表格",
    "Export it as CSV, NDJSON, XLSX, XLS or ODS; `problem` says what stopped the reader.",
    "请导出为 CSV、NDJSON、XLSX、XLS 或 ODS；`problem` 说明了读取失败的原因。",
)
REGISTER_OVER_LIMIT = Said(
    "register.over-limit",
    Kind.TOO_LARGE,
    "The file is over a limit of the reader.",
    "文件超过读取上限",
    "Export it again: a real register has short lines, few columns and packs no denser.",
    "请重新导出：真实名录的行较短、列较少，压缩比也不会过高。",
)
REGISTER_SHEET_MISSING = Said(
    "register.sheet-missing",
    Kind.MISSING,
    "The workbook has no such sheet, or has several and none was chosen.",
    "工作簿没有该工作表，或有多个工作表而未选择",
    "Name one of `sheets` as `sheet` in the mapping, or with `--sheet`.",
    "请在映射文件中用 `sheet`，或以 `--sheet` 指定 `sheets` 中的一个。",
)
REGISTER_CODES_ROUNDED = Said(
    "register.codes-rounded",
    Kind.INVALID,
    "A spreadsheet turned the codes of a column into numbers; their last digits are lost.",
    "电子表格已将该列编号转为数值，末位数字丢失",
    "Export the register again from its source with the column formatted as text.",
    "请将该列设为文本格式后，从原系统重新导出。",
)
MAPPING_INVALID = Said(
    "mapping.invalid",
    Kind.INVALID,
    "The mapping is not valid.",
    "字段映射文件不符合要求",
    "Correct `field` of the mapping.",
    "请更正映射文件中的 `field`。",
)
MAPPING_COLUMN_MISSING = Said(
    "mapping.column-missing",
    Kind.INVALID,
    "The file does not have a column that the mapping names.",
    "文件缺少映射所指的列",
    "Name one of `columns` in the mapping, or choose the mapping made for this file.",
    "请在映射中改用 `columns` 所列列名，或选择与该文件对应的映射。",
)
MAPPING_REGISTER_MISSING = Said(
    "mapping.register-missing",
    Kind.INVALID,
    "The mapping does not say how to read this register.",
    "映射文件未说明如何读取该名录库",
    "Add the table named in `register` to the mapping.",
    "请在映射文件中增加 `register` 所指的表。",
)
MAPPING_NEEDED = Said(
    "mapping.needed",
    Kind.INVALID,
    "The header is not made of our field names, so a mapping is needed.",
    "表头不是本系统的字段名，需要字段映射",
    "Name a mapping with `--mapping`; `register guess FILE` proposes one.",
    "请用 `--mapping` 指定字段映射；`register guess 文件` 可给出建议。",
)
REGISTER_NOT_CLOSABLE = Said(
    "register.not-closable",
    Kind.INVALID,
    "Rows of this register cannot be closed: nothing in them says that they are over.",
    "该名录库的记录没有可以关闭的字段",
    "Keep or mark those that the files do not name: `--missing keep` or `--missing mark`.",
    "对文件中缺失的记录，请用 `--missing keep` 或 `--missing mark`。",
)
REGISTER_CLOSE_UNSURE = Said(
    "register.close-unsure",
    Kind.INVALID,
    "The file has refused rows (`rows`), and what they name would be closed as missing.",
    "文件中有被拒绝的行（`rows`），其所指的记录会被当作缺失而关闭",
    "Look at them by `--dry-run`, mend them, or say `--missing keep` or `--missing mark`.",
    "请用 `--dry-run` 查看并修正，或改用 `--missing keep` 或 `--missing mark`。",
)
REVISION_NOT_FOUND = Said(
    "revision.not-found",
    Kind.MISSING,
    "There is no such revision.",
    "没有该导入批次",
    "List the revisions with `register history`.",
    "请用 `register history` 查看导入批次。",
)
ESTABLISHMENT_NOT_FOUND = Said(
    "establishment.not-found",
    Kind.MISSING,
    "No establishment has or had this code.",
    "没有该编号的检查对象",
    "Look for the code with `register list`.",
    "请用 `register list` 查找编号。",
)
REVISION_NOT_UNDOABLE = Said(
    "revision.not-undoable",
    Kind.CONFLICT,
    "An undo cannot be undone, nor an import from before versions were kept.",
    "撤销本身以及尚无历史版本时的导入，均不能撤销",
    "Import a corrected file; what an undo took back comes again with its file.",
    "请导入更正后的文件；已被撤销的内容可重新导入其文件。",
)
REVISION_UNDONE = Said(
    "revision.undone",
    Kind.CONFLICT,
    "The revision was undone already.",
    "该批次已撤销",
    "Nothing: `by` is the revision that undid it.",
    "无需处理：`by` 为撤销它的批次。",
)
REVISION_CHANGED_LATER = Said(
    "revision.changed-later",
    Kind.CONFLICT,
    "Later changes would be lost.",
    "撤销将丢失之后的变更",
    "Undo the later revisions first, or use `--force` to give up the changes listed.",
    "请先撤销之后的批次，或用 `--force` 放弃所列变更。",
)
REVISION_IN_USE = Said(
    "revision.in-use",
    Kind.CONFLICT,
    "Something refers to rows that the undo would remove.",
    "撤销将移除的记录仍被引用",
    "Undo the imports of those in `by` first; who was drawn stays: close it by another file.",
    "请先撤销 `by` 所指记录的导入；已被抽中的不得移除，请导入更正文件予以关闭。",
)
REVISION_REFERENCE_GONE = Said(
    "revision.reference-gone",
    Kind.CONFLICT,
    "Rows that the undo would restore refer to something that is not in its register any more.",
    "撤销将恢复的记录所引用的内容已不在名录库中",
    "Import what `missing` names again, then undo.",
    "请先重新导入 `missing` 所列内容，再撤销。",
)
EXPORT_TOO_LONG = Said(
    "export.too-long",
    Kind.TOO_LARGE,
    "A sheet of a workbook cannot hold so many rows.",
    "行数超过工作表上限",
    "Export it as CSV or NDJSON, which have no limit; nothing was cut off.",
    "请改用 CSV 或 NDJSON 导出（无行数上限）；内容未被截断。",
)
EXPORT_NO_CHARACTER = Said(
    "export.no-character",
    Kind.CONFLICT,
    "A row has U+FFFE or U+FFFF, which are no characters; a workbook cannot hold them.",
    "某行含非字符 U+FFFE 或 U+FFFF，工作簿无法保存",
    "Correct the row by an import or a change, or export it as CSV or NDJSON.",
    "请通过导入或变更更正该行，或改用 CSV 或 NDJSON 导出。",
)
CHANGE_LINE_INVALID = Said(
    "change.line-invalid",
    Kind.INVALID,
    "The line is no change: one JSON object with source, id, register, kind, at and fields.",
    "该行不是变更事件：应为含 source、id、register、kind、at、fields 的 JSON 对象",
    "Mend the line and send it again; the other lines were taken.",
    "请更正该行后重新发送；其他行已处理。",
)
CHANGE_LINE_TOO_LONG = Said(
    "change.line-too-long",
    Kind.TOO_LARGE,
    "The line is longer than a line may be.",
    "该行过长",
    "Send only the fields of the register; the other lines were taken.",
    "请仅发送名录字段；其他行已处理。",
)
CHANGE_FIELD_UNKNOWN = Said(
    "change.field-unknown",
    Kind.INVALID,
    "The register has no such field.",
    "该名录库没有此字段",
    "Use the names that an export of the register has in its header.",
    "请使用该名录库导出文件表头中的字段名。",
)
CHANGE_NOT_CANCELLABLE = Said(
    "change.not-cancellable",
    Kind.INVALID,
    "Rows of this register are not cancelled: nothing in them says that they are over.",
    "该名录库的记录不能注销：没有可表示终止的字段",
    "End a leave by a change of `last_day`; take anything else back by an undo.",
    "请假请变更 `last_day`；其他记录请撤销其导入。",
)
CHANGE_ID_REUSED = Said(
    "change.id-reused",
    Kind.CONFLICT,
    "The source has used this id for another change.",
    "来源已将该编号用于另一变更",
    "Give every change an id of its own; the first one stands.",
    "请为每个变更使用唯一编号；以先收到的为准。",
)
CHANGE_STALE = Said(
    "change.stale",
    Kind.CONFLICT,
    "It happened before a change that was applied already.",
    "该变更早于已生效的变更",
    "Nothing, if the order was lost on the way; it is on record, and changed nothing.",
    "若仅为到达顺序错乱则无需处理；已记录，未改变名录。",
)
CHANGE_WAITS = Said(
    "change.waits",
    Kind.MISSING,
    "What it changes, or belongs to, is not registered yet; it waits.",
    "所变更或所属的对象尚未登记，已暂存等待",
    "Send the change that creates it, or import it; this one is applied with it.",
    "请发送其新增事件或导入该对象；本变更将随之生效。",
)
LOOKALIKE_CHAINED = Said(
    "lookalike.chained",
    Kind.CONFLICT,
    "One of the two is merged with a third establishment already.",
    "其中一方已与第三方合并",
    "Undo the revision that merged them, or decide on the pair with that third one.",
    "请撤销原合并版本，或改为认定与该第三方是否同一对象。",
)
ROW_MATCHED_BY_LICENCE = Said(
    "row.matched-by-licence",
    Kind.CONFLICT,
    "The row has no number; licence and name are those of a known establishment, so it took "
    "that number.",
    "该行没有编号；其许可证号和名称与已知对象一致，已采用该对象的编号",
    "Enter the number in the source, so that nothing has to be inferred.",
    "请在来源数据中补录编号。",
)
ROW_MATCHED_BY_NAME = Said(
    "row.matched-by-name",
    Kind.CONFLICT,
    "The row has no number; name and address are those of exactly one active establishment, "
    "so it took that number.",
    "该行没有编号；其名称和地址与唯一一个在营对象一致，已采用该对象的编号",
    "Enter the number in the source, so that nothing has to be inferred.",
    "请在来源数据中补录编号。",
)
ROW_RESEMBLES = Said(
    "row.resembles",
    Kind.CONFLICT,
    "The row is kept as a new establishment, though it resembles a known one.",
    "该行按新对象导入，但与已知对象疑似重复",
    "Decide on the pair: evenhand office register review.",
    "请复核认定：evenhand office register review。",
)
ROW_MERGED_ELSEWHERE = Said(
    "row.merged-elsewhere",
    Kind.CONFLICT,
    "The establishment was found to be the same as another, and stays merged with it.",
    "该对象已被认定与另一对象为同一对象，维持合并",
    "Use the number of the other in the source, or undo the revision that merged them.",
    "请在来源数据中改用对方编号，或撤销合并版本。",
)
