"""The one place where a refusal becomes HTTP (RFC 9457 problem documents)."""

import logging
import re
from typing import Any, TypeAlias, cast

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.utils.scope.state import ScopeState

from backend.db import busy, full, unstorable
from sync.refusals import Detail, Kind, Reason, Refused

log = logging.getLogger("evenhand")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
SHOWN_MAX = 80  # characters of a wrong value that are repeated to its sender

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # escaped, as JSON must; `\\u0000` is a backslash

STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 422,
    Kind.BUSY: 503,
    Kind.TOO_MANY: 429,
}

AnyRequest: TypeAlias = Request[Any, Any, Any]
Problem: TypeAlias = Response[dict[str, object]]


async def refuse_nul(request: AnyRequest) -> None:
    """Refuse text with U+0000, which SQLite would keep and PostgreSQL would not."""
    body = b""
    if request.content_type[0] == "application/json":
        body = await request.body()
    if _NUL.search(body) or b"%00" in request.scope["raw_path"] + request.scope["query_string"]:
        raise Refused(Reason.BODY_INVALID, problem="text must not hold the character U+0000")


def problem(_: AnyRequest, refusal: Refused, *, status: int | None = None) -> Problem:
    """Answer a refusal."""
    reason = refusal.reason
    status = status or STATUS[reason.kind]
    headers: dict[str, str] = {}
    if reason.kind in (Kind.BUSY, Kind.TOO_MANY):
        headers["Retry-After"] = str(refusal.details.get("seconds", RETRY_SECONDS))
    if reason.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    body: dict[str, object] = {
        "type": "about:blank",
        "status": status,
        "code": reason.code,
        "title": reason.zh,
        "detail": reason.en,
        "remedy_en": reason.remedy_en,
        "remedy_zh": reason.remedy_zh,
        "details": refusal.details,
    }
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def address(request: AnyRequest) -> str:
    """Say from where somebody asks, as far as is known."""
    return request.client.host if request.client is not None else ""


def rejected(request: AnyRequest, error: HTTPException) -> Problem:
    """Answer what the framework rejected before any of our code saw it."""
    match error.status_code:
        case 404:
            refusal = Refused(Reason.NOT_FOUND, path=request.scope["path"])
        case 405:
            refusal = Refused(Reason.METHOD_WRONG, method=request.method)
        case 413:
            refusal = Refused(Reason.BODY_TOO_LARGE, limit_bytes=_limit(request))
        case 500:
            return failed(request, error)
        case _:
            refusal = Refused(Reason.BODY_INVALID, **_fault(request, error))
    answer = problem(request, refusal, status=error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def too_deep(request: AnyRequest, _: RecursionError) -> Problem:
    """Answer JSON that nests without end; nothing of our own nests at all."""
    return problem(request, Refused(Reason.BODY_INVALID, problem="the body nests too deeply"))


def failed(request: AnyRequest, error: Exception) -> Problem:
    """Answer a bug with its request id and nothing else; the log has the rest."""
    if busy(error):
        return problem(request, Refused(Reason.BUSY))
    if unstorable(error):
        return problem(request, Refused(Reason.BODY_INVALID, problem="a value is out of range"))
    request_id = request.scope["state"].get("request_id", "")
    log.error("failed", exc_info=error, extra={"request_id": request_id})
    if full(error):
        return problem(request, Refused(Reason.DISK_FULL))
    body: dict[str, object] = {
        "type": "about:blank",
        "status": 500,
        "code": "server.failed",
        "title": "服务器内部错误",
        "detail": "The server failed. This is a bug; nothing was changed.",
        "remedy_en": "Report it with the request id.",
        "remedy_zh": "请将请求编号报告给维护人员。",
        "details": {"request_id": request_id},
    }
    return Response(body, status_code=500, media_type=MEDIA_TYPE)


def _limit(request: AnyRequest) -> int:
    handler = request.scope["route_handler"]
    limit = getattr(handler, "resolve_request_max_body_size", lambda: None)()
    return cast(int, limit or 0)


def _fault(request: AnyRequest, error: HTTPException) -> dict[str, Detail]:
    """Name the first wrong field and its value."""
    faults = error.extra if isinstance(error, ValidationException) else None
    if not isinstance(faults, list) or not faults:
        return {"problem": error.detail}
    fault = cast(dict[str, str], faults[0])
    field, source = fault.get("key", ""), fault.get("source", "")
    if source == "body":
        given = _walk(ScopeState.from_scope(request.scope).json, field)
    else:
        given = request.query_params.get(field, request.path_params.get(field))
    details: dict[str, Detail] = {"problem": f"{field}: {fault['message']}".removeprefix(": ")}
    if field:
        details["field"] = field
    if given is not None:
        details["value"] = repr(given)[:SHOWN_MAX]
    return details


def _walk(value: object, path: str) -> object:
    """Follow `a.b[0]` into decoded JSON as far as it goes."""
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict):
            value = cast(dict[str, object], value).get(step)
        elif isinstance(value, list) and step.isdigit():
            items = cast(list[object], value)
            value = items[int(step)] if int(step) < len(items) else None
        else:
            return None
    return value
