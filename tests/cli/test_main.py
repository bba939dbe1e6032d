import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from conftest import PASSWORD

from cli.main import GROUPS, main
from cli.output import language

SLOW = ("litestar", "sqlmodel", "sqlalchemy", "alembic", "backend", "httpx", "rich", "PIL")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: a local database with an admin, and nothing else configured."""
    for name in ("EVENHAND_SERVER", "EVENHAND_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVENHAND_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("EVENHAND_DATABASE_URL", f"sqlite:///{tmp_path}/local.db")
    monkeypatch.setenv("EVENHAND_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("EVENHAND_PASSWORD", PASSWORD)
    monkeypatch.setenv("EVENHAND_PASSWORD_MEMORY_KIB", "8")
    monkeypatch.setenv("EVENHAND_PASSWORD_TIME", "1")
    monkeypatch.setenv("EVENHAND_PASSWORD_LANES", "1")
    return tmp_path


@pytest.fixture
def bureau(home: Path) -> Path:
    assert run("server", "upgrade").exit_code == 0
    assert run("server", "init-admin", "王主任").exit_code == 0
    return home


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_help_names_every_group_and_imports_none_of_their_libraries() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from cli.main import main\n"
        "print(CliRunner().invoke(main, ['--help']).output)\n"
        f"print('loaded', sorted({set(SLOW)!r} & {{*sys.modules}}))"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert all(f"  {name} " in out.stdout for name in GROUPS)
    assert "loaded []" in out.stdout


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


# What these write is a file already, for machines and people alike.
WRITE_FILES = {
    ("office", "ledger", "export"),
    ("office", "register", "editions"),
    ("office", "register", "export"),
}


def test_every_command_explains_itself_and_takes_json() -> None:
    shown = {words: run(*words, "--help") for words in commands(main)}

    assert [words for words, done in shown.items() if done.exit_code != 0] == []
    assert {words for words, done in shown.items() if "--json" not in done.output} == WRITE_FILES
    assert [words for words, done in shown.items() if done.output.count("\n") < 5] == []


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("office", "account", "create", "x", "--role", "admin", "--division", "1"), 10, "body"),
        (("office", "login", "nobody"), 11, "auth.login-wrong"),
        (("office", "account", "deactivate", "none"), 13, "account.not-found"),
        (("server", "init-admin", "second"), 14, "server.set-up"),
    ],
)
def test_a_refusal_tells_what_to_do_and_sets_the_exit_status(
    words: tuple[str, ...], status: int, code: str, bureau: Path
) -> None:
    run("office", "login", "王主任")

    done = run(*words)

    assert done.exit_code == status
    assert done.stdout == ""
    assert done.stderr.startswith(code)
    assert "→ " in done.stderr


def test_without_a_login_the_office_refuses(bureau: Path) -> None:
    done = run("office", "whoami")

    assert done.exit_code == 11
    assert done.stderr.startswith("auth.not-logged-in")


def test_without_a_schema_the_local_office_says_how_to_get_one(home: Path) -> None:
    done = run("office", "whoami")

    assert done.exit_code == 14
    assert "evenhand server upgrade" in done.stderr


def test_no_server_is_no_refusal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_SERVER", "http://127.0.0.1:9")

    done = run("office", "whoami")

    assert done.exit_code == 75
    assert done.stderr.startswith("unreachable: http://127.0.0.1:9")
    assert "→ Nothing is lost. Run it again when there is a network" in done.stderr


def test_no_server_is_told_to_programs_as_a_document(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_SERVER", "http://127.0.0.1:9")

    done = run("office", "whoami", "--json")

    assert done.exit_code == 75
    assert json.loads(done.stderr)["code"] == "unreachable"


def test_a_misspelt_setting_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_DATBASE_URL", "sqlite:///x.db")

    done = run("server", "check")

    assert done.exit_code == 10
    assert "unknown field `datbase_url`" in done.stderr


def test_an_unknown_kind_of_database_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_DATABASE_URL", "mysql://localhost/x")

    done = run("server", "check")

    assert done.exit_code == 10
    assert done.stderr.startswith("setting.database-unknown")


def test_a_refusal_is_one_json_document_for_a_program(bureau: Path) -> None:
    done = run("office", "whoami", "--json")

    problem = json.loads(done.stderr)
    assert done.stdout == ""
    assert problem["code"] == "auth.not-logged-in"
    assert problem["title"] == "请求未携带有效会话"
    assert problem["remedy_en"].startswith("Log in again")


def test_a_result_is_one_json_document_for_a_program(bureau: Path) -> None:
    login = run("office", "login", "王主任", "--json")
    listed = run("--json", "office", "account", "list")

    assert json.loads(login.stdout)["role"] == "admin"
    assert [account["name"] for account in json.loads(listed.stdout)] == ["王主任"]


def test_the_day_of_an_account(bureau: Path) -> None:
    run("office", "login", "王主任")

    made = run("office", "account", "create", "李四", "--role", "reviewer", "--division", "3301")
    table = run("office", "account", "list")
    number = json.loads(run("office", "account", "list", "--json").stdout)[0]["id"]
    closed = run("office", "account", "deactivate", number)
    out = run("office", "logout")

    assert made.exit_code == table.exit_code == closed.exit_code == out.exit_code == 0
    assert "李四" in table.stdout
    assert "active: False" in closed.stdout
    assert run("office", "whoami").exit_code == 11


def test_a_session_is_kept_where_only_its_owner_reads(bureau: Path) -> None:
    run("office", "login", "王主任")

    kept = bureau / "config" / "sessions.json"

    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(kept.read_bytes())) == ["local"]


def test_a_check_finds_the_journal_whole(bureau: Path) -> None:
    done = run("server", "check", "--json")

    assert json.loads(done.stdout).items() >= {"database": "sqlite", "acts": 1}.items()


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "EVENHAND_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "EVENHAND_LANG": "en"}, "en"),
    ],
)
def test_the_language_follows_the_setting_then_the_locale(
    environment: dict[str, str], chosen: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert language() == chosen


def test_a_refusal_speaks_chinese_to_who_wants_it(
    bureau: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    done = run("office", "whoami")

    assert "请求未携带有效会话" in done.stderr
    assert "请重新登录" in done.stderr
