"""Refusals at the doors and of the server itself (登录与服务)."""

from sync.refusals.said import Kind, Said

NOT_LOGGED_IN = Said(
    "auth.not-logged-in",
    Kind.UNAUTHENTICATED,
    "No valid session came with this request.",
    "请求未携带有效会话",
    "Log in again: evenhand office login.",
    "请重新登录：evenhand office login。",
)
LOGIN_WRONG = Said(
    "auth.login-wrong",
    Kind.UNAUTHENTICATED,
    "The name or the password is wrong.",
    "用户名或密码错误",
    "Check both, or ask an admin for a new password.",
    "请核对后重试，或请管理员重置密码。",
)
ROLE_FORBIDDEN = Said(
    "auth.role-forbidden",
    Kind.FORBIDDEN,
    "Your role may not do this.",
    "当前角色无权执行此操作",
    "Ask someone who has the role named in `needs`.",
    "请由具备 `needs` 所列角色的人员办理。",
)
DIVISION_FORBIDDEN = Said(
    "auth.division-forbidden",
    Kind.FORBIDDEN,
    "This belongs to a division outside yours.",
    "该对象不在您的辖区内",
    "Ask an officer of that division.",
    "请由该辖区人员办理。",
)
EXTRA_MISSING = Said(
    "install.extra-missing",
    Kind.UNSUPPORTED,
    "This part of evenhand is not installed here.",
    "此处未安装 evenhand 的这一部分",
    "A device needs only `evenhand device`; for the rest install evenhand[server,print].",
    "终端只需 `evenhand device`；其余功能请安装 evenhand[server,print]。",
)
BODY_INVALID = Said(
    "body.invalid",
    Kind.INVALID,
    "The request does not have the expected form.",
    "请求格式不正确",
    "Correct the field named in `problem` and send it again.",
    "请更正 `problem` 所指字段后重新提交。",
)
BODY_TOO_LARGE = Said(
    "body.too-large",
    Kind.TOO_LARGE,
    "The request body is over the limit.",
    "请求内容超过大小上限",
    "Send it in parts no larger than `limit_bytes`.",
    "请分批提交，每批不超过 `limit_bytes` 字节。",
)
NOT_FOUND = Said(
    "path.not-found",
    Kind.MISSING,
    "There is nothing at this address.",
    "该地址不存在",
    "Check the address against /schema.",
    "请对照 /schema 核对地址。",
)
METHOD_WRONG = Said(
    "path.method-wrong",
    Kind.UNSUPPORTED,
    "This address does not take this method.",
    "该地址不支持此方法",
    "Use one of the methods listed in /schema.",
    "请使用 /schema 中列出的方法。",
)
BUSY = Said(
    "server.busy",
    Kind.BUSY,
    "The server is busy; nothing was changed.",
    "服务器繁忙，未作任何更改",
    "Try again after a moment.",
    "请稍后重试。",
)
DISK_FULL = Said(
    "server.disk-full",
    Kind.BUSY,
    "The server's disk is full; nothing was changed.",
    "服务器磁盘已满，未作任何更改",
    "Keep what you have and try again later; the operator has to make room.",
    "请保留数据稍后重试，并请管理员扩容。",
)
OUTCOME_UNKNOWN = Said(
    "server.outcome-unknown",
    Kind.BUSY,
    "The database was lost while it stored this; nobody knows whether it did.",
    "数据库在保存时中断，是否已保存无法确定",
    "Look whether it is there before you enter it again; a device may send it again as it is.",
    "请先查看是否已保存，再决定是否重新录入；终端可原样重发。",
)
SETTING_INVALID = Said(
    "setting.invalid",
    Kind.INVALID,
    "An EVENHAND_ setting is unknown or out of range.",
    "EVENHAND_ 设置项未知或取值无效",
    "Correct the variable named in `problem`; docs/reference/settings.md lists all.",
    "请更正 `problem` 所指的环境变量；全部设置项见 docs/reference/settings.md。",
)
DATABASE_UNKNOWN = Said(
    "setting.database-unknown",
    Kind.INVALID,
    "This kind of database is not supported.",
    "不支持该类数据库",
    "Set EVENHAND_DATABASE_URL to sqlite:///… or postgresql://….",
    "请将 EVENHAND_DATABASE_URL 设为 sqlite:///… 或 postgresql://…。",
)
SCHEMA_BEHIND = Said(
    "server.schema-behind",
    Kind.CONFLICT,
    "The database schema is not the newest.",
    "数据库结构不是最新版本",
    "Run: evenhand server upgrade.",
    "请执行：evenhand server upgrade。",
)
SERVER_SET_UP = Said(
    "server.set-up",
    Kind.CONFLICT,
    "There is an active admin already.",
    "已存在有效的管理员帐号",
    "Let that admin create accounts: evenhand office account create.",
    "请由该管理员创建帐号：evenhand office account create。",
)
ACCOUNT_NAME_TAKEN = Said(
    "account.name-taken",
    Kind.CONFLICT,
    "An account has this name already.",
    "该用户名已被使用",
    "Choose another name.",
    "请另选用户名。",
)
ACCOUNT_NOT_FOUND = Said(
    "account.not-found",
    Kind.MISSING,
    "There is no such account.",
    "帐号不存在",
    "List them: evenhand office account list.",
    "查看列表：evenhand office account list。",
)
ACCOUNT_YOURS = Said(
    "account.yours",
    Kind.CONFLICT,
    "You cannot deactivate your own account.",
    "不能停用本人帐号",
    "Ask another admin.",
    "请由其他管理员办理。",
)
JOURNAL_BROKEN = Said(
    "journal.broken",
    Kind.CONFLICT,
    "The journal's chain is broken at act `n`.",
    "执法记录链在第 `n` 条处断裂",
    "Compare it with a backup: that act or one before it was changed.",
    "请与备份比对：该条或之前的记录被更改过。",
)
