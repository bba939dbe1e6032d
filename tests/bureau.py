"""An office in a fresh local database, for the tests of its commands."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import Result

Evenhand = Callable[..., Result]

FIXTURES = Path(__file__).parents[1] / "fixtures"
DIGITS = "31415926535897932384"
TYPED = f"--digits=dice:hall={DIGITS}"
IMPORT = ("office", "register", "import", "--mapping", str(FIXTURES / "mappings" / "own.toml"))
OFFICERS = {"wang": "supervisor", "li": "supervisor"}


def open_office(evenhand: Evenhand, officers: dict[str, str] = OFFICERS) -> Evenhand:
    """Import our registers, release a checklist, hire officers of 330106 and log in as wang."""
    registers = FIXTURES / "registers"
    hire = ("office", "account", "create")
    for words in (
        (*IMPORT, str(registers / "establishments.csv")),
        (*IMPORT, "--inspectors", str(registers / "inspectors.csv")),
        (*IMPORT, "--recusals", str(registers / "recusals.csv")),
        ("office", "checklist", "release", str(FIXTURES / "checklists" / "cold_store.toml")),
        *((*hire, who, "--role", role, "--division", "330106") for who, role in officers.items()),
        ("office", "login", "wang"),
    ):
        done = evenhand(*words)
        assert done.exit_code == 0, (words, done.output)
    return evenhand


def told(result: Result) -> Any:
    """Read what a command wrote as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def make_plan(evenhand: Evenhand, *more: str) -> Result:
    """Plan cold stores of the coming month."""
    today = datetime.now(UTC).date()
    return evenhand(
        "office", "plan", "create", "2026 年第一批", "--division", "330106", "--rate", "3%",
        "--opens", f"{today + timedelta(days=2)}", "--closes", f"{today + timedelta(days=30)}",
        "--checklist", "*=cold-store-daily", *more, "--json",
    )  # fmt: skip


def type_in(evenhand: Evenhand, draw: str, who: str = "li") -> Result:
    """Let another officer type the digits, and log wang in again."""
    evenhand("office", "login", who)
    done = evenhand("office", "draw", "type", draw, TYPED)
    evenhand("office", "login", "wang")
    return done
