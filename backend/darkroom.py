"""暗房: where pictures are decoded, large ones one at a time, so that memory has a bound.

A picture of 120 megapixels takes half a gigabyte while it is decoded, and a progressive JPEG once
more. What waits here holds no thread that files or small pictures need.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sync.refusals import Reason, Refused

R = TypeVar("R")

LARGE_PIXELS = 24_000_000  # from which a picture is large; phones take 12,000,000
SMALL_AT_ONCE = 2  # as many as there are processors on a small machine
WAIT_S = 15.0  # for a turn; a large picture takes two or three seconds

# Of this process, however many apps are in it. Each pool takes what waits in the order it came.
_small = ThreadPoolExecutor(SMALL_AT_ONCE, "darkroom")
_large = ThreadPoolExecutor(1, "darkroom-large")


async def develop(pixels: int, work: Callable[[], R]) -> R:
    """Run what decodes a picture of so many pixels when it is its turn.

    Raises BUSY when no turn comes in time. Whoever stops waiting gives up the turn.
    """
    job = (_large if pixels >= LARGE_PIXELS else _small).submit(work)
    done = asyncio.wrap_future(job)
    try:
        await asyncio.wait((done,), timeout=WAIT_S)
    finally:
        late = job.cancel()  # unless it has begun
    if late:
        raise Refused(Reason.BUSY)
    return await done
