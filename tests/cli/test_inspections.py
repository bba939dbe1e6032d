"""检查结果 from the command line: from a visit to a folder that verifies."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import NOW, PASSWORD, Clock, Office
from PIL import Image
from visits import DIVISION, Visit, dispatched, photo, store

from backend.app import create_app
from backend.settings import Settings, load
from cli.main import main

Evenhand = Callable[..., Result]


async def visited(settings: Settings) -> tuple[str, str, str]:
    """One failed inspection and one in conflict; gives both and the photo's digest."""
    clock, body = Clock(NOW), photo()
    app = create_app(settings, now=clock)
    async with app.lifespan():
        office = Office(app, settings, clock)
        tasks = await dispatched(office)
        failed, torn = Visit(tasks[0]), Visit(tasks[1])
        failed.answer_all("lead", i1_1="fail")
        digest = failed.attach("second", body, item="1.1")
        failed.sign("lead", "second")
        torn.answer("lead", i1_1="pass")
        torn.answer("second", i1_1="fail")
        shut = Visit(tasks[2])
        shut.attach("lead", body, caption="大门紧闭")
        shut.sign("lead", "second")
        for visit in (failed, torn, shut):
            await visit.arrive(office)
        await store(office, body)
        await office.account("supervisor", DIVISION, name="主管")
        await office.account("reviewer", DIVISION, name="审核")
        await office.close()
    return tasks[0].id, tasks[1].id, digest


@pytest.fixture
def evenhand(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evenhand:
    given = {
        "EVENHAND_DATABASE_URL": database_url,
        "EVENHAND_DATA_DIR": str(tmp_path / "data"),
        "EVENHAND_PASSWORD_MEMORY_KIB": "8",
        "EVENHAND_PASSWORD_TIME": "1",
        "EVENHAND_PASSWORD_LANES": "1",
        "EVENHAND_PASSWORD": PASSWORD,
        "EVENHAND_CONFIG_DIR": str(tmp_path / "config"),
        "EVENHAND_LANG": "en",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("EVENHAND_SERVER", raising=False)
    return lambda *words: CliRunner().invoke(main, words)


def test_an_office_concludes_reviews_publishes_and_anyone_verifies(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, torn, digest = asyncio.run(visited(load(dict(os.environ))))
    site = tmp_path / "site"

    evenhand("office", "login", "主管")
    listed = evenhand("office", "inspection", "list", "--json")
    conflicts = evenhand("office", "conflicts")
    refused = evenhand("office", "inspection", "conclude", torn)
    concluded = evenhand("office", "inspection", "conclude", failed)
    lines = json.loads(listed.output)
    shut = next(one["id"] for one in lines if one["stage"] == "signed" and one["id"] != failed)
    open_items = evenhand("office", "inspection", "conclude", shut)
    gone = evenhand(
        "office", "inspection", "conclude", shut, "--result", "unreachable",
        "--remark", "无人应答", "--follow-up", "copy",
    )  # fmt: skip
    evenhand("office", "login", "审核")
    unclear = evenhand("office", "inspection", "review", failed)
    sheet, picture = tmp_path / "sheet.pdf", tmp_path / "picture.jpg"
    printed = evenhand("office", "inspection", "sheet", failed, "-o", str(sheet))
    masked = evenhand("office", "photos", "mask", failed, digest, "--box", "0,0,90,90", "--json")
    wrong = evenhand("office", "photos", "mask", failed, digest, "--box", "0,0,90")
    seen = evenhand("office", "photos", "show", failed, digest, "--public", "-o", str(picture))
    review = ("office", "inspection", "review", failed, "--approve", "--photo", digest)
    reviewed = evenhand(*review, "--mask", f"{digest}:0,0,64,48", "--mask", f"{digest}:100,0,9,9")
    published = evenhand("office", "publish", "--to", str(site))
    again = evenhand("office", "publish", "--to", str(site), "--json")
    verified = evenhand("verify", "publication", str(site))
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    shown = evenhand("office", "inspection", "show", failed)

    assert {line["id"] for line in json.loads(listed.output)} >= {failed, torn}
    assert "Items in conflict: 1." in conflicts.output
    assert [conflicts.output.count(f"    {said}  检查员") for said in ("pass", "fail")] == [1, 1]
    assert (refused.exit_code, "inspection.in-conflict" in refused.output) == (14, True)
    assert "Ordered to put right 1.1" in concluded.output, concluded.output
    assert "verdict.incomplete" in open_items.stderr
    assert "Result: Not reachable at the registered address" in gone.stdout, gone.output
    assert "Follows: Other departments told" in gone.stdout
    assert unclear.exit_code == 2
    assert reviewed.exit_code == 0, reviewed.output
    assert "Results published: 1" in published.output, published.output
    assert json.loads(again.output) == {"published": [], "refused": [], "waiting": 0}
    assert (printed.exit_code, sheet.read_bytes()[:5]) == (0, b"%PDF-"), printed.output
    assert json.loads(masked.stdout)["masks"] == [[0, 0, 90, 90]]
    assert wrong.exit_code == 2
    assert (seen.exit_code, picture.read_bytes()[:2]) == (0, b"\xff\xd8"), seen.output
    published_photo = Image.open(site / "photos" / failed / "1.jpg").convert("L")
    assert published_photo.crop((2, 2, 60, 44)).getextrema()[1] < 8
    assert published_photo.getpixel((80, 60)) > 20
    assert "says no time" in concluded.output or "says nothing about itself" in concluded.output
    assert (site / "photos" / failed / "1.jpg").is_file()
    assert verified.exit_code == 0, verified.output
    assert "责令整改" in shown.output


def test_a_folder_of_somebody_else_is_not_overwritten(evenhand: Evenhand, tmp_path: Path) -> None:
    asyncio.run(visited(load(dict(os.environ))))
    evenhand("office", "login", "审核")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")

    refused = evenhand("office", "publish", "--to", str(tmp_path / "letters"))

    assert refused.exit_code == 2
    assert (tmp_path / "letters" / "dear.txt").read_text() == "dear"
