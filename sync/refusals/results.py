"""Refusals of what follows from a visit (检查结果与后续)."""

from sync.refusals.said import Kind, Said

INSPECTION_NOT_FOUND = Said(
    "inspection.not-found",
    Kind.MISSING,
    "There is no such inspection.",
    "检查任务不存在",
    "List them: evenhand office inspection list.",
    "查看列表：evenhand office inspection list。",
)
INSPECTION_NOT_BEGUN = Said(
    "inspection.not-begun",
    Kind.CONFLICT,
    "Nothing has arrived from this inspection yet.",
    "该检查尚无任何记录上传",
    "Let the inspectors record and sync first.",
    "请先由检查人员记录并同步。",
)
INSPECTION_IN_CONFLICT = Said(
    "inspection.in-conflict",
    Kind.CONFLICT,
    "The two inspectors answered items differently.",
    "两名检查人员对部分检查项的结论不一致",
    "Let one of them settle the items named and sync; see evenhand office conflicts.",
    "请由其中一人确定所列检查项并同步；参见 evenhand office conflicts。",
)
INSPECTION_NOT_SIGNED = Said(
    "inspection.not-signed",
    Kind.CONFLICT,
    "Both inspectors must have signed.",
    "须由两名检查人员签名",
    "Let the one named sign and sync.",
    "请由所列人员签名并同步。",
)
EVIDENCE_REQUIRED = Said(
    "inspection.evidence-required",
    Kind.CONFLICT,
    "Failed items need evidence that none was attached to.",
    "部分不合格项缺少证据",
    "Attach evidence to the items named and amend the signature.",
    "请为所列检查项补充证据并重新签名。",
)
EVIDENCE_NOT_ARRIVED = Said(
    "inspection.evidence-not-arrived",
    Kind.CONFLICT,
    "Files that the record names have not arrived yet.",
    "记录中的部分证据文件尚未到达",
    "Let the devices that hold them sync: evenhand device status.",
    "请相关终端同步上传：evenhand device status。",
)
CONCLUSION_STANDS = Said(
    "conclusion.stands",
    Kind.CONFLICT,
    "The inspection is concluded already.",
    "该检查已有检查结果",
    "A reviewer may return it; then it can be concluded again.",
    "可由审核人员退回后重新作出。",
)
CONCLUSION_NOT_FOUND = Said(
    "conclusion.not-found",
    Kind.CONFLICT,
    "There is no conclusion to review.",
    "没有待审核的检查结果",
    "Let a supervisor conclude it first.",
    "请先由主管人员作出检查结果。",
)
CONCLUSION_REVIEWED = Said(
    "conclusion.reviewed",
    Kind.CONFLICT,
    "The conclusion was reviewed already.",
    "该检查结果已审核",
    "See who and when: evenhand office inspection show.",
    "查看审核情况：evenhand office inspection show。",
)
CONCLUSION_OUTDATED = Said(
    "conclusion.outdated",
    Kind.CONFLICT,
    "The inspection changed after it was concluded.",
    "作出检查结果后检查内容有变化",
    "Let a supervisor look at the change and conclude again.",
    "请主管人员核对变化后重新作出检查结果。",
)
REVIEW_OWN = Said(
    "review.own",
    Kind.FORBIDDEN,
    "Who concluded or inspected may not review.",
    "检查人员和作出结果的人员不得审核",
    "Ask another reviewer.",
    "请由其他审核人员办理。",
)
REVIEW_REASON_MISSING = Said(
    "review.reason-missing",
    Kind.INVALID,
    "A return needs its reason.",
    "退回须说明理由",
    "Say what must be put right.",
    "请写明需更正的内容。",
)
PHOTO_NOT_OF_INSPECTION = Said(
    "review.photo-not-of-inspection",
    Kind.INVALID,
    "The picture is no readable photo of this inspection.",
    "所选图片不是该检查的可用照片",
    "Choose among the photos that the inspection shows.",
    "请从该检查的照片中选择。",
)
PUBLICATION_NOT_FOUND = Said(
    "publication.not-found",
    Kind.MISSING,
    "No such result is published.",
    "没有该公示结果",
    "See the list at /public/results.",
    "请查看列表 /public/results。",
)
PUBLICATION_PERSONAL = Said(
    "publication.personal",
    Kind.CONFLICT,
    "The text to publish would contain personal data.",
    "公示内容含有个人信息",
    "Remove it from the field named and try again.",
    "请从所列字段中删除后重试。",
)
PUBLICATION_STANDS = Said(
    "publication.stands",
    Kind.CONFLICT,
    "What stands is not withheld.",
    "现行公示不得撤下",
    "Correct it first: evenhand office inspection conclude --correction.",
    "请先更正：evenhand office inspection conclude --correction。",
)
PUBLICATION_WITHHELD = Said(
    "publication.withheld",
    Kind.CONFLICT,
    "This publication is withheld already.",
    "该公示已撤下",
    "See why where it stood: /public/results/ID/replaced/N.",
    "撤下理由见原地址 /public/results/ID/replaced/N。",
)
CATALOGUE_INVALID = Said(
    "catalogue.invalid",
    Kind.INVALID,
    "The catalogue of violations is not valid.",
    "违法行为清单文件不符合要求",
    "Correct `field` at `line` of the file.",
    "请更正文件第 `line` 行的 `field`。",
)
CATALOGUE_TAKEN = Said(
    "catalogue.version-taken",
    Kind.CONFLICT,
    "Another catalogue was released under this code and version.",
    "该清单代码与版本已定版其他内容",
    "Give the changed catalogue a new version.",
    "请为修改后的清单使用新的版本号。",
)
CATALOGUE_NOT_FOUND = Said(
    "catalogue.not-found",
    Kind.MISSING,
    "No catalogue of this digest or code is released.",
    "未找到该摘要或代码的违法行为清单",
    "Look it up: evenhand office catalogue list.",
    "请查询：evenhand office catalogue list。",
)
VIOLATION_UNKNOWN = Said(
    "violation.unknown",
    Kind.MISSING,
    "No catalogue here has this violation, or `several` do.",
    "本终端的清单中没有该违法行为，或有多个清单使用同一编码",
    "Look it up: evenhand device violations WORD; where several have it, write CATALOGUE/CODE.",
    "请查询：evenhand device violations 关键词；有多个时写作 清单代码/编码。",
)
RESULT_UNKNOWN = Said(
    "result.unknown",
    Kind.INVALID,
    "The list of results in force has no such code, or it follows from answers alone.",
    "现行检查结果代码表无此代码，或该结果只能由检查项得出",
    "Choose a code that the officer may find: evenhand office result list.",
    "请选用可由执法人员认定的代码：evenhand office result list。",
)
RESULT_UNPROVEN = Said(
    "result.unproven",
    Kind.INVALID,
    "This result needs what the list says: a remark, or evidence of the visit.",
    "该检查结果须附说明或现场证据",
    "Write a remark, or let the inspectors attach evidence that shows it, then conclude.",
    "请填写说明，或由检查人员补充证据后再作出结果。",
)
RESULT_CONTRADICTED = Said(
    "result.contradicted",
    Kind.CONFLICT,
    "The answers speak against this result: items were passed or failed on site.",
    "检查项已有合格或不合格结论，与该检查结果矛盾",
    "Let the checklist decide, or have the answers corrected on site first.",
    "请由检查项得出结果，或先更正现场填写的检查项。",
)
CORRECTION_REASON_MISSING = Said(
    "publication.correction-reason-missing",
    Kind.INVALID,
    "What was published is corrected only for a stated reason.",
    "更正已公示的结果须说明理由",
    "Say why, without naming a person: the reason is published with the correction.",
    "请说明更正理由（不含个人信息），理由随更正一并公示。",
)
COMPLAINT_NOT_FOUND = Said(
    "complaint.not-found",
    Kind.MISSING,
    "There is no such complaint in your division.",
    "本辖区无此投诉举报",
    "Look it up: evenhand office complaints list.",
    "请查询：evenhand office complaints list。",
)
COMPLAINT_TAKEN = Said(
    "complaint.number-taken",
    Kind.CONFLICT,
    "A complaint with this number was entered before, with other content.",
    "该编号的投诉举报已登记，且内容不同",
    "Compare it with the one on record, or enter it under its own number.",
    "请与已登记内容核对，或使用正确编号。",
)
COMPLAINT_STATE = Said(
    "complaint.state",
    Kind.CONFLICT,
    "In its `state` the complaint cannot take this step.",
    "该投诉举报处于 `state` 状态，不能办理此步骤",
    "Look at what was done with it already: evenhand office complaints list.",
    "请先查看办理情况：evenhand office complaints list。",
)
COMPLAINT_PERSONAL = Said(
    "complaint.personal",
    Kind.INVALID,
    "A telephone, identity number or mail address stands in `fields`.",
    "`fields` 中含有电话、身份证号或邮箱",
    "Take it out: whoever complains is known to the hotline, not to this register.",
    "请删除：投诉人信息由热线平台保存，不在此登记。",
)
COMPLAINT_ANSWER_MISSING = Said(
    "complaint.answer-missing",
    Kind.INVALID,
    "Rejecting, extending and closing a complaint need words: why, or what came of it.",
    "不予受理、延期和办结须填写理由或办理结果",
    "Write them without naming a person.",
    "请填写（不含个人信息）。",
)
COMPLAINTS_INVALID = Said(
    "complaints.invalid",
    Kind.INVALID,
    "The file of complaints has a cell that cannot be taken; nothing was entered.",
    "投诉举报文件含有无法识别的单元格，未登记任何记录",
    "Correct `field` in `row` (`value`) as `problem` says and import the whole file again.",
    "请按 `problem` 更正第 `row` 行的 `field`（`value`），再重新导入整个文件。",
)
ORDER_NOT_FOUND = Said(
    "order.not-found",
    Kind.MISSING,
    "There is no such order.",
    "无此责令整改",
    "Look at the list: evenhand office orders list --all.",
    "请查看列表：evenhand office orders list --all。",
)
ORDER_NOT_OPEN = Said(
    "order.not-open",
    Kind.CONFLICT,
    "Nothing of this order is open.",
    "该责令整改没有未完成的项目",
    "Look at it: evenhand office orders show; a later order may ask for its items anew.",
    "请查看：evenhand office orders show；有关项目可能已由后续责令另行要求。",
)
ORDER_ITEM_NOT_OPEN = Said(
    "order.item-not-open",
    Kind.INVALID,
    "The order has no such item, or it is not open there.",
    "该责令整改无此项目，或该项目已不在整改中",
    "Choose among the open items: evenhand office orders show.",
    "请从未完成的项目中选择：evenhand office orders show。",
)
ORDER_OVERDUE = Said(
    "order.overdue",
    Kind.CONFLICT,
    "The term of these items has passed; it can be extended only before.",
    "所列项目整改期限已过，延期须在期满前办理",
    "Let them be rechecked; the recheck orders what still fails anew.",
    "请安排复查；仍不符合的由复查另行责令。",
)
EXTENSION_SPENT = Said(
    "extension.spent",
    Kind.CONFLICT,
    "These items were extended `most` times already.",
    "所列项目已延期 `most` 次，不得再延",
    "Let them be rechecked when their term ends.",
    "请在期满后复查。",
)
EXTENSION_TOO_LONG = Said(
    "extension.too-long",
    Kind.INVALID,
    "One extension is at most `most` working days.",
    "一次延期不超过 `most` 个工作日",
    "Grant fewer days.",
    "请减少延期天数。",
)
MEASURE_NOT_FOUND = Said(
    "measure.not-found",
    Kind.MISSING,
    "There is no such measure.",
    "无此处置",
    "Look at the list: evenhand office measures list --all.",
    "请查看列表：evenhand office measures list --all。",
)
MEASURE_NOT_OPEN = Said(
    "measure.not-open",
    Kind.CONFLICT,
    "This measure is over: closed, withdrawn or renewed.",
    "该处置已办结、撤回或另行作出",
    "Look at the list: evenhand office measures list --all.",
    "请查看列表：evenhand office measures list --all。",
)
MEASURE_INCOMPLETE = Said(
    "measure.incomplete",
    Kind.INVALID,
    "A measure of this kind needs what `missing` names.",
    "该类处置须填写 `missing` 所列内容",
    "Give it and try again.",
    "请补充后重试。",
)
SUSPENSION_STANDS = Said(
    "suspension.stands",
    Kind.CONFLICT,
    "An order to stop follows from the checklist and is not taken back by hand.",
    "责令停止由检查结果作出，不能由人工撤回",
    "Lift it after its recheck, or have the inspection concluded again.",
    "请在复查后解除，或重新作出检查结果。",
)
SUSPENSION_NOT_RECHECKED = Said(
    "suspension.not-rechecked",
    Kind.CONFLICT,
    "No approved recheck found everything to comply that business was stopped for.",
    "责令停止所涉项目尚未经审核通过的复查认定符合",
    "Have it rechecked, concluded and approved; `items` are left.",
    "请完成复查并审核通过；尚余 `items`。",
)
RISK_NOT_FOUND = Said(
    "risk.not-found",
    Kind.MISSING,
    "The risk list has no such entry.",
    "风险清单无此条目",
    "Look at the list: evenhand office risks list --all.",
    "请查看列表：evenhand office risks list --all。",
)
RISK_CLOSED = Said(
    "risk.closed",
    Kind.CONFLICT,
    "This risk was closed already.",
    "该风险已销号",
    "Enter it anew if it is there again.",
    "如再次出现，请重新登记。",
)
PROOF_NOT_FOUND = Said(
    "proof.not-found",
    Kind.MISSING,
    "No document of this digest proves anything in your division.",
    "辖区内没有以此散列值登记的证明材料",
    "Take the digest that the order or the risk shows; of older ones only the digest was kept.",
    "请使用责令整改或风险清单所列的散列值；早前登记的可能仅保存了散列值。",
)
