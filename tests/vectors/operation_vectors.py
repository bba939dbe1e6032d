"""How the files of fixtures/vectors/operations were made: `python … KIND > …/KIND.json`.

Each once, when its kind was released. A file is what every later version of the program must still
read as it was meant: when a test against one fails, the code is wrong, or needs a new version of
the kind and an upcaster from the old one.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from vectors.sync_vectors import LI, STAMP, WANG, answers, folded, log

from sync import upcasts
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    AnyOp,
    Arrive,
    CarryChecklist,
    DisposeSample,
    OpenInspection,
    SeizeGoods,
    SetAnswers,
    Sign,
    TakeSample,
    TestSample,
    Void,
    WeighLot,
)
from sync.upcasts import AddEvidence1, AddFinding1, Sign1

OLD, NEW, OTHER = "1a" * 32, "2b" * 32, "3c" * 32  # checklists
BOTH: dict[str, Any] = {LI: ((1, 2),), WANG: ((1, 1),)}


def kinds() -> dict[str, Any]:
    """Give the structs of every kind and version that is read."""
    types = [*get_args(AnyOp), *get_args(upcasts.OldForm)]
    return {str(one.__struct_config__.tag): one for one in types}


def form(kind: str) -> Any:
    """Give the JSON Schema of a kind, without what is said for people."""
    return bare(json.loads(json.dumps(msgspec.json.schema(kinds()[kind]))))


def nameless(schema: Any) -> Any:
    """Leave out how our structs are called: one that is no longer written gets its version."""
    return json.loads(re.sub(r'(\$defs/\w+?|"\w+?)1?"', r'\1"', json.dumps(schema)))


def bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k not in ("title", "description")}
    return [bare(one) for one in node] if isinstance(node, list) else node


def said(n: int, answer: Answer, *replaced: str, under: str = "", ref: str = "3.2") -> SetAnswers:
    seen = {ref: replaced} if replaced else {}
    return SetAnswers(n=n, f={ref: answer}, s=seen, under=under, **STAMP)


def carry(n: int, to: str, again: dict[str, Any], *seen: str) -> CarryChecklist:
    return CarryChecklist(n=n, to=to, again=again, s=seen, **STAMP)


def sign(n: int, role: str, form: type[Any] = Sign1, **more: Any) -> Any:
    return form(n=n, role=role, covers=BOTH, blobs=("ab" * 32,), digest="0" * 64, **more, **STAMP)


COLD = Answer("-17.5", "", "number", "°C", "TH-204", "core", "<= -18")
PRICES = Answer("2", "", "table", rows=({"goods": "米 5 kg", "yuan": "39.90"},
                                        {"goods": "油 5 L", "yuan": "79.00"}))  # fmt: skip


def old_answers() -> Iterator[tuple[str, Any]]:
    yield "a verdict with a note", log(LI, [answers(1, "fail", note="锈蚀 ≥ 2 cm²")])
    yield "a measured value", log(LI, [answers(1, "-17.5")])
    yield (
        "one replaces another's",
        log(LI, [answers(1, "pass", f"{WANG}:1")]) + log(WANG, [answers(1, "fail")]),
    )
    yield (
        "issued again in another chain",
        log(LI, [msgspec.structs.replace(answers(1, "pass"), orig="ef" * 32)]),
    )


def new_answers() -> Iterator[tuple[str, Any]]:
    yield "a verdict", log(LI, [said(1, Answer("pass", "查验无误"))])
    yield "a number, how it was measured, and the limit", log(LI, [said(1, COLD)])
    yield (
        "the same number agrees, however it was measured",
        log(LI, [said(1, COLD)]) + log(WANG, [answers(1, "-17.5")]),
    )
    kinds = {"4.1": Answer("3", kind="count"), "4.2": Answer("chilled frozen", kind="choice"),
             "4.3": Answer("后厨有积水", kind="text"), "4.4": Answer("2026-11-22", kind="date"),
             "4.5": PRICES}  # fmt: skip
    yield "every other kind", log(LI, [SetAnswers(n=1, f=kinds, **STAMP)])
    cheaper = msgspec.structs.replace(PRICES, rows=(PRICES.rows[0],) * 2)
    yield (
        "tables of as many other rows disagree",
        log(LI, [said(1, PRICES)]) + log(WANG, [said(1, cheaper)]),
    )


def old_findings() -> Iterator[tuple[str, Any]]:
    yield "without an item", log(LI, [AddFinding1(n=1, text="霉斑", basis="第三条", **STAMP)])
    yield "of an item", log(LI, [AddFinding1(n=1, text="霉斑", basis="3", item="3.2", **STAMP)])


def old_evidence() -> Iterator[tuple[str, Any]]:
    one: dict[str, Any] = {"blob": "ab" * 32, "size": 7, "mime": "image/jpeg"}
    yield "a photo", log(LI, [AddEvidence1(n=1, **one, **STAMP)])
    yield (
        "of an item, with a caption",
        log(LI, [AddEvidence1(n=1, **one, item="3.2", caption="门封 𠮷", **STAMP)]),
    )


def voids() -> Iterator[tuple[str, Any]]:
    finding = AddFinding1(n=1, text="霉斑", basis="第三条", **STAMP)
    yield (
        "a finding is withdrawn",
        log(LI, [finding, Void(n=2, target=f"{LI}:1", reason="看错", **STAMP)]),
    )
    yield "nothing that is known", log(LI, [Void(n=1, target="x:9", reason="r", **STAMP)])


def old_signatures() -> Iterator[tuple[str, Any]]:
    work = [answers(1, "fail"), AddFinding1(n=2, text="霉斑", basis="第三条", **STAMP)]
    lead, second = sign(3, "lead"), sign(2, "second")
    site = sign(4, "site", name="王老板", strokes="cd" * 32)
    yield (
        "two seal, and the person in charge signs",
        log(LI, [*work, lead, site]) + log(WANG, [answers(1, "fail"), second, answers(3, "pass")]),
    )
    again = sign(4, "lead", s=(f"{LI}:3",), reason="补充")
    yield "one is amended", log(LI, [*work, lead, again])


def findings() -> Iterator[tuple[str, Any]]:
    yield "in words alone", log(LI, [AddFinding(n=1, text="霉斑", basis="3", item="3.2", **STAMP)])
    named = AddFinding(
        n=1, text="未公示许可证", basis="第五十五条", violation="fs-017", catalogue="5e" * 32,
        fixed=True, repeats=("0190a000-0000-7000-8000-0000000000dd",), **STAMP,
    )  # fmt: skip
    yield "of the catalogue, put right at once, and not for the first time", log(LI, [named])
    yield (
        "told once in the old form and once in the new they are two",
        log(LI, [AddFinding(n=1, text="霉斑", basis="第三条", **STAMP)])
        + log(WANG, [AddFinding1(n=1, text="霉斑", basis="第三条", **STAMP)]),
    )


def evidence() -> Iterator[tuple[str, Any]]:
    one: dict[str, Any] = {"size": 7, "mime": "image/jpeg"}
    photo = AddEvidence(n=1, blob="ab" * 32, item="3.2", caption="门封 𠮷", **one, **STAMP)
    layer = AddEvidence(n=2, blob="cd" * 32, of="ab" * 32, role="annotation", **one, **STAMP)
    drawn = AddEvidence(n=3, blob="ef" * 32, role="strokes", **one, **STAMP)
    yield "a photo", log(LI, [photo])
    yield "a photo, a layer over it, and strokes", log(LI, [photo, layer, drawn])


def signatures() -> Iterator[tuple[str, Any]]:
    work = [answers(1, "fail"), AddFinding(n=2, text="霉斑", basis="第三条", **STAMP)]
    lead, second = sign(3, "lead", Sign, strokes="cd" * 32), sign(2, "second", Sign)
    site = sign(4, "site", Sign, name="王老板", strokes="cd" * 32)
    nobody = sign(4, "site", Sign, name="王老板", refused="不认可", witness="社区 赵六")
    late = [answers(1, "fail"), second, answers(3, "pass")]
    yield (
        "two seal, and the person in charge signs",
        log(LI, [*work, lead, site]) + log(WANG, late),
    )
    yield (
        "the person in charge would not sign, before a witness",
        log(LI, [*work, lead, nobody]) + log(WANG, late),
    )
    yield (
        "an old one and a new one seal together, and one is amended",
        log(LI, [*work, sign(3, "lead"), sign(4, "lead", Sign, s=(f"{LI}:3",), reason="补充")])
        + log(WANG, late),
    )


def arrivals() -> Iterator[tuple[str, Any]]:
    scanned = Arrive(
        n=1, how="scanned", code="91330106MA2CXXXX0X", approval="杭市监检〔2026〕17号",
        certificates=("33010620240011", "33010620230013"), longitude="120.126532",
        latitude="30.267412", datum="GCJ-02", accuracy="12.5", **STAMP,
    )  # fmt: skip
    shown = Arrive(n=1, how="shown", **STAMP)
    yield "both arrive, one with all that can be told", log(LI, [scanned]) + log(WANG, [shown])
    wrong = Void(n=2, target=f"{LI}:1", reason="扫错门店", **STAMP)
    again = Arrive(n=3, how="stated", code="x", **STAMP)
    yield "the wrong place is withdrawn and stays", log(LI, [scanned, wrong, again])


def openings() -> Iterator[tuple[str, Any]]:
    den = OpenInspection(
        n=1, name="无名冷库", address="河滨路8号", category="cold-store", division="330106",
        reason="巡查发现无证经营", checklist=NEW, second="wang", longitude="120.126532",
        latitude="30.267412", datum="GCJ-02", **STAMP,
    )  # fmt: skip
    shop = OpenInspection(
        n=1, name="城东菜市场", address="", category="market", division="330106",
        reason="群众反映", checklist=NEW, code="91330106MA2CXXXX0X",
        certificate="33010620230013", **STAMP,
    )  # fmt: skip
    again = msgspec.structs.replace(den, n=3, orig="ef" * 32)
    yield "a place in no register", log(LI, [den, said(2, Answer("fail"))])
    yield "a registered one, with a second of whom the certificate is known", log(LI, [shop])
    yield "issued again twice", log(LI, [msgspec.structs.replace(den, orig="ef" * 32),
                                         said(2, Answer("fail")), again])  # fmt: skip
    yield (
        "opened by mistake, and it stays",
        log(LI, [shop, Void(n=2, target=f"{LI}:1", reason="已有任务", **STAMP)]),
    )


def taken(n: int, **more: Any) -> TakeSample:
    return TakeSample(n=n, number=f"S-{n}", of="goods", what="鲈鱼", **more, **STAMP)


def tested(n: int, sample: str, verdict: Any, **more: Any) -> TestSample:
    return TestSample(n=n, sample=sample, test="孔雀石绿", verdict=verdict, **more, **STAMP)


def samples() -> Iterator[tuple[str, Any]]:
    whole = taken(
        1,
        quantity="1.5",
        unit="kg",
        batch="20261101",
        producer="某渔场",
        place="3 号池",
        item="3.2",
    )
    swab = TakeSample(n=1, number="E-1", of="environment", what="砧板", **STAMP)
    yield "goods with all that can be told, and a place", log(LI, [whole]) + log(WANG, [swab])
    person = TakeSample(n=2, number="P-1", of="person", what="咽拭子", **STAMP)
    yield (
        "one is withdrawn and stays",
        log(LI, [whole, person, Void(n=3, target=f"{LI}:2", reason="编号写错", **STAMP)]),
    )


def tests() -> Iterator[tuple[str, Any]]:
    first = tested(
        2, f"{LI}:1", "fail", method="KJ201701", instrument="QT-7", result="2.4", unit="μg/kg",
        limit="不得检出",
    )  # fmt: skip
    again = tested(1, f"{LI}:1", "pass", retest=True)
    yield (
        "one fails, and another's retest does not",
        log(LI, [taken(1), first]) + log(WANG, [again]),
    )
    yield "a result of a sample that is not here", log(LI, [tested(1, "x:9", "unclear")])
    lost = [tested(n, f"x:{n % 2}", "unclear", result=str(n)) for n in range(1, 5)]
    yield "results of two samples that are not here", log(LI, lost)
    yield (
        "a result is withdrawn and stays",
        log(LI, [taken(1), first, Void(n=3, target=f"{LI}:2", reason="样品混淆", **STAMP)]),
    )
    counted = msgspec.structs.replace(taken(1), orig="ef" * 32)
    seen = msgspec.structs.replace(taken(2), orig="ef" * 32)
    yield (
        "of a sample that was issued again twice, under either name",
        log(LI, [counted, seen, tested(3, f"{LI}:1", "pass"), tested(4, f"{LI}:2", "fail")]),
    )


def disposals() -> Iterator[tuple[str, Any]]:
    gone = DisposeSample(n=2, sample=f"{LI}:1", disposal="无害化销毁", **STAMP)
    back = DisposeSample(n=1, sample=f"{LI}:1", disposal="退还", **STAMP)
    yield "a sample is destroyed", log(LI, [taken(1), gone])
    yield "two say different things, and both stay", log(LI, [taken(1), gone]) + log(WANG, [back])
    yield "of a sample that is not here", log(WANG, [back])


def seizures() -> Iterator[tuple[str, Any]]:
    seized = SeizeGoods(
        n=1, what="过期奶粉", quantity="12", unit="罐", measure="seize", owner="某母婴店",
        place="后仓", number="杭市监扣〔2026〕3号", **STAMP,
    )  # fmt: skip
    sealed = SeizeGoods(n=1, what="冷库", quantity="1", unit="间", measure="seal", **STAMP)
    yield "goods are seized, a room is sealed", log(LI, [seized]) + log(WANG, [sealed])
    yield (
        "one is withdrawn and stays",
        log(LI, [seized, Void(n=2, target=f"{LI}:1", reason="数量有误", **STAMP)]),
    )


def lots() -> Iterator[tuple[str, Any]]:
    rice = WeighLot(
        n=1, what="大米", nominal="5000", unit="g", lot="240", contents=("4985.5", "5002", "4990"),
        item="3.2", **STAMP,
    )  # fmt: skip
    yield "three packages of a lot", log(LI, [rice])
    yield (
        "one is withdrawn and stays",
        log(LI, [rice, Void(n=2, target=f"{LI}:1", reason="秤未检定", **STAMP)]),
    )


def carries() -> Iterator[tuple[str, Any]]:
    first = [said(1, Answer("pass")), said(2, Answer("fail"), ref="3.3")]
    changed = {"3.2": (NEW,)}
    yield (
        "an item that asks something else is open again",
        log(LI, [*first, carry(3, NEW, changed)]),
    )
    yield (
        "it is answered again",
        log(LI, [*first, carry(3, NEW, changed), said(4, Answer("fail"), f"{LI}:1", under=NEW)]),
    )
    yield (
        "who had not seen it yet answered what was asked before",
        log(LI, [carry(1, NEW, changed), said(2, Answer("fail"), under=NEW)])
        + log(WANG, [said(1, Answer("pass"))]),
    )
    yield (
        "two at once to different versions are a conflict",
        log(LI, [carry(1, NEW, changed)]) + log(WANG, [carry(1, OTHER, {})]),
    )
    yield (
        "two at once to the same agree",
        log(LI, [carry(1, NEW, changed)]) + log(WANG, [carry(1, NEW, changed)]),
    )
    both = (f"{LI}:1", f"{WANG}:1")
    yield (
        "a later one that has seen both settles it",
        log(LI, [carry(1, NEW, changed), carry(2, OTHER, {"3.2": (OTHER,)}, *both)])
        + log(WANG, [carry(1, OTHER, {})]),
    )


CASES = {
    "answers.set/1": old_answers,
    "answers.set/2": new_answers,
    "finding.add/1": old_findings,
    "finding.add/2": findings,
    "evidence.add/1": old_evidence,
    "evidence.add/2": evidence,
    "void/1": voids,
    "sign/1": old_signatures,
    "sign/2": signatures,
    "arrive/1": arrivals,
    "sample.take/1": samples,
    "sample.test/1": tests,
    "sample.dispose/1": disposals,
    "goods.seize/1": seizures,
    "lot.weigh/1": lots,
    "checklist.carry/1": carries,
    "inspection.open/1": openings,
}


def make(kind: str) -> dict[str, Any]:
    cases = [folded(name, history) for name, history in CASES[kind]()]
    return {"kind": kind, "form": form(kind), "folds": cases}


if __name__ == "__main__":
    json.dump(make(sys.argv[1]), sys.stdout, ensure_ascii=False, indent=1)
    print()
