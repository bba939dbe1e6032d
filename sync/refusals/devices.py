"""Refusals about whose a device is, what it hands over and how it stores (终端)."""

from sync.refusals.said import Kind, Said

BACKUP_AHEAD = Said(
    "backup.ahead",
    Kind.INVALID,
    "The ledger does not reach so far.",
    "账本尚未到达该位置",
    "Give a position up to `ledger`, as `evenhand server check` told it before the backup.",
    "请填写不大于 `ledger` 的位置，即备份前 `evenhand server check` 显示的条数。",
)
BUNDLE_DAMAGED = Said(
    "bundle.damaged",
    Kind.INVALID,
    "The file is cut short or damaged; nothing of it was taken in.",
    "文件不完整或已损坏，未导入任何内容",
    "Copy it again from where it was made, or export it again.",
    "请重新复制，或重新导出。",
)
BUNDLE_FOREIGN = Said(
    "bundle.foreign",
    Kind.FORBIDDEN,
    "The file is for another server, or for another purpose.",
    "该文件属于其他服务器或其他用途",
    "Look at `for`: `office` goes to `evenhand office receive`, `phone` to a new phone.",
    "请看 `for`：`office` 用 `evenhand office receive`，`phone` 用于新手机。",
)
BUNDLE_PASSPHRASE = Said(
    "bundle.passphrase",
    Kind.UNAUTHENTICATED,
    "The passphrase is not the one of this file.",
    "口令不正确",
    "Type the one that was chosen at `evenhand device export`.",
    "请输入 `evenhand device export` 时设置的口令。",
)
RECEIPT_FOREIGN = Said(
    "receipt.foreign",
    Kind.FORBIDDEN,
    "The receipt is not this server's word for this device.",
    "该回执不是本服务器给本终端的",
    "Apply it on the phone that made the file; nothing was changed.",
    "请在导出该文件的手机上使用；未作任何更改。",
)
RECEIPT_NONE = Said(
    "receipt.none",
    Kind.CONFLICT,
    "This device has no receipt of the server yet.",
    "本终端尚无服务器回执",
    "Sync first: evenhand device sync.",
    "请先同步：evenhand device sync。",
)
PERSON_UNKNOWN = Said(
    "device.person-unknown",
    Kind.MISSING,
    "Nobody of that name is enrolled on this device.",
    "本终端没有登记该人员",
    "See `evenhand device people`, or enrol them: evenhand device enrol --who NAME.",
    "请查看 `evenhand device people`，或登记：evenhand device enrol --who 姓名。",
)
ENROLMENT_TEXT_WRONG = Said(
    "enrolment.text-wrong",
    Kind.INVALID,
    "This is not the text of an enrolment QR code.",
    "这不是终端登记二维码的内容",
    "Scan it again, or type the server's address and the code.",
    "请重新扫描，或输入服务器地址与登记码。",
)
SERVER_OTHER = Said(
    "server.other",
    Kind.FORBIDDEN,
    "Another server answered than the one whose key was given.",
    "应答的服务器与所给密钥不符",
    "Check the address and ask the office for a new QR code; nothing was sent but the code.",
    "请核对地址，并向机关索取新的二维码；除登记码外未发送任何内容。",
)
DEVICE_LOCKED = Said(
    "device.locked",
    Kind.UNAUTHENTICATED,
    "This folder is encrypted.",
    "终端目录已加密",
    "Give its passphrase: EVENHAND_HOME_KEY, or answer when asked in a terminal.",
    "请通过 EVENHAND_HOME_KEY 提供口令，或在终端提示时输入。",
)
DEVICE_KEY_WRONG = Said(
    "device.key-wrong",
    Kind.UNAUTHENTICATED,
    "This passphrase does not open the folder.",
    "口令不能打开终端目录",
    "Try another. Nobody can open the folder without it; what was synced is on the server.",
    "请更换口令。没有口令任何人都无法打开；已同步的内容保存在服务器。",
)
DEVICE_CIPHER_MISSING = Said(
    "device.cipher-missing",
    Kind.UNSUPPORTED,
    "Encrypted folders need a part that is not installed, or is too old here.",
    "此处未安装目录加密所需的组件，或其版本过旧",
    "Install evenhand[cipher].",
    "请安装 evenhand[cipher]。",
)
DEVICE_NOT_ENCRYPTED = Said(
    "device.not-encrypted",
    Kind.CONFLICT,
    "This folder was begun without a passphrase.",
    "该终端目录创建时未设口令",
    "Enrol into another folder, or leave out --passphrase.",
    "请登记到另一目录，或不使用 --passphrase。",
)
DEVICE_DISK_FULL = Said(
    "device.disk-full",
    Kind.BUSY,
    "The storage takes nothing more. Nothing was recorded, nothing was lost.",
    "存储空间已满，本次未记录，已有内容未丢失",
    "Make room and repeat the command; what is here can still be read.",
    "请腾出空间后重试；已有内容仍可查看。",
)
DEVICE_BUSY = Said(
    "device.busy",
    Kind.BUSY,
    "Another program on this device is writing. Nothing was recorded, nothing was lost.",
    "本终端另一程序正在写入，本次未记录，已有内容未丢失",
    "Let the other command end, or stop it, and repeat this one.",
    "请等待或结束另一命令后重试。",
)
DEVICE_READ_ONLY = Said(
    "device.read-only",
    Kind.FORBIDDEN,
    "The storage cannot be written. Nothing was recorded, nothing was lost.",
    "存储不可写入，本次未记录，已有内容未丢失",
    "Unlock the card or give this user the right to write; what is here can still be read.",
    "请解除存储卡写保护或授予写入权限；已有内容仍可查看。",
)
