"""What several tests begin with: fonts, a visit that was recorded, a draw and its changes."""

import pytest
from changes import changed_draw, whole_draw
from papers import visit

from backend.prints import typeset
from backend.prints.facts import Facts
from backend.prints.typeset import Fonts
from backend.rules.bundle import Files


@pytest.fixture(scope="session")
def fonts() -> Fonts:
    return typeset.fonts()


@pytest.fixture(scope="session")
def known() -> Facts:
    return visit().facts()


@pytest.fixture(scope="module")
def whole() -> Files:
    return whole_draw()


@pytest.fixture(scope="module")
def changed(whole: Files) -> Files:
    return changed_draw(whole)
