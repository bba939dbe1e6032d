"""Every expected "no" in the system, said once.

A refusal is data, not an accident. The same value travels as a problem document over HTTP, as one
exception inside a push, and as an exit status of the command line. A bug is never a refusal: it is
a failed assertion, and it crashes. The table in docs/reference/refusals.md is generated from here.
"""

from enum import Enum, IntEnum

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


class Reason(Enum):
    """The catalogue: code, kind, what happened, what to do (English, 中文).

    A code, once released, is never reused and never changes its kind.
    """

    # -- the doors -------------------------------------------------------------------------------
    NOT_LOGGED_IN = (
        "auth.not-logged-in", Kind.UNAUTHENTICATED,
        "No valid session came with this request.", "请求未携带有效会话",
        "Log in again: evenhand office login.", "请重新登录：evenhand office login。",
    )
    LOGIN_WRONG = (
        "auth.login-wrong", Kind.UNAUTHENTICATED,
        "The name or the password is wrong.", "用户名或密码错误",
        "Check both, or ask an admin for a new password.", "请核对后重试，或请管理员重置密码。",
    )
    ROLE_FORBIDDEN = (
        "auth.role-forbidden", Kind.FORBIDDEN,
        "Your role may not do this.", "当前角色无权执行此操作",
        "Ask someone who has the role named in `needs`.", "请由具备 `needs` 所列角色的人员办理。",
    )
    DIVISION_FORBIDDEN = (
        "auth.division-forbidden", Kind.FORBIDDEN,
        "This belongs to a division outside yours.", "该对象不在您的辖区内",
        "Ask an officer of that division.", "请由该辖区人员办理。",
    )
    BODY_INVALID = (
        "body.invalid", Kind.INVALID,
        "The request does not have the expected form.", "请求格式不正确",
        "Correct the field named in `problem` and send it again.", "请更正 `problem` 所指字段后重新提交。",
    )
    BODY_TOO_LARGE = (
        "body.too-large", Kind.TOO_LARGE,
        "The request body is over the limit.", "请求内容超过大小上限",
        "Send it in parts no larger than `limit_bytes`.", "请分批提交，每批不超过 `limit_bytes` 字节。",
    )
    NOT_FOUND = (
        "path.not-found", Kind.MISSING,
        "There is nothing at this address.", "该地址不存在",
        "Check the address against /schema.", "请对照 /schema 核对地址。",
    )
    METHOD_WRONG = (
        "path.method-wrong", Kind.UNSUPPORTED,
        "This address does not take this method.", "该地址不支持此方法",
        "Use one of the methods listed in /schema.", "请使用 /schema 中列出的方法。",
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

    def __init__(self, reason: Reason, **details: Detail) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.details = details
