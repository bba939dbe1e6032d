"""What is recorded on site beside answers: recording, the server's verdict, and the fold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from replicas import OK, paired, phone
from simulation.memory_hub import MemoryHub
from telling import tell
from vectors.sync_vectors import read

from sync import hub, ops, particulars
from sync.exchange import drive, exchange
from sync.merge import covered, digest, fold
from sync.ops import Arrive, DisposeSample, SeizeGoods, TakeSample, TestSample, WeighLot
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import File

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
STAMP: dict[str, Any] = {"e": "t1", "w": 0, "m": 0, "boot": "b"}
DRAWN = File("cd" * 32, 300, "application/json")
FACTS = {"t1": hub.Facts({"li": "lead", "wang": "second"}, lambda _ref, _answer: None)}


@pytest.fixture
def server() -> MemoryHub:
    return paired()


def refused(act: Callable[[], object], reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.reason is reason


def admit(op: Any) -> tuple[str, str]:
    verdict = hub.admit(msgspec.json.encode(op), 1, "li", False, FACTS)
    return verdict.verdict, verdict.why


def met(one: Replica, *others: Replica, server: MemoryHub) -> None:
    for each in (one, *others, one):
        drive(exchange(each), server.ask)


# -- recording -----------------------------------------------------------------------------------


def test_a_sample_of_one_is_tested_by_another_and_both_show_the_same(server: MemoryHub) -> None:
    li, wang = phone(server), phone(server, "wang")
    tell(
        li,
        "t1",
        Arrive,
        how="scanned",
        code="91330106MA2C",
        longitude="120.1",
        latitude="30.2",
        datum="GCJ-02",
        accuracy="8",
    )
    tell(li, "t1", TakeSample, number="S-1", of="goods", what="鲈鱼", quantity="1.5", unit="kg")
    met(li, wang, server=server)
    (sample,) = wang.inspection("t1").samples or ()
    tell(
        wang,
        "t1",
        TestSample,
        sample=sample.op,
        test="孔雀石绿",
        verdict="fail",
        result="2.4",
        unit="μg/kg",
    )
    tell(wang, "t1", TestSample, sample=sample.op, test="孔雀石绿", verdict="pass", retest=True)
    tell(wang, "t1", DisposeSample, sample=sample.op, disposal="无害化销毁")
    tell(wang, "t1", SeizeGoods, what="活鱼", measure="seize", quantity="12", unit="kg")
    tell(
        wang,
        "t1",
        WeighLot,
        what="大米",
        nominal="5000",
        unit="g",
        lot="240",
        contents=["4985.5", "5002"],
    )
    met(wang, li, server=server)
    state = li.inspection("t1")

    assert state == wang.inspection("t1") == server.inspection("t1")
    (sample,) = state.samples or ()
    assert {one.verdict for one in sample.tests} == {"pass", "fail"}
    assert [one.disposal for one in sample.disposals] == ["无害化销毁"]
    assert [one.quantity for one in state.seizures or ()] == ["12"]
    assert [one.contents for one in state.lots or ()] == [("4985.5", "5002")]
    assert [(one.code, one.datum) for one in state.arrivals or ()] == [("91330106MA2C", "GCJ-02")]
    assert state.astray is msgspec.UNSET


def test_each_of_them_may_be_withdrawn_and_stays_visible(server: MemoryHub) -> None:
    li = phone(server)
    tell(li, "t1", Arrive, how="shown")
    tell(li, "t1", TakeSample, number="S-1", of="person", what="咽拭子")
    tell(li, "t1", TestSample, sample="d1:2", test="x", verdict="unclear")
    tell(li, "t1", DisposeSample, sample="d1:2", disposal="退还")
    tell(li, "t1", SeizeGoods, what="x", measure="seal", quantity="1", unit="间")
    tell(li, "t1", WeighLot, what="x", nominal="5", unit="kg", lot="9", contents=["4.9"])
    for n in range(1, 7):
        li.void("t1", f"d1:{n}", reason=f"wrong {n}")
    state = li.inspection("t1")

    voided = sorted((one.op, one.voided) for one in state.recorded)
    assert voided == [(f"d1:{n}", f"wrong {n}") for n in range(1, 7)]
    refused(lambda: li.void("t1", "d1:7", reason="x"), Reason.VOID_TARGET)


def test_what_comes_after_both_signed_is_late_and_counts_nowhere(server: MemoryHub) -> None:
    li, wang = phone(server), phone(server, "wang")
    li.sign("t1", "lead")
    wang.sign("t1", "second")
    tell(li, "t1", TakeSample, number="S-1", of="goods", what="x")
    met(li, wang, server=server)

    assert li.inspection("t1").late == ("d1:2",)
    assert li.inspection("t1").samples is msgspec.UNSET


def test_what_is_no_number_no_place_and_no_sample_is_refused(server: MemoryHub) -> None:
    li = phone(server)
    place = {"longitude": "120", "latitude": "30", "datum": "WGS-84"}

    for wrong in ("-1", "1e3", "1.", "many", "1234567890123"):
        refused(
            lambda q=wrong: tell(
                li, "t1", SeizeGoods, what="x", measure="seal", quantity=q, unit="kg"
            ),
            Reason.DECIMAL_INVALID,
        )
    for wrong_place in (
        {"longitude": "181"}, {"latitude": "-90.1"}, {"datum": "CGCS"}, {"latitude": ""},
    ):  # fmt: skip
        refused(
            lambda p=wrong_place: tell(li, "t1", Arrive, how="shown", **place | p),
            Reason.PLACE_INVALID,
        )
    refused(lambda: tell(li, "t1", Arrive, how="shown", accuracy="5"), Reason.PLACE_INVALID)
    refused(
        lambda: tell(li, "t1", Arrive, how="shown", **place, accuracy="-5"), Reason.DECIMAL_INVALID
    )
    refused(
        lambda: tell(li, "t1", TestSample, sample="d9:9", test="x", verdict="pass"),
        Reason.SAMPLE_UNKNOWN,
    )
    refused(
        lambda: tell(li, "t1", DisposeSample, sample="d1:1", disposal="x"), Reason.SAMPLE_UNKNOWN
    )
    refused(lambda: tell(li, "t9", Arrive, how="shown"), Reason.INSPECTION_UNKNOWN)
    codes = (Reason.DECIMAL_INVALID.code, Reason.PLACE_INVALID.code, Reason.SAMPLE_UNKNOWN.code)
    assert codes == ("decimal.invalid", "place.invalid", "sample.unknown")
    assert li.unsent() == 0


# -- signatures ----------------------------------------------------------------------------------


def test_strokes_travel_as_evidence_that_the_signature_covers(server: MemoryHub) -> None:
    li = phone(server)
    mine = li.sign("t1", "lead", strokes=DRAWN)
    sign, state = ops.decode_op(mine.raw), li.inspection("t1")

    assert isinstance(sign, ops.Sign)
    assert (mine.n, sign.strokes, sign.blobs) == (2, DRAWN.sha256, (DRAWN.sha256,))
    assert covered(sign.covers, "d1:1")
    assert [(one.blob, one.role) for one in state.evidence] == [(DRAWN.sha256, "strokes")]
    assert [one.strokes for one in state.signatures] == [DRAWN.sha256]
    assert [file.sha256 for file in li.store.files()] == [DRAWN.sha256]


def test_a_signature_that_is_refused_leaves_no_strokes_behind(server: MemoryHub) -> None:
    li = phone(server)
    li.sign("t1", "lead")

    refused(lambda: li.sign("t1", "lead", strokes=DRAWN), Reason.SIGN_REASON_MISSING)
    refused(lambda: li.sign("t1", "lead", strokes=File("0", 0, "x")), Reason.EVIDENCE_EMPTY)
    assert (li.unsent(), li.inspection("t1").evidence, li.store.files()) == (1, (), [])


def test_who_is_in_charge_may_refuse_before_a_witness_and_nobody_else_may(
    server: MemoryHub,
) -> None:
    li = phone(server)
    li.sign("t1", "site", name="王老板", refused="不认可", witness="赵六")
    shown = li.inspection("t1").signatures[0]

    assert (shown.name, shown.refused, shown.witness) == ("王老板", "不认可", "赵六")
    told: dict[str, Any] = {"refused": "x", "witness": "y"}
    refused(lambda: li.sign("t1", "lead", **told), Reason.SIGN_ROLE)
    refused(lambda: li.sign("t1", "site", **told, strokes=DRAWN), Reason.SIGN_ROLE)
    refused(lambda: li.sign("t1", "site", refused="x"), Reason.SIGN_WITNESS)
    refused(lambda: li.sign("t1", "site", witness="y"), Reason.SIGN_WITNESS)
    assert (li.unsent(), Reason.SIGN_WITNESS.code) == (1, "sign.witness")


# -- what the server says of it ------------------------------------------------------------------


def test_what_is_told_of_a_sample_that_nobody_took_counts() -> None:
    lost = ops.TestSample(n=1, sample="x:9", test="t", verdict="fail", **STAMP)
    gone = ops.DisposeSample(n=1, sample="x", disposal="", **STAMP)
    empty = ops.SeizeGoods(n=1, what="", quantity="", unit="", measure="seal", **STAMP)

    assert [admit(op) for op in (lost, gone, empty)] == [("ok", "")] * 3


LOT: dict[str, Any] = {"what": "米", "nominal": "5", "unit": "kg", "lot": "9", "contents": ("4.9",)}
PLACE = {"longitude": "120", "latitude": "30", "datum": "WGS-84"}
UNUSABLE: list[tuple[type[ops.Particular], dict[str, Any], Reason]] = [
    (WeighLot, LOT | {"lot": "many"}, Reason.DECIMAL_INVALID),
    (WeighLot, LOT | {"contents": ("4.9", "٣")}, Reason.DECIMAL_INVALID),
    (WeighLot, LOT | {"contents": ("1",) * 1_001}, Reason.TEXT_INVALID),
    (WeighLot, LOT | {"item": "x" * 2_001}, Reason.TEXT_INVALID),
    (SeizeGoods, {"what": "奶", "quantity": "1e999", "unit": "", "measure": "seal"},
     Reason.DECIMAL_INVALID),
    (TakeSample, {"number": "1", "of": "goods", "what": "x", "quantity": "-1"},
     Reason.DECIMAL_INVALID),
    (TakeSample, {"number": "\0", "of": "goods", "what": "x"}, Reason.TEXT_INVALID),
    (TestSample, {"sample": "x:1", "test": "长" * 2_001, "verdict": "pass"}, Reason.TEXT_INVALID),
    (DisposeSample, {"sample": "x:1", "disposal": "\0"}, Reason.TEXT_INVALID),
    (Arrive, {"how": "shown", "certificates": ("a", "b\0")}, Reason.TEXT_INVALID),
    (Arrive, {"how": "shown", **PLACE, "latitude": "91"}, Reason.PLACE_INVALID),
    (Arrive, {"how": "shown", "accuracy": "near", **PLACE}, Reason.DECIMAL_INVALID),
    (Arrive, {"how": "shown", "datum": "WGS-84"}, Reason.PLACE_INVALID),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said", "reason"), UNUSABLE)
def test_what_nobody_can_use_is_refused_by_the_device_and_held_back_by_the_server(
    kind: type[ops.Particular], said: dict[str, Any], reason: Reason
) -> None:
    op = kind(n=1, **said, **STAMP)
    released = hub.admit(msgspec.json.encode(op), 1, "li", False, FACTS, (reason.code,))

    assert admit(op) == ("quarantined", reason.code)
    assert (released.verdict, reason.code in hub.WAIVABLE) == ("ok", True)
    refused(lambda: particulars.check(op), reason)


def test_each_fault_of_a_record_is_set_aside_by_itself() -> None:
    told = [Reason.TEXT_INVALID.code, Reason.DECIMAL_INVALID.code, Reason.PLACE_INVALID.code]
    op = Arrive(n=1, how="shown", code="\0", accuracy="near", datum="x", **STAMP)
    raw = msgspec.json.encode(op)

    found = [hub.admit(raw, 1, "li", False, FACTS, told[:n]).why for n in range(4)]

    assert (told, found) == (["text.invalid", "decimal.invalid", "place.invalid"], [*told, ""])


def test_a_carry_under_which_no_answer_could_hold_is_malformed() -> None:
    facts = {"t1": hub.Facts({"li": "lead"}, lambda *_: None, {}, {"x": lambda *_: None})}
    raws = [
        msgspec.json.encode(ops.CarryChecklist(n=1, to="x", again=again, **STAMP))
        for again in ({}, {"1": ("w", "x")}, {"1": ("x",), "2": ()}, {"1": ("w",)})
    ]

    found = [hub.admit(raw, 1, "li", False, facts).why for raw in raws]

    assert found == ["", "", "op.malformed", "op.malformed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"verdict":"fail"', b'"verdict":"maybe"'),
        (b'"sample":"x:9"', b'"sample":"x:9","more":1'),
        (b"sample.test/1", b"sample.test/2"),
    ],
)
def test_what_a_later_program_writes_is_parked(old: bytes, new: bytes) -> None:
    raw = msgspec.json.encode(ops.TestSample(n=1, sample="x:9", test="", verdict="fail", **STAMP))
    verdict = hub.admit(raw.replace(old, new), 1, "li", False, FACTS)

    assert (verdict.verdict, verdict.why) == ("parked", "op.unknown")


def test_a_refusal_signs_for_nobody_else_and_a_layer_is_of_a_file() -> None:
    sign = ops.Sign(n=1, role="lead", covers={}, blobs=(), digest="", refused="x", **STAMP)
    at_site = msgspec.structs.replace(sign, role="site")
    layer = ops.AddEvidence(n=1, blob="ab" * 32, size=1, mime="m", of="cd" * 32, **STAMP)
    of_nothing = msgspec.structs.replace(layer, of="\0")

    assert admit(sign) == ("quarantined", "sign.role")
    assert admit(at_site) == admit(layer) == ("ok", "")
    assert admit(of_nothing) == ("quarantined", "op.malformed")


# -- inspections from before ---------------------------------------------------------------------


def test_an_inspection_from_before_keeps_the_digest_that_was_signed() -> None:
    held = json.loads((VECTORS / "sync.json").read_text("utf-8"))["folds"]
    state = fold(read(next(one["ops"] for one in held if one["name"] == "amended")))

    assert digest(state) == "9245e77dd6499aa85946ab3451ba4badc8839bc80734582aac182c42170f26b0"
    assert list(state.recorded) == []


def test_what_old_devices_wrote_and_new_ones_write_of_it_is_the_same(server: MemoryHub) -> None:
    li = phone(server)
    li.answer("t1", OK)
    li.find("t1", "霉斑", basis="第三条")
    li.attach("t1", File("ab" * 32, 7, "image/jpeg"))
    li.sign("t1", "lead")
    new = [(mine.n, mine.hash, mine.raw) for mine in li.store.log(1, 9)]
    old = [(n, h, raw.replace(b'/2"', b'/1"')) for n, h, raw in new]
    folds = [
        fold(read([{"id": f"d1:{n}", "hash": h, "who": "li", "raw": raw.decode()}
                   for n, h, raw in each]))
        for each in (new, old)
    ]  # fmt: skip

    assert folds[0] == folds[1] == li.inspection("t1")
