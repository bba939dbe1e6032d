"""`evenhand device arrive`, `answer`, `sign` and `show`, on a phone without a network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import segno
from click.testing import CliRunner, Result
from handset import enrolled
from msgspec.structs import replace
from PIL import Image
from simulation.world import FORM
from telling import tell

from cli.device_arrival import names
from cli.home import Home
from cli.main import main
from sync import codec
from sync.checklist import Choice, Column, Item, Limit, Text
from sync.ops import (
    Answer,
    Arrive,
    DisposeSample,
    SeizeGoods,
    SetAnswers,
    Sign,
    TakeSample,
    TestSample,
    WeighLot,
)
from sync.store import Theirs

T = Text("x", "某")
COLD = (Limit("frozen", T, maximum="-18"), Limit("chilled", T, maximum="8"))
PRICES = (
    Column("goods", Text("Goods", "品名"), "text", required=True),
    Column("yuan", Text("Price", "价格"), "number", required=True),
    Column("day", Text("Day", "日期"), "date"),
    Column(
        "origin", Text("Origin", "产地"), "choice", choices=(Choice("cn", Text("Home", "国产")),)
    ),
)
AB = (Choice("a", Text("Meat", "肉")), Choice("b", Text("Dry fish", "鱼干")))
KINDS = (
    Item("1.1", T, T),
    Item("2.1", T, T, "temperature", unit="°C", limits=COLD, instrument=True),
    Item("2.2", T, T, "number", unit="kg"),
    Item("2.3", T, T, "count"),
    Item("2.4", T, T, "choice", choices=AB, several=True),
    Item("2.5", T, T, "date"),
    Item("2.6", T, T, "text"),
    Item("2.7", T, T, "table", columns=PRICES),
    Item("2.8", T, T, "number", unit="℃", limits=COLD[:1]),
)
KINDRED = replace(FORM, sections=(replace(FORM.sections[0], items=KINDS),))
DRAWN = {"w": 9, "h": 9, "strokes": [[[1, 1, 0], [8, 8, 40]]]}
Run = Callable[..., Result]


def opened(folder: Path) -> Home:
    return Home(folder / "phone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A phone of the lead with one task."""
    draw = {"commit_hash": "abcdef0123456789"}
    enrolled(tmp_path / "phone", {"draw": draw}, forms=(KINDRED,)).close()
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    return lambda *words, zh=False: CliRunner().invoke(
        main, ["device", words[0], "t1", *words[1:], "--home", str(folder / "phone")],
        env={"EVENHAND_LANG": "zh" if zh else "en"},
    )  # fmt: skip


def told_by_wang(folder: Path, *ops: Any) -> None:
    """Let operations of the colleague arrive."""
    home = opened(folder)
    raws = [msgspec.json.encode(op) for op in ops]
    hashes = codec.chain(codec.genesis("d2"), raws)
    with home.store.transaction():
        for n, (raw, hash_) in enumerate(zip(raws, hashes, strict=True), start=1):
            home.store.put_theirs(Theirs(f"d2:{n}", "i:t1", hash_, "wang", raw))
    home.close()


STAMP: dict[str, Any] = {"e": "t1", "w": 1_772_413_200_000, "m": 0, "boot": "b"}


# -- arriving ------------------------------------------------------------------------------------


def test_an_arrival_shows_both_certificates_and_keeps_place_and_approval(
    run: Run, folder: Path
) -> None:
    code = "https://example.org/q?c=91330106ma2cxxxx0x"
    done = run("arrive", "--code", code, "--longitude", "120.1", "--latitude", "30.2",
               "--datum", "GCJ-02", "--accuracy", "8")  # fmt: skip
    home = opened(folder)
    (arrival,) = home.replica.inspection("t1").arrivals or ()
    home.close()
    shown = run("show")

    assert (done.exit_code, arrival.how, arrival.code) == (0, "scanned", code)
    assert (arrival.approval, arrival.certificates) == ("abcdef012345/7", ("33-1", "33-2"))
    assert "approval abcdef012345/7" in done.stdout
    assert "李明, certificate 33-1" in done.stdout
    assert "王芳, certificate 33-2" in done.stdout
    assert "WARNING" not in done.stdout
    assert "120.1, 30.2 (GCJ-02), scanned their code" in shown.stdout


def test_another_establishments_code_is_refused_until_it_is_confirmed(
    run: Run, folder: Path
) -> None:
    refused = run("arrive", "--code", "91330106MA2CXXXX0Y")
    confirmed = run("arrive", "--code", "91330106MA2CXXXX0Y", "--anyway")

    assert refused.exit_code != 0
    assert "arrival.elsewhere" in refused.stderr
    assert "WARNING: the code scanned is not that of 城东冷库" in confirmed.stdout
    home = opened(folder)
    assert [one.op for one in home.replica.inspection("t1").arrivals or ()] == ["d1:1"]
    home.close()


def test_ours_is_a_code_that_a_scanner_reads_with_approval_visit_and_certificates(
    run: Run, tmp_path: Path
) -> None:
    ours = "77号 t1 33-1 33-2"
    shown = run("arrive", "--shown", "--approval", "77号", "--png", str(tmp_path / "ours.png"))

    assert f"our code: {ours}" in shown.stdout
    picture = Image.open(tmp_path / "ours.png").convert("1")
    modules = segno.make_qr(ours, error="m").matrix
    read = [
        [picture.getpixel(((x + 4) * 8 + 4, (y + 4) * 8 + 4)) == 0 for x in range(len(modules))]
        for y in range(len(modules))
    ]
    assert read == [[module & 1 == 1 for module in row] for row in modules]


def test_ours_says_nothing_twice_where_the_task_itself_is_the_approval(run: Run) -> None:
    shown = run("arrive", "--shown", "--approval", "t1")

    assert "our code: t1 33-1 33-2\n" in shown.stdout


def test_ours_is_drawn_in_the_terminal_and_never_over_json(run: Run) -> None:
    drawn = run("arrive", "--shown", zh=True)
    told = run("arrive", "--shown", "--json")

    assert "▄" in drawn.stdout
    assert "检查码：abcdef012345/7 t1 33-1 33-2" in drawn.stdout
    assert json.loads(told.stdout)


def test_a_picture_of_ours_without_showing_it_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("arrive", "--stated", "--png", str(tmp_path / "ours.png"))

    assert done.exit_code == 2
    assert "--png" in done.stderr
    assert not (tmp_path / "ours.png").exists()


@pytest.mark.parametrize("words", [(), ("--shown", "--stated"), ("--shown", "--code", "x")])
def test_one_way_of_arriving_is_told(run: Run, words: tuple[str, ...]) -> None:
    done = run("arrive", *words)

    assert done.exit_code == 2
    assert "--code, --shown, --stated" in done.stderr


def test_a_code_is_named_whole_or_not_at_all() -> None:
    assert names("91330106MA2C-1", "91330106ma2c-1")
    assert names("evenhand://site?c=S1&x=2", "S1")
    assert not names("S12", "S1")
    assert not names("", "S1")


# -- answering -----------------------------------------------------------------------------------


def test_every_kind_is_written_as_its_item_takes_it(run: Run, folder: Path) -> None:
    file = folder / "prices.csv"
    file.write_text('\ufeff价格,Goods\n39.90,米 5 kg\n\n79.00,"油, 5 L"\n', encoding="utf-8")
    done = [
        run("answer", "1.1=na", "2.2=-3.50", "2.3=12", "2.4=b,a", "2.5=2026-11-22", "2.6=a = b"),
        run("answer", "2.1=-17.5", "--instrument", "TH-204", "--probe", "core", "--limit",
            "frozen", "--note", "two readings"),
        run("answer", f"2.7=@{file}", "2.8=-20"),
    ]  # fmt: skip
    home = opened(folder)
    ops = [home.replica.recorded("t1")[n].op for n in range(3)]
    home.close()

    assert [one.exit_code for one in done] == [0] * 3, [one.output for one in done]
    answers = {ref: one for op in ops if isinstance(op, SetAnswers) for ref, one in op.f.items()}
    assert answers["1.1"] == Answer("na")
    assert answers["2.2"] == Answer("-3.50", "", "number", "kg")
    assert answers["2.3"] == Answer("12", "", "count")
    assert answers["2.4"] == Answer("a b", "", "choice")
    assert answers["2.5"] == Answer("2026-11-22", "", "date")
    assert answers["2.6"] == Answer("a = b", "", "text")
    assert answers["2.1"] == Answer(
        "-17.5", "two readings", "number", "°C", "TH-204", "core", "frozen"
    )
    rows = ({"goods": "米 5 kg", "yuan": "39.90", "day": "", "origin": ""},
            {"goods": "油, 5 L", "yuan": "79.00", "day": "", "origin": ""})  # fmt: skip
    assert answers["2.8"] == Answer("-20", "", "number", "℃", limit="frozen")  # there is no other
    assert answers["2.7"] == Answer("2", "", "table", rows=rows)


def test_answers_are_taken_in_the_words_of_the_form_and_of_a_chinese_spreadsheet(
    run: Run, folder: Path
) -> None:
    file = folder / "prices.csv"
    file.write_bytes("品名,价格,日期,产地\r\n大米,3.20,2026/3/1,国产\r\n".encode("gb18030"))

    words = ("1.1=不合格", "2.4=鱼干、Meat", "2.5=2026年3月1日", "2.6=不合格", f"2.7=@{file}")
    done = run("answer", *words)
    again = run("answer", "1.1=不适用", "2.4=Dry fish")
    home = opened(folder)
    first, second = (one.op for one in home.replica.recorded("t1"))
    home.close()

    assert (done.exit_code, again.exit_code) == (0, 0), done.output + again.output
    assert isinstance(first, SetAnswers)
    assert isinstance(second, SetAnswers)
    assert {ref: one.v for ref, one in first.f.items()} == {
        "1.1": "fail", "2.4": "a b", "2.5": "2026-03-01", "2.6": "不合格", "2.7": "1",
    }  # fmt: skip
    assert first.f["2.7"].rows == (
        {"goods": "大米", "yuan": "3.20", "day": "2026-03-01", "origin": "cn"},
    )
    assert {ref: one.v for ref, one in second.f.items()} == {"1.1": "na", "2.4": "b"}


def test_a_refusal_names_what_to_add_and_what_there_is_to_choose(run: Run) -> None:
    measured = run("answer", "2.1=-17.5", "--json")
    chosen = run("answer", "2.4=c", "--json")
    plain = run("answer", "1.1=maybe", "--json")

    assert json.loads(measured.stderr)["details"] == {
        "item": "2.1", "value": "-17.5", "add": "--instrument --limit",
        "choose": "frozen chilled",
    }  # fmt: skip
    assert json.loads(chosen.stderr)["details"] == {"item": "2.4", "value": "c", "choose": "a b"}
    assert json.loads(plain.stderr)["details"] == {"item": "1.1", "value": "maybe"}


@pytest.mark.parametrize(
    "given",
    [
        ("2.1=-17.5", "--limit", "frozen"),  # without the instrument
        ("2.1=-17.5", "--instrument", "x"),  # of two limits none
        ("2.2=1e3",),
        ("2.2=3", "--unit", "t"),
        ("2.3=-1",),
        ("2.4=c",),
        ("2.5=2026-02-30",),
        ("2.6=",),
    ],
)
def test_what_an_item_does_not_take_is_refused(run: Run, given: tuple[str, ...]) -> None:
    done = run("answer", *given)

    assert done.exit_code != 0
    assert "checklist.answer-inadmissible" in done.stderr


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("Goods,Weight\nrice,1\n", 1, 2),
        ("Goods,Goods\nrice,1\n", 1, 2),
        ("Goods\nrice\n", 1, "yuan"),
        ("", 1, "goods yuan"),
        ("Goods,Price\nrice,1\n\noil,cheap\n", 4, "yuan"),
        ("Goods,Price\n,1\n", 2, "goods"),
        ("Goods,Price\nrice\n", 2, "yuan"),
        ("Goods,Price\nrice,1,2\n", 2, 3),
        ("Goods,Price,Day\nrice,1,2026-13-01\n", 2, "day"),
    ],
)
def test_a_table_is_refused_by_row_and_column_and_nothing_is_recorded(
    run: Run, folder: Path, text: str, row: int, column: int | str
) -> None:
    (folder / "x.csv").write_text(text, encoding="utf-8")
    done = run("answer", f"2.7=@{folder / 'x.csv'}", "1.1=pass", "--json")

    told = json.loads(done.stderr)
    assert told["code"] == "table.cell"
    assert (told["details"]["row"], told["details"]["column"]) == (row, column)
    home = opened(folder)
    assert home.replica.unsent() == 0
    home.close()


@pytest.mark.parametrize("body", [None, b"\xff\xfe", b'a,"b', b"x" * (1024 * 1024 + 1)])
def test_a_file_that_is_no_table_is_refused(run: Run, folder: Path, body: bytes | None) -> None:
    if body is not None:
        (folder / "x.csv").write_bytes(body)
    done = run("answer", f"2.7=@{folder / 'x.csv'}")
    typed = run("answer", "2.7=3")

    assert "table.file" in done.stderr
    assert "table.file" in typed.stderr


# -- signing -------------------------------------------------------------------------------------


def test_strokes_go_with_the_signature_and_whoever_is_absent_is_named(
    run: Run, folder: Path
) -> None:
    (folder / "drawn.json").write_text(json.dumps(DRAWN))
    done = run("sign", "--strokes", str(folder / "drawn.json"))
    home = opened(folder)
    state = home.replica.inspection("t1")
    mimes = [file.mime for file in home.store.files()]
    home.close()

    assert done.exit_code == 0, done.output
    assert [(one.role, one.mime) for one in state.evidence] == [
        ("strokes", "application/vnd.evenhand.strokes+json")
    ]
    assert mimes == [state.evidence[0].mime]
    assert state.signatures[0].strokes == state.evidence[0].blob
    assert "WARNING: 王芳 (second) has taken no part" in done.stdout
    assert "李明 (lead) has taken no part" not in done.stdout


def test_a_refusal_to_sign_is_shown_with_its_witness(run: Run, folder: Path) -> None:
    lacking = run("sign", "--site", "王老板", "--refused", "不认可")
    done = run("sign", "--site", "王老板", "--refused", "不认可", "--witness", "赵六")
    shown = run("show", zh=True)

    assert "sign.witness" in lacking.stderr
    assert done.exit_code == 0
    assert "拒绝签名：王老板（现场负责人）" in shown.stdout
    assert "不认可；见证人 赵六" in shown.stdout


def test_rubbish_is_no_signature(run: Run, folder: Path) -> None:
    (folder / "drawn.json").write_text("{}")
    done = run("sign", "--strokes", str(folder / "drawn.json"))
    both = run("sign", "--site", "x", "--refused", "y", "--witness", "z", "--strokes",
               str(folder / "drawn.json"))  # fmt: skip

    assert "strokes.invalid" in done.stderr
    assert both.exit_code == 2


def test_a_colleagues_strokes_that_have_not_arrived_are_shown_as_such(
    run: Run, folder: Path
) -> None:
    run("answer", "1.1=pass")
    told_by_wang(
        folder,
        Arrive(n=1, how="shown", **STAMP),
        Sign(n=2, role="second", covers={}, blobs=(), digest="", strokes="ab" * 32, **STAMP),
    )
    shown = run("show").stdout
    parts = json.loads(run("show", "--json").stdout)["parts"]

    assert "Signed: 王芳 (second), 2026-03-02 01:00:00Z, its strokes have not arrived" in shown
    assert "李明 (lead): recorded; not yet arrived, signed" in shown
    assert "王芳 (second): arrived, signed; not yet recorded" in shown
    assert "WARNING" not in shown
    assert [(one["who"], one["did"]) for one in parts] == [
        ("li", ["recorded"]), ("wang", ["arrived", "signed"]),
    ]  # fmt: skip


def test_what_was_found_on_site_is_shown(run: Run, folder: Path) -> None:
    home = opened(folder)
    one = home.replica
    tell(one, "t1", TakeSample, number="S-1", of="goods", what="鲈鱼", quantity="1.5", unit="kg")
    tell(
        one,
        "t1",
        TestSample,
        sample="d1:1",
        test="孔雀石绿",
        verdict="fail",
        result="2.4",
        unit="μg/kg",
        limit="0",
    )
    tell(one, "t1", DisposeSample, sample="d1:1", disposal="无害化销毁")
    tell(
        one,
        "t1",
        SeizeGoods,
        what="奶粉",
        measure="seize",
        quantity="12",
        unit="罐",
        number="扣3号",
    )
    tell(one, "t1", WeighLot, what="大米", nominal="5000", unit="g", lot="240", contents=["4985.5"])
    one.void("t1", "d1:4", reason="数错")
    home.close()
    shown = run("show", zh=True).stdout

    assert "样品 S-1 (物品): 鲈鱼 1.5 kg\n  d1:1\n" in shown
    assert "    孔雀石绿 不合格 2.4 μg/kg 限值 0\n      d1:2\n" in shown
    assert "    无害化销毁\n      d1:3\n" in shown
    assert "扣押 奶粉 12 罐 扣3号（已作废：数错）\n  d1:4\n" in shown
    assert "净含量 大米 5000 g，批量 240：4985.5\n  d1:5\n" in shown
    assert "警告：王芳（协办）尚无本人到场" in shown
