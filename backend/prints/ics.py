"""日历: the window of an inspector's visits as an all-day event (RFC 5545)."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from backend.prints.pages import window, words
from backend.prints.paper_words import Language
from backend.prints.sheet import Row, Sheet

OCTETS_MAX = 75  # of a line, by RFC 5545 §3.1; a longer one is folded
PRODUCT = "-//evenhand//draw//EN"


def calendar(sheet: Sheet, who: str, rows: list[Row], language: Language) -> bytes:
    """Write the calendar of one inspector: one event from the first day to the last.

    Its UID depends on the draw and the certificate alone, so a later file replaces an earlier one.
    """
    count = f"{len(rows)} 户" if language == "zh" else f"{len(rows)} sites"
    uid = sha256(f"{sheet.draw}|{who}".encode()).hexdigest()[:32]
    after = date.fromisoformat(sheet.closes_on) + timedelta(days=1)  # the end is the day after
    stamp = datetime.fromisoformat(sheet.changed_at).astimezone(UTC)
    fields = [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", PRODUCT),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("BEGIN", "VEVENT"),
        ("UID", f"{uid}@evenhand"),
        ("DTSTAMP", f"{stamp:%Y%m%dT%H%M%SZ}"),
        ("DTSTART;VALUE=DATE", sheet.opens_on.replace("-", "")),
        ("DTEND;VALUE=DATE", f"{after:%Y%m%d}"),
        ("SEQUENCE", str(int(stamp.timestamp()) - _drawn(sheet))),
        ("SUMMARY", escaped(f"{sheet.title}（{count}）" if language == "zh"
                            else f"{sheet.title} ({count})")),
        ("DESCRIPTION", escaped(_described(sheet, who, rows, language))),
        ("STATUS", "CANCELLED" if sheet.void else "CONFIRMED"),
        ("TRANSP", "TRANSPARENT"),  # a window is not an appointment: it leaves the days free
        *([("URL", sheet.address)] if sheet.address else []),
        ("END", "VEVENT"),
        ("END", "VCALENDAR"),
    ]  # fmt: skip
    return b"".join(folded(f"{name}:{value}") for name, value in fields)


def escaped(text: str) -> str:
    """Write a text value: backslash, semicolon, comma and line break are escaped."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def folded(line: str) -> bytes:
    """Fold a line to 75 octets, never inside a character."""
    parts: list[bytes] = []
    part = b""
    for one in line:
        octets = one.encode()
        if len(part) + len(octets) > OCTETS_MAX:
            parts.append(part)
            part = b" "
        part += octets
    return b"\r\n".join([*parts, part]) + b"\r\n"


def _drawn(sheet: Sheet) -> int:
    return int(datetime.fromisoformat(sheet.drawn_at).timestamp())


def _described(sheet: Sheet, who: str, rows: list[Row], language: Language) -> str:
    w = words(language)
    lines = [f"{w['window']}: {window(sheet, language)}"]
    lines += [pair[language == "zh"] for pair in sheet.marks]
    for row in rows:
        beside = ", ".join(
            f"{seat.name} {seat.certificate}".strip()
            for seat in row.seats
            if seat.certificate != who
        )
        site = " ".join(filter(None, (row.name, row.id, row.address)))
        lines.append(f"{row.number}. {site}; {w['partners']}: {beside}")
    return "\n".join([*lines, f"{w['commitment']}: {sheet.commit}"])
