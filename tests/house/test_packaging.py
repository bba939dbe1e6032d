"""The wheel is tested by installing it: what a checkout forgives, a wheel does not."""

import importlib.metadata as metadata
import os
import sqlite3
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = {"backend", "cli", "sync"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned tools, offline."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("evenhand-*.whl")
    return built


def test_the_wheel_holds_our_three_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    top = {name.split("/")[0] for name in names}

    assert {name for name in top if not name.endswith(".dist-info")} == OURS


def test_the_wheel_carries_every_migration_and_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    expected = {f"backend/{p.relative_to(ROOT)}" for p in ROOT.glob("migrations/versions/*.py")}
    expected |= {f"{package}/py.typed" for package in OURS} | {"backend/web/verify.js"}

    assert expected <= names
    assert not any("__pycache__" in name for name in names)


def test_a_device_runs_on_the_base_requirements_alone(wheel: Path, tmp_path: Path) -> None:
    scripts = install(wheel, tmp_path / "device")

    version = run(scripts / "evenhand", "--version", cwd=tmp_path)
    help_text = run(scripts / "evenhand", "device", "--help", cwd=tmp_path)
    server = subprocess.run([scripts / "python", "-c", "import litestar"], capture_output=True)
    refused = subprocess.run([scripts / "evenhand", "server", "check"], capture_output=True)

    assert (refused.returncode, b"install.extra-missing" in refused.stderr) == (17, True)
    assert metadata.version("evenhand") in version
    assert "enrol" in help_text
    assert server.returncode != 0, "litestar came along, so this proves nothing"


def test_an_installed_server_finds_its_migrations(wheel: Path, tmp_path: Path) -> None:
    scripts = install(wheel, tmp_path / "server", extra="server")
    empty = tmp_path / "empty"
    empty.mkdir()
    url = f"sqlite+aiosqlite:///{tmp_path / 'installed.db'}"

    run(scripts / "evenhand", "server", "upgrade", cwd=empty, EVENHAND_DATABASE_URL=url)

    with sqlite3.connect(tmp_path / "installed.db") as db:
        tables = {name for (name,) in db.execute("select name from sqlite_master")}
    assert {"alembic_version", "entry", "plan", "publication"} <= tables


def test_no_other_distribution_installs_our_names() -> None:
    owners = metadata.packages_distributions()

    found = {name: set(owners.get(name, [])) - {"evenhand"} for name in OURS}

    assert found == {name: set() for name in OURS}


def test_data_folders_are_not_packages() -> None:
    folders = [ROOT / name for name in ("migrations", "fixtures", "docs", "bench", "tests")]

    assert [str(f) for f in folders if (f / "__init__.py").exists()] == []


def install(wheel: Path, folder: Path, extra: str = "") -> Path:
    """Make an environment with the wheel and only what it declares; return where its scripts are.

    The declared distributions are linked from the environment of the tests: no network, and a
    requirement that is missing from pyproject.toml is missing here as well.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    scripts = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "--python", scripts / "python", "install", "--no-index", "--no-deps", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    (ours,) = metadata.distributions(name="evenhand", path=[str(site)])
    for distribution in closure(ours, extra):
        for entry in {file.parts[0] for file in distribution.files or [] if ".." not in file.parts}:
            if entry != "__pycache__" and not (site / entry).exists():
                (site / entry).symlink_to(str(distribution.locate_file(entry)))
    return scripts


def closure(start: metadata.Distribution, extra: str) -> list[metadata.Distribution]:
    """Return what a distribution requires, and what that requires, on this machine."""
    seen: dict[tuple[str, str], metadata.Distribution] = {}
    waiting = [(start, {"", extra})]
    while waiting:
        distribution, extras = waiting.pop()
        for line in distribution.requires or []:
            need = Requirement(line)
            if need.marker and not any(need.marker.evaluate({"extra": e}) for e in extras):
                continue
            for wanted in {"", *need.extras}:
                key = (canonicalize_name(need.name), wanted)
                if key not in seen:
                    seen[key] = metadata.distribution(need.name)
                    waiting.append((seen[key], {"", wanted}))
    return list({str(canonicalize_name(d.name)): d for d in seen.values()}.values())


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a command that must succeed and return what it printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("EVENHAND_", "PYTHON"))}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**clean, **environment},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
