"""Fuzz the reader of registers with coverage: any bytes are read or refused, and nothing else.

    pip install atheris    # not among the pins: it is needed for this script only
    PYTHONPATH=. python bench/fuzz/reader.py corpus/ -max_total_time=60

Bytes that ended in anything but a reading or a refusal are written to ./crash-*. Workbooks are
kept out here: their reader is a process of its own, which tests/unit/test_sources.py attacks.
"""

import sys
from io import BytesIO

import atheris

with atheris.instrument_imports(include=["backend.rules"]):
    from backend.rules import guess, mapping, reader, sources
    from backend.rules.headers import headed

from sync.refusals import Refused

MAPPING = b"""
[establishments]
identifiers = true
convert = "WGS-84"
[establishments.fields]
code = "a"
name = "b"
category = "c"
division = "d"
longitude = "e"
latitude = "f"
datum = "g"
"""
TABLE = mapping.parse(MAPPING, "establishments")
OPEN = mapping.Table(fields={})
HEADERS = (b"", b"a,b,c,d,e,f,g\n", b'{"a":"1","b":"x","c":"y","d":"11"}\n')
WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")


def attack(data: bytes) -> None:
    header, body = HEADERS[data[0] % len(HEADERS)] if data else b"", data[1:]
    body = header + body
    if body.startswith(WORKBOOKS[:2]):
        return
    try:
        reading = reader.read(
            [("a", BytesIO(body))], TABLE, reader.establishment, lambda one: one.code
        )
        assert reading.problems.refused <= reading.rows
    except Refused:
        pass
    try:
        for opened in sources.tables("a", BytesIO(body), OPEN):
            guessed = guess.guess(opened.detected, *headed(opened, None))
            mapping.parse(guessed.toml.encode(), guessed.register)
    except Refused as refused:
        if refused.reason.code.startswith("mapping."):
            raise AssertionError(refused.details) from refused


atheris.Setup(sys.argv, attack)
atheris.Fuzz()
