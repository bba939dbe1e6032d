"""设置: what an operator may set through the environment."""

import re
from pathlib import Path

import pytest

from backend.settings import load
from sync.refusals import Reason, Refused

CLI = Path(__file__).parents[2] / "cli"


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


def test_what_a_command_reads_from_the_environment_is_no_misspelt_setting() -> None:
    texts = [path.read_text("utf-8") for path in CLI.rglob("*.py")]
    names = {name for text in texts for name in re.findall(r"\bEVENHAND_[A-Z_]+[A-Z]\b", text)}

    settings = load(dict.fromkeys(names, "sqlite:///x"))

    assert {"EVENHAND_FONT_DIR", "EVENHAND_SERVER", "EVENHAND_LANG"} <= names
    assert settings.token_hours == 12
