"""What may be published (公示), in which words."""

_HARMLESS = {0xC4, 0xDB, 0xDD, *range(0xC0, 0xC4)}  # tables, restart interval, frame


def jpeg_metadata(body: bytes) -> tuple[str, ...]:
    """Name what a JPEG holds besides its pixels (ITU-T T.81, B.1.1): () if it may be shown."""
    if body[:2] != b"\xff\xd8":
        return ("no JPEG",)
    found: list[str] = []
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker, size = body[at + 1], int.from_bytes(body[at + 2 : at + 4], "big")
        if marker == 0xDA:  # pixels from here to the end-of-image marker
            end = body.find(b"\xff\xd9", at)
            if end != len(body) - 2:
                found.append("bytes after the end of the image")
            return tuple(found)
        if not (marker in _HARMLESS or (marker == 0xE0 and body[at + 4 : at + 9] == b"JFIF\0")):
            found.append(f"segment {marker:02X}")
        at += 2 + size
    return (*found, "no end")
