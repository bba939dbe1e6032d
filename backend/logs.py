"""运行日志: one JSON line per request, and counters. Never answers, names or pictures.

The log is for diagnosis; what must be provable is in the journal.
"""

import json
import logging
import re
from datetime import UTC, datetime
from time import perf_counter
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sync.ids import new_id

log = logging.getLogger("evenhand.request")

FIELDS = ("request_id", "door", "actor", "method", "path", "status", "bytes", "ms")
DOORS = {"office": "office", "device": "device", "sync": "device", "public": "public"}
HTTP_PROBLEM = 400
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class Metrics:
    """Counters of one app; each app has its own, so that none sees another's."""

    media_type = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # the framework adds it

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "evenhand_requests_total",
            "Requests answered",
            ["door", "method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "evenhand_request_seconds", "Time to answer", ["door"], registry=self._registry
        )
        self.sent = Counter(
            "evenhand_sent_bytes_total", "Bytes answered", ["door"], registry=self._registry
        )

    def render(self) -> bytes:
        """Give the counters in Prometheus' text format."""
        return generate_latest(self._registry)


class Observed:
    """The app, with every request numbered, timed, counted and logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started, status, sent = perf_counter(), 500, 0
        asked = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else new_id()
        state = scope["state"]
        state["request_id"] = request_id

        async def observe(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                if asked or status >= HTTP_PROBLEM:  # else nobody needs it, and it is 5 % of a pull
                    number = (b"x-request-id", request_id.encode())
                    message["headers"] = [*message["headers"], number]
            elif message["type"] == "http.response.body":
                sent += len(message["body"])
            await send(message)

        path, method = scope["path"], str(scope["method"])
        try:
            await self._app(scope, receive, observe)
        finally:
            seconds = perf_counter() - started
            door = DOORS.get(path.lstrip("/").partition("/")[0], "other")
            route = str(cast(dict[str, object], scope).get("path_template", "none"))
            counted = method if method in METHODS else "other"  # a counter is kept for ever
            self._metrics.requests.labels(door, counted, route, status).inc()
            self._metrics.seconds.labels(door).observe(seconds)
            self._metrics.sent.labels(door).inc(sent)
            line = {
                "request_id": request_id,
                "door": door,
                "actor": state.get("actor", ""),
                "method": method,
                "path": path,
                "status": status,
                "bytes": sent,
                "ms": round(seconds * 1000, 1),
            }
            log.info("request", extra=line)


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start() -> None:
    """Send our log to standard error as JSON lines; the server command calls it, not the app."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    ours = logging.getLogger("evenhand")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False
