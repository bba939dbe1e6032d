"""How bodies are made smaller on the way (压缩): gzip, and back within bounds.

A body is signed as it is before; whoever unpacks one stops at the first byte too many.
"""

import zlib

from msgspec.structs import replace

from sync.messages import Request
from sync.refusals import Reason, Refused

ENCODING_HEADER = "content-encoding"
ENCODING = "gzip"
PATH = "/sync/v1"  # the one that takes packed bodies
WORTH_BYTES = 200  # what is smaller travels as it is
QUICK_BYTES = 65_536  # what is larger is packed quickly rather than tightly
DECODED_BYTES_MAX = 8_000_000
RATIO_MAX = 100
RATIO_FREE_BYTES = 65_536  # a small body may be as repetitive as it likes
_STEP_BYTES = 65_536
_GZIP_BITS = 31


def packed(request: Request) -> Request:
    """Pack the body of a question where that is worth it."""
    if len(request.body) < WORTH_BYTES or request.path != PATH:
        return request
    headers, body = request.headers | {ENCODING_HEADER: ENCODING}, deflate(request.body)
    if len(request.body) > _allowed(body, DECODED_BYTES_MAX, RATIO_MAX):
        return request  # who says one thing often enough is no bomb
    return replace(request, headers=headers, body=body)


def deflate(body: bytes, level: int = 0) -> bytes:
    """Pack a body with gzip; without a level, as its size suggests. Equal bodies pack alike."""
    level = level or (6 if len(body) <= QUICK_BYTES else 1)
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP_BITS)
    return packer.compress(body) + packer.flush()


def inflate(
    packed: bytes, *, bytes_max: int = DECODED_BYTES_MAX, ratio_max: int = RATIO_MAX
) -> bytes:
    """Unpack a gzip body, or refuse it.

    Refuses with BODY_TOO_LARGE beyond `bytes_max`, with BODY_INFLATES when it grows more than
    `ratio_max` times, and with SYNC_MALFORMED when it is damaged. At most one step is unpacked
    beyond either bound.
    """
    allowed = _allowed(packed, bytes_max, ratio_max)
    unpacker, steps, size = zlib.decompressobj(_GZIP_BITS), list[bytes](), 0
    rest = packed
    try:
        while not unpacker.eof:
            step = unpacker.decompress(rest, _STEP_BYTES)
            rest = unpacker.unconsumed_tail
            steps.append(step)
            size += len(step)
            if size > allowed:
                break
            if not step and not rest and not unpacker.eof:
                raise Refused(Reason.SYNC_MALFORMED, problem="the packed body ends too early")
    except zlib.error as error:
        raise Refused(Reason.SYNC_MALFORMED, problem=str(error)) from error
    if size > bytes_max:
        raise Refused(Reason.BODY_TOO_LARGE, limit_bytes=bytes_max)
    if size > allowed:
        raise Refused(Reason.BODY_INFLATES, limit=ratio_max)
    if unpacker.unused_data:
        raise Refused(Reason.SYNC_MALFORMED, problem="bytes after the packed body")
    return b"".join(steps)


def _allowed(packed: bytes, bytes_max: int, ratio_max: int) -> int:
    return min(bytes_max, max(RATIO_FREE_BYTES, ratio_max * len(packed)))
