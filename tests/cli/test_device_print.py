"""`evenhand device print` and `evenhand verify paper` on a device, without a server."""

import json
import subprocess
import sys
from pathlib import Path

import papers as visits
import pypdfium2
import pytest
from click.testing import CliRunner, Result

from cli.home import Home
from cli.main import main
from sync import checklist, codec
from sync.messages import Enrolled
from sync.ops import Answer
from sync.refusals import Reason
from sync.store import Row

DIGEST = checklist.digest(visits.FORM)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make the folder of a lead's device, with one inspection that was begun and signed."""
    folder, secret = tmp_path / "phone", codec.new_key()
    photo = tmp_path / "a.jpg"
    photo.write_bytes(visits.photo("-12", turned=True))
    device = Home(folder)
    me = Enrolled("dev", "L", "王建国", "沪A0003", "", "", codec.public_key(secret))
    device.replica.enrol(me, server="", secret=secret)
    with device.store.transaction():
        for kind, name, body in (
            ("task", visits.ID, json.dumps(visits.TASK).encode()),
            ("checklist", DIGEST, checklist.canonical(visits.FORM)),
        ):
            device.store.put_row(Row("b", kind, name, "0" * 64, body))
    device.replica.answer(visits.ID, {"1.2": Answer("fail", "库长不在岗")})
    device.replica.attach(visits.ID, device.keep(photo), item="1.2", caption="门口")
    device.replica.sign(visits.ID, "lead")
    device.close()
    return folder


def run(home: Path, *words: str, **env: str) -> Result:
    told = {"EVENHAND_LANG": "en", "EVENHAND_HOME": str(home), **env}
    return CliRunner().invoke(main, words, env=told)


def text_of(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "".join(page.get_textpage().get_text_bounded() for page in document)


def test_a_device_prints_in_the_readers_language_or_in_another(home: Path, tmp_path: Path) -> None:
    plain, chinese, again = (tmp_path / f"{n}.pdf" for n in range(3))

    done = run(home, "device", "print", "09b7e55", "-o", str(plain), "--json")
    run(home, "device", "print", visits.ID, "-o", str(chinese), "--language", "zh")
    run(home, "device", "print", visits.ID, "-o", str(again), EVENHAND_LANG="zh_CN.UTF-8")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["written"], told["lacking"]) == (str(plain), [])
    assert told["code"].startswith(f"EHI1:{visits.ID}:")
    assert "Record of on-site inspection" in text_of(plain)
    assert "现场检查笔录" in text_of(chinese)
    assert again.read_bytes() == chinese.read_bytes()


def test_files_that_are_not_on_this_device_are_named(home: Path, tmp_path: Path) -> None:
    (kept,) = (home / "files").iterdir()
    kept.unlink()

    done = run(home, "device", "print", visits.ID, "-o", str(tmp_path / "a.pdf"))

    assert done.exit_code == 0, done.output
    assert f"Not here: {kept.name}" in done.stdout


def test_what_was_not_begun_or_is_not_here_is_not_printed(home: Path, tmp_path: Path) -> None:
    device = Home(home)
    with device.store.transaction():
        body = json.dumps(visits.TASK | {"id": "other"}).encode()
        device.store.put_row(Row("b", "task", "other", "1" * 64, body))
    device.close()
    out = str(tmp_path / "a.pdf")

    codes = [
        run(home, "device", "print", name, "-o", out).stderr.split(":")[0]
        for name in ("other", "unknown")
    ]
    sampling = run(home, "device", "print", visits.ID, "--what", "sampling", "-o", out)

    assert codes == [Reason.INSPECTION_NOT_BEGUN.code, Reason.INSPECTION_UNKNOWN.code]
    assert sampling.exit_code == Reason.PAPER_NO_SAMPLES.kind
    assert not Path(out).exists()


def test_a_template_of_the_office_is_taken_from_the_environment_and_a_broken_one_refused(
    home: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "templates", tmp_path / "a.pdf"
    folder.mkdir()
    (folder / "record.typ").write_text('#import "paper.typ": *\nOurs: #data.site\n', "utf-8")
    print_it = ("device", "print", visits.ID, "-o", str(out))

    done = run(home, *print_it, EVENHAND_TEMPLATES=str(folder))
    printed = text_of(out)
    (folder / "record.typ").write_text("#nothing\n", "utf-8")
    refused = run(home, *print_it, "--templates", str(folder))

    assert done.exit_code == 0, done.output
    assert printed.strip() == "Ours: 上海望山冷链物流有限公司"
    assert refused.exit_code == Reason.TEMPLATE_WRONG.kind
    assert "file: record.typ" in refused.stderr
    assert "line: 1" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("lacks", ["typst", "PIL"])
def test_a_device_without_the_extra_is_told_what_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("backend.prints")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "sync.photos", raising=False)
    monkeypatch.delattr("sync.photos", raising=False)
    monkeypatch.setitem(sys.modules, lacks, None)

    refused = run(home, "device", "print", visits.ID, "-o", str(tmp_path / "a.pdf"))

    assert refused.exit_code == Reason.EXTRA_MISSING.kind
    assert lacks in refused.stderr
    assert "evenhand[server,print]" in refused.stderr


def test_printing_needs_nothing_of_the_server() -> None:
    server = ("litestar", "sqlmodel", "sqlalchemy", "alembic", "argon2", "pypinyin", "xlsxwriter")
    code = f"import sys, backend.prints.printing; print({set(server)!r} & {{*sys.modules}})"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "set()"


def test_a_paper_is_compared_with_the_inspection_as_the_device_knows_it(
    home: Path, tmp_path: Path
) -> None:
    paper = tmp_path / "a.pdf"
    printed = run(home, "device", "print", visits.ID, "-o", str(paper), "--json")
    code = json.loads(printed.stdout)["code"]

    same = [run(home, "verify", "paper", told, "--device") for told in (str(paper), code)]
    device = Home(home)
    device.replica.find(visits.ID, "过道堆货", basis="—")
    device.close()
    outdated = run(home, "verify", "paper", str(paper), "--device")
    elsewhere = run(home, "verify", "paper", f"EHI1:unknown:{'0' * 64}", "--device")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 of somebody else")
    strange = [run(home, "verify", "paper", told, "--device") for told in
               (str(tmp_path / "b.pdf"), "nothing", "EHI1:x:12")]  # fmt: skip

    assert [one.exit_code for one in same] == [0, 0], same[0].output
    assert visits.ID in same[0].stdout
    assert outdated.exit_code == Reason.PAPER_OUTDATED.kind
    assert code.split(":")[2] in outdated.stderr
    assert elsewhere.exit_code == Reason.INSPECTION_UNKNOWN.kind
    assert {one.exit_code for one in strange} == {Reason.PAPER_CODE_MISSING.kind}
