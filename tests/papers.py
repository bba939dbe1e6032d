"""A visit with all that a document may have to show, and documents as other programs see them."""

import io
import json
import math
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
from PIL import Image, ImageDraw

from backend.prints import facts, papers
from backend.prints.facts import Decision, Facts
from backend.prints.paper_words import Language, What
from backend.prints.typeset import Fonts
from backend.work.calendars import working_days
from sync import checklist, strokes, violations
from sync.checklist import Checklist
from sync.merge import Recorded
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    Arrive,
    DisposeSample,
    SeizeGoods,
    SetAnswers,
    Sign,
    TakeSample,
    TestSample,
    Void,
    WeighLot,
    op_id,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"
FORM = checklist.parse((FIXTURES / "checklists" / "cold_store.toml").read_bytes())
CATALOGUE = violations.parse((FIXTURES / "catalogues" / "food.toml").read_bytes())
ACT = next(CATALOGUE.violations)
LANGUAGES: tuple[Language, ...] = ("zh", "en")
ID = "0199a3b2-7c41-7d10-8a5e-3f21c09b7e55"
BEGAN = 1_772_418_000_000  # 2026-03-02 10:20 in China
STEP = 300_000
TASK = {
    "id": ID, "plan": "p", "place": 3, "origin": "draw", "checklist": checklist.digest(FORM),
    "establishment": {
        "code": "913101010000000014", "name": "上海望山冷链物流有限公司",
        "address": "上海市黄浦区望山路9号2幢", "category": "cold-store", "division": "310101",
        "risk": "C", "longitude": None, "latitude": None, "datum": "",
    },
    "lead": {"id": "L", "name": "王建国", "certificate": "沪A0003"},
    "second": {"id": "S", "name": "李秀英", "certificate": "沪A0008"},
    "opens_on": "2026-03-01", "closes_on": "2026-03-31",
    "draw": {"id": "d", "commit_hash": "ab" * 32, "bundle_sha256": ""},
    "seats": [],
}  # fmt: skip
COVERS = {"a": ((1, 999),), "b": ((1, 999),)}


class Recording:
    """Two devices, `a` of the lead and `b` of the second, and the files that they hold."""

    def __init__(self) -> None:
        self.ops: list[Recorded] = []
        self.files: dict[str, bytes] = {}
        self.now = BEGAN

    def add(self, device: str, kind: type[Any], **fields: Any) -> str:
        """Record an operation five minutes after the last one."""
        n = sum(one.id.startswith(f"{device}:") for one in self.ops) + 1
        op = kind(n=n, e=ID, w=self.now, m=0, boot="b", **fields)
        self.now += STEP
        hash_ = sha256(msgspec.json.encode(op) + device.encode()).hexdigest()
        who = {"a": "L", "b": "S"}[device]
        self.ops.append(Recorded(op_id(device, n), hash_, who, op))
        return self.ops[-1].id

    def keep(self, body: bytes) -> str:
        """Keep a file and name it."""
        name = sha256(body).hexdigest()
        self.files[name] = body
        return name

    def attach(self, device: str, body: bytes, mime: str = "image/jpeg", **more: Any) -> str:
        """Attach a file."""
        name = self.keep(body)
        self.add(device, AddEvidence, blob=name, size=len(body), mime=mime, **more)
        return name

    def sign(self, device: str, role: str, **more: Any) -> str:
        """Sign everything, with drawn strokes unless it is refused."""
        drawn = {} if "refused" in more else {"strokes": self.draw(device)}
        return self.add(
            device, Sign, role=role, covers=COVERS, blobs=(), digest="5" * 64, **drawn, **more
        )

    def draw(self, device: str) -> str:
        """Attach the strokes of a signature."""
        return self.attach(device, drawn(len(self.ops)), strokes.MIME, role="strokes")

    def facts(
        self, *forms: Checklist, decision: Decision | None = None, **task: Any
    ) -> Facts:  # fmt: skip
        """Gather all that was recorded under the cold store's form, or other ones."""
        catalogue = {violations.digest(CATALOGUE): violations.canonical(CATALOGUE)}
        return facts.gather(
            task=msgspec.json.encode(TASK | task), forms=forms or (FORM,), ops=self.ops,
            read=self.files.get, catalogue=catalogue.get,
            decision=msgspec.json.encode(decision) if decision is not None else None,
        )  # fmt: skip


def visit(*, signed: bool = True) -> Recording:
    """Record a visit on which everything happened."""
    on = Recording()
    on.add(
        "a", Arrive, how="scanned", code=TASK["establishment"]["code"],
        approval="沪市监检〔2026〕0312号", certificates=("沪A0003", "沪A0008"),
        longitude="121.490317", latitude="31.231706", datum="WGS-84", accuracy="12",
    )  # fmt: skip
    said = {
        one.ref: Answer("pass" if one.kind == "verdict" else one.maximum or "0")
        for one in FORM.items
    }
    said["2.1"] = Answer(
        "-14.5", note="库门密封条破损", kind="number", unit="°C", instrument="TH-2031",
        probe="空气",
    )  # fmt: skip
    said["1.3"] = Answer("fail", "3月1日至3日的自查记录无签字")
    said["3.2"] = Answer("na", "不存放进口冷链食品")
    first = on.add("a", SetAnswers, f=said)
    other = on.add("b", SetAnswers, f={"1.2": Answer("fail", "库长不在岗")})
    on.add("a", SetAnswers, f={"1.2": Answer("pass", "随后到岗")}, s={"1.2": (first, other)})
    on.add(
        "a", AddFinding, text="冷冻库内 -14.5 °C，存放冷冻牛腱 120 箱", item="2.1",
        basis="GB 31605-2020 第5.2条", violation=ACT.code, catalogue=violations.digest(CATALOGUE),
        repeats=("0188f2c1-0000-7000-8000-00000000aaaa",),
    )  # fmt: skip
    on.add(
        "a", AddFinding, text="自查记录缺签字", basis="食品安全法第四十七条", item="1.3", fixed=True
    )
    mistaken = on.add("b", AddFinding, text="过道堆放货物", basis="—")
    on.add("b", Void, target=mistaken, reason="误记")
    on.attach("a", photo("-14.5"), item="2.1", caption="温度计读数")
    on.attach("b", photo("A-14", turned=True), item="2.1", caption="库门密封条")
    on.attach("a", b"%PDF-1.4", "application/pdf", item="1.1", caption="营业执照副本")
    taken = on.add(
        "a", TakeSample, number="SH2026030900017", of="goods", what="冷冻牛腱", quantity="2.5",
        unit="kg", batch="20260110-03", producer="甲肉类有限公司", place="2号冷冻库 A-14",
        item="2.1",
    )  # fmt: skip
    on.add(
        "a", TestSample, sample=taken, test="挥发性盐基氮", verdict="pass", method="GB 5009.228",
        instrument="KJ-07", result="12.1", unit="mg/100 g", limit="15",
    )  # fmt: skip
    on.add(
        "a", TestSample, sample=taken, test="中心温度", verdict="fail", method="探针法",
        instrument="TH-2031", result="-11.2", unit="°C", limit="-12", retest=True,
    )  # fmt: skip
    on.add("a", DisposeSample, sample=taken, disposal="送检，余样封存")
    on.add("a", TakeSample, number="SH2026030900018", of="environment", what="外包装涂抹样")
    on.add(
        "b", SeizeGoods, what="冷冻牛腱（无标签）", quantity="120", unit="箱", measure="seal",
        owner="望山冷链", place="2号冷冻库", number="沪市监封〔2026〕7号",
    )  # fmt: skip
    on.add(
        "a", WeighLot, what="冷冻虾仁", nominal="500", unit="g", lot="200",
        contents=("498", "501", "497"),
    )  # fmt: skip
    if signed:
        on.sign("a", "lead")
        on.sign("b", "second")
        on.sign("a", "site", name="陈志强", refused="称须请示总部", witness="网格员赵敏")
    return on


def plain() -> Recording:
    """Record a visit on which nothing failed and nothing was taken."""
    on = Recording()
    on.add("a", SetAnswers, f={
        one.ref: Answer("pass" if one.kind == "verdict" else one.maximum or "0")
        for one in FORM.items
    })  # fmt: skip
    on.sign("a", "lead")
    on.sign("b", "second")
    return on


def photo(text: str, *, turned: bool = False) -> bytes:
    """Make a photo of a label; `turned`: the camera was held upright, and only EXIF says so."""
    size, corner = ((480, 640), (120, 230)) if turned else ((640, 480), (200, 150))
    image = Image.new("RGB", size, (70, 110, 140))
    draw, (x, y) = ImageDraw.Draw(image), corner
    draw.rectangle((x, y, x + 240, y + 180), fill=(235, 235, 225), outline=(20, 20, 20), width=6)
    draw.text((x + 70, y + 65), text, fill=(180, 20, 20), font_size=56)
    draw.rectangle((0, 0, size[0], 40), fill=(250, 200, 0))  # this side up
    if turned:
        image = image.transpose(Image.Transpose.ROTATE_90)
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6 if turned else 1
    exif[0x010E] = "GPS of Wang"
    image.save(out, "JPEG", exif=exif, quality=80)
    return out.getvalue()


def drawn(seed: int) -> bytes:
    """Draw something like a signature."""
    lines = [
        [
            (
                60 + 110 * k + int(40 * math.sin(t / 3 + seed)),
                20 + 6 * t + int(10 * math.cos(t / 2 + k + seed)),
                400 * k + 16 * t,
            )
            for t in range(20)
        ]
        for k in range(3)
    ]
    return json.dumps({"w": 400, "h": 160, "strokes": lines}).encode()


def written(
    what: What, known: Facts, language: Language, fonts: Fonts, **own: bytes
) -> bytes:  # fmt: skip
    """Set a document; `own` templates by name without .typ."""
    mine = {f"{name}.typ": body for name, body in own.items()}
    return papers.write(what, known, arranged(what, known, language), fonts, mine)


def arranged(what: What, known: Facts, language: Language) -> dict[str, Any]:
    """Arrange a document."""
    return papers.arrange(what, known, language, working_days())


def told(what: What, known: Facts, language: Language, fonts: Fonts) -> str:
    """Set a document and read all that it says."""
    return squeezed("".join(pages(written(what, known, language, fonts))))


def pages(pdf: bytes) -> list[str]:
    """Extract the text of every page, as another program sees it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [document[n].get_textpage().get_text_bounded() for n in range(len(document))]


def squeezed(text: str) -> str:
    """Take out what only sets text apart."""
    return re.sub(r"\s+|\u200b|\ufffe", "", text)


def drawn_by_another(pdf: bytes, dots: float) -> Iterator[Image.Image]:
    """Draw every page with PDFium, which typst has nothing to do with."""
    with pypdfium2.PdfDocument(pdf) as document:
        for n in range(len(document)):
            yield document[n].render(scale=dots / 72).to_pil().convert("RGB")
