"""行政区划 from the command line, on a local database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Evenhand = Callable[..., Result]

OLD = "Source\tRevision\tCode\tName\ngb\t200212\t110000\t北京市\ngb\t200212\t110228\t密云县\n"
NEW = "code,name\n11,北京市\n110118,密云区\n"


def lists(folder: Path) -> tuple[str, str]:
    (folder / "old.tsv").write_text(OLD, "utf-8")
    (folder / "new.csv").write_bytes(NEW.encode("gb18030"))
    return f"2002-12={folder / 'old.tsv'}", f"2023={folder / 'new.csv'}"


def test_editions_of_any_format_become_one_list(evenhand: Evenhand, tmp_path: Path) -> None:
    old, new = lists(tmp_path)

    folded = evenhand("office", "register", "editions", new, old)

    assert folded.exit_code == 0, folded.output
    assert folded.stdout.splitlines() == [
        "code,name,since,until,successors",
        "11,北京市,2002-12,,",
        "110118,密云区,2023,,",
        "110228,密云县,2002-12,2023,110118",
    ]


def test_a_mapping_names_the_columns_of_a_list_from_elsewhere(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    path, mapping = tmp_path / "list.csv", tmp_path / "list.toml"
    path.write_text("区划代码,名称\n330106,西湖区\n33010,错的\n", "utf-8")
    mapping.write_text('[divisions.fields]\ncode = "区划代码"\nname = "名称"\n', "utf-8")
    words = ("office", "register", "editions", f"2023={path}")

    plain = evenhand(*words)
    mapped = evenhand(*words, "--mapping", str(mapping))

    assert plain.exit_code == 10
    assert "mapping.column-missing" in plain.output
    assert "330106,西湖区,2023,," in mapped.stdout
    assert "row.value-invalid: list.csv:3 区划代码 33010" in mapped.stderr


@pytest.mark.parametrize("words", ["2023", "200212=new.csv", "2023=", "2023=nothing.csv"])
def test_an_edition_that_cannot_be_read_is_refused(evenhand: Evenhand, words: str) -> None:
    refused = evenhand("office", "register", "editions", words)

    assert refused.exit_code == 10
    assert "edition.invalid" in refused.output
