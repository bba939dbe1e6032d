"""手边: what the server has at hand for whoever asks.

Litestar resolves several dependencies in a task each, which costs a busy route a tenth of its time;
those take this one, and `db`, which is made of it.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.blobs import Blobs
from backend.settings import Settings
from backend.work.snapshots import Snapshots


class Here(Struct, frozen=True):
    """The database, the clock, the settings and the files of one server."""

    engine: AsyncEngine
    now: Callable[[], datetime]
    settings: Settings
    blobs: Blobs
    snapshots: Snapshots
