"""名录导出 from the command line: into a file that is whole, or to standard output."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

FIXTURES = Path(__file__).parents[2] / "fixtures"
LOAD = ("office", "register", "import", "--mapping", str(FIXTURES / "mappings" / "own.toml"))
LEAVE = ("office", "register", "export", "inspectors")

Evenhand = Callable[..., Result]


def test_an_export_is_imported_again_without_a_mapping(evenhand: Evenhand, tmp_path: Path) -> None:
    people, book = FIXTURES / "registers" / "inspectors.csv", tmp_path / "people.xlsx"
    loaded = evenhand(*LOAD, "--inspectors", str(people))

    left = evenhand(*LEAVE, "--output", str(book))
    again = evenhand("office", "register", "import", "--inspectors", str(book))
    printed = evenhand(*LEAVE)

    assert loaded.exit_code == left.exit_code == 0, left.output
    assert str(book) in left.stderr
    assert [one.name for one in tmp_path.glob("people*")] == ["people.xlsx"]
    assert "60 rows" in again.output, again.output
    assert "0 new, 0 changed, 60 unchanged, 0 refused" in again.output
    assert printed.stdout_bytes.startswith(b"\xef\xbb\xbfcertificate,name,")
    assert printed.stdout_bytes.count(b"\r\n") == 61


def test_an_export_goes_on_quietly_when_the_next_program_has_enough(
    evenhand: Evenhand,
) -> None:
    evenhand(*LOAD, str(FIXTURES / "registers" / "establishments.csv"))
    script = f"{sys.executable} -m cli office register export establishments | head -n 1"

    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, check=True, cwd=FIXTURES.parent, env=os.environ
    )

    assert done.stdout.startswith(b"\xef\xbb\xbfcode,name,")
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_a_refused_export_leaves_no_file(evenhand: Evenhand, tmp_path: Path) -> None:
    evenhand("office", "logout")

    refused = evenhand(*LEAVE, "--output", str(tmp_path / "people.csv"))

    assert refused.exit_code == 11
    assert "auth.not-logged-in" in refused.output
    assert list(tmp_path.glob("people*")) == []
