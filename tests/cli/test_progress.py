"""导入进度 at a terminal: rows per second, per cent and the time left; nothing for programs."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result

from cli.office.progress import Pace, State, Watch, clock

OWN = str(Path(__file__).parents[2] / "fixtures" / "mappings" / "own.toml")
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
RECORDED = (  # of an import of 300,000 rows, with the second at which each was seen
    (0.0, State("uploading", 0, 30_000)),
    (2.0, State("uploading", 15_000, 30_000)),
    (4.0, State("checking", 0, 30_000)),
    (5.0, State("reading", 0, 30_000)),
    (8.0, State("reading", 10_000, 30_000, 105_000)),
    (14.0, State("reading", 30_000, 30_000, 300_000)),
    (15.0, State("comparing", 30_000, 30_000, 300_000)),
    (17.0, State("writing", 30_000, 30_000, 300_000)),
    (19.0, State("indexing", 0, 0, 300_000)),
)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")


def test_recorded_states_are_told_with_speed_part_and_time_left() -> None:
    pace = Pace()

    told = [pace.tell(state, at) for at, state in RECORDED]

    assert told == [
        "Uploading · 0%",
        "Uploading · 50% · 0:02 left",
        "Checking · 0%",
        "Reading · 0%",
        "Reading · 33% · 105,000 rows · 35,000 rows/s · 0:06 left",
        "Reading · 100% · 300,000 rows · 33,333 rows/s",
        "Comparing with the register · 300,000 rows",
        "Writing · 300,000 rows",
        "Taking into the search index · 300,000 rows",
    ]


def test_they_are_told_in_chinese_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    pace = Pace()

    told = [pace.tell(state, at) for at, state in RECORDED]

    assert told[4] == "正在读取 · 33% · 105,000 行 · 每秒 35,000 行 · 剩余 0:06"


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3_725, "1:02:05")]
)
def test_a_time_is_written_as_clocks_do(seconds: float, written: str) -> None:
    assert clock(seconds) == written


def test_what_is_sent_is_counted_while_it_is_read_from_the_disk() -> None:
    watch = Watch()
    [(_, file)] = watch.files([("a.csv", BytesIO(b"x" * 100))])

    file.read(40)

    assert watch.state() == State("uploading", 40, 100)


def rows(path: Path, count: int) -> str:
    lines = (f"33010{n:010},商行{n},冷库,330106,人民路{n}号,B,存续,,\n" for n in range(count))
    path.write_text(HEADER + "".join(lines), "utf-8")
    return str(path)


def test_a_terminal_shows_the_speed_of_an_import_and_a_program_nothing(
    evenhand: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rows(tmp_path / "a.csv", 50_000)
    load = ("office", "register", "import", "--mapping", OWN, path)

    quiet = evenhand(*load, "--dry-run")
    monkeypatch.setenv("FORCE_COLOR", "1")  # to the printing library: this is a terminal
    monkeypatch.setenv("COLUMNS", "120")
    program = evenhand(*load, "--dry-run", "--json")
    person = evenhand(*load)

    assert (quiet.exit_code, program.exit_code, person.exit_code) == (0, 0, 0)
    assert quiet.stderr == program.stderr == ""
    assert json.loads(program.stdout)["rows"] == 50_000
    assert re.search(r"Reading · \d+% · [\d,]+ rows · [\d,]+ rows/s · 0:\d\d left", person.stderr)
