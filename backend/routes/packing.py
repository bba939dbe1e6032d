"""How the device door packs and unpacks (压缩与分段): gzip bodies, and parts of files."""

import re
from typing import Any, TypeAlias

from litestar import Request, Response

from sync import squeeze
from sync.refusals import Reason, Refused

AnyRequest: TypeAlias = Request[Any, Any, Any]

PACKED = "application/gzip"
NO_END = 1 << 40

_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


async def unpacked(request: AnyRequest) -> bytes:
    """Read a body as it was signed; what is packed is unpacked within bounds."""
    body = await request.body()
    encoding = request.headers.get(squeeze.ENCODING_HEADER, "identity").strip().lower()
    if encoding == squeeze.ENCODING:
        return squeeze.inflate(body)
    if encoding != "identity":
        raise Refused(Reason.BODY_INVALID, problem=f"content-encoding {encoding[:40]!r}")
    return body


def packed(
    request: AnyRequest, body: bytes, headers: dict[str, str], media_type: str
) -> Response[Any]:
    """Answer with a body, packed when the asker takes that and it is worth it."""
    takes = request.headers.get("accept-encoding", "")
    if len(body) >= squeeze.WORTH_BYTES and squeeze.ENCODING in takes.lower():
        body = squeeze.deflate(body)
        headers = headers | {squeeze.ENCODING_HEADER: squeeze.ENCODING}
    return Response(body, headers=headers, media_type=media_type)


def asked(request: AnyRequest) -> tuple[int, int]:
    """Read which bytes are asked for; all of them where it names none that we understand."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None:
        return 0, NO_END
    first, last = int(found[1]), int(found[2] or NO_END)
    return (first, last + 1) if first <= last else (0, NO_END)


def part(
    request: AnyRequest, piece: bytes, *, first: int, size: int, digest: str
) -> Response[bytes]:
    """Answer with a part of a file that never changes (RFC 9110, 14), or with the whole."""
    headers = {
        "etag": f'"{digest}"',
        "cache-control": "private, max-age=31536000, immutable",
        "accept-ranges": "bytes",
    }
    whole = len(piece) == size
    if not whole and not piece:
        return Response(
            b"", status_code=416, headers=headers | {"content-range": f"bytes */{size}"}
        )
    if not whole or request.headers.get("range"):
        last = first + len(piece) - 1
        headers["content-range"] = f"bytes {first}-{last}/{size}"
        return Response(piece, status_code=206, headers=headers, media_type=PACKED)
    return Response(piece, headers=headers, media_type=PACKED)
