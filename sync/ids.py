"""Identifiers. Made by whoever creates the thing, never used for ordering (RFC 9562, version 7)."""

import uuid_utils


def new_id() -> str:
    """Make a UUIDv7 as lower-case text; its time part only keeps database indexes compact."""
    return str(uuid_utils.uuid7())
