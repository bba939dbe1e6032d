"""What the operator says of backups, and what it changes for the devices."""

import json
from collections.abc import Callable

from click.testing import Result


def test_the_operator_says_what_is_backed_up_and_that_it_came_back(
    evenhand: Callable[..., Result],
) -> None:
    before = json.loads(evenhand("server", "check", "--json").stdout)

    done = evenhand("server", "backup-done", "0", "--json")
    beyond = evenhand("server", "backup-done", "1")
    back = evenhand("server", "restored", "--json")

    after = json.loads(evenhand("server", "check", "--json").stdout)
    assert before["ledger"] == 0
    assert json.loads(done.stdout) == {"durable": 0}
    assert "backup.ahead" in beyond.stderr
    assert json.loads(back.stdout) == {"ledger": 0}
    assert after["acts"] == before["acts"] + 2  # both are in the journal
