"""计数: the different values of columns, over all files."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Evenhand = Callable[..., Result]


def test_the_values_of_columns_are_counted_over_all_files(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("shop,visit\nA,1\nA,1\nA,2\n", "utf-8")
    (tmp_path / "b.csv").write_text("visit,shop\n2,B\n,B\n3,B,too many\n", "utf-8")
    files = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    words = ("office", "register", "count", *files, "--column", "visit", "--column", "shop")

    counted = evenhand(*words, "--json")
    missing = evenhand(*words, "--column", "owner")

    assert json.loads(counted.stdout) == [
        {"column": "visit", "rows": 5, "different": 2, "empty": 1},
        {"column": "shop", "rows": 5, "different": 2, "empty": 0},
    ]
    assert missing.exit_code == 10
    assert "mapping.column-missing" in missing.output
