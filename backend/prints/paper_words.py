"""文书用语: every word that a document sets, in English and Chinese; data are no part of it."""

from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "zh"]
What: TypeAlias = Literal["record", "result", "sampling", "notice"]
WHATS: tuple[What, ...] = get_args(What)
Words: TypeAlias = dict[str, str]

WORDS: dict[str, tuple[str, str]] = {
    # -- titles ------------------------------------------------------------------------------------
    "record": ("Record of on-site inspection", "现场检查笔录"),
    "result": ("Result of supervisory inspection", "监督检查结果记录表"),
    "sampling": ("Sampling sheet", "抽样单"),
    "notice": ("Order to rectify", "责令改正通知书"),
    # -- who, where, when --------------------------------------------------------------------------
    "number": ("No.", "编号"),
    "site": ("Establishment", "检查对象"),
    "code": ("Code", "统一社会信用代码（编号）"),
    "address": ("Address", "地址"),
    "category": ("Category", "业态"),
    "risk": ("Risk class", "风险等级"),
    "arrived": ("Arrival", "到达时间"),
    "began": ("First record", "首条记录时间"),
    "ended": ("Last record or signature", "末次记录或签名时间"),
    "place": ("Position on arrival", "到达位置"),
    "opened": ("Opened by", "入企方式"),
    "approval": ("Approval", "检查审批编号"),
    "inspectors": ("Inspectors", "检查人员"),
    "origin": ("Reason of the visit", "检查来源"),
    "withdrawn": ("Task taken back on", "任务收回日期"),
    "draw": ("Chosen by the draw", "抽取承诺"),
    "present": ("Person in charge on site", "现场负责人"),
    "forms": ("Checklists", "检查表"),
    "lead": ("lead", "主办"),
    "second": ("second", "协办"),
    "member": ("member", "参加人员"),
    "on_site": ("in charge on site", "现场负责人"),
    "certificate": ("certificate", "执法证号"),
    "scanned": ("scanning the establishment's code", "扫描企业码入企"),
    "shown": ("showing the code of the inspection", "出示检查码入企"),
    "stated": ("statement of the inspectors", "检查人员说明"),
    # -- what was told -----------------------------------------------------------------------------
    "told": ("What the person in charge was told", "告知事项"),
    "told_who": (
        "We are inspectors of the agency named above. No fewer than two of us inspect, and we show "
        "our certificates before we begin.",
        "我们是上述机关的行政执法人员，执法人员不少于两人，检查前已主动出示执法证件。",
    ),
    "told_shown": ("Certificates shown on arrival", "到达时出示的执法证件"),
    "told_recusal": (
        "You may apply for the recusal of an inspector who has a direct interest in this matter or "
        "another relation that may affect its fair handling. The inspection goes on until that is "
        "decided.",
        "执法人员与本案有直接利害关系或者有其他关系可能影响公正执法的，你（单位）有权申请其回避。"
        "决定作出之前，不停止调查。",
    ),
    "told_duties": (
        "You have the right to state your case and to defend yourself. You have the duty to "
        "answer truthfully, to assist the inspection and not to obstruct it.",
        "你（单位）依法享有陈述、申辩的权利，负有如实回答询问、协助检查、不得拒绝或者阻挠的义务。",
    ),
    "told_agreed": (
        "By signing, the person in charge confirms having been told this, and having read this "
        "record or had it read out.",
        "现场负责人签名即表示已被告知上述事项，并已阅读（或听读）本笔录。",
    ),
    "not_shown": (
        "none is recorded with the arrival; see the signatures", "到达记录中未登记，见签名"
    ),
    # -- what was found ----------------------------------------------------------------------------
    "items": ("Items checked", "检查内容与结果"),
    "item": ("Item", "检查项"),
    "checked": ("What was checked", "检查内容"),
    "answer": ("Result", "结果"),
    "key": ("key item", "重点项"),
    "pass": ("complies", "符合"),
    "fail": ("does not comply", "不符合"),
    "na": ("not applicable", "合理缺项"),
    "open": ("not answered", "未填写"),
    "inadmissible": ("not as the form asks", "填写不符合要求"),
    "conflict": ("answers differ", "答案不一致"),
    "note": ("Note", "备注"),
    "reading": ("Reading", "读数"),
    "limit": ("Limit", "限值"),
    "instrument": ("Instrument", "仪器"),
    "probe": ("Probe", "探头"),
    "basis": ("Legal basis", "依据"),
    "also": ("also said", "另有答案"),
    "not_asked": ("not asked", "不适用（未询问）"),
    "findings": ("Problems found", "检查发现的问题"),
    "no_findings": ("None was recorded.", "未记录。"),
    "violation": ("Violation", "违法行为"),
    "quote": ("What the law demands", "法条要求"),
    "fixed": ("put right on the spot", "已当场改正"),
    "repeated": ("found before, in inspections", "既往检查已发现，检查编号"),
    "voided": ("withdrawn", "已作废"),
    "samples": ("Samples", "样品"),
    "seizures": ("Goods sealed or seized", "查封、扣押物品"),
    "lots": ("Net content by lot", "定量包装净含量"),
    "evidence": ("Evidence", "证据"),
    "no_evidence": ("None was attached.", "无。"),
    "signatures": ("Signatures", "签名"),
    "no_signatures": ("Nobody has signed.", "尚无人签名。"),
    "would_not": ("would not sign", "拒绝签名"),
    "witness": ("witness", "见证人"),
    "amended": ("amended later", "后已补签"),
    "amends": ("amends an earlier one", "补签"),
    "signed_digest": ("signed", "所签状态"),
    "no_strokes": ("signed on the device", "已在终端签名"),
    "strokes_unreadable": ("the drawn signature cannot be read", "签名笔迹无法读取"),
    "strokes_lacking": ("the drawn signature is not here", "签名笔迹未到达"),
    "late": (
        "Recorded after both inspectors had signed, and not counted",
        "双方签名后记录、未计入本文书的操作",
    ),
    "by": ("by", "记录人"),
    "layer": ("marks on", "标注于"),
    "has_picture": ("", ""),
    "has_file": ("a file, kept as it is", "文件，按原样保存"),
    "has_unreadable": ("a picture that cannot be read", "无法读取的图片"),
    "has_unsupported": ("a picture that this program cannot read", "本程序无法读取此格式"),
    "has_lacking": ("not here", "文件不在此处"),
    "lacking": (
        "Made without these files; once they are here, this document is set anew with them",
        "制作本文书时以下文件尚未到达，到达后应重新制作",
    ),
    # -- tables ------------------------------------------------------------------------------------
    "what": ("What", "名称"),
    "of_goods": ("goods", "物品"),
    "of_person": ("person", "人员"),
    "of_environment": ("environment", "环境"),
    "quantity": ("Quantity", "数量"),
    "batch": ("Batch", "批号"),
    "producer": ("Producer", "生产者"),
    "taken_at": ("Place", "地点"),
    "taken_by": ("Taken by", "抽样人"),
    "tests": ("Tests", "检测"),
    "test": ("Test", "检测项目"),
    "method": ("Method", "方法"),
    "found": ("Result", "检测结果"),
    "judged": ("Judged", "判定"),
    "retest": ("retest", "复检"),
    "test_pass": ("passed", "合格"),
    "test_fail": ("failed", "不合格"),
    "test_unclear": ("unclear", "不确定"),
    "disposal": ("Disposal", "处置"),
    "measure": ("Measure", "措施"),
    "seal": ("sealed", "查封"),
    "seize": ("seized", "扣押"),
    "owner": ("Owner", "所有人"),
    "nominal": ("Declared", "标注净含量"),
    "lot": ("Lot size", "批量"),
    "contents": ("Found", "实际含量"),
    "mean": ("Mean", "平均实际含量"),
    "tolerance": ("Tolerable", "允许短缺量"),
    "short": ("Too short", "短缺件数"),
    "too_few": ("too few: {asked} are asked for", "件数不足，应抽 {asked} 件"),
    # -- result ------------------------------------------------------------------------------------
    "verdict": ("Outcome by the rules of the checklist", "按检查表规则得出的结论"),
    "verdict_again": ("Outcome of the recheck", "复查结论"),
    "no_verdict": ("No outcome can be given yet", "尚不能得出结论"),
    "measured": ("What was counted", "统计"),
    "asked": ("items", "检查项总数"),
    "passed": ("comply", "符合"),
    "failed": ("do not comply", "不符合"),
    "key_failed": ("of these, key items", "其中重点项"),
    "general_failed": ("of these, general items", "其中一般项"),
    "pass_rate": ("general items that comply", "一般项符合率"),
    "clause": ("Clause that decided", "适用条款"),
    "handling": ("What follows", "处理"),
    "handling_none": ("passed", "通过"),
    "handling_rectify": ("to be put right within a term", "书面限期整改"),
    "handling_stop": ("to stop the activity at once", "立即停止经营活动"),
    "unremedied": ("not remedied", "未整改到位的检查项"),
    "grade": ("Grade", "检查评定"),
    "no_grade": (
        "none by a recheck; that of the last full inspection stands",
        "整改复查不重新评定，最近一次全面检查的结论继续有效",
    ),
    "unanswered": ("without an answer", "未填写的检查项"),
    "in_conflict": ("with answers that differ", "答案不一致的检查项"),
    "evidence_missing": ("without the evidence that is asked for", "缺少规定证据的检查项"),
    "scores": ("Scores", "评分"),
    "failed_items": ("Items that do not comply", "不符合项"),
    "decision": ("Result as the office concluded it", "监管机关认定的检查结果"),
    "category_of": ("Category", "结果类别"),
    "follow_ups": ("To follow", "后续处置"),
    "remark": ("Remark", "说明"),
    "concluded": ("Concluded on", "认定日期"),
    "approved": ("approved", "已审核"),
    "not_approved": ("not reviewed yet", "尚未审核"),
    "stale": (
        "The office concluded an earlier state of this inspection",
        "监管机关认定的是本次检查的较早状态",
    ),
    "posted": (
        "To be posted on the premises until the next inspection.",
        "本表应张贴于生产经营场所醒目位置，并保持至下次监督检查。",
    ),
    "posted_beside": (
        "To be posted on the premises beside the result of the last full inspection.",
        "本表应与最近一次全面检查的结果记录表一并张贴于生产经营场所醒目位置。",
    ),
    # -- notice ------------------------------------------------------------------------------------
    "provisional": (
        "PROVISIONAL: from the checklist, before the office has ordered it",
        "预填稿：按检查表生成，监管机关尚未作出决定",
    ),
    "provisional_days": (
        "The holidays of the year in which the term ends are not known yet; the day may change",
        "期限届满年度的节假日安排尚未公布，截止日期可能调整",
    ),
    "to_whom": ("To", "致"),
    "found_that": (
        "On inspection the following was found not to comply. You are ordered to put it right "
        "within the term below.",
        "经检查，发现你（单位）存在下列不符合规定的情形，现责令你（单位）在下列期限内予以改正。",
    ),
    "problem": ("Problem", "问题"),
    "term": ("Term", "改正期限"),
    "term_text": (
        "each by its day above, the last by {due}; terms count from the day after {ordered}",
        "各项按上列日期，最迟至 {due}；期限自 {ordered} 次日起算",
    ),
    "by_day": ("By", "改正期限"),
    "working_days": ("working days", "个工作日"),
    "ordered": ("Ordered on", "责令日期"),
    "duty": (
        "Report in writing when it is put right; it will be inspected again. Whoever does not put "
        "it right in time, or refuses to, is dealt with by law.",
        "改正完毕后请书面报告，我机关将组织复查。逾期不改正或者拒不改正的，将依法处理。",
    ),
    "rights": ("How to object", "救济途径"),
    "rights_heard": (
        "You may state your case and defend yourself to the agency named above.",
        "如对本通知有异议，可以向上述机关陈述、申辩。",
    ),
    "rights_review": (
        "You may apply for administrative reconsideration to {review} within sixty days of "
        "receiving this order,",
        "也可以自收到本通知书之日起六十日内，依法向{review}申请行政复议；",
    ),
    "rights_court": (
        "or bring an action before {court} within six months. Neither suspends this order unless "
        "the law says so.",
        "或者在六个月内依法向{court}提起行政诉讼。复议、诉讼期间，除法律另有规定外，不停止执行。",
    ),
    "no": ("No.", "序号"),
    "telephone": ("Telephone", "联系电话"),
    "received": ("Received by", "签收人"),
    "sealed": ("Agency (seal)", "机关（印章）"),
    "copies": (
        "In two copies: one for the recipient, one for the file.",
        "本文书一式两份，一份送达，一份归档。",
    ),
    # -- foot --------------------------------------------------------------------------------------
    "page": ("page {0} of {1}", "第 {0} 页 共 {1} 页"),
    "day": ("Date", "日期"),
    "time": ("Time", "时间"),
    "state": ("State of the inspection (SHA-256)", "检查状态散列值（SHA-256）"),
    "scan": ("Check: evenhand verify paper", "核验：evenhand verify paper"),
    "clocks": (
        "Times are as the inspectors' devices showed them, in the time of China (UTC+8).",
        "文中时间为检查终端所示时间（北京时间）。",
    ),
    "blank": ("(nothing below)", "（以下空白）"),
    "unsigned": ("NOT SIGNED BY BOTH INSPECTORS", "尚未由两名检查人员签名"),
    "in_dispute": ("THE INSPECTORS' ANSWERS DIFFER", "检查人员答案不一致"),
}  # fmt: skip

BETWEEN = {"en": ", ", "zh": "、"}


def words(language: Language) -> Words:
    """Give all words in one language."""
    return {name: pair[language == "zh"] for name, pair in WORDS.items()}
