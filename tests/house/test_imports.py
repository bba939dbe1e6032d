"""A phone must not pay for a server it does not have."""

import subprocess
import sys

import pytest

SERVER = ("backend", "alembic", "litestar", "PIL", "sqlalchemy", "sqlmodel")


@pytest.mark.parametrize("module", ["cli.main", "cli.device", "cli.client", "sync.sqlite_store"])
def test_a_device_command_never_imports_the_server(module: str) -> None:
    code = f"import sys, {module}; print(sorted({set(SERVER)!r} & {{*sys.modules}}))"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"
