"""设置: what an operator may set through the environment."""

from pathlib import Path

import pytest

from backend.settings import load
from sync.refusals import Reason, Refused


def test_every_kind_of_setting_can_be_set() -> None:
    environment = {
        "EVENHAND_DATA_DIR": "evidence",
        "EVENHAND_TOKEN_HOURS": "8",
        "EVENHAND_DATABASE_URL": "postgresql://host/name",
        "EVENHAND_LANG": "zh",
        "PATH": "elsewhere",
    }

    settings = load(environment)

    assert settings.data_dir == Path("evidence")
    assert settings.token_hours == 8
    assert settings.database_url == "postgresql+asyncpg://host/name"


@pytest.mark.parametrize(
    "wrong",
    [{"EVENHAND_DATADIR": "x"}, {"EVENHAND_TOKEN_HOURS": "0"}, {"EVENHAND_TOKEN_HOURS": "a"}],
)
def test_a_setting_that_is_misspelt_or_out_of_range_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        load(wrong)

    assert caught.value.reason is Reason.SETTING_INVALID
