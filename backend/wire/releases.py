"""定版: checklists and catalogues of violations that are released."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct


class NewRelease(Struct, frozen=True, forbid_unknown_fields=True):
    """A checklist or catalogue to release, as its TOML text."""

    toml: Annotated[str, Meta(min_length=1, max_length=500_000)]


class ReleaseView(Struct, frozen=True):
    """A released checklist or catalogue."""

    digest: str
    code: str
    version: str
    title_en: str
    title_zh: str
    released_at: datetime
