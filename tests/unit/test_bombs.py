"""压缩炸弹: whatever a file unpacks to, reading it is refused early, in little memory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
MEMORY_MB = 160  # of a process that has read a register: 60 to 80
READ = """
import gzip, io, resource, sys, zipfile
from backend.rules import mapping, reader
from backend.rules.builders import establishment
from backend.rules.sieve import Sieve
from sync.refusals import Refused

class Endless(io.RawIOBase):  # 1 GB that is nowhere
    def __init__(self, piece, size=1 << 30):
        self.piece, self.left, self.at = piece, size, 0
    def readable(self): return True
    def seekable(self): return True
    def tell(self): return self.at
    def seek(self, to, how=0): self.at = to; return to
    def read(self, size=-1):
        got = (self.piece * (size // len(self.piece) + 1))[: min(size, self.left)]
        self.left -= len(got); self.at += len(got)
        return got

def packed(name, piece, times):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as box:
        with box.open(name, "w", force_zip64=True) as file:
            for _ in range(times): file.write(piece)
    body.seek(0)
    return body

def gzipped(piece, times):
    body = io.BytesIO()
    with gzip.GzipFile(fileobj=body, mode="wb") as file:
        for _ in range(times): file.write(piece)
    body.seek(0)
    return body

def nested(depth):
    body = b"a,b\\n1,2\\n"
    for n in range(depth):
        box = io.BytesIO()
        with zipfile.ZipFile(box, "w") as file: file.writestr(f"{n}.zip", body)
        body = box.getvalue()
    return io.BytesIO(body)

ROW = b"a,b,c,d\\n" + b"91330106MAWDLXX28X,x,c,33\\n" * 40_000
MAKE = {
    "line": lambda: Endless(b"x" * 65536),
    "quoted line": lambda: Endless(b'"' + b"x" * 65535),
    "columns": lambda: Endless(b"a," * 32768),
    "no header": lambda: Endless(b"\\n" * 65536, 1 << 24),
    "gzip": lambda: gzipped(ROW, 40),
    "zip": lambda: packed("a.csv", ROW, 40),
    "gzip of a line": lambda: gzipped(b"x" * (1 << 20), 60),
    "nested": lambda: nested(40),
}
table = mapping.Table(fields={"code": "a", "name": "b", "category": "c", "division": "d"})
file = MAKE[sys.argv[1]]()
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    reader.read([("a", file)], table, establishment, lambda one: one.code, glance=Sieve)
    print("read")
except Refused as refused:
    print(refused.reason.code, refused.details, file=sys.stderr)
    print(refused.reason.code)
after = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as file:  # ru_maxrss would be that of the process before
    peak = int(file.read().split("VmHWM:")[1].split()[0])
print(peak // 1024, round(after.ru_utime - before.ru_utime, 1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        ("line", "register.over-limit"),
        ("quoted line", "register.over-limit"),
        ("columns", "register.over-limit"),
        ("no header", "register.not-csv"),
        ("gzip", "register.over-limit"),
        ("zip", "register.over-limit"),
        ("gzip of a line", "register.over-limit"),
        ("nested", "register.not-csv"),
    ],
)
def test_a_bomb_is_refused_in_little_memory_and_time(bomb: str, code: str) -> None:
    command = [sys.executable, "-c", READ, bomb]

    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": ROOT}
    )

    said, measured = done.stdout.splitlines()
    memory, seconds = measured.split()
    assert said == code, done.stderr
    assert int(memory) < MEMORY_MB
    assert float(seconds) < 10
