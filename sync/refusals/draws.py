"""Refusals of plans, draws and the sources of a seed (抽取)."""

from sync.refusals.said import Kind, Said

PLAN_NOT_FOUND = Said(
    "plan.not-found",
    Kind.MISSING,
    "There is no such plan.",
    "没有这个抽查计划",
    "List the plans: evenhand office plan list.",
    "请查看计划列表：evenhand office plan list。",
)
PLAN_DATES_REVERSED = Said(
    "plan.dates-reversed",
    Kind.INVALID,
    "The plan closes before it opens.",
    "计划的结束日期早于开始日期",
    "Give `opens_on` and `closes_on` in order.",
    "请按先后填写 `opens_on` 与 `closes_on`。",
)
PLAN_RATE_WRONG = Said(
    "plan.rate-wrong",
    Kind.INVALID,
    "The rate is not a share between nothing and all.",
    "抽查比例须在零与百分之百之间",
    "Give a rate such as 3/100.",
    "请填写如 3/100 的比例。",
)
PLAN_TOO_MANY_SITES = Said(
    "plan.too-many-sites",
    Kind.INVALID,
    "The plan asks for more sites than there are.",
    "计划抽查户数超过可抽户数",
    "Ask for no more than `exist`, or widen the plan.",
    "请将户数降至 `exist` 以内，或扩大范围。",
)
PLAN_CHECKLIST_MISSING = Said(
    "plan.checklist-missing",
    Kind.INVALID,
    "A category in the plan has no checklist.",
    "计划内有类别未指定检查表",
    "Name a checklist for `category`, or one for * (all others).",
    "请为 `category` 指定检查表，或为 *（其余类别）指定。",
)
PLAN_SCHEME_WRONG = Said(
    "plan.scheme-wrong",
    Kind.INVALID,
    "The plan's scheme contradicts itself.",
    "抽查方案自相矛盾",
    "Correct `field` (`problem`, `problem_zh`).",
    "请更正 `field`（`problem_zh`，`problem`）。",
)
PLAN_BOUNDS_CROSS = Said(
    "plan.bounds-cross",
    Kind.INVALID,
    "A stratum must give more than it may.",
    "某层下限（不少于）高于上限（不超过）",
    "Of the `eligible` of `stratum`, at least `least` must be drawn and at most `most` may be: "
    "raise the upper rate, lower the rate or the minimum, or join small strata.",
    "层 `stratum` 可抽 `eligible` 户，不少于 `least` 户而不超过 `most` 户："
    "请提高上限比例，或降低比例、最少户数，或合并小层。",
)
PLAN_DRAWS_NOBODY = Said(
    "plan.draws-nobody",
    Kind.INVALID,
    "By its rates, the plan draws nobody.",
    "按所定比例，本计划抽不到任何对象",
    "Raise the rate or the minimum, round up, or widen the plan.",
    "请提高比例或最少户数、改为进位取整，或扩大范围。",
)
FRAME_TELLS_SEALED = Said(
    "frame.tells-sealed",
    Kind.CONFLICT,
    "Why some cannot be drawn would tell what a sealed draw drew.",
    "不予抽取的理由会泄露封存抽取的名单",
    "Wait until those `draws` are open, or seal this draw at least as long.",
    "请待 `draws` 所列抽取解封后再办，或将本次抽取封存至同一时间以后。",
)
FRAME_PROOF_WRONG = Said(
    "draw.frame-proof-wrong",
    Kind.INVALID,
    "The proof does not lead to the root of the frame.",
    "该证明不能推导至抽样框的根",
    "Ask the agency for another one, or make it from the bundle: evenhand draw proof.",
    "请向抽取机关重新索取，或由抽取档案包自行生成：evenhand draw proof。",
)
TEXT_NOT_CANONICAL = Said(
    "text.not-canonical",
    Kind.INVALID,
    "A text has control characters or two ways of being written.",
    "文本含控制字符或编码形式不唯一",
    "Correct the text named in `problem` (Unicode form NFC).",
    "请更正 `problem` 所指文本（Unicode NFC 形式）。",
)
DRAW_NOT_FOUND = Said(
    "draw.not-found",
    Kind.MISSING,
    "There is no such draw, or no such file in it.",
    "没有这次抽取，或其中没有该文件",
    "List the draws: evenhand office plan show PLAN.",
    "请查看：evenhand office plan show PLAN。",
)
DRAW_EXISTS = Said(
    "draw.exists",
    Kind.CONFLICT,
    "The plan already has a draw.",
    "该计划已有抽取",
    "Hold that draw; only a void one may be replaced.",
    "请完成该次抽取；仅作废后方可重新承诺。",
)
DRAW_HELD = Said(
    "draw.already-held",
    Kind.CONFLICT,
    "This draw has been held; a draw is held once.",
    "该抽取已完成，不得重复抽取",
    "See its result: evenhand office draw show DRAW.",
    "请查看结果：evenhand office draw show DRAW。",
)
DRAW_NOT_HELD = Said(
    "draw.not-held",
    Kind.CONFLICT,
    "The plan has no result of a draw yet.",
    "该计划尚无抽取结果",
    "Hold its draw first: evenhand office draw hold DRAW.",
    "请先抽取：evenhand office draw hold DRAW。",
)
DRAW_VOID = Said(
    "draw.void",
    Kind.CONFLICT,
    "This draw is void.",
    "该抽取已作废",
    "Commit to a new draw of the plan.",
    "请为该计划重新作出承诺。",
)
DRAW_UNSTAFFED = Said(
    "draw.unstaffed",
    Kind.CONFLICT,
    "This draw was held, and its lots cannot be staffed; another seed would be another draw.",
    "该抽取已举行但无法完成人员匹配；更换种子即为另一次抽取",
    "Let a second officer void it, then commit to a new draw of the plan.",
    "请由另一名人员作废，再为该计划重新作出承诺。",
)
DRAW_TOO_EARLY = Said(
    "draw.too-early",
    Kind.CONFLICT,
    "The draw may not be held before the announced time.",
    "未到公布的抽取时间",
    "Wait until `not_before`.",
    "请等到 `not_before`。",
)
DRAW_TOO_LATE = Said(
    "draw.too-late",
    Kind.INVALID,
    "The draw would be held when the plan is over.",
    "抽取时间晚于计划结束",
    "Announce a time before `closes_on`.",
    "请将抽取时间定在 `closes_on` 之前。",
)
DRAW_DISPATCHED = Said(
    "draw.dispatched",
    Kind.CONFLICT,
    "Tasks of this draw have been dispatched.",
    "该抽取的任务已派发",
    "Finish the inspections; their results say what was found.",
    "请完成检查，以检查结果说明情况。",
)
DRAW_SECOND_OFFICER = Said(
    "draw.second-officer",
    Kind.FORBIDDEN,
    "Whoever committed to a draw may not void it.",
    "作出承诺的人员不得自行作废",
    "Ask another officer to void it.",
    "请由另一名人员作废。",
)
DIGITS_DIFFER = Said(
    "draw.digits-differ",
    Kind.INVALID,
    "The two entries of the digits differ.",
    "两次录入的数字不一致",
    "Compare both with the sheet of the ceremony.",
    "请与现场记录核对后重新录入。",
)
DIGITS_WRONG = Said(
    "draw.digits-wrong",
    Kind.INVALID,
    "The value is not one that the announced source can give.",
    "该值不可能由所公布的随机源产生",
    "Enter exactly what was `announced`, all rolls in order.",
    "请按 `announced` 所列，依次录入全部结果。",
)
SEED_TOO_SHORT = Said(
    "draw.seed-too-short",
    Kind.INVALID,
    "The public sources are so small that all outcomes could be tried.",
    "公开随机量过少，结果可被穷举",
    "Announce at least `bits_min` bits: 20 rolls of a d10.",
    "请公布至少 `bits_min` 位随机量，例如十面骰 20 次。",
)
RANDOMNESS_INCOMPLETE = Said(
    "draw.randomness-incomplete",
    Kind.INVALID,
    "Not exactly the committed sources and contributors are given.",
    "随机源或随机数与承诺不齐",
    "Give a value for each of `sources` and a nonce for each of `nonces`.",
    "请为 `sources` 逐一给出数值，为 `nonces` 逐一公开随机数。",
)
NONCE_WRONG = Said(
    "draw.nonce-wrong",
    Kind.INVALID,
    "The nonce does not open its commitment.",
    "随机数与其承诺不符",
    "Ask `who` for the nonce that was committed to.",
    "请 `who` 提供当初承诺的随机数。",
)
SOURCE_UNKNOWN = Said(
    "draw.source-unknown",
    Kind.INVALID,
    "There is no such public source, or it cannot have this name.",
    "没有该公开随机源，或其名称不符",
    "See docs/how-to/hold-a-draw.md for every source and how it is named.",
    "各随机源及其名称见 docs/how-to/hold-a-draw.md。",
)
SOURCE_TOO_SOON = Said(
    "draw.source-too-soon",
    Kind.INVALID,
    "The value of the source may exist already, or less than ten minutes after the commitment.",
    "该随机源的数值可能已产生，或距承诺不足十分钟",
    "Announce a later one; `ready_at` is when this one comes to be.",
    "请公布更晚的一期；本期产生于 `ready_at`。",
)
PROOF_WRONG = Said(
    "draw.proof-wrong",
    Kind.INVALID,
    "The signature does not prove this value for what was announced.",
    "签名不能证明该数值属于所公布的随机源",
    "Fetch exactly what was `announced`, from any relay; no other round may be used.",
    "请重新获取 `announced` 所列的那一期（任何中继均可），不得改用其他期。",
)
TYPING_ONE_OFFICER = Said(
    "draw.typed-by-one",
    Kind.CONFLICT,
    "Only one officer has typed this value.",
    "该数值仅由一名人员录入",
    "Let another officer type it: evenhand office draw type DRAW.",
    "请由另一名人员录入：evenhand office draw type DRAW。",
)
TYPING_SETTLED = Said(
    "draw.typing-settled",
    Kind.CONFLICT,
    "Two officers have typed the same value of this source; it stands.",
    "该随机源已由两名人员一致录入，不得再改",
    "Hold the draw: evenhand office draw hold DRAW.",
    "请进行抽取：evenhand office draw hold DRAW。",
)
DRAW_SEALED = Said(
    "draw.sealed",
    Kind.FORBIDDEN,
    "The content of this draw is sealed; only its hash is public yet.",
    "该抽取尚在封存期，仅公布其散列值",
    "Come back at `sealed_until`, and compare the hash then.",
    "请在 `sealed_until` 之后查看并核对散列值。",
)
DRAW_NOT_SEALED = Said(
    "draw.not-sealed",
    Kind.CONFLICT,
    "This draw is not sealed.",
    "该抽取未封存或已公开",
    "Nothing needs doing: its files are at /public/draws.",
    "无需操作：其文件见 /public/draws。",
)
DRAW_VISITS_OPEN = Said(
    "draw.visits-open",
    Kind.CONFLICT,
    "Not every visit of this sealed draw is over; opening it now would warn whoever is left.",
    "该封存抽取尚有检查未完成，此时公开将提前泄露",
    "Wait for the `open` visits, or for `sealed_until`, when it opens by itself.",
    "请等待 `open` 项检查完成，或等到 `sealed_until` 自动公开。",
)
SEAL_WRONG = Said(
    "draw.seal-wrong",
    Kind.INVALID,
    "A sealed draw needs two nonces, and a date to open it within 60 days after the plan.",
    "封存的抽取须有两方随机数，且应在计划结束后 60 日内公开",
    "Add nonces of two bodies, and choose a date after the draw and not after `latest`.",
    "请加入两方随机数，并将公开日期定在抽取之后、`latest` 之前。",
)
UNSEAL_SECOND_OFFICER = Said(
    "draw.unseal-second-officer",
    Kind.FORBIDDEN,
    "You have asked to open this draw; another officer must agree.",
    "您已提出解封，须由另一名人员同意",
    "Ask another officer: evenhand office draw unseal DRAW.",
    "请由另一名人员执行：evenhand office draw unseal DRAW。",
)
PAIRING_INFEASIBLE = Said(
    "pairing.infeasible",
    Kind.CONFLICT,
    "The inspectors cannot fill every position.",
    "执法人员不足，无法完成匹配",
    "See `rules` for what makes it so: mend it or declare a relaxation, and plan anew; "
    "a draw already held must be voided.",
    "见 `rules` 所列规则：请消除原因或事先声明让步后重新计划；已抽取的须先作废。",
)
