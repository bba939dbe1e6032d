"""docs/how-to/change-a-document-template.md is run as written against a server of its own."""

from pathlib import Path

import pages
import pypdfium2

NAME = "change-a-document-template.md"
BEFORE = f"""
{pages.STOCKED}{pages.PLANNED}{pages.DISPATCHED}
CODE=$(evenhand office devices invite "$(pick 0 lead certificate)" --json | field code)
evenhand device enrol "$EVENHAND_SERVER" "$CODE" --home phone
evenhand device sync --home phone
TASK=$(pick 0 id)
evenhand device answer "$TASK" 1.1=pass 1.2=fail 2.1=-12.5 --home phone
"""


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    ran = pages.run(pages.page(NAME), BEFORE, tmp_path)

    assert len(ran) == 4
    assert pages.not_printed(ran) == []
    with pypdfium2.PdfDocument(tmp_path / "record.pdf") as document:
        assert "西湖区市场监督管理局" in document[0].get_textpage().get_text_bounded()


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(pages.page(NAME)) == set()


def test_its_pictures_are_there_and_small() -> None:
    for name in ("record.png", "notice.png"):
        assert 0 < (pages.ROOT / "docs" / name).stat().st_size < 200_000
