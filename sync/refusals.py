"""Every expected "no" in the system, said once.

A refusal is data, not an accident. The same value travels as a problem document over HTTP, as one
exception inside a push, and as an exit status of the command line. A bug is never a refusal: it is
a failed assertion, and it crashes. The table in docs/reference/refusals.md is generated from here.
"""

from enum import Enum, IntEnum
from typing import NamedTuple

Detail = str | int


class Kind(IntEnum):
    """How the asker should take a refusal. The number is the command line's exit status."""

    INVALID = 10
    UNAUTHENTICATED = 11
    FORBIDDEN = 12
    MISSING = 13
    CONFLICT = 14
    GONE = 15
    TOO_LARGE = 16
    UNSUPPORTED = 17
    BUSY = 18
    TOO_MANY = 19


class Reason(Enum):
    """The catalogue: code, kind, what happened, what to do (English, 中文).

    A code, once released, is never reused and never changes its kind.
    """

    # -- the doors -------------------------------------------------------------------------------
    NOT_LOGGED_IN = (
        "auth.not-logged-in",
        Kind.UNAUTHENTICATED,
        "No valid session came with this request.",
        "请求未携带有效会话",
        "Log in again: evenhand office login.",
        "请重新登录：evenhand office login。",
    )
    LOGIN_WRONG = (
        "auth.login-wrong",
        Kind.UNAUTHENTICATED,
        "The name or the password is wrong.",
        "用户名或密码错误",
        "Check both, or ask an admin for a new password.",
        "请核对后重试，或请管理员重置密码。",
    )
    ROLE_FORBIDDEN = (
        "auth.role-forbidden",
        Kind.FORBIDDEN,
        "Your role may not do this.",
        "当前角色无权执行此操作",
        "Ask someone who has the role named in `needs`.",
        "请由具备 `needs` 所列角色的人员办理。",
    )
    DIVISION_FORBIDDEN = (
        "auth.division-forbidden",
        Kind.FORBIDDEN,
        "This belongs to a division outside yours.",
        "该对象不在您的辖区内",
        "Ask an officer of that division.",
        "请由该辖区人员办理。",
    )
    EXTRA_MISSING = (
        "install.extra-missing",
        Kind.UNSUPPORTED,
        "This part of evenhand is not installed here.",
        "此处未安装 evenhand 的这一部分",
        "A device needs only `evenhand device`; for the rest install evenhand[server,print].",
        "终端只需 `evenhand device`；其余功能请安装 evenhand[server,print]。",
    )
    BODY_INVALID = (
        "body.invalid",
        Kind.INVALID,
        "The request does not have the expected form.",
        "请求格式不正确",
        "Correct the field named in `problem` and send it again.",
        "请更正 `problem` 所指字段后重新提交。",
    )
    BODY_TOO_LARGE = (
        "body.too-large",
        Kind.TOO_LARGE,
        "The request body is over the limit.",
        "请求内容超过大小上限",
        "Send it in parts no larger than `limit_bytes`.",
        "请分批提交，每批不超过 `limit_bytes` 字节。",
    )
    NOT_FOUND = (
        "path.not-found",
        Kind.MISSING,
        "There is nothing at this address.",
        "该地址不存在",
        "Check the address against /schema.",
        "请对照 /schema 核对地址。",
    )
    METHOD_WRONG = (
        "path.method-wrong",
        Kind.UNSUPPORTED,
        "This address does not take this method.",
        "该地址不支持此方法",
        "Use one of the methods listed in /schema.",
        "请使用 /schema 中列出的方法。",
    )

    # -- sync ------------------------------------------------------------------------------------
    SIGNATURE_WRONG = (
        "sync.signature-wrong",
        Kind.UNAUTHENTICATED,
        "The signature does not fit the body.",
        "签名与内容不符",
        "Send the same body again; if it persists, enrol the device anew.",
        "请重新发送；如仍失败，请重新登记终端。",
    )
    BODY_INFLATES = (
        "body.inflates",
        Kind.TOO_LARGE,
        "The packed body grows out of all proportion when it is unpacked.",
        "压缩内容展开后大小异常",
        "Send it unpacked, or fewer operations at a time; nothing was stored.",
        "请不压缩发送，或减少每批操作数；未保存任何内容。",
    )
    SNAPSHOT_GONE = (
        "snapshot.gone",
        Kind.MISSING,
        "This snapshot is not kept (any more).",
        "该数据快照已不再保留",
        "Sync again: the next answer names the newest one.",
        "请重新同步：下一次应答会给出最新快照。",
    )
    SNAPSHOT_DAMAGED = (
        "snapshot.damaged",
        Kind.BUSY,
        "The snapshot did not arrive as it is.",
        "数据快照在传输中损坏",
        "Sync again; what came was thrown away, nothing of yours was lost.",
        "请重新同步；已丢弃收到的部分，本人数据未丢失。",
    )
    SYNC_MALFORMED = (
        "sync.malformed",
        Kind.INVALID,
        "The push cannot be read.",
        "上传内容无法解析",
        "Nothing was stored; build the push again from the log and send it.",
        "未保存任何内容；请由日志重新生成后再次上传。",
    )
    SYNC_VERSION = (
        "sync.version",
        Kind.UNSUPPORTED,
        "This version of the protocol is not spoken here.",
        "不支持该协议版本",
        "Update the program on the older side; what was recorded stays on the device.",
        "请升级版本较旧的一方；已记录的内容仍保留在终端。",
    )
    SYNC_GAP = (
        "sync.gap",
        Kind.CONFLICT,
        "The push starts beyond what the server holds.",
        "上传起点超出服务器已有的记录",
        "Send from the operation after `head_n`.",
        "请从 `head_n` 之后的操作开始上传。",
    )
    SYNC_FORK = (
        "sync.fork",
        Kind.CONFLICT,
        "The ledger holds another history of this device; both are kept.",
        "账本中该终端已有不同的历史，两者均已保留",
        "Sync again: the device goes on under a new name and sends its own work again.",
        "请重新同步：终端将以新名称继续，并重新上传本机工作。",
    )
    ANSWER_STRANGE = (
        "sync.answer-strange",
        Kind.BUSY,
        "The answer is not one of an evenhand server.",
        "应答并非来自 evenhand 服务器",
        "Check the address and the network, then try again; nothing was lost.",
        "请核对地址与网络后重试；内容未丢失。",
    )
    OP_MALFORMED = (
        "op.malformed",
        Kind.INVALID,
        "The operation cannot be read; it is kept in quarantine.",
        "操作无法解析，已隔离保存",
        "Ask a supervisor to look at the quarantine.",
        "请主管人员查看隔离区。",
    )
    OP_UNKNOWN = (
        "op.unknown",
        Kind.UNSUPPORTED,
        "The operation comes from a newer program; it is parked.",
        "操作来自更新的程序版本，已暂存",
        "Nothing is lost; it counts once the server is upgraded.",
        "内容未丢失，服务器升级后生效。",
    )
    INSPECTION_NOT_YOURS = (
        "inspection.not-yours",
        Kind.FORBIDDEN,
        "The inspection is not this inspector's; the operation is kept in quarantine.",
        "该检查任务不属于此执法人员，操作已隔离保存",
        "Ask a supervisor to assign the task or to release the operation.",
        "请主管人员分派任务或放行该操作。",
    )
    SIGN_ROLE = (
        "sign.role",
        Kind.FORBIDDEN,
        "The signature names a role that the inspector does not have in this task.",
        "签名角色与任务中的角色不符",
        "Sign as the role shown in the task.",
        "请按任务中载明的角色签名。",
    )
    SIGN_REASON_MISSING = (
        "sign.reason-missing",
        Kind.INVALID,
        "You signed this inspection before; another signature amends it.",
        "您已签名；再次签名即为补签",
        "Say why with --reason.",
        "请用 --reason 说明补签原因。",
    )
    INSPECTION_UNKNOWN = (
        "inspection.unknown",
        Kind.MISSING,
        "There is no such inspection on this device.",
        "本终端没有该检查任务",
        "Sync first, or check the number: evenhand device tasks.",
        "请先同步，或核对编号：evenhand device tasks。",
    )
    DEVICE_REVOKED = (
        "device.revoked",
        Kind.FORBIDDEN,
        "The device was revoked; what it sends is kept in quarantine.",
        "该终端已停用，其上传内容已隔离保存",
        "Ask a supervisor to release it, or enrol the device anew.",
        "请主管人员放行，或重新登记终端。",
    )
    DEVICE_UNKNOWN = (
        "device.unknown",
        Kind.UNAUTHENTICATED,
        "The server does not know this device.",
        "服务器没有该终端的登记",
        "Enrol it with a one-time code.",
        "请使用一次性登记码登记。",
    )
    DEVICE_NOT_ENROLLED = (
        "device.not-enrolled",
        Kind.UNAUTHENTICATED,
        "This device is not enrolled.",
        "本终端尚未登记",
        "Run: evenhand device enrol SERVER CODE.",
        "请执行：evenhand device enrol 服务器 登记码。",
    )
    DEVICE_ENROLLED = (
        "device.enrolled",
        Kind.CONFLICT,
        "This device is enrolled already.",
        "本终端已登记",
        "Use another folder (--home) for another person.",
        "为他人登记请使用另一个目录（--home）。",
    )
    INVITE_WRONG = (
        "invite.wrong",
        Kind.FORBIDDEN,
        "The one-time code is wrong, used or expired.",
        "登记码错误、已使用或已过期",
        "Ask the office for a new one: evenhand office devices invite.",
        "请向机关索取新码：evenhand office devices invite。",
    )
    INSPECTOR_NOT_FOUND = (
        "inspector.not-found",
        Kind.MISSING,
        "There is no such inspector.",
        "没有该执法人员",
        "Check the certificate number.",
        "请核对执法证号。",
    )
    DEVICE_NOT_FOUND = (
        "device.not-found",
        Kind.MISSING,
        "There is no such device.",
        "没有该终端",
        "Check the number: evenhand office devices.",
        "请核对编号：evenhand office devices。",
    )
    EVIDENCE_EMPTY = (
        "evidence.empty",
        Kind.INVALID,
        "The file is empty.",
        "文件为空",
        "Choose the file again; an empty one proves nothing.",
        "请重新选择文件；空文件不能作为证据。",
    )
    SERVER_ADDRESS = (
        "server.address",
        Kind.INVALID,
        "This is not the address of a server.",
        "这不是服务器地址",
        "Write it with http:// or https:// before it.",
        "请写明 http:// 或 https://。",
    )
    VOID_TARGET = (
        "void.target-unknown",
        Kind.MISSING,
        "This device knows nothing of that number in the inspection that could be withdrawn.",
        "本终端上，该检查没有此编号的可作废记录",
        "Take the number that is shown beside it: evenhand device show INSPECTION.",
        "请使用 evenhand device show 检查编号 所显示的编号。",
    )
    # -- identity and handing over ---------------------------------------------------------------
    BACKUP_AHEAD = (
        "backup.ahead",
        Kind.INVALID,
        "The ledger does not reach so far.",
        "账本尚未到达该位置",
        "Give a position up to `ledger`, as `evenhand server check` told it before the backup.",
        "请填写不大于 `ledger` 的位置，即备份前 `evenhand server check` 显示的条数。",
    )
    BUNDLE_DAMAGED = (
        "bundle.damaged",
        Kind.INVALID,
        "The file is cut short or damaged; nothing of it was taken in.",
        "文件不完整或已损坏，未导入任何内容",
        "Copy it again from where it was made, or export it again.",
        "请重新复制，或重新导出。",
    )
    BUNDLE_FOREIGN = (
        "bundle.foreign",
        Kind.FORBIDDEN,
        "The file is for another server, or for another purpose.",
        "该文件属于其他服务器或其他用途",
        "Look at `for`: `office` goes to `evenhand office receive`, `phone` to a new phone.",
        "请看 `for`：`office` 用 `evenhand office receive`，`phone` 用于新手机。",
    )
    BUNDLE_PASSPHRASE = (
        "bundle.passphrase",
        Kind.UNAUTHENTICATED,
        "The passphrase is not the one of this file.",
        "口令不正确",
        "Type the one that was chosen at `evenhand device export`.",
        "请输入 `evenhand device export` 时设置的口令。",
    )
    RECEIPT_FOREIGN = (
        "receipt.foreign",
        Kind.FORBIDDEN,
        "The receipt is not this server's word for this device.",
        "该回执不是本服务器给本终端的",
        "Apply it on the phone that made the file; nothing was changed.",
        "请在导出该文件的手机上使用；未作任何更改。",
    )
    RECEIPT_NONE = (
        "receipt.none",
        Kind.CONFLICT,
        "This device has no receipt of the server yet.",
        "本终端尚无服务器回执",
        "Sync first: evenhand device sync.",
        "请先同步：evenhand device sync。",
    )
    PERSON_UNKNOWN = (
        "device.person-unknown",
        Kind.MISSING,
        "Nobody of that name is enrolled on this device.",
        "本终端没有登记该人员",
        "See `evenhand device people`, or enrol them: evenhand device enrol --who NAME.",
        "请查看 `evenhand device people`，或登记：evenhand device enrol --who 姓名。",
    )
    ENROLMENT_TEXT_WRONG = (
        "enrolment.text-wrong",
        Kind.INVALID,
        "This is not the text of an enrolment QR code.",
        "这不是终端登记二维码的内容",
        "Scan it again, or type the server's address and the code.",
        "请重新扫描，或输入服务器地址与登记码。",
    )
    SERVER_OTHER = (
        "server.other",
        Kind.FORBIDDEN,
        "Another server answered than the one whose key was given.",
        "应答的服务器与所给密钥不符",
        "Check the address and ask the office for a new QR code; nothing was sent but the code.",
        "请核对地址，并向机关索取新的二维码；除登记码外未发送任何内容。",
    )
    # -- checklists and registers ----------------------------------------------------------------
    CHECKLIST_INVALID = (
        "checklist.invalid",
        Kind.INVALID,
        "The checklist is not valid.",
        "检查表文件不符合要求",
        "Correct `field` at `line` of the file.",
        "请更正文件第 `line` 行的 `field`。",
    )
    CHECKLIST_TAKEN = (
        "checklist.taken",
        Kind.CONFLICT,
        "This version was released with other content.",
        "该版本已以其他内容定版",
        "Give the changed checklist a new version.",
        "请为修改后的检查表使用新版本号。",
    )
    CHECKLIST_NOT_FOUND = (
        "checklist.not-found",
        Kind.MISSING,
        "There is no such checklist.",
        "检查表不存在",
        "List them: evenhand office checklist list.",
        "请查看已定版的检查表：evenhand office checklist list。",
    )
    CHECKLIST_NOT_OFFERED = (
        "checklist.not-offered",
        Kind.MISSING,
        "This device does not hold exactly one other version of the checklist by that name.",
        "本终端没有可换用的检查表版本，或未指明版本",
        "Name one of `versions` with --to; sync first if it is missing.",
        "请用 --to 指明 `versions` 中的一个版本；如未列出请先同步。",
    )
    XLSFORM_UNREADABLE = (
        "xlsform.unreadable",
        Kind.INVALID,
        "The file is not a workbook that can be read as a form.",
        "文件不是可作为表单读取的工作簿",
        "Save the XLSForm as XLSX; `problem` says what stopped the reader.",
        "请将 XLSForm 另存为 XLSX；`problem` 说明了读取失败的原因。",
    )
    XLSFORM_REFUSED = (
        "xlsform.refused",
        Kind.INVALID,
        "This XLSForm cannot become a checklist as it is.",
        "该 XLSForm 暂不能转为检查表",
        "Mend what was refused above, row by row, and import it again.",
        "请按上面的提示逐行修改后重新导入。",
    )
    ITEM_UNKNOWN = (
        "checklist.item-unknown",
        Kind.INVALID,
        "The checklist has no such item.",
        "检查表中没有该检查项",
        "Use a reference that the checklist lists; 3.10 is not 3.1.",
        "请使用检查表所列编号，注意 3.10 与 3.1 不同。",
    )
    ANSWER_INADMISSIBLE = (
        "checklist.answer-inadmissible",
        Kind.INVALID,
        "The item does not take this answer.",
        "该检查项不接受此结论",
        "Answer pass, fail, na, a plain decimal number or one of `choose`, with what `add` names.",
        "请填 pass、fail、na、十进制数值或 `choose` 所列选项，并补充 `add` 所列内容。",
    )
    VERDICT_INCOMPLETE = (
        "verdict.incomplete",
        Kind.CONFLICT,
        "No verdict can be given yet.",
        "尚不能作出检查结论",
        "Answer the items named, and settle those in conflict.",
        "请补齐所列检查项，并就不一致的结论形成一致意见。",
    )
    REGISTER_NOT_CSV = (
        "register.not-csv",
        Kind.INVALID,
        "The file is not a table that can be read.",
        "文件不是可读取的表格",
        "Export it as CSV, NDJSON, XLSX, XLS or ODS; `problem` says what stopped the reader.",
        "请导出为 CSV、NDJSON、XLSX、XLS 或 ODS；`problem` 说明了读取失败的原因。",
    )
    REGISTER_OVER_LIMIT = (
        "register.over-limit",
        Kind.TOO_LARGE,
        "The file is over a limit of the reader.",
        "文件超过读取上限",
        "Export it again: a real register has short lines, few columns and packs no denser.",
        "请重新导出：真实名录的行较短、列较少，压缩比也不会过高。",
    )
    REGISTER_SHEET_MISSING = (
        "register.sheet-missing",
        Kind.MISSING,
        "The workbook has no such sheet, or has several and none was chosen.",
        "工作簿没有该工作表，或有多个工作表而未选择",
        "Name one of `sheets` as `sheet` in the mapping, or with `--sheet`.",
        "请在映射文件中用 `sheet`，或以 `--sheet` 指定 `sheets` 中的一个。",
    )
    REGISTER_CODES_ROUNDED = (
        "register.codes-rounded",
        Kind.INVALID,
        "A spreadsheet turned the codes of a column into numbers; their last digits are lost.",
        "电子表格已将该列编号转为数值，末位数字丢失",
        "Export the register again from its source with the column formatted as text.",
        "请将该列设为文本格式后，从原系统重新导出。",
    )
    MAPPING_INVALID = (
        "mapping.invalid",
        Kind.INVALID,
        "The mapping is not valid.",
        "字段映射文件不符合要求",
        "Correct `field` of the mapping.",
        "请更正映射文件中的 `field`。",
    )
    MAPPING_COLUMN_MISSING = (
        "mapping.column-missing",
        Kind.INVALID,
        "The file does not have a column that the mapping names.",
        "文件缺少映射所指的列",
        "Name one of `columns` in the mapping, or choose the mapping made for this file.",
        "请在映射中改用 `columns` 所列列名，或选择与该文件对应的映射。",
    )
    MAPPING_REGISTER_MISSING = (
        "mapping.register-missing",
        Kind.INVALID,
        "The mapping does not say how to read this register.",
        "映射文件未说明如何读取该名录库",
        "Add the table named in `register` to the mapping.",
        "请在映射文件中增加 `register` 所指的表。",
    )
    MAPPING_NEEDED = (
        "mapping.needed",
        Kind.INVALID,
        "The header is not made of our field names, so a mapping is needed.",
        "表头不是本系统的字段名，需要字段映射",
        "Name a mapping with `--mapping`; `register guess FILE` proposes one.",
        "请用 `--mapping` 指定字段映射；`register guess 文件` 可给出建议。",
    )
    REGISTER_NOT_CLOSABLE = (
        "register.not-closable",
        Kind.INVALID,
        "Rows of this register cannot be closed: nothing in them says that they are over.",
        "该名录库的记录没有可以关闭的字段",
        "Keep or mark those that the files do not name: `--missing keep` or `--missing mark`.",
        "对文件中缺失的记录，请用 `--missing keep` 或 `--missing mark`。",
    )
    REGISTER_CLOSE_UNSURE = (
        "register.close-unsure",
        Kind.INVALID,
        "The file has refused rows (`rows`), and what they name would be closed as missing.",
        "文件中有被拒绝的行（`rows`），其所指的记录会被当作缺失而关闭",
        "Look at them by `--dry-run`, mend them, or say `--missing keep` or `--missing mark`.",
        "请用 `--dry-run` 查看并修正，或改用 `--missing keep` 或 `--missing mark`。",
    )
    REVISION_NOT_FOUND = (
        "revision.not-found",
        Kind.MISSING,
        "There is no such revision.",
        "没有该导入批次",
        "List the revisions with `register history`.",
        "请用 `register history` 查看导入批次。",
    )
    ESTABLISHMENT_NOT_FOUND = (
        "establishment.not-found",
        Kind.MISSING,
        "No establishment has or had this code.",
        "没有该编号的检查对象",
        "Look for the code with `register list`.",
        "请用 `register list` 查找编号。",
    )
    REVISION_NOT_UNDOABLE = (
        "revision.not-undoable",
        Kind.CONFLICT,
        "An undo cannot be undone, nor an import from before versions were kept.",
        "撤销本身以及尚无历史版本时的导入，均不能撤销",
        "Import a corrected file; what an undo took back comes again with its file.",
        "请导入更正后的文件；已被撤销的内容可重新导入其文件。",
    )
    REVISION_UNDONE = (
        "revision.undone",
        Kind.CONFLICT,
        "The revision was undone already.",
        "该批次已撤销",
        "Nothing: `by` is the revision that undid it.",
        "无需处理：`by` 为撤销它的批次。",
    )
    REVISION_CHANGED_LATER = (
        "revision.changed-later",
        Kind.CONFLICT,
        "Later changes would be lost.",
        "撤销将丢失之后的变更",
        "Undo the later revisions first, or use `--force` to give up the changes listed.",
        "请先撤销之后的批次，或用 `--force` 放弃所列变更。",
    )
    REVISION_IN_USE = (
        "revision.in-use",
        Kind.CONFLICT,
        "Something refers to rows that the undo would remove.",
        "撤销将移除的记录仍被引用",
        "Undo the imports of those in `by` first; who was drawn stays: close it by another file.",
        "请先撤销 `by` 所指记录的导入；已被抽中的不得移除，请导入更正文件予以关闭。",
    )
    REVISION_REFERENCE_GONE = (
        "revision.reference-gone",
        Kind.CONFLICT,
        "Rows that the undo would restore refer to something that is not in its register any more.",
        "撤销将恢复的记录所引用的内容已不在名录库中",
        "Import what `missing` names again, then undo.",
        "请先重新导入 `missing` 所列内容，再撤销。",
    )
    # What may be odd about one row; the rest of the file goes on. A warning keeps the row.
    ROW_COLUMNS_WRONG = (
        "row.columns-wrong",
        Kind.INVALID,
        "The row has more or fewer columns than the header.",
        "该行列数与表头不符",
        "Quote cells that hold the delimiter or a line break.",
        "含分隔符或换行的单元格请加引号。",
    )
    ROW_UNDECODABLE = (
        "row.undecodable",
        Kind.INVALID,
        "A cell has bytes that are not text in the file's encoding; `value` has them in hex.",
        "单元格含无法解码的字节，`value` 以十六进制列出",
        "Correct the cell at its source, or name the right encoding in the mapping.",
        "请在数据源更正该单元格，或在映射中指定正确的编码。",
    )
    ROW_FORMULA_ERROR = (
        "row.formula-error",
        Kind.INVALID,
        "A cell has the error of a formula in place of its value.",
        "单元格为公式错误值",
        "Correct the formula in the workbook; the cell was read as empty.",
        "请更正工作簿中的公式；该单元格按空值处理。",
    )
    ROW_PRIVATE_USE = (
        "row.private-use",
        Kind.INVALID,
        "A cell has characters that only a private font can show.",
        "单元格含造字（私用区字符）",
        "Replace them at the source by characters of Unicode; they were imported as they are.",
        "请在数据源改用 Unicode 标准字符；该行已按原样导入。",
    )
    ROW_CONTROL_CHARACTER = (
        "row.control-character",
        Kind.INVALID,
        "A cell has control characters, which cannot be seen.",
        "单元格含不可见的控制字符",
        "Remove them at the source; they were imported as they are.",
        "请在数据源删除；该行已按原样导入。",
    )
    ROW_HTML_ENTITY = (
        "row.html-entity",
        Kind.INVALID,
        "A cell has text as a web page writes it, such as &amp; for &.",
        "单元格含网页转义文本，如以 &amp; 表示 &",
        "Correct the export; the text was imported as it is.",
        "请更正导出程序；该行已按原样导入。",
    )
    ROW_VALUE_MISSING = (
        "row.value-missing",
        Kind.INVALID,
        "The row lacks a value that it cannot do without.",
        "该行缺少必填值",
        "Fill the column in.",
        "请补填该列。",
    )
    ROW_VALUE_UNKNOWN = (
        "row.value-unknown",
        Kind.INVALID,
        "The value is not one that the mapping knows.",
        "该值不在映射的取值范围内",
        "Correct the value, or add it to the mapping.",
        "请更正该值，或将其加入映射。",
    )
    ROW_VALUE_INVALID = (
        "row.value-invalid",
        Kind.INVALID,
        "The value does not have the form of its column.",
        "该值格式不符合要求",
        "Correct the value.",
        "请更正该值。",
    )
    ROW_VALUE_TOO_LONG = (
        "row.value-too-long",
        Kind.INVALID,
        "The value is longer than its column allows.",
        "该值超出长度上限",
        "Shorten the value.",
        "请缩短该值。",
    )
    ROW_DIVISION_FOREIGN = (
        "row.division-foreign",
        Kind.FORBIDDEN,
        "The row belongs to a division outside yours.",
        "该行所属行政区划不在您的辖区内",
        "Ask an officer of that division to import it.",
        "请由该辖区人员导入。",
    )
    ROW_DIVISION_UNKNOWN = (
        "row.division-unknown",
        Kind.INVALID,
        "No edition of the list of divisions has this code.",
        "行政区划名录的任何版本均无此代码",
        "Correct it, or leave it (development zones use codes of their own); it was imported.",
        "请更正，或保留（开发区常用自编代码）；该行仍已导入。",
    )
    ROW_DIVISION_HISTORICAL = (
        "row.division-historical",
        Kind.INVALID,
        "The division of this code is no longer in force.",
        "该行政区划代码已停用",
        "See what followed it: evenhand office register division CODE; it was imported.",
        "查看后继代码：evenhand office register division CODE；该行仍已导入。",
    )
    DIVISION_NOT_FOUND = (
        "division.not-found",
        Kind.MISSING,
        "The register of divisions does not have this code.",
        "行政区划名录中没有此代码",
        "Check the code, or import the lists of divisions first.",
        "请检查代码，或先导入行政区划名录。",
    )
    EDITION_INVALID = (
        "edition.invalid",
        Kind.INVALID,
        "This edition of the list of divisions cannot be read.",
        "无法读取该版行政区划名录",
        "Write EDITION=FILE, the edition as 2002, 2002-12 or 2002-12-31; see `problem`.",
        "请写成 版本=文件，版本如 2002、2002-12 或 2002-12-31；原因见 `problem`。",
    )
    ROW_NOT_REGISTERED = (
        "row.not-registered",
        Kind.MISSING,
        "The row names someone who is in no register.",
        "该行所指对象或人员不在名录库中",
        "Import the establishments and inspectors first.",
        "请先导入检查对象名录库和执法检查人员名录库。",
    )
    ROW_PARENT_UNKNOWN = (
        "row.parent-unknown",
        Kind.MISSING,
        "What the row lies within is in no register.",
        "该行所属的上级对象不在名录库中",
        "Correct it, or import what it names as well; the row was imported.",
        "请更正，或一并导入其所指对象；该行仍已导入。",
    )
    ROW_DUPLICATE = (
        "row.duplicate",
        Kind.CONFLICT,
        "Rows of the same code disagree; one of them was taken.",
        "同一编号的多行内容不一致，仅采用其中一行",
        "Remove the row that is wrong.",
        "请删除错误的行。",
    )
    ROW_CELLS_MERGED = (
        "row.cells-merged",
        Kind.INVALID,
        "A cell of the row is merged across columns.",
        "该行存在跨列合并的单元格",
        "Unmerge the cells in the workbook, and fill each column in.",
        "请在工作簿中取消合并单元格，并逐列填写。",
    )
    CODE_MISSING = (
        "code.missing",
        Kind.INVALID,
        "There is no number.",
        "没有编号",
        "Ask the business for its registration number.",
        "请向经营者核实注册编号。",
    )
    CODE_CHECK_WRONG = (
        "code.check-wrong",
        Kind.INVALID,
        "The check character of the number is wrong.",
        "编号校验位错误",
        "Compare it with the licence; the row was imported all the same.",
        "请与证照核对；该行仍已导入。",
    )
    CODE_SHAPE_WRONG = (
        "code.shape-wrong",
        Kind.INVALID,
        "The number is of no known kind.",
        "编号不属于任何已知类型",
        "Compare it with the licence; the row was imported all the same.",
        "请与证照核对；该行仍已导入。",
    )
    CODE_MASKED = (
        "code.masked",
        Kind.INVALID,
        "Parts of the number are masked.",
        "编号部分字符被遮盖",
        "Ask for the full number: others may be masked alike; the row was imported all the same.",
        "请索取完整编号：不同对象遮盖后可能相同；该行仍已导入。",
    )
    CODE_ROUNDED = (
        "code.rounded",
        Kind.INVALID,
        "A spreadsheet turned the code into a rounded number; its last digits are lost.",
        "编号已被电子表格转为近似数值，末位数字丢失",
        "Export the file again with this column formatted as text.",
        "请将该列设为文本格式后重新导出。",
    )
    CODE_RESERVED = (
        "code.reserved",
        Kind.INVALID,
        "Codes that begin so are given to places that are in no register.",
        "该前缀仅用于未登记的临时对象",
        "Give the establishment's own code; merge the provisional one into it: "
        "evenhand office provisional match.",
        "请填写该对象自己的编号；临时对象请归并：evenhand office provisional match。",
    )
    CODE_NORMALISED = (
        "code.normalised",
        Kind.INVALID,
        "The number was written with small, full-width or invisible characters.",
        "编号含小写、全角或不可见字符",
        "Nothing: it was imported in its normal form.",
        "无需处理：已按规范形式导入。",
    )

    LOOKALIKE_NOT_FOUND = (
        "lookalike.not-found",
        Kind.MISSING,
        "There is no such pair on the review list, or one of its establishments is gone.",
        "复核清单中没有这一对，或其中一个对象已不在名录库",
        "List the pairs again: evenhand office register review.",
        "请重新查看复核清单：evenhand office register review。",
    )

    # exports and change feeds
    EXPORT_TOO_LONG = (
        "export.too-long",
        Kind.TOO_LARGE,
        "A sheet of a workbook cannot hold so many rows.",
        "行数超过工作表上限",
        "Export it as CSV or NDJSON, which have no limit; nothing was cut off.",
        "请改用 CSV 或 NDJSON 导出（无行数上限）；内容未被截断。",
    )
    EXPORT_NO_CHARACTER = (
        "export.no-character",
        Kind.CONFLICT,
        "A row has U+FFFE or U+FFFF, which are no characters; a workbook cannot hold them.",
        "某行含非字符 U+FFFE 或 U+FFFF，工作簿无法保存",
        "Correct the row by an import or a change, or export it as CSV or NDJSON.",
        "请通过导入或变更更正该行，或改用 CSV 或 NDJSON 导出。",
    )
    CHANGE_LINE_INVALID = (
        "change.line-invalid",
        Kind.INVALID,
        "The line is no change: one JSON object with source, id, register, kind, at and fields.",
        "该行不是变更事件：应为含 source、id、register、kind、at、fields 的 JSON 对象",
        "Mend the line and send it again; the other lines were taken.",
        "请更正该行后重新发送；其他行已处理。",
    )
    CHANGE_LINE_TOO_LONG = (
        "change.line-too-long",
        Kind.TOO_LARGE,
        "The line is longer than a line may be.",
        "该行过长",
        "Send only the fields of the register; the other lines were taken.",
        "请仅发送名录字段；其他行已处理。",
    )
    CHANGE_FIELD_UNKNOWN = (
        "change.field-unknown",
        Kind.INVALID,
        "The register has no such field.",
        "该名录库没有此字段",
        "Use the names that an export of the register has in its header.",
        "请使用该名录库导出文件表头中的字段名。",
    )
    CHANGE_NOT_CANCELLABLE = (
        "change.not-cancellable",
        Kind.INVALID,
        "Rows of this register are not cancelled: nothing in them says that they are over.",
        "该名录库的记录不能注销：没有可表示终止的字段",
        "End a leave by a change of `last_day`; take anything else back by an undo.",
        "请假请变更 `last_day`；其他记录请撤销其导入。",
    )
    CHANGE_ID_REUSED = (
        "change.id-reused",
        Kind.CONFLICT,
        "The source has used this id for another change.",
        "来源已将该编号用于另一变更",
        "Give every change an id of its own; the first one stands.",
        "请为每个变更使用唯一编号；以先收到的为准。",
    )
    CHANGE_STALE = (
        "change.stale",
        Kind.CONFLICT,
        "It happened before a change that was applied already.",
        "该变更早于已生效的变更",
        "Nothing, if the order was lost on the way; it is on record, and changed nothing.",
        "若仅为到达顺序错乱则无需处理；已记录，未改变名录。",
    )
    CHANGE_WAITS = (
        "change.waits",
        Kind.MISSING,
        "What it changes, or belongs to, is not registered yet; it waits.",
        "所变更或所属的对象尚未登记，已暂存等待",
        "Send the change that creates it, or import it; this one is applied with it.",
        "请发送其新增事件或导入该对象；本变更将随之生效。",
    )

    # -- the shell: server, accounts, journal -----------------------------------------------------
    BUSY = (
        "server.busy",
        Kind.BUSY,
        "The server is busy; nothing was changed.",
        "服务器繁忙，未作任何更改",
        "Try again after a moment.",
        "请稍后重试。",
    )
    SETTING_INVALID = (
        "setting.invalid",
        Kind.INVALID,
        "An EVENHAND_ setting is unknown or out of range.",
        "EVENHAND_ 设置项未知或取值无效",
        "Correct the variable named in `problem`; docs/reference/settings.md lists all.",
        "请更正 `problem` 所指的环境变量；全部设置项见 docs/reference/settings.md。",
    )
    DATABASE_UNKNOWN = (
        "setting.database-unknown",
        Kind.INVALID,
        "This kind of database is not supported.",
        "不支持该类数据库",
        "Set EVENHAND_DATABASE_URL to sqlite:///… or postgresql://….",
        "请将 EVENHAND_DATABASE_URL 设为 sqlite:///… 或 postgresql://…。",
    )
    SCHEMA_BEHIND = (
        "server.schema-behind",
        Kind.CONFLICT,
        "The database schema is not the newest.",
        "数据库结构不是最新版本",
        "Run: evenhand server upgrade.",
        "请执行：evenhand server upgrade。",
    )
    SERVER_SET_UP = (
        "server.set-up",
        Kind.CONFLICT,
        "There is an active admin already.",
        "已存在有效的管理员帐号",
        "Let that admin create accounts: evenhand office account create.",
        "请由该管理员创建帐号：evenhand office account create。",
    )
    ACCOUNT_NAME_TAKEN = (
        "account.name-taken",
        Kind.CONFLICT,
        "An account has this name already.",
        "该用户名已被使用",
        "Choose another name.",
        "请另选用户名。",
    )
    ACCOUNT_NOT_FOUND = (
        "account.not-found",
        Kind.MISSING,
        "There is no such account.",
        "帐号不存在",
        "List them: evenhand office account list.",
        "查看列表：evenhand office account list。",
    )
    ACCOUNT_YOURS = (
        "account.yours",
        Kind.CONFLICT,
        "You cannot deactivate your own account.",
        "不能停用本人帐号",
        "Ask another admin.",
        "请由其他管理员办理。",
    )
    JOURNAL_BROKEN = (
        "journal.broken",
        Kind.CONFLICT,
        "The journal's chain is broken at act `n`.",
        "执法记录链在第 `n` 条处断裂",
        "Compare it with a backup: that act or one before it was changed.",
        "请与备份比对：该条或之前的记录被更改过。",
    )

    # -- evidence --------------------------------------------------------------------------------
    UPLOAD_NOT_FOUND = (
        "evidence.upload-not-found",
        Kind.MISSING,
        "There is no such upload of this device.",
        "该终端没有此上传任务",
        "Ask which files are wanted and create the upload again.",
        "请重新查询所需文件并重新创建上传。",
    )
    UPLOAD_EXPIRED = (
        "evidence.upload-expired",
        Kind.GONE,
        "This upload was left unfinished for too long.",
        "该上传任务长期未完成，已过期",
        "Create it again; the file on the device is untouched.",
        "请重新创建上传；终端上的文件不受影响。",
    )
    UPLOAD_OFFSET_WRONG = (
        "evidence.offset-wrong",
        Kind.CONFLICT,
        "The upload does not stand where this part begins.",
        "上传进度与本段起点不一致",
        "Ask for the offset with HEAD and go on from there.",
        "请用 HEAD 查询进度后续传。",
    )
    UPLOAD_VERSION_UNKNOWN = (
        "evidence.tus-version-unknown",
        Kind.UNSUPPORTED,
        "The upload protocol's version is missing or not spoken here.",
        "缺少上传协议版本或版本不受支持",
        "Send the header Tus-Resumable: 1.0.0.",
        "请发送请求头 Tus-Resumable: 1.0.0。",
    )
    UPLOAD_TYPE_WRONG = (
        "evidence.content-type-wrong",
        Kind.UNSUPPORTED,
        "A part of a file must come as application/offset+octet-stream.",
        "文件分段须以 application/offset+octet-stream 发送",
        "Set that Content-Type.",
        "请设置该 Content-Type。",
    )
    UPLOAD_HEADER_INVALID = (
        "evidence.header-invalid",
        Kind.INVALID,
        "A header of the upload is missing or malformed.",
        "上传请求头缺失或格式错误",
        "Correct the header named in `header`.",
        "请更正 `header` 所指请求头。",
    )
    UPLOAD_EXTENSION_UNKNOWN = (
        "evidence.extension-unknown",
        Kind.UNSUPPORTED,
        "This extension of the upload protocol is not offered here.",
        "服务器不提供该上传协议扩展",
        "Leave out the header named in `header`; announce the whole size in Upload-Length.",
        "请去掉 `header` 所指请求头，并以 Upload-Length 申报完整大小。",
    )
    UPLOADS_TOO_MANY = (
        "evidence.uploads-too-many",
        Kind.TOO_MANY,
        "This device has begun too many uploads, or too large ones, that it did not finish.",
        "该终端未完成的上传任务过多或过大",
        "Finish them, or give them up with DELETE; after a day the oldest give way by themselves.",
        "请完成未完成的上传，或用 DELETE 放弃；满一日后最早的任务自动让出。",
    )
    EVIDENCE_TOO_LARGE = (
        "evidence.too-large",
        Kind.TOO_LARGE,
        "The file, or this part of it, is over the limit.",
        "文件或本段内容超过大小上限",
        "Send no more than `limit_bytes`.",
        "请勿超过 `limit_bytes` 字节。",
    )
    EVIDENCE_DIGEST_WRONG = (
        "evidence.digest-wrong",
        Kind.INVALID,
        "The bytes that arrived are not the file that was announced.",
        "收到的内容与申报的摘要不符",
        "Send the file again from the start; if it happens again, the device's copy is damaged.",
        "请从头重传；若再次出现，则终端上的文件已损坏。",
    )
    EVIDENCE_DAMAGED = (
        "evidence.damaged-on-device",
        Kind.INVALID,
        "The file on the device is not what it was when it was recorded.",
        "终端上的文件与记录时不符",
        "Look for another copy; the record of the file stays.",
        "请查找其他副本；文件的记录不会丢失。",
    )
    STORAGE_FULL = (
        "evidence.storage-full",
        Kind.BUSY,
        "The server has no room for files left.",
        "服务器存储空间不足",
        "Wait until the operator has made room; nothing was lost.",
        "请等待管理员扩容后重试；数据未丢失。",
    )
    PHOTO_UNREADABLE = (
        "photo.unreadable",
        Kind.INVALID,
        "The file says it is a picture, but it is not one.",
        "文件声称是图片，但无法识别",
        "It is kept as it is; photograph again if you still can.",
        "原文件已保留；如有条件请重新拍摄。",
    )
    PHOTO_TRUNCATED = (
        "photo.truncated",
        Kind.INVALID,
        "The picture breaks off or is damaged.",
        "图片不完整或已损坏",
        "It is kept as it is; photograph again if you still can.",
        "原文件已保留；如有条件请重新拍摄。",
    )
    PHOTO_TOO_MANY_PIXELS = (
        "photo.too-many-pixels",
        Kind.TOO_LARGE,
        "The picture would unfold to more pixels than allowed.",
        "图片展开后的像素数超过上限",
        "It is kept but not opened; the limit is `pixels_max`.",
        "原文件已保留但不予打开；上限为 `pixels_max`。",
    )
    PHOTO_FORMAT_UNSUPPORTED = (
        "photo.format-unsupported",
        Kind.UNSUPPORTED,
        "Pictures of this format cannot be opened here yet.",
        "暂不支持打开该格式的图片",
        "It is kept as it is; set the camera to JPEG to see previews.",
        "原文件已保留；如需预览请将相机设为 JPEG。",
    )
    # of pictures: what is drawn over them, and what is hidden
    LAYER_WRONG = (
        "photo.layer-wrong",
        Kind.INVALID,
        "The annotation cannot be read.",
        "标注文件无法读取",
        "See docs/reference/evidence.md for what it may hold, and `problem`.",
        "可用内容见 docs/reference/evidence.md，原因见 `problem`。",
    )
    LAYER_OF_NOTHING = (
        "photo.layer-of-nothing",
        Kind.INVALID,
        "The inspection has no such picture to annotate.",
        "该检查没有可标注的此照片",
        "Choose among the pictures that `evenhand device show` lists.",
        "请从 `evenhand device show` 所列照片中选择。",
    )
    MASK_OUTSIDE = (
        "photo.mask-outside",
        Kind.INVALID,
        "A mask lies outside the picture and would hide nothing.",
        "遮挡框位于照片之外，不会遮住任何内容",
        "Count pixels of the upright picture from its top left corner; it has `width` x `height`.",
        "请以摆正后照片的左上角为原点按像素计；尺寸为 `width` x `height`。",
    )
    MASK_PUBLISHED = (
        "photo.mask-published",
        Kind.CONFLICT,
        "The result is published with its pictures; their masks can change no more.",
        "结果及照片已公示，遮挡不能再更改",
        "Masks are drawn before a result is published.",
        "遮挡须在公示之前绘制。",
    )

    # -- the draw --------------------------------------------------------------------------------
    PLAN_NOT_FOUND = (
        "plan.not-found",
        Kind.MISSING,
        "There is no such plan.",
        "没有这个抽查计划",
        "List the plans: evenhand office plan list.",
        "请查看计划列表：evenhand office plan list。",
    )
    PLAN_DATES_REVERSED = (
        "plan.dates-reversed",
        Kind.INVALID,
        "The plan closes before it opens.",
        "计划的结束日期早于开始日期",
        "Give `opens_on` and `closes_on` in order.",
        "请按先后填写 `opens_on` 与 `closes_on`。",
    )
    PLAN_RATE_WRONG = (
        "plan.rate-wrong",
        Kind.INVALID,
        "The rate is not a share between nothing and all.",
        "抽查比例须在零与百分之百之间",
        "Give a rate such as 3/100.",
        "请填写如 3/100 的比例。",
    )
    PLAN_TOO_MANY_SITES = (
        "plan.too-many-sites",
        Kind.INVALID,
        "The plan asks for more sites than there are.",
        "计划抽查户数超过可抽户数",
        "Ask for no more than `exist`, or widen the plan.",
        "请将户数降至 `exist` 以内，或扩大范围。",
    )
    PLAN_CHECKLIST_MISSING = (
        "plan.checklist-missing",
        Kind.INVALID,
        "A category in the plan has no checklist.",
        "计划内有类别未指定检查表",
        "Name a checklist for `category`, or one for * (all others).",
        "请为 `category` 指定检查表，或为 *（其余类别）指定。",
    )
    PLAN_SCHEME_WRONG = (
        "plan.scheme-wrong",
        Kind.INVALID,
        "The plan's scheme contradicts itself.",
        "抽查方案自相矛盾",
        "Correct `field` (`problem`, `problem_zh`).",
        "请更正 `field`（`problem_zh`，`problem`）。",
    )
    PLAN_BOUNDS_CROSS = (
        "plan.bounds-cross",
        Kind.INVALID,
        "A stratum must give more than it may.",
        "某层下限（不少于）高于上限（不超过）",
        "Of the `eligible` of `stratum`, at least `least` must be drawn and at most `most` may be: "
        "raise the upper rate, lower the rate or the minimum, or join small strata.",
        "层 `stratum` 可抽 `eligible` 户，不少于 `least` 户而不超过 `most` 户："
        "请提高上限比例，或降低比例、最少户数，或合并小层。",
    )
    PLAN_DRAWS_NOBODY = (
        "plan.draws-nobody",
        Kind.INVALID,
        "By its rates, the plan draws nobody.",
        "按所定比例，本计划抽不到任何对象",
        "Raise the rate or the minimum, round up, or widen the plan.",
        "请提高比例或最少户数、改为进位取整，或扩大范围。",
    )
    FRAME_TELLS_SEALED = (
        "frame.tells-sealed",
        Kind.CONFLICT,
        "Why some cannot be drawn would tell what a sealed draw drew.",
        "不予抽取的理由会泄露封存抽取的名单",
        "Wait until those `draws` are open, or seal this draw at least as long.",
        "请待 `draws` 所列抽取解封后再办，或将本次抽取封存至同一时间以后。",
    )
    FRAME_PROOF_WRONG = (
        "draw.frame-proof-wrong",
        Kind.INVALID,
        "The proof does not lead to the root of the frame.",
        "该证明不能推导至抽样框的根",
        "Ask the agency for another one, or make it from the bundle: evenhand draw proof.",
        "请向抽取机关重新索取，或由抽取档案包自行生成：evenhand draw proof。",
    )
    TEXT_NOT_CANONICAL = (
        "text.not-canonical",
        Kind.INVALID,
        "A text has control characters or two ways of being written.",
        "文本含控制字符或编码形式不唯一",
        "Correct the text named in `problem` (Unicode form NFC).",
        "请更正 `problem` 所指文本（Unicode NFC 形式）。",
    )
    DRAW_NOT_FOUND = (
        "draw.not-found",
        Kind.MISSING,
        "There is no such draw, or no such file in it.",
        "没有这次抽取，或其中没有该文件",
        "List the draws: evenhand office plan show PLAN.",
        "请查看：evenhand office plan show PLAN。",
    )
    DRAW_EXISTS = (
        "draw.exists",
        Kind.CONFLICT,
        "The plan already has a draw.",
        "该计划已有抽取",
        "Hold that draw; only a void one may be replaced.",
        "请完成该次抽取；仅作废后方可重新承诺。",
    )
    DRAW_HELD = (
        "draw.already-held",
        Kind.CONFLICT,
        "This draw has been held; a draw is held once.",
        "该抽取已完成，不得重复抽取",
        "See its result: evenhand office draw show DRAW.",
        "请查看结果：evenhand office draw show DRAW。",
    )
    DRAW_NOT_HELD = (
        "draw.not-held",
        Kind.CONFLICT,
        "The plan has no result of a draw yet.",
        "该计划尚无抽取结果",
        "Hold its draw first: evenhand office draw hold DRAW.",
        "请先抽取：evenhand office draw hold DRAW。",
    )
    DRAW_VOID = (
        "draw.void",
        Kind.CONFLICT,
        "This draw is void.",
        "该抽取已作废",
        "Commit to a new draw of the plan.",
        "请为该计划重新作出承诺。",
    )
    DRAW_UNSTAFFED = (
        "draw.unstaffed",
        Kind.CONFLICT,
        "This draw was held, and its lots cannot be staffed; another seed would be another draw.",
        "该抽取已举行但无法完成人员匹配；更换种子即为另一次抽取",
        "Let a second officer void it, then commit to a new draw of the plan.",
        "请由另一名人员作废，再为该计划重新作出承诺。",
    )
    DRAW_TOO_EARLY = (
        "draw.too-early",
        Kind.CONFLICT,
        "The draw may not be held before the announced time.",
        "未到公布的抽取时间",
        "Wait until `not_before`.",
        "请等到 `not_before`。",
    )
    DRAW_TOO_LATE = (
        "draw.too-late",
        Kind.INVALID,
        "The draw would be held when the plan is over.",
        "抽取时间晚于计划结束",
        "Announce a time before `closes_on`.",
        "请将抽取时间定在 `closes_on` 之前。",
    )
    DRAW_DISPATCHED = (
        "draw.dispatched",
        Kind.CONFLICT,
        "Tasks of this draw have been dispatched.",
        "该抽取的任务已派发",
        "Finish the inspections; their results say what was found.",
        "请完成检查，以检查结果说明情况。",
    )
    DRAW_SECOND_OFFICER = (
        "draw.second-officer",
        Kind.FORBIDDEN,
        "Whoever committed to a draw may not void it.",
        "作出承诺的人员不得自行作废",
        "Ask another officer to void it.",
        "请由另一名人员作废。",
    )
    DIGITS_DIFFER = (
        "draw.digits-differ",
        Kind.INVALID,
        "The two entries of the digits differ.",
        "两次录入的数字不一致",
        "Compare both with the sheet of the ceremony.",
        "请与现场记录核对后重新录入。",
    )
    DIGITS_WRONG = (
        "draw.digits-wrong",
        Kind.INVALID,
        "The value is not one that the announced source can give.",
        "该值不可能由所公布的随机源产生",
        "Enter exactly what was `announced`, all rolls in order.",
        "请按 `announced` 所列，依次录入全部结果。",
    )
    SEED_TOO_SHORT = (
        "draw.seed-too-short",
        Kind.INVALID,
        "The public sources are so small that all outcomes could be tried.",
        "公开随机量过少，结果可被穷举",
        "Announce at least `bits_min` bits: 20 rolls of a d10.",
        "请公布至少 `bits_min` 位随机量，例如十面骰 20 次。",
    )
    RANDOMNESS_INCOMPLETE = (
        "draw.randomness-incomplete",
        Kind.INVALID,
        "Not exactly the committed sources and contributors are given.",
        "随机源或随机数与承诺不齐",
        "Give a value for each of `sources` and a nonce for each of `nonces`.",
        "请为 `sources` 逐一给出数值，为 `nonces` 逐一公开随机数。",
    )
    NONCE_WRONG = (
        "draw.nonce-wrong",
        Kind.INVALID,
        "The nonce does not open its commitment.",
        "随机数与其承诺不符",
        "Ask `who` for the nonce that was committed to.",
        "请 `who` 提供当初承诺的随机数。",
    )
    # -- where a seed comes from -----------------------------------------------------------------
    SOURCE_UNKNOWN = (
        "draw.source-unknown",
        Kind.INVALID,
        "There is no such public source, or it cannot have this name.",
        "没有该公开随机源，或其名称不符",
        "See docs/how-to/hold-a-draw.md for every source and how it is named.",
        "各随机源及其名称见 docs/how-to/hold-a-draw.md。",
    )
    SOURCE_TOO_SOON = (
        "draw.source-too-soon",
        Kind.INVALID,
        "The value of the source may exist already, or less than ten minutes after the commitment.",
        "该随机源的数值可能已产生，或距承诺不足十分钟",
        "Announce a later one; `ready_at` is when this one comes to be.",
        "请公布更晚的一期；本期产生于 `ready_at`。",
    )
    PROOF_WRONG = (
        "draw.proof-wrong",
        Kind.INVALID,
        "The signature does not prove this value for what was announced.",
        "签名不能证明该数值属于所公布的随机源",
        "Fetch exactly what was `announced`, from any relay; no other round may be used.",
        "请重新获取 `announced` 所列的那一期（任何中继均可），不得改用其他期。",
    )
    TYPING_ONE_OFFICER = (
        "draw.typed-by-one",
        Kind.CONFLICT,
        "Only one officer has typed this value.",
        "该数值仅由一名人员录入",
        "Let another officer type it: evenhand office draw type DRAW.",
        "请由另一名人员录入：evenhand office draw type DRAW。",
    )
    TYPING_SETTLED = (
        "draw.typing-settled",
        Kind.CONFLICT,
        "Two officers have typed the same value of this source; it stands.",
        "该随机源已由两名人员一致录入，不得再改",
        "Hold the draw: evenhand office draw hold DRAW.",
        "请进行抽取：evenhand office draw hold DRAW。",
    )
    DRAW_SEALED = (
        "draw.sealed",
        Kind.FORBIDDEN,
        "The content of this draw is sealed; only its hash is public yet.",
        "该抽取尚在封存期，仅公布其散列值",
        "Come back at `sealed_until`, and compare the hash then.",
        "请在 `sealed_until` 之后查看并核对散列值。",
    )
    DRAW_NOT_SEALED = (
        "draw.not-sealed",
        Kind.CONFLICT,
        "This draw is not sealed.",
        "该抽取未封存或已公开",
        "Nothing needs doing: its files are at /public/draws.",
        "无需操作：其文件见 /public/draws。",
    )
    DRAW_VISITS_OPEN = (
        "draw.visits-open",
        Kind.CONFLICT,
        "Not every visit of this sealed draw is over; opening it now would warn whoever is left.",
        "该封存抽取尚有检查未完成，此时公开将提前泄露",
        "Wait for the `open` visits, or for `sealed_until`, when it opens by itself.",
        "请等待 `open` 项检查完成，或等到 `sealed_until` 自动公开。",
    )
    SEAL_WRONG = (
        "draw.seal-wrong",
        Kind.INVALID,
        "A sealed draw needs two nonces, and a date to open it within 60 days after the plan.",
        "封存的抽取须有两方随机数，且应在计划结束后 60 日内公开",
        "Add nonces of two bodies, and choose a date after the draw and not after `latest`.",
        "请加入两方随机数，并将公开日期定在抽取之后、`latest` 之前。",
    )
    UNSEAL_SECOND_OFFICER = (
        "draw.unseal-second-officer",
        Kind.FORBIDDEN,
        "You have asked to open this draw; another officer must agree.",
        "您已提出解封，须由另一名人员同意",
        "Ask another officer: evenhand office draw unseal DRAW.",
        "请由另一名人员执行：evenhand office draw unseal DRAW。",
    )
    PAIRING_INFEASIBLE = (
        "pairing.infeasible",
        Kind.CONFLICT,
        "The inspectors cannot fill every position.",
        "执法人员不足，无法完成匹配",
        "See `rules` for what makes it so: mend it or declare a relaxation, and plan anew; "
        "a draw already held must be voided.",
        "见 `rules` 所列规则：请消除原因或事先声明让步后重新计划；已抽取的须先作废。",
    )

    # -- after the visit -------------------------------------------------------------------------
    INSPECTION_NOT_FOUND = (
        "inspection.not-found",
        Kind.MISSING,
        "There is no such inspection.",
        "检查任务不存在",
        "List them: evenhand office inspection list.",
        "查看列表：evenhand office inspection list。",
    )
    INSPECTION_NOT_BEGUN = (
        "inspection.not-begun",
        Kind.CONFLICT,
        "Nothing has arrived from this inspection yet.",
        "该检查尚无任何记录上传",
        "Let the inspectors record and sync first.",
        "请先由检查人员记录并同步。",
    )
    INSPECTION_IN_CONFLICT = (
        "inspection.in-conflict",
        Kind.CONFLICT,
        "The two inspectors answered items differently.",
        "两名检查人员对部分检查项的结论不一致",
        "Let one of them settle the items named and sync; see evenhand office conflicts.",
        "请由其中一人确定所列检查项并同步；参见 evenhand office conflicts。",
    )
    INSPECTION_NOT_SIGNED = (
        "inspection.not-signed",
        Kind.CONFLICT,
        "Both inspectors must have signed.",
        "须由两名检查人员签名",
        "Let the one named sign and sync.",
        "请由所列人员签名并同步。",
    )
    EVIDENCE_REQUIRED = (
        "inspection.evidence-required",
        Kind.CONFLICT,
        "Failed items need evidence that none was attached to.",
        "部分不合格项缺少证据",
        "Attach evidence to the items named and amend the signature.",
        "请为所列检查项补充证据并重新签名。",
    )
    EVIDENCE_NOT_ARRIVED = (
        "inspection.evidence-not-arrived",
        Kind.CONFLICT,
        "Files that the record names have not arrived yet.",
        "记录中的部分证据文件尚未到达",
        "Let the devices that hold them sync: evenhand device status.",
        "请相关终端同步上传：evenhand device status。",
    )
    CONCLUSION_STANDS = (
        "conclusion.stands",
        Kind.CONFLICT,
        "The inspection is concluded already.",
        "该检查已有检查结果",
        "A reviewer may return it; then it can be concluded again.",
        "可由审核人员退回后重新作出。",
    )
    CONCLUSION_NOT_FOUND = (
        "conclusion.not-found",
        Kind.CONFLICT,
        "There is no conclusion to review.",
        "没有待审核的检查结果",
        "Let a supervisor conclude it first.",
        "请先由主管人员作出检查结果。",
    )
    CONCLUSION_REVIEWED = (
        "conclusion.reviewed",
        Kind.CONFLICT,
        "The conclusion was reviewed already.",
        "该检查结果已审核",
        "See who and when: evenhand office inspection show.",
        "查看审核情况：evenhand office inspection show。",
    )
    CONCLUSION_OUTDATED = (
        "conclusion.outdated",
        Kind.CONFLICT,
        "The inspection changed after it was concluded.",
        "作出检查结果后检查内容有变化",
        "Let a supervisor look at the change and conclude again.",
        "请主管人员核对变化后重新作出检查结果。",
    )
    REVIEW_OWN = (
        "review.own",
        Kind.FORBIDDEN,
        "Who concluded or inspected may not review.",
        "检查人员和作出结果的人员不得审核",
        "Ask another reviewer.",
        "请由其他审核人员办理。",
    )
    REVIEW_REASON_MISSING = (
        "review.reason-missing",
        Kind.INVALID,
        "A return needs its reason.",
        "退回须说明理由",
        "Say what must be put right.",
        "请写明需更正的内容。",
    )
    PHOTO_NOT_OF_INSPECTION = (
        "review.photo-not-of-inspection",
        Kind.INVALID,
        "The picture is no readable photo of this inspection.",
        "所选图片不是该检查的可用照片",
        "Choose among the photos that the inspection shows.",
        "请从该检查的照片中选择。",
    )
    PUBLICATION_NOT_FOUND = (
        "publication.not-found",
        Kind.MISSING,
        "No such result is published.",
        "没有该公示结果",
        "See the list at /public/results.",
        "请查看列表 /public/results。",
    )
    PUBLICATION_PERSONAL = (
        "publication.personal",
        Kind.CONFLICT,
        "The text to publish would contain personal data.",
        "公示内容含有个人信息",
        "Remove it from the field named and publish again.",
        "请从所列字段中删除后重新公示。",
    )
    # the same establishment (同一对象)
    LOOKALIKE_CHAINED = (
        "lookalike.chained",
        Kind.CONFLICT,
        "One of the two is merged with a third establishment already.",
        "其中一方已与第三方合并",
        "Undo the revision that merged them, or decide on the pair with that third one.",
        "请撤销原合并版本，或改为认定与该第三方是否同一对象。",
    )
    ROW_MATCHED_BY_LICENCE = (
        "row.matched-by-licence",
        Kind.CONFLICT,
        "The row has no number; licence and name are those of a known establishment, so it took "
        "that number.",
        "该行没有编号；其许可证号和名称与已知对象一致，已采用该对象的编号",
        "Enter the number in the source, so that nothing has to be inferred.",
        "请在来源数据中补录编号。",
    )
    ROW_MATCHED_BY_NAME = (
        "row.matched-by-name",
        Kind.CONFLICT,
        "The row has no number; name and address are those of exactly one active establishment, "
        "so it took that number.",
        "该行没有编号；其名称和地址与唯一一个在营对象一致，已采用该对象的编号",
        "Enter the number in the source, so that nothing has to be inferred.",
        "请在来源数据中补录编号。",
    )
    ROW_RESEMBLES = (
        "row.resembles",
        Kind.CONFLICT,
        "The row is kept as a new establishment, though it resembles a known one.",
        "该行按新对象导入，但与已知对象疑似重复",
        "Decide on the pair: evenhand office register review.",
        "请复核认定：evenhand office register review。",
    )
    ROW_MERGED_ELSEWHERE = (
        "row.merged-elsewhere",
        Kind.CONFLICT,
        "The establishment was found to be the same as another, and stays merged with it.",
        "该对象已被认定与另一对象为同一对象，维持合并",
        "Use the number of the other in the source, or undo the revision that merged them.",
        "请在来源数据中改用对方编号，或撤销合并版本。",
    )

    # -- prints and explanations -----------------------------------------------------------------
    BUNDLE_UNREADABLE = (
        "bundle.unreadable",
        Kind.INVALID,
        "These files are not those of a draw as it was committed to and held.",
        "这些文件不构成一次按承诺进行的抽取",
        "Run evenhand verify draw on them; it names the first difference.",
        "请运行 evenhand verify draw，它会指出首个差异。",
    )
    BUNDLE_NOT_HELD = (
        "bundle.not-held",
        Kind.CONFLICT,
        "The draw of this bundle has not been held.",
        "该档案包的抽取尚未进行",
        "Export the bundle again after the draw.",
        "请在抽取之后重新导出档案包。",
    )
    BUNDLE_NOBODY = (
        "bundle.nobody",
        Kind.MISSING,
        "Nobody of this code or certificate is in this draw.",
        "本次抽取中没有该编号的检查对象或执法人员",
        "Check the code; evenhand draw proof proves that it is not in the frame.",
        "请核对编号；evenhand draw proof 可证明其不在名录中。",
    )
    FONT_MISSING = (
        "print.font-missing",
        Kind.UNSUPPORTED,
        "A font that the page is set in is not here.",
        "缺少排版所需字体",
        "Install evenhand[print], or name a folder with the fonts in EVENHAND_FONT_DIR.",
        "请安装 evenhand[print]，或在 EVENHAND_FONT_DIR 中指定字体文件夹。",
    )
    # -- documents of an inspection ----------------------------------------------------------------
    TEMPLATE_WRONG = (
        "print.template-wrong",
        Kind.INVALID,
        "A template of your office cannot be set.",
        "本机关的文书模板无法排版",
        "Mend `file` at `line`, or take the file out of the folder of templates.",
        "请修改 `file` 第 `line` 行，或将该文件移出模板文件夹。",
    )
    PAPER_NO_SAMPLES = (
        "paper.no-samples",
        Kind.MISSING,
        "No sample was taken and no lot was weighed on this inspection.",
        "本次检查未抽样、未称量",
        "Print the record instead.",
        "请改为打印现场检查笔录。",
    )
    PAPER_NOTHING_TO_ORDER = (
        "paper.nothing-to-order",
        Kind.MISSING,
        "Nothing failed on this inspection, so there is nothing to order.",
        "本次检查无不符合项，无需责令改正",
        "Print the result instead.",
        "请改为打印检查结果记录表。",
    )
    PAPER_CODE_MISSING = (
        "paper.code-missing",
        Kind.INVALID,
        "This is no document of an inspection, and no code of one.",
        "这不是检查文书，也不是检查文书的核验码",
        "Give the PDF, or what a scanner reads from its QR code: EHI1:...",
        "请提供文书 PDF，或扫描二维码所得内容：EHI1:……",
    )
    PAPER_OUTDATED = (
        "paper.outdated",
        Kind.CONFLICT,
        "The inspection is no longer, or never was, in the state that this document shows.",
        "检查的现状与本文书所载状态不一致",
        "Print the document anew and compare: `paper` is the digest printed, `now` that of today.",
        "请重新打印并核对：`paper` 为文书所载散列值，`now` 为现状散列值。",
    )
    NAMES_WRONG = (
        "print.names-wrong",
        Kind.INVALID,
        "The file of names cannot be read.",
        "无法读取名称文件",
        "Give a CSV with a header: `code` or `certificate`, `name`, and `address` if known.",
        "请提供带表头的 CSV：`code` 或 `certificate`、`name`，以及可选的 `address`。",
    )

    # -- after the draw --------------------------------------------------------------------------
    AMENDMENT_NOT_FOUND = (
        "amendment.not-found",
        Kind.MISSING,
        "No such change was asked for in your division.",
        "本辖区无此变更申请",
        "List them: evenhand office draw pending.",
        "请查看：evenhand office draw pending。",
    )
    AMENDMENT_REASON_UNKNOWN = (
        "amendment.reason-unknown",
        Kind.INVALID,
        "Nothing of a draw is changed for this reason.",
        "抽取结果不得因此理由变更",
        "Give one of `allowed`, if it is true, with its evidence.",
        "如确属 `allowed` 所列理由之一，请注明并附证据。",
    )
    AMENDMENT_SITE_UNKNOWN = (
        "amendment.site-unknown",
        Kind.MISSING,
        "This site is not on the list of the draw, or no longer.",
        "该对象不在抽取名单内，或已被替补",
        "See who is: evenhand office draw log DRAW.",
        "请核对名单：evenhand office draw log DRAW。",
    )
    AMENDMENT_SEAT_UNKNOWN = (
        "amendment.seat-unknown",
        Kind.MISSING,
        "This inspector has no seat there that is still open.",
        "该人员在此没有未完成的席位",
        "See who inspects: evenhand office task list PLAN.",
        "请核对人员：evenhand office task list PLAN。",
    )
    AMENDMENT_STRATUM_UNKNOWN = (
        "amendment.stratum-unknown",
        Kind.INVALID,
        "The draw has no such stratum.",
        "抽取无此层",
        "Name one of `known`.",
        "请填写 `known` 所列之一。",
    )
    AMENDMENT_SIGNED = (
        "amendment.signed",
        Kind.CONFLICT,
        "The inspection is signed: it has a result.",
        "检查已签字，已有结果",
        "Let the result stand; what is wrong with it is mended in its review.",
        "请以检查结果为准；如有错误，在审核中更正。",
    )
    AMENDMENT_SECOND_OFFICER = (
        "amendment.second-officer",
        Kind.FORBIDDEN,
        "Whoever asked for a change may not approve it.",
        "提出变更的人员不得自行批准",
        "Ask another officer: evenhand office draw approve AMENDMENT.",
        "请由另一名人员执行：evenhand office draw approve AMENDMENT。",
    )
    AMENDMENT_NOT_NEXT = (
        "amendment.not-next",
        Kind.CONFLICT,
        "Another change of this draw was asked for before and still waits.",
        "本次抽取尚有先提出的变更待批",
        "Decide about `first` before: changes are carried out in the order of asking.",
        "请先对 `first` 作出决定：变更按提出次序执行。",
    )
    AMENDMENT_SITES_CHOSEN = (
        "amendment.sites-chosen",
        Kind.INVALID,
        "For this reason an inspector leaves every seat where no result is signed.",
        "以此理由离席者，须离开所有尚未签字的席位",
        "Name no sites with `reason`; only a recusal is of single sites.",
        "`reason` 不得指定检查对象；只有回避可限于个别对象。",
    )
    AMENDMENT_DECIDED = (
        "amendment.decided",
        Kind.CONFLICT,
        "This change was decided before.",
        "该变更申请已作出决定",
        "Ask for it anew if it is still needed.",
        "如仍需变更，请重新提出。",
    )
    AMENDMENT_UNSTAFFED = (
        "amendment.unstaffed",
        Kind.CONFLICT,
        "Nobody who may can take these seats, on any step of the declared ladder.",
        "按已声明的让步步骤，仍无人可承担这些席位",
        "Free inspectors of the roster from other reasons; nobody from outside it can be sent.",
        "请使名录内人员可以承担；名录以外的人员不得派出。",
    )
    AMENDMENT_TOO_LATE = (
        "amendment.too-late",
        Kind.CONFLICT,
        "The time of the plan is over.",
        "计划期限已过",
        "Make a new plan; a new draw decides.",
        "请另行制定计划并重新抽取。",
    )
    SUBSTITUTION_IS_RESULT = (
        "substitution.is-result",
        Kind.INVALID,
        "What is found on site is a result of the inspection, never a reason to substitute.",
        "现场情况属于检查结果，不得作为替补理由",
        "Keep the site on the list, and let the inspectors record this as its result.",
        "请保留该对象，由检查人员将其记录为检查结果。",
    )
    SUBSTITUTION_NOT_OVER = (
        "substitution.not-over",
        Kind.INVALID,
        "No draw held in between has used up the inspections of this site.",
        "期间没有其他抽取用尽该对象的检查频次",
        "Substitute `site` for another reason, or keep it on the list.",
        "请以其他理由替补 `site`，或将其保留在名单上。",
    )
    DRAW_OVER_CAP = (
        "draw.over-cap",
        Kind.CONFLICT,
        "Draws held since this one was committed to have used up the inspections of some sites.",
        "本次承诺之后举行的其他抽取已用尽部分对象的检查频次",
        "Nothing was sent. Let each of `sites` (`count`, by `draws`) give way to the next reserve: "
        "evenhand office draw substitute `draw` SITE with one of `reasons`.",
        "未下发任何任务。请对 `sites`（共 `count` 户，因 `draws`）逐户申请替补，理由为 `reasons`："
        "evenhand office draw substitute `draw` SITE。",
    )
    SUBSTITUTION_LATER = (
        "substitution.later",
        Kind.INVALID,
        "It is not shown to have been true when the frame was frozen.",
        "未证明该情形在名录冻结时已存在",
        "Give `since`, a day not after `snapshot`; what happened later is a result.",
        "请填写不晚于 `snapshot` 的 `since`；其后发生的情形属于检查结果。",
    )
    EXTENSION_TOO_MANY = (
        "extension.too-many",
        Kind.INVALID,
        "The stratum does not have so many tickets left.",
        "该层剩余签号不足",
        "Ask for at most `left`.",
        "最多可增抽 `left` 户。",
    )
    TASK_WITHDRAWN = (
        "task.withdrawn",
        Kind.CONFLICT,
        "The task was withdrawn: its site was substituted, or the office took it back.",
        "任务已撤回：对象已被替补，或由机关收回",
        "What was recorded is kept.",
        "已记录的内容予以保留。",
    )

    # -- tasks that no draw made -----------------------------------------------------------------
    TASK_NOT_FOUND = (
        "task.not-found",
        Kind.MISSING,
        "There is no such task.",
        "没有这项检查任务",
        "List the tasks: evenhand office task list.",
        "请查看任务列表：evenhand office task list。",
    )
    TASK_SAME_INSPECTOR = (
        "task.same-inspector",
        Kind.INVALID,
        "Two inspectors must go, not one.",
        "检查人员不得少于两人",
        "Name somebody else than `certificate` as the second.",
        "请指定 `certificate` 以外的人员为协办。",
    )
    TASK_INSPECTOR_UNFIT = (
        "task.inspector-unfit",
        Kind.CONFLICT,
        "This inspector cannot be sent there in these days.",
        "该检查人员在此期间不能承担这项任务",
        "Send somebody else than `certificate`, or on other days. `problem`: inactive, expert, "
        "certificate (not valid on every day), recused, leave (on every day).",
        "请改派 `certificate` 以外的人员或调整日期。`problem`：inactive 不在岗、expert 专家、"
        "certificate 证件未全程有效、recused 应回避、leave 全程请假。",
    )
    TASK_NO_COMMON_DAY = (
        "task.no-common-day",
        Kind.CONFLICT,
        "On no day are both inspectors there.",
        "两名检查人员没有共同在岗的日期",
        "Give more days, or send somebody else than `lead` or `second`.",
        "请延长期限，或改派 `lead`、`second` 之一。",
    )
    TASK_DATES_WRONG = (
        "task.dates-wrong",
        Kind.INVALID,
        "The days are over, too many, or the wrong way round.",
        "任务期限已过、过长或前后颠倒",
        "Give `opens_on` and `closes_on` in order, from today on, at most `most` days.",
        "请按先后填写 `opens_on` 与 `closes_on`，不早于今天，最长 `most` 天。",
    )
    TASK_REFERENCE_MISSING = (
        "task.reference-missing",
        Kind.INVALID,
        "A check of a complaint names the complaint.",
        "投诉举报核查须注明投诉举报编号",
        "Give `reference`, the number of the complaint.",
        "请填写 `reference`（投诉举报编号）。",
    )
    TASK_FOLLOWS_WRONG = (
        "task.follows-wrong",
        Kind.INVALID,
        "It does not follow an inspection of this establishment.",
        "所跟进的检查不存在或不属于该对象",
        "Name with `follows` an inspection of `code`; a recheck always has one.",
        "请以 `follows` 指明 `code` 的一次检查；复查必须指明。",
    )
    TASK_ITEM_UNKNOWN = (
        "task.item-unknown",
        Kind.INVALID,
        "The checklist does not ask this.",
        "检查表无此检查项",
        "Leave out `items`, or bring another checklist.",
        "请去掉 `items`，或更换检查表。",
    )
    TASK_PART_WRONG = (
        "task.part-wrong",
        Kind.INVALID,
        "The establishment is not part of that market.",
        "该对象不属于所指市场",
        "Give `code` its market as `parent_code` in the register, or name the right task.",
        "请在名录中为 `code` 填写所属市场 `parent_code`，或指明正确的任务。",
    )
    TASK_NO_STALLS = (
        "task.no-stalls",
        Kind.MISSING,
        "The register has no such stalls in this market.",
        "名录中该市场没有这些摊位",
        "Import them with `market` as `parent_code`; unknown there: `stalls`.",
        "请将摊位导入名录并以 `market` 为 `parent_code`；未找到：`stalls`。",
    )
    TASK_OVER_CAP = (
        "task.over-cap",
        Kind.CONFLICT,
        "The establishment was visited as often this year as the plans allow.",
        "该对象本年度检查次数已达上限",
        "Wait for next year (`visits` of `cap`), or give `beyond_cap`, a reason that is kept. "
        "Complaints and rechecks are not bound by it.",
        "已检查 `visits` 次，上限 `cap` 次：请待下一年度，或填写理由 `beyond_cap`（留痕）。"
        "投诉举报核查和复查不受此限。",
    )
    TASK_DRAWN = (
        "task.drawn",
        Kind.CONFLICT,
        "A draw chose this site; its task is not taken back by hand.",
        "该任务由抽取产生，不得人工收回",
        "Ask for a substitution: evenhand office draw substitute.",
        "请申请替补：evenhand office draw substitute。",
    )
    TASK_BEGUN = (
        "task.begun",
        Kind.CONFLICT,
        "The inspection has begun; its task is not taken back.",
        "检查已经开始，任务不得收回",
        "Let the inspectors finish it; the office concludes what was found.",
        "请由检查人员完成检查，再由机关作出结果。",
    )

    # -- places that are in no register ----------------------------------------------------------
    PROVISIONAL_NOT_FOUND = (
        "provisional.not-found",
        Kind.MISSING,
        "There is no such provisional place.",
        "没有这个临时对象",
        "List them: evenhand office provisional list.",
        "请查看临时对象列表：evenhand office provisional list。",
    )
    PROVISIONAL_MATCHED = (
        "provisional.matched",
        Kind.CONFLICT,
        "This place was merged into a registered establishment already.",
        "该临时对象已归并",
        "See `into`; to part them again decide that the pair is different: "
        "evenhand office register duplicates.",
        "请查看 `into`；如需拆分，请判定为不同对象：evenhand office register duplicates。",
    )
    PROVISIONAL_KNOWN = (
        "provisional.known",
        Kind.CONFLICT,
        "The register has this code already.",
        "名录中已有此编号",
        "Merge into it: evenhand office provisional match.",
        "请直接归并：evenhand office provisional match。",
    )
    PROVISIONAL_UNREGISTERED = (
        "provisional.unregistered",
        Kind.INVALID,
        "The register does not take the place as it is described.",
        "名录不能接收该对象",
        "Mend `problems` of the row.",
        "请更正 `problems` 所列问题。",
    )

    # -- the office's side of sync ---------------------------------------------------------------
    THROTTLED = (
        "auth.throttled",
        Kind.TOO_MANY,
        "Too many wrong guesses came lately.",
        "近期错误尝试过多",
        "Wait for `seconds` and try again.",
        "请等待 `seconds` 秒后重试。",
    )
    QUARANTINE_EMPTY = (
        "quarantine.empty",
        Kind.MISSING,
        "None of these operations is held back.",
        "所列操作均未被隔离",
        "Look at the list: evenhand office quarantine.",
        "请查看列表：evenhand office quarantine。",
    )
    QUARANTINE_FIRM = (
        "quarantine.firm",
        Kind.CONFLICT,
        "What holds this operation back cannot be set aside by an officer.",
        "该操作被隔离的原因不能由经办人豁免",
        "It stays on record; let the inspector record it again.",
        "该操作保留在案；请由执法人员重新记录。",
    )
    FORK_NOT_FOUND = (
        "fork.not-found",
        Kind.MISSING,
        "This device has no such branch.",
        "该终端没有此分支",
        "Give a whole hash from: evenhand office quarantine --json.",
        "请从 evenhand office quarantine --json 取完整散列值。",
    )
    FORK_DECIDED = (
        "fork.decided",
        Kind.CONFLICT,
        "All of this branch was issued again already, or cannot be.",
        "该分支已全部重新签发，或不能重新签发",
        "Look at what the inspection shows; signatures are given again by who signed.",
        "请查看该检查的现状；签名须由签名人重新签署。",
    )
    CONFLICT_NOT_FOUND = (
        "conflict.not-found",
        Kind.MISSING,
        "No conflict stands on this item.",
        "该检查项没有不一致",
        "Look at the list: evenhand office conflicts.",
        "请查看列表：evenhand office conflicts。",
    )
    CONFLICT_SEALED = (
        "conflict.sealed",
        Kind.CONFLICT,
        "Both inspectors signed this inspection as it is.",
        "两名执法人员已对该检查签名",
        "Ask the pair to settle it and to sign again with a reason.",
        "请两名执法人员确定结论，并说明理由重新签名。",
    )
    CONFLICT_VALUE = (
        "conflict.value",
        Kind.INVALID,
        "Neither inspector said this.",
        "两名执法人员均未给出该结论",
        "Choose one of `said`; the office does not answer for those who were there.",
        "请从 `said` 中选择；机关不能代替到场人员作答。",
    )
    # -- a device's storage ---------------------------------------------------------------------
    DEVICE_LOCKED = (
        "device.locked",
        Kind.UNAUTHENTICATED,
        "This folder is encrypted.",
        "终端目录已加密",
        "Give its passphrase: EVENHAND_HOME_KEY, or answer when asked in a terminal.",
        "请通过 EVENHAND_HOME_KEY 提供口令，或在终端提示时输入。",
    )
    DEVICE_KEY_WRONG = (
        "device.key-wrong",
        Kind.UNAUTHENTICATED,
        "This passphrase does not open the folder.",
        "口令不能打开终端目录",
        "Try another. Nobody can open the folder without it; what was synced is on the server.",
        "请更换口令。没有口令任何人都无法打开；已同步的内容保存在服务器。",
    )
    DEVICE_CIPHER_MISSING = (
        "device.cipher-missing",
        Kind.UNSUPPORTED,
        "Encrypted folders need a part that is not installed, or is too old here.",
        "此处未安装目录加密所需的组件，或其版本过旧",
        "Install evenhand[cipher].",
        "请安装 evenhand[cipher]。",
    )
    DEVICE_NOT_ENCRYPTED = (
        "device.not-encrypted",
        Kind.CONFLICT,
        "This folder was begun without a passphrase.",
        "该终端目录创建时未设口令",
        "Enrol into another folder, or leave out --passphrase.",
        "请登记到另一目录，或不使用 --passphrase。",
    )
    DEVICE_DISK_FULL = (
        "device.disk-full",
        Kind.BUSY,
        "The storage takes nothing more. Nothing was recorded, nothing was lost.",
        "存储空间已满，本次未记录，已有内容未丢失",
        "Make room and repeat the command; what is here can still be read.",
        "请腾出空间后重试；已有内容仍可查看。",
    )
    DEVICE_BUSY = (
        "device.busy",
        Kind.BUSY,
        "Another program on this device is writing. Nothing was recorded, nothing was lost.",
        "本终端另一程序正在写入，本次未记录，已有内容未丢失",
        "Let the other command end, or stop it, and repeat this one.",
        "请等待或结束另一命令后重试。",
    )
    DEVICE_READ_ONLY = (
        "device.read-only",
        Kind.FORBIDDEN,
        "The storage cannot be written. Nothing was recorded, nothing was lost.",
        "存储不可写入，本次未记录，已有内容未丢失",
        "Unlock the card or give this user the right to write; what is here can still be read.",
        "请解除存储卡写保护或授予写入权限；已有内容仍可查看。",
    )

    # -- arrival, samples, signatures ------------------------------------------------------------
    SIGN_WITNESS = (
        "sign.witness",
        Kind.INVALID,
        "A refusal to sign needs a witness, and a witness belongs to a refusal.",
        "拒绝签名须有见证人；见证人仅用于拒签",
        "Name who saw it: --refused REASON --witness NAME.",
        "请注明见证人：--refused 理由 --witness 姓名。",
    )
    ARRIVAL_ELSEWHERE = (
        "arrival.elsewhere",
        Kind.CONFLICT,
        "The code that was scanned is another establishment's: `scanned`, not `expected`.",
        "所扫企业码属于其他检查对象：`scanned`，而非 `expected`",
        "Look where you are. If this is the site all the same, say so with --anyway.",
        "请核对所在地点；确为本检查对象的，请加 --anyway 确认。",
    )
    TABLE_FILE = (
        "table.file",
        Kind.INVALID,
        "The rows of item `item` could not be read: `problem`.",
        "无法读取检查项 `item` 的表格：`problem`",
        "Write them as CSV in UTF-8, the first line naming the columns: 3.2=@prices.csv.",
        "请保存为 UTF-8 编码的 CSV，首行为列名，如 3.2=@prices.csv。",
    )
    TABLE_CELL = (
        "table.cell",
        Kind.INVALID,
        "Item `item` does not take `value` in row `row`, column `column` of the file.",
        "检查项 `item` 的表格第 `row` 行 `column` 列不能填写“`value`”",
        "Correct that cell; row 1 names the columns. Nothing was recorded.",
        "请更正该单元格（第 1 行为列名）；本次未记录任何内容。",
    )
    STROKES_INVALID = (
        "strokes.invalid",
        Kind.INVALID,
        "This is no signature that was drawn: `problem`.",
        "签名笔迹文件无效：`problem`",
        "Draw it again; the form of the file is in docs/reference/protocol.md under Strokes.",
        "请重新签名；文件格式见 docs/reference/protocol.md 的 Strokes 一节。",
    )
    SAMPLE_UNKNOWN = (
        "sample.unknown",
        Kind.MISSING,
        "This device knows no sample of that number in the inspection.",
        "本终端上，该检查没有此编号的样品",
        "Take the number that is shown beside it: evenhand device show INSPECTION.",
        "请使用 evenhand device show 检查编号 所显示的编号。",
    )
    DECIMAL_INVALID = (
        "decimal.invalid",
        Kind.INVALID,
        "The value of `field` is no plain number of 0 or more: `value`.",
        "`field` 须为不小于 0 的十进制数：`value`",
        "Write digits, with a point if need be, at most 12 characters: 12.5.",
        "请只写数字和小数点，至多 12 个字符，如 12.5。",
    )
    PLACE_INVALID = (
        "place.invalid",
        Kind.INVALID,
        "This is no point: degrees and a datum are needed together.",
        "位置无效：经纬度与坐标系须同时填写",
        "Give --longitude, --latitude and --datum (WGS-84, GCJ-02 or BD-09), or none of them.",
        "请同时填写 --longitude、--latitude 和 --datum（WGS-84、GCJ-02 或 BD-09），或均不填写。",
    )

    # -- catalogue, outcomes, complaints ---------------------------------------------------------
    CATALOGUE_INVALID = (
        "catalogue.invalid",
        Kind.INVALID,
        "The catalogue of violations is not valid.",
        "违法行为清单文件不符合要求",
        "Correct `field` at `line` of the file.",
        "请更正文件第 `line` 行的 `field`。",
    )
    CATALOGUE_TAKEN = (
        "catalogue.version-taken",
        Kind.CONFLICT,
        "Another catalogue was released under this code and version.",
        "该清单代码与版本已定版其他内容",
        "Give the changed catalogue a new version.",
        "请为修改后的清单使用新的版本号。",
    )
    CATALOGUE_NOT_FOUND = (
        "catalogue.not-found",
        Kind.MISSING,
        "No catalogue of this digest or code is released.",
        "未找到该摘要或代码的违法行为清单",
        "Look it up: evenhand office catalogue list.",
        "请查询：evenhand office catalogue list。",
    )
    VIOLATION_UNKNOWN = (
        "violation.unknown",
        Kind.MISSING,
        "No catalogue here has this violation, or `several` do.",
        "本终端的清单中没有该违法行为，或有多个清单使用同一编码",
        "Look it up: evenhand device violations WORD; where several have it, write CATALOGUE/CODE.",
        "请查询：evenhand device violations 关键词；有多个时写作 清单代码/编码。",
    )
    RESULT_UNKNOWN = (
        "result.unknown",
        Kind.INVALID,
        "The list of results in force has no such code, or it follows from answers alone.",
        "现行检查结果代码表无此代码，或该结果只能由检查项得出",
        "Choose a code that the officer may find: evenhand office result list.",
        "请选用可由执法人员认定的代码：evenhand office result list。",
    )
    RESULT_UNPROVEN = (
        "result.unproven",
        Kind.INVALID,
        "This result needs what the list says: a remark, or evidence of the visit.",
        "该检查结果须附说明或现场证据",
        "Write a remark, or let the inspectors attach evidence that shows it, then conclude.",
        "请填写说明，或由检查人员补充证据后再作出结果。",
    )
    RESULT_CONTRADICTED = (
        "result.contradicted",
        Kind.CONFLICT,
        "The answers speak against this result: items were passed or failed on site.",
        "检查项已有合格或不合格结论，与该检查结果矛盾",
        "Let the checklist decide, or have the answers corrected on site first.",
        "请由检查项得出结果，或先更正现场填写的检查项。",
    )
    CORRECTION_REASON_MISSING = (
        "publication.correction-reason-missing",
        Kind.INVALID,
        "What was published is corrected only for a stated reason.",
        "更正已公示的结果须说明理由",
        "Say why, without naming a person: the reason is published with the correction.",
        "请说明更正理由（不含个人信息），理由随更正一并公示。",
    )
    COMPLAINT_NOT_FOUND = (
        "complaint.not-found",
        Kind.MISSING,
        "There is no such complaint in your division.",
        "本辖区无此投诉举报",
        "Look it up: evenhand office complaints list.",
        "请查询：evenhand office complaints list。",
    )
    COMPLAINT_TAKEN = (
        "complaint.number-taken",
        Kind.CONFLICT,
        "A complaint with this number was entered before, with other content.",
        "该编号的投诉举报已登记，且内容不同",
        "Compare it with the one on record, or enter it under its own number.",
        "请与已登记内容核对，或使用正确编号。",
    )
    COMPLAINT_STATE = (
        "complaint.state",
        Kind.CONFLICT,
        "In its `state` the complaint cannot take this step.",
        "该投诉举报处于 `state` 状态，不能办理此步骤",
        "Look at what was done with it already: evenhand office complaints list.",
        "请先查看办理情况：evenhand office complaints list。",
    )
    COMPLAINT_PERSONAL = (
        "complaint.personal",
        Kind.INVALID,
        "A telephone, identity number or mail address stands in `fields`.",
        "`fields` 中含有电话、身份证号或邮箱",
        "Take it out: whoever complains is known to the hotline, not to this register.",
        "请删除：投诉人信息由热线平台保存，不在此登记。",
    )
    COMPLAINT_ANSWER_MISSING = (
        "complaint.answer-missing",
        Kind.INVALID,
        "Rejecting, extending and closing a complaint need words: why, or what came of it.",
        "不予受理、延期和办结须填写理由或办理结果",
        "Write them without naming a person.",
        "请填写（不含个人信息）。",
    )
    COMPLAINTS_INVALID = (
        "complaints.invalid",
        Kind.INVALID,
        "The file of complaints has a cell that cannot be taken; nothing was entered.",
        "投诉举报文件含有无法识别的单元格，未登记任何记录",
        "Correct `field` in `row` (`value`) as `problem` says and import the whole file again.",
        "请按 `problem` 更正第 `row` 行的 `field`（`value`），再重新导入整个文件。",
    )

    # 抽样与净含量
    LOT_INVALID = (
        "lot.invalid",
        Kind.INVALID,
        "A net-content check cannot take `value` in `field`.",
        "净含量检验的 `field` 不能为 `value`",
        "Give nominal and contents as plain decimals in the unit of the label (g, kg, mL, L, cm, "
        "m, dm², m², pieces; content up to 50 kg or L), and no more packages than the lot has.",
        "标注量与实际含量请填十进制数，单位与标注一致（g、kg、mL、L、cm、m、dm²、m²、pieces，"
        "质量体积不超过 50 kg 或 L），件数不得多于批量。",
    )
    # -- what follows from a result --------------------------------------------------------------
    ORDER_NOT_FOUND = (
        "order.not-found",
        Kind.MISSING,
        "There is no such order.",
        "无此责令整改",
        "Look at the list: evenhand office orders list --all.",
        "请查看列表：evenhand office orders list --all。",
    )
    ORDER_NOT_OPEN = (
        "order.not-open",
        Kind.CONFLICT,
        "Nothing of this order is open.",
        "该责令整改没有未完成的项目",
        "Look at it: evenhand office orders show; a later order may ask for its items anew.",
        "请查看：evenhand office orders show；有关项目可能已由后续责令另行要求。",
    )
    ORDER_ITEM_NOT_OPEN = (
        "order.item-not-open",
        Kind.INVALID,
        "The order has no such item, or it is not open there.",
        "该责令整改无此项目，或该项目已不在整改中",
        "Choose among the open items: evenhand office orders show.",
        "请从未完成的项目中选择：evenhand office orders show。",
    )
    ORDER_OVERDUE = (
        "order.overdue",
        Kind.CONFLICT,
        "The term of these items has passed; it can be extended only before.",
        "所列项目整改期限已过，延期须在期满前办理",
        "Let them be rechecked; the recheck orders what still fails anew.",
        "请安排复查；仍不符合的由复查另行责令。",
    )
    EXTENSION_SPENT = (
        "extension.spent",
        Kind.CONFLICT,
        "These items were extended `most` times already.",
        "所列项目已延期 `most` 次，不得再延",
        "Let them be rechecked when their term ends.",
        "请在期满后复查。",
    )
    EXTENSION_TOO_LONG = (
        "extension.too-long",
        Kind.INVALID,
        "One extension is at most `most` working days.",
        "一次延期不超过 `most` 个工作日",
        "Grant fewer days.",
        "请减少延期天数。",
    )
    MEASURE_NOT_FOUND = (
        "measure.not-found",
        Kind.MISSING,
        "There is no such measure.",
        "无此处置",
        "Look at the list: evenhand office measures list --all.",
        "请查看列表：evenhand office measures list --all。",
    )
    MEASURE_NOT_OPEN = (
        "measure.not-open",
        Kind.CONFLICT,
        "This measure is over: closed, withdrawn or renewed.",
        "该处置已办结、撤回或另行作出",
        "Look at the list: evenhand office measures list --all.",
        "请查看列表：evenhand office measures list --all。",
    )
    MEASURE_INCOMPLETE = (
        "measure.incomplete",
        Kind.INVALID,
        "A measure of this kind needs what `missing` names.",
        "该类处置须填写 `missing` 所列内容",
        "Give it and try again.",
        "请补充后重试。",
    )
    SUSPENSION_STANDS = (
        "suspension.stands",
        Kind.CONFLICT,
        "An order to stop follows from the checklist and is not taken back by hand.",
        "责令停止由检查结果作出，不能由人工撤回",
        "Lift it after its recheck, or have the inspection concluded again.",
        "请在复查后解除，或重新作出检查结果。",
    )
    SUSPENSION_NOT_RECHECKED = (
        "suspension.not-rechecked",
        Kind.CONFLICT,
        "No approved recheck found everything to comply that business was stopped for.",
        "责令停止所涉项目尚未经审核通过的复查认定符合",
        "Have it rechecked, concluded and approved; `items` are left.",
        "请完成复查并审核通过；尚余 `items`。",
    )
    RISK_NOT_FOUND = (
        "risk.not-found",
        Kind.MISSING,
        "The risk list has no such entry.",
        "风险清单无此条目",
        "Look at the list: evenhand office risks list --all.",
        "请查看列表：evenhand office risks list --all。",
    )
    RISK_CLOSED = (
        "risk.closed",
        Kind.CONFLICT,
        "This risk was closed already.",
        "该风险已销号",
        "Enter it anew if it is there again.",
        "如再次出现，请重新登记。",
    )
    # -- opened on site --------------------------------------------------------------------------
    INSPECTION_EXISTS = (
        "inspection.exists",
        Kind.CONFLICT,
        "This inspection is there already; nobody opens it again.",
        "该检查已存在，不得重复登记",
        "Record in the task that is there, or open another one on site.",
        "请在已有任务中记录，或另行现场登记。",
    )
    OPENING_SECOND = (
        "opening.second-unfit",
        Kind.INVALID,
        "The second inspector is unknown, is who opened it, or may not be sent.",
        "协办人员不存在、与登记人相同或不能承担检查",
        "Name a colleague whose certificate is in force: --second.",
        "请注明执法证有效的另一名检查人员：--second。",
    )
    OPENING_ELSEWHERE = (
        "opening.elsewhere",
        Kind.FORBIDDEN,
        "The place is in no division where this inspector works.",
        "该地点不在此执法人员的辖区内",
        "Correct the division, or ask a supervisor to release it.",
        "请更正行政区划，或请主管人员放行。",
    )
    OPENING_INVALID = (
        "opening.invalid",
        Kind.INVALID,
        "The place is not described as it must be: see `field`.",
        "现场登记的内容不符合要求，见 `field`",
        "Give name, address, category, a division of 6 to 12 digits and the reason.",
        "请填写名称、地址、业态、6 至 12 位行政区划代码和缘由。",
    )

    def __init__(
        self, code: str, kind: Kind, en: str, zh: str, remedy_en: str, remedy_zh: str
    ) -> None:
        self.code = code
        self.kind = kind
        self.en = en
        self.zh = zh
        self.remedy_en = remedy_en
        self.remedy_zh = remedy_zh


class Refused(Exception):
    """Raised by a use case that will not do what was asked; everything it did is rolled back."""

    def __init__(self, reason: Reason, /, **details: Detail) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.details = details


class Kept(NamedTuple):
    """A refusal that is returned, not raised, since what led to it must stay on record."""

    refused: Refused


def by_code(code: str) -> Reason:
    """Find a reason by its code; KeyError when there is none."""
    return _BY_CODE[code]


_BY_CODE = {reason.code: reason for reason in Reason}
