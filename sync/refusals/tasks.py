"""Refusals of tasks that no draw made, and of places in no register (任务)."""

from sync.refusals.said import Kind, Said

TASK_NOT_FOUND = Said(
    "task.not-found",
    Kind.MISSING,
    "There is no such task.",
    "没有这项检查任务",
    "List the tasks: evenhand office task list.",
    "请查看任务列表：evenhand office task list。",
)
TASK_SAME_INSPECTOR = Said(
    "task.same-inspector",
    Kind.INVALID,
    "Two inspectors must go, not one.",
    "检查人员不得少于两人",
    "Name somebody else than `certificate` as the second.",
    "请指定 `certificate` 以外的人员为协办。",
)
TASK_INSPECTOR_UNFIT = Said(
    "task.inspector-unfit",
    Kind.CONFLICT,
    "This inspector cannot be sent there in these days.",
    "该检查人员在此期间不能承担这项任务",
    "Send somebody else than `certificate`, or on other days. `problem`: inactive, expert, "
    "certificate (not valid on every day), recused, leave (on every day).",
    "请改派 `certificate` 以外的人员或调整日期。`problem`：inactive 不在岗、expert 专家、"
    "certificate 证件未全程有效、recused 应回避、leave 全程请假。",
)
TASK_NO_COMMON_DAY = Said(
    "task.no-common-day",
    Kind.CONFLICT,
    "On no day are both inspectors there.",
    "两名检查人员没有共同在岗的日期",
    "Give more days, or send somebody else than `lead` or `second`.",
    "请延长期限，或改派 `lead`、`second` 之一。",
)
TASK_DATES_WRONG = Said(
    "task.dates-wrong",
    Kind.INVALID,
    "The days are over, too many, or the wrong way round.",
    "任务期限已过、过长或前后颠倒",
    "Give `opens_on` and `closes_on` in order, from today on, at most `most` days.",
    "请按先后填写 `opens_on` 与 `closes_on`，不早于今天，最长 `most` 天。",
)
TASK_REFERENCE_MISSING = Said(
    "task.reference-missing",
    Kind.INVALID,
    "A check of a complaint names the complaint.",
    "投诉举报核查须注明投诉举报编号",
    "Give `reference`, the number of the complaint.",
    "请填写 `reference`（投诉举报编号）。",
)
TASK_FOLLOWS_WRONG = Said(
    "task.follows-wrong",
    Kind.INVALID,
    "It does not follow an inspection of this establishment.",
    "所跟进的检查不存在或不属于该对象",
    "Name with `follows` an inspection of `code`; a recheck always has one.",
    "请以 `follows` 指明 `code` 的一次检查；复查必须指明。",
)
TASK_ITEM_UNKNOWN = Said(
    "task.item-unknown",
    Kind.INVALID,
    "The checklist does not ask this.",
    "检查表无此检查项",
    "Leave out `items`, or bring another checklist.",
    "请去掉 `items`，或更换检查表。",
)
TASK_NOTHING_AGAIN = Said(
    "task.nothing-again",
    Kind.INVALID,
    "Only a recheck asks less than the whole checklist, and only where something is left to check.",
    "只有复查可以仅查部分检查项，且须有待复查的项目",
    "Name with `must` what is to be checked again, or ask the whole checklist.",
    "请以 `must` 指明待复查的检查项，或全表检查。",
)
TASK_PART_WRONG = Said(
    "task.part-wrong",
    Kind.INVALID,
    "The establishment is not part of that market.",
    "该对象不属于所指市场",
    "Give `code` its market as `parent_code` in the register, or name the right task.",
    "请在名录中为 `code` 填写所属市场 `parent_code`，或指明正确的任务。",
)
TASK_NO_STALLS = Said(
    "task.no-stalls",
    Kind.MISSING,
    "The register has no such stalls in this market.",
    "名录中该市场没有这些摊位",
    "Import them with `market` as `parent_code`; unknown there: `stalls`.",
    "请将摊位导入名录并以 `market` 为 `parent_code`；未找到：`stalls`。",
)
TASK_OVER_CAP = Said(
    "task.over-cap",
    Kind.CONFLICT,
    "The establishment was visited as often this year as the plans allow.",
    "该对象本年度检查次数已达上限",
    "Wait for next year (`visits` of `cap`), or give `beyond_cap`, a reason that is kept. "
    "Complaints and rechecks are not bound by it.",
    "已检查 `visits` 次，上限 `cap` 次：请待下一年度，或填写理由 `beyond_cap`（留痕）。"
    "投诉举报核查和复查不受此限。",
)
TASK_DRAWN = Said(
    "task.drawn",
    Kind.CONFLICT,
    "A draw chose this site; its task is not taken back by hand.",
    "该任务由抽取产生，不得人工收回",
    "Ask for a substitution: evenhand office draw substitute.",
    "请申请替补：evenhand office draw substitute。",
)
TASK_BEGUN = Said(
    "task.begun",
    Kind.CONFLICT,
    "The inspection has begun; its task is not taken back.",
    "检查已经开始，任务不得收回",
    "Let the inspectors finish it; the office concludes what was found.",
    "请由检查人员完成检查，再由机关作出结果。",
)
PROVISIONAL_NOT_FOUND = Said(
    "provisional.not-found",
    Kind.MISSING,
    "There is no such provisional place.",
    "没有这个临时对象",
    "List them: evenhand office provisional list.",
    "请查看临时对象列表：evenhand office provisional list。",
)
PROVISIONAL_MATCHED = Said(
    "provisional.matched",
    Kind.CONFLICT,
    "This place was merged into a registered establishment already.",
    "该临时对象已归并",
    "See `into`; to part them again decide that the pair is different: "
    "evenhand office register duplicates.",
    "请查看 `into`；如需拆分，请判定为不同对象：evenhand office register duplicates。",
)
PROVISIONAL_KNOWN = Said(
    "provisional.known",
    Kind.CONFLICT,
    "The register has this code already.",
    "名录中已有此编号",
    "Merge into it: evenhand office provisional match.",
    "请直接归并：evenhand office provisional match。",
)
PROVISIONAL_UNREGISTERED = Said(
    "provisional.unregistered",
    Kind.INVALID,
    "The register does not take the place as it is described.",
    "名录不能接收该对象",
    "Mend `problems` of the row.",
    "请更正 `problems` 所列问题。",
)
INSPECTION_EXISTS = Said(
    "inspection.exists",
    Kind.CONFLICT,
    "This inspection is there already; nobody opens it again.",
    "该检查已存在，不得重复登记",
    "Record in the task that is there, or open another one on site.",
    "请在已有任务中记录，或另行现场登记。",
)
OPENING_SECOND = Said(
    "opening.second-unfit",
    Kind.INVALID,
    "The second inspector is unknown, is who opened it, or may not be sent.",
    "协办人员不存在、与登记人相同或不能承担检查",
    "Name a colleague whose certificate is in force: --second.",
    "请注明执法证有效的另一名检查人员：--second。",
)
OPENING_ELSEWHERE = Said(
    "opening.elsewhere",
    Kind.FORBIDDEN,
    "The place is in no division where this inspector works.",
    "该地点不在此执法人员的辖区内",
    "Correct the division, or ask a supervisor to release it.",
    "请更正行政区划，或请主管人员放行。",
)
OPENING_INVALID = Said(
    "opening.invalid",
    Kind.INVALID,
    "The place is not described as it must be: see `field`.",
    "现场登记的内容不符合要求，见 `field`",
    "Give name, address, category, a division of 6 to 12 digits and the reason.",
    "请填写名称、地址、业态、6 至 12 位行政区划代码和缘由。",
)
