"""Refusals of what changes a draw afterwards, and of its prints (抽取变更与打印)."""

from sync.refusals.said import Kind, Said

BUNDLE_UNREADABLE = Said(
    "bundle.unreadable",
    Kind.INVALID,
    "These files are not those of a draw as it was committed to and held.",
    "这些文件不构成一次按承诺进行的抽取",
    "Run evenhand verify draw on them; it names the first difference.",
    "请运行 evenhand verify draw，它会指出首个差异。",
)
BUNDLE_NOT_HELD = Said(
    "bundle.not-held",
    Kind.CONFLICT,
    "The draw of this bundle has not been held.",
    "该档案包的抽取尚未进行",
    "Export the bundle again after the draw.",
    "请在抽取之后重新导出档案包。",
)
BUNDLE_NOBODY = Said(
    "bundle.nobody",
    Kind.MISSING,
    "Nobody of this code or certificate is in this draw.",
    "本次抽取中没有该编号的检查对象或执法人员",
    "Check the code; evenhand draw proof proves that it is not in the frame.",
    "请核对编号；evenhand draw proof 可证明其不在名录中。",
)
FONT_MISSING = Said(
    "print.font-missing",
    Kind.UNSUPPORTED,
    "A font that the page is set in is not here.",
    "缺少排版所需字体",
    "Install evenhand[print], or name a folder with the fonts in EVENHAND_FONT_DIR.",
    "请安装 evenhand[print]，或在 EVENHAND_FONT_DIR 中指定字体文件夹。",
)
AMENDMENT_NOT_FOUND = Said(
    "amendment.not-found",
    Kind.MISSING,
    "No such change was asked for in your division.",
    "本辖区无此变更申请",
    "List them: evenhand office draw pending.",
    "请查看：evenhand office draw pending。",
)
AMENDMENT_REASON_UNKNOWN = Said(
    "amendment.reason-unknown",
    Kind.INVALID,
    "Nothing of a draw is changed for this reason.",
    "抽取结果不得因此理由变更",
    "Give one of `allowed`, if it is true, with its evidence.",
    "如确属 `allowed` 所列理由之一，请注明并附证据。",
)
AMENDMENT_SITE_UNKNOWN = Said(
    "amendment.site-unknown",
    Kind.MISSING,
    "This site is not on the list of the draw, or no longer.",
    "该对象不在抽取名单内，或已被替补",
    "See who is: evenhand office draw log DRAW.",
    "请核对名单：evenhand office draw log DRAW。",
)
AMENDMENT_SEAT_UNKNOWN = Said(
    "amendment.seat-unknown",
    Kind.MISSING,
    "This inspector has no seat there that is still open.",
    "该人员在此没有未完成的席位",
    "See who inspects: evenhand office task list PLAN.",
    "请核对人员：evenhand office task list PLAN。",
)
AMENDMENT_STRATUM_UNKNOWN = Said(
    "amendment.stratum-unknown",
    Kind.INVALID,
    "The draw has no such stratum.",
    "抽取无此层",
    "Name one of `known`.",
    "请填写 `known` 所列之一。",
)
AMENDMENT_SIGNED = Said(
    "amendment.signed",
    Kind.CONFLICT,
    "The inspection is signed: it has a result.",
    "检查已签字，已有结果",
    "Let the result stand; what is wrong with it is mended in its review.",
    "请以检查结果为准；如有错误，在审核中更正。",
)
AMENDMENT_SECOND_OFFICER = Said(
    "amendment.second-officer",
    Kind.FORBIDDEN,
    "Whoever asked for a change may not approve it.",
    "提出变更的人员不得自行批准",
    "Ask another officer: evenhand office draw approve AMENDMENT.",
    "请由另一名人员执行：evenhand office draw approve AMENDMENT。",
)
AMENDMENT_NOT_NEXT = Said(
    "amendment.not-next",
    Kind.CONFLICT,
    "Another change of this draw was asked for before and still waits.",
    "本次抽取尚有先提出的变更待批",
    "Decide about `first` before: changes are carried out in the order of asking.",
    "请先对 `first` 作出决定：变更按提出次序执行。",
)
AMENDMENT_SITES_CHOSEN = Said(
    "amendment.sites-chosen",
    Kind.INVALID,
    "For this reason an inspector leaves every seat where no result is signed.",
    "以此理由离席者，须离开所有尚未签字的席位",
    "Name no sites with `reason`; only a recusal is of single sites.",
    "`reason` 不得指定检查对象；只有回避可限于个别对象。",
)
AMENDMENT_DECIDED = Said(
    "amendment.decided",
    Kind.CONFLICT,
    "This change was decided before.",
    "该变更申请已作出决定",
    "Ask for it anew if it is still needed.",
    "如仍需变更，请重新提出。",
)
AMENDMENT_UNSTAFFED = Said(
    "amendment.unstaffed",
    Kind.CONFLICT,
    "Nobody who may can take these seats, on any step of the declared ladder.",
    "按已声明的让步步骤，仍无人可承担这些席位",
    "Free inspectors of the roster from other reasons; nobody from outside it can be sent.",
    "请使名录内人员可以承担；名录以外的人员不得派出。",
)
AMENDMENT_TOO_LATE = Said(
    "amendment.too-late",
    Kind.CONFLICT,
    "The time of the plan is over.",
    "计划期限已过",
    "Make a new plan; a new draw decides.",
    "请另行制定计划并重新抽取。",
)
SUBSTITUTION_IS_RESULT = Said(
    "substitution.is-result",
    Kind.INVALID,
    "What is found on site is a result of the inspection, never a reason to substitute.",
    "现场情况属于检查结果，不得作为替补理由",
    "Keep the site on the list, and let the inspectors record this as its result.",
    "请保留该对象，由检查人员将其记录为检查结果。",
)
SUBSTITUTION_NOT_OVER = Said(
    "substitution.not-over",
    Kind.INVALID,
    "No draw held in between has used up the inspections of this site.",
    "期间没有其他抽取用尽该对象的检查频次",
    "Substitute `site` for another reason, or keep it on the list.",
    "请以其他理由替补 `site`，或将其保留在名单上。",
)
DRAW_OVER_CAP = Said(
    "draw.over-cap",
    Kind.CONFLICT,
    "Draws held since this one was committed to have used up the inspections of some sites.",
    "本次承诺之后举行的其他抽取已用尽部分对象的检查频次",
    "Nothing was sent. Let each of `sites` (`count`, by `draws`) give way to the next reserve: "
    "evenhand office draw substitute `draw` SITE with one of `reasons`.",
    "未下发任何任务。请对 `sites`（共 `count` 户，因 `draws`）逐户申请替补，理由为 `reasons`："
    "evenhand office draw substitute `draw` SITE。",
)
SUBSTITUTION_LATER = Said(
    "substitution.later",
    Kind.INVALID,
    "It is not shown to have been true when the frame was frozen.",
    "未证明该情形在名录冻结时已存在",
    "Give `since`, a day not after `snapshot`; what happened later is a result.",
    "请填写不晚于 `snapshot` 的 `since`；其后发生的情形属于检查结果。",
)
EXTENSION_TOO_MANY = Said(
    "extension.too-many",
    Kind.INVALID,
    "The stratum does not have so many tickets left.",
    "该层剩余签号不足",
    "Ask for at most `left`.",
    "最多可增抽 `left` 户。",
)
TASK_WITHDRAWN = Said(
    "task.withdrawn",
    Kind.CONFLICT,
    "The task was withdrawn: its site was substituted, or the office took it back.",
    "任务已撤回：对象已被替补，或由机关收回",
    "What was recorded is kept.",
    "已记录的内容予以保留。",
)
