"""Refusals of the exchange with devices (同步)."""

from sync.refusals.said import Kind, Said

SIGNATURE_WRONG = Said(
    "sync.signature-wrong",
    Kind.UNAUTHENTICATED,
    "The signature does not fit the body.",
    "签名与内容不符",
    "Send the same body again; if it persists, enrol the device anew.",
    "请重新发送；如仍失败，请重新登记终端。",
)
BODY_INFLATES = Said(
    "body.inflates",
    Kind.TOO_LARGE,
    "The packed body grows out of all proportion when it is unpacked.",
    "压缩内容展开后大小异常",
    "Send it unpacked, or fewer operations at a time; nothing was stored.",
    "请不压缩发送，或减少每批操作数；未保存任何内容。",
)
SNAPSHOT_GONE = Said(
    "snapshot.gone",
    Kind.MISSING,
    "This snapshot is not kept (any more).",
    "该数据快照已不再保留",
    "Sync again: the next answer names the newest one.",
    "请重新同步：下一次应答会给出最新快照。",
)
SNAPSHOT_DAMAGED = Said(
    "snapshot.damaged",
    Kind.BUSY,
    "The snapshot did not arrive as it is.",
    "数据快照在传输中损坏",
    "Sync again; what came was thrown away, nothing of yours was lost.",
    "请重新同步；已丢弃收到的部分，本人数据未丢失。",
)
SYNC_MALFORMED = Said(
    "sync.malformed",
    Kind.INVALID,
    "The push cannot be read.",
    "上传内容无法解析",
    "Nothing was stored; build the push again from the log and send it.",
    "未保存任何内容；请由日志重新生成后再次上传。",
)
SYNC_VERSION = Said(
    "sync.version",
    Kind.UNSUPPORTED,
    "This version of the protocol is not spoken here.",
    "不支持该协议版本",
    "Update the program on the older side; what was recorded stays on the device.",
    "请升级版本较旧的一方；已记录的内容仍保留在终端。",
)
SYNC_GAP = Said(
    "sync.gap",
    Kind.CONFLICT,
    "The push starts beyond what the server holds.",
    "上传起点超出服务器已有的记录",
    "Send from the operation after `head_n`.",
    "请从 `head_n` 之后的操作开始上传。",
)
SYNC_FORK = Said(
    "sync.fork",
    Kind.CONFLICT,
    "The ledger holds another history of this device; both are kept.",
    "账本中该终端已有不同的历史，两者均已保留",
    "Sync again: the device goes on under a new name and sends its own work again.",
    "请重新同步：终端将以新名称继续，并重新上传本机工作。",
)
ANSWER_STRANGE = Said(
    "sync.answer-strange",
    Kind.BUSY,
    "The answer is not one of an evenhand server.",
    "应答并非来自 evenhand 服务器",
    "Check the address and the network, then try again; nothing was lost.",
    "请核对地址与网络后重试；内容未丢失。",
)
OP_MALFORMED = Said(
    "op.malformed",
    Kind.INVALID,
    "The operation cannot be read; it is kept in quarantine.",
    "操作无法解析，已隔离保存",
    "Ask a supervisor to look at the quarantine.",
    "请主管人员查看隔离区。",
)
OP_UNKNOWN = Said(
    "op.unknown",
    Kind.UNSUPPORTED,
    "The operation comes from a newer program; it is parked.",
    "操作来自更新的程序版本，已暂存",
    "Nothing is lost; it counts once the server is upgraded.",
    "内容未丢失，服务器升级后生效。",
)
INSPECTION_NOT_YOURS = Said(
    "inspection.not-yours",
    Kind.FORBIDDEN,
    "The inspection is not this inspector's; the operation is kept in quarantine.",
    "该检查任务不属于此执法人员，操作已隔离保存",
    "Ask a supervisor to assign the task or to release the operation.",
    "请主管人员分派任务或放行该操作。",
)
SIGN_ROLE = Said(
    "sign.role",
    Kind.FORBIDDEN,
    "The signature names a role that the inspector does not have in this task.",
    "签名角色与任务中的角色不符",
    "Sign as the role shown in the task.",
    "请按任务中载明的角色签名。",
)
SIGN_REASON_MISSING = Said(
    "sign.reason-missing",
    Kind.INVALID,
    "You signed this inspection before; another signature amends it.",
    "您已签名；再次签名即为补签",
    "Say why with --reason.",
    "请用 --reason 说明补签原因。",
)
INSPECTION_UNKNOWN = Said(
    "inspection.unknown",
    Kind.MISSING,
    "There is no such inspection on this device.",
    "本终端没有该检查任务",
    "Sync first, or check the number: evenhand device tasks.",
    "请先同步，或核对编号：evenhand device tasks。",
)
DEVICE_REVOKED = Said(
    "device.revoked",
    Kind.FORBIDDEN,
    "The device was revoked; what it sends is kept in quarantine.",
    "该终端已停用，其上传内容已隔离保存",
    "Ask a supervisor to release it, or enrol the device anew.",
    "请主管人员放行，或重新登记终端。",
)
DEVICE_UNKNOWN = Said(
    "device.unknown",
    Kind.UNAUTHENTICATED,
    "The server does not know this device.",
    "服务器没有该终端的登记",
    "Enrol it with a one-time code.",
    "请使用一次性登记码登记。",
)
DEVICE_NOT_ENROLLED = Said(
    "device.not-enrolled",
    Kind.UNAUTHENTICATED,
    "This device is not enrolled.",
    "本终端尚未登记",
    "Run: evenhand device enrol SERVER CODE.",
    "请执行：evenhand device enrol 服务器 登记码。",
)
DEVICE_ENROLLED = Said(
    "device.enrolled",
    Kind.CONFLICT,
    "This device is enrolled already.",
    "本终端已登记",
    "Use another folder (--home) for another person.",
    "为他人登记请使用另一个目录（--home）。",
)
INVITE_WRONG = Said(
    "invite.wrong",
    Kind.FORBIDDEN,
    "The one-time code is wrong, used or expired.",
    "登记码错误、已使用或已过期",
    "Ask the office for a new one: evenhand office devices invite.",
    "请向机关索取新码：evenhand office devices invite。",
)
INSPECTOR_NOT_FOUND = Said(
    "inspector.not-found",
    Kind.MISSING,
    "There is no such inspector.",
    "没有该执法人员",
    "Check the certificate number.",
    "请核对执法证号。",
)
DEVICE_NOT_FOUND = Said(
    "device.not-found",
    Kind.MISSING,
    "There is no such device.",
    "没有该终端",
    "Check the number: evenhand office devices.",
    "请核对编号：evenhand office devices。",
)
EVIDENCE_EMPTY = Said(
    "evidence.empty",
    Kind.INVALID,
    "The file is empty.",
    "文件为空",
    "Choose the file again; an empty one proves nothing.",
    "请重新选择文件；空文件不能作为证据。",
)
SERVER_ADDRESS = Said(
    "server.address",
    Kind.INVALID,
    "This is not the address of a server.",
    "这不是服务器地址",
    "Write it with http:// or https:// before it.",
    "请写明 http:// 或 https://。",
)
VOID_TARGET = Said(
    "void.target-unknown",
    Kind.MISSING,
    "This device knows nothing of that number in the inspection that could be withdrawn.",
    "本终端上，该检查没有此编号的可作废记录",
    "Take the number that is shown beside it: evenhand device show INSPECTION.",
    "请使用 evenhand device show 检查编号 所显示的编号。",
)
THROTTLED = Said(
    "auth.throttled",
    Kind.TOO_MANY,
    "Too many wrong guesses came lately.",
    "近期错误尝试过多",
    "Wait for `seconds` and try again.",
    "请等待 `seconds` 秒后重试。",
)
QUARANTINE_EMPTY = Said(
    "quarantine.empty",
    Kind.MISSING,
    "None of these operations is held back.",
    "所列操作均未被隔离",
    "Look at the list: evenhand office quarantine.",
    "请查看列表：evenhand office quarantine。",
)
QUARANTINE_FIRM = Said(
    "quarantine.firm",
    Kind.CONFLICT,
    "What holds this operation back cannot be set aside by an officer.",
    "该操作被隔离的原因不能由经办人豁免",
    "It stays on record; let the inspector record it again.",
    "该操作保留在案；请由执法人员重新记录。",
)
FORK_NOT_FOUND = Said(
    "fork.not-found",
    Kind.MISSING,
    "This device has no such branch.",
    "该终端没有此分支",
    "Give a whole hash from: evenhand office quarantine --json.",
    "请从 evenhand office quarantine --json 取完整散列值。",
)
FORK_DECIDED = Said(
    "fork.decided",
    Kind.CONFLICT,
    "All of this branch was issued again already, or cannot be.",
    "该分支已全部重新签发，或不能重新签发",
    "Look at what the inspection shows; signatures are given again by who signed.",
    "请查看该检查的现状；签名须由签名人重新签署。",
)
CONFLICT_NOT_FOUND = Said(
    "conflict.not-found",
    Kind.MISSING,
    "No conflict stands on this item.",
    "该检查项没有不一致",
    "Look at the list: evenhand office conflicts.",
    "请查看列表：evenhand office conflicts。",
)
CONFLICT_SEALED = Said(
    "conflict.sealed",
    Kind.CONFLICT,
    "Both inspectors signed this inspection as it is.",
    "两名执法人员已对该检查签名",
    "Ask the pair to settle it and to sign again with a reason.",
    "请两名执法人员确定结论，并说明理由重新签名。",
)
CONFLICT_VALUE = Said(
    "conflict.value",
    Kind.INVALID,
    "Neither inspector said this.",
    "两名执法人员均未给出该结论",
    "Choose one of `said`; the office does not answer for those who were there.",
    "请从 `said` 中选择；机关不能代替到场人员作答。",
)
