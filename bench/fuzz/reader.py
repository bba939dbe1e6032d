"""Fuzz the reader of registers: any bytes are read or refused, and nothing else.

    PYTHONPATH=. python bench/fuzz/reader.py --seconds 60
    pip install atheris    # not among the pins; with it the fuzzer follows the coverage
    PYTHONPATH=. python bench/fuzz/reader.py corpus/ -max_total_time=60

Bytes that ended in anything but a reading or a refusal, or took long, are written to ./crash-*.
Without atheris they come from mutations of small registers in every format. Workbooks are left to
tests/unit/test_sources.py: their reader is a process of its own.
"""

import gzip
import io
import random
import sys
import time
import traceback
import zipfile
from hashlib import sha256
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

if atheris is not None:
    with atheris.instrument_imports(include=["backend.rules"]):
        from backend.rules import builders, guess, mapping, reader, sources
        from backend.rules.headers import headed
        from backend.rules.sieve import Sieve
else:
    from backend.rules import builders, guess, mapping, reader, sources
    from backend.rules.headers import headed
    from backend.rules.sieve import Sieve

from sync.refusals import Refused

SECONDS_MAX = 5.0  # for bytes of at most BYTES_MAX
BYTES_MAX = 64 * 1024
MAPPING = """
[establishments]
identifiers = true
{convert}encoding = "{encoding}"
[establishments.fields]
code = "a"
name = "b"
category = "c"
division = "d"
longitude = "e"
latitude = "f"
datum = "g"
"""
ENCODINGS = ("auto", "gbk", "cp950", "utf-16", "cp1252")
TABLES = [
    mapping.parse(MAPPING.format(encoding=one, convert=how).encode(), "establishments")
    for one in ENCODINGS
    for how in ("", 'convert = "WGS-84"\n')
]
OPEN = mapping.Table(fields={})
HEADER = "a,b,c,d,e,f,g\n"
HEADERS = (b"", HEADER.encode(), b'{"a":"1","b":"x","c":"y","d":"11"}\n')
WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0")


def attack(data: bytes) -> None:
    """Read bytes as a register, in one pass and in many; then guess a mapping for them."""
    first = data[0] if data else 0
    body = HEADERS[first % len(HEADERS)] + data[1:]
    table = TABLES[first // len(HEADERS) % len(TABLES)]
    if body.startswith(WORKBOOKS):
        return
    said = [_read(body, table, glance) for glance in (None, Sieve)]
    assert said[0] == said[1], "a glance sees something else"
    try:
        for opened in sources.tables("a", io.BytesIO(body), OPEN):
            guessed = guess.guess(opened.detected, *headed(opened, None))
            mapping.parse(guessed.toml.encode(), guessed.register)
    except Refused as refused:
        if refused.reason.code.startswith("mapping."):
            raise AssertionError(refused.details) from refused


def _read(body: bytes, table: mapping.Table, glance: type[Sieve] | None) -> object:
    file = [("a", io.BytesIO(body))]
    try:
        reading = reader.read(
            file, table, builders.establishment, lambda one: one.code, glance=glance
        )
    except Refused as refused:
        return refused.reason.code
    assert reading.problems.refused <= reading.rows
    return reading.rows, reading.records, reading.problems.first


# -- without atheris -----------------------------------------------------------------------------

ROWS = (
    "91330106MAWDLXX28X,临河农贸市场,市场,330106,120.1,30.2,WGS-84\n"
    '92330106MAUX4U4Q3W,"海川,冷库",冷库,330106002,,,\n'
    '330106000000013,"家""和\n食品",冷库,330106003,121.5,31,GCJ-02\n'
)


def seeds() -> list[bytes]:
    """Give small registers in every format that is no workbook."""
    text = HEADER + ROWS * 20
    plain = [text.encode(one) for one in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030")]
    plain += [text.replace(",", "\t").encode(), text.replace('"', "'").encode("gbk")]
    plain.append(b'{"a": "1", "b": "\xe5\xba\x97", "c": null, "d": 330106, "e": [1]}\n' * 30)
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", plain[0])
        file.writestr("b/c.csv", plain[4])
    plain += [gzip.compress(plain[0]), gzip.compress(plain[2])]
    return [bytes([n]) + one for one in plain for n in range(30)] + [b"\0" + box.getvalue()]


def mutated(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Change bytes in one of the ways that break readers."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at, size = chance.randrange(len(body) + 1), chance.choice((1, 1, 2, 8, 100))
        match chance.randrange(7):
            case 0:
                body[at:at] = chance.randbytes(size)
            case 1:
                del body[at : at + size]
            case 2:
                body[at : at + size] = chance.choice(SIGNS)
            case 3:
                body[at:at] = chance.choice(SIGNS)
            case 4:
                body[at:at] = body[at : at + size * 20] * chance.choice((1, 3, 60))
            case 5:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                body[at:at] = other[start : start + size * 5]
            case _:
                if at < len(body):
                    body[at] ^= 1 << chance.randrange(8)
    return bytes(body[:BYTES_MAX])


SIGNS = (
    b'"', b"'", b",", b"\r", b"\n", b"\0", b"\\", b"\t", b"\xff", b"\xfa\x40", b"\xed\xa0\x80",
    b"\xee\x80\x80", b"\x7f", b"&amp;", b"\xef\xbf\xbd", b"\xe2\x80\x8b", b"9.1E+17", b"1e400",
    b"nan", b"{", b"[", b'{"a":"\\ud800"}', b"\xff\xfe", b"\x1f\x8b", b"120.1", b"-0", b" ",
    b"\x81\x30\x81\x30", b"\xe3\x80\x80", b'"\r\r"', b"5,000(x)",
)  # fmt: skip


def main(seconds: float, seed: int) -> None:
    """Attack with mutations for some seconds; what was found worth keeping is mutated again."""
    chance = random.Random(seed)
    pool, seen, tried = seeds(), set[object](), 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        body = mutated(chance, chance.choice(pool), pool)
        before = time.process_time()
        try:
            attack(body)
        except Exception:
            _keep(body, traceback.format_exc())
        spent = time.process_time() - before
        if spent > SECONDS_MAX:
            _keep(body, f"{spent:.1f} s")
        shape = (round(spent * 2_000), len(body).bit_length(), body[:1])
        if shape not in seen and len(pool) < 5_000:
            seen.add(shape)
            pool.append(body)
        tried += 1
    print(f"{tried} files in {seconds:.0f} s of processor time, seed {seed}")


def _keep(body: bytes, why: str) -> None:
    path = Path(f"crash-{sha256(body).hexdigest()[:16]}")
    path.write_bytes(body)
    print(f"{path}: {why}", file=sys.stderr)


if __name__ == "__main__":
    if atheris is not None and "--seconds" not in sys.argv:
        atheris.Setup(sys.argv, attack)
        atheris.Fuzz()
    else:
        given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
        main(float(given.get("--seconds", "60")), int(given.get("--seed", "1")))
