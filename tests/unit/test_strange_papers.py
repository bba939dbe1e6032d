"""Documents of what no device of ours would let be recorded: they are set all the same."""

import pytest
from papers import pages, squeezed, visit, written

from backend.prints.paper_words import What
from backend.prints.typeset import Fonts
from sync.ops import AddFinding, Sign, TakeSample

WORDY: tuple[What, ...] = ("record", "sampling")


def test_what_a_device_calls_strokes_or_a_file_is_any_text(fonts: Fonts) -> None:
    on = visit(signed=False)
    twice = on.attach("a", b"{}", "application/pdf", caption="兼作笔迹的文件")
    for strokes in (twice, "a\r\nb\u2028c\td", "\0", "../../etc/passwd"):
        on.add("a", Sign, role="lead", covers={}, blobs=(), digest="", strokes=strokes)

    told = squeezed(" ".join(pages(written("record", on.facts(), "zh", fonts))))

    assert "兼作笔迹的文件" in told
    assert "../../etc/passwd" in told


@pytest.mark.parametrize("word", ["x" * 50, "1" * 14, "🐟🐟"])
def test_a_text_of_any_number_of_long_words_is_set(word: str, fonts: Fonts) -> None:
    on, many = visit(), " ".join([word] * 1_500)
    on.add("a", AddFinding, text=many, basis="依据")
    on.add("b", TakeSample, number="1", of="goods", what=many)

    told = [pages(written(what, on.facts(), "zh", fonts)) for what in WORDY]

    assert all(len(one) > 1 for one in told)
