"""Lives of inspections by one form each, for tests: what is answered, amended, seen again."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import papers
from conftest import Clock
from httpx import AsyncClient
from phones import Phone
from PIL import Image, ImageDraw
from simulation.app_hub import AppHub
from visits import asked

from sync import codec, media, strokes
from sync import messages as wire
from sync.answers import TAKES
from sync.checklist import Checklist, Item, parse
from sync.media import Announced
from sync.messages import Enrol, Enrolled
from sync.ops import Answer
from sync.store import File

FIXTURES = Path(__file__).parents[1] / "fixtures"
HERE = ("121.4737", "31.2304", "WGS-84")  # where they arrive


@dataclass(frozen=True)
class Life:
    """What happens to one inspection; answers are by item, the rest of the form is in order."""

    form: str  # its file
    first: dict[str, Answer]  # what is found, beside what is in order
    returned: dict[str, Answer]  # what is seen again after the review
    failed: dict[str, str]  # what is ordered then, and by when
    outcomes: tuple[str, ...]  # first, amended, corrected if it is, at the recheck
    corrected: dict[str, Answer] = field(default_factory=dict[str, Answer])  # after publishing
    remaining: dict[str, str] = field(default_factory=dict[str, str])  # ordered after correcting
    left_out: tuple[str, ...] = ()  # items that this visit does not look at
    proof: tuple[str, ...] = ()  # items that need a photo
    degrees: float = 31.0  # north, of the photo of the front: one more is far away
    sampled: bool = False
    refuses: bool = False  # the person in charge would not sign
    stops: bool = False  # business is stopped
    must: tuple[str, ...] = ()  # what the recheck may not leave out
    not_asked: tuple[str, ...] = ()  # of that, what nobody asks any more
    warnings: tuple[str, ...] = ()  # of photos
    due: date = date.max  # of the first item
    mended: dict[str, Answer] = field(default_factory=dict[str, Answer])  # in order at the recheck

    @property
    def checklist(self) -> Checklist:
        """Read the form."""
        return parse((FIXTURES / "checklists" / self.form).read_bytes())

    def in_order(self, ref: str) -> Answer:
        """Answer an item as one that complies."""
        item = next(one for one in self.checklist.items if one.ref == ref)
        return self.mended.get(ref) or _in_order(item)


def choice(code: str) -> Answer:
    return Answer(code, kind="choice")


LIVES = (
    Life(
        form="fhrs_style.toml",
        first={
            "1.1": choice("cook serve"), "1.3": choice("s10"), "2.1": choice("s5"),
            "1.2": Answer("63.5", kind="number", unit="°C", instrument="T-07", probe="P-2"),
            "1.4": Answer("raw meat above salad", kind="text"), "3.2": choice("s5"),
        },
        returned={"3.2": choice("s10"), "3.3": Answer("no records of cooling", kind="text")},
        failed={"1.3": "2026-04-09", "3.2": "2026-04-23"},
        outcomes=("4", "3", "4", "5"),
        corrected={"3.2": choice("s5")},
        remaining={"1.3": "2026-04-10"},
        must=("1.3",),
        due=date(2026, 4, 10),
        mended={"1.1": choice("none"), "1.3": choice("s0")},
    ),
    Life(
        form="nyc_style.toml",
        first={
            "1.1": choice("level2"), "2.2": choice("level1"),
            "1.2": Answer(
                "9.5", kind="number", unit="°C", instrument="T-07", probe="P-2", limit="cold"
            ),
        },
        returned={"2.2": choice("level3")},
        failed={"1.1": "2026-04-07", "1.2": "2026-04-07", "2.2": "2026-04-09"},
        outcomes=("a", "b", "a"),
        proof=("1.1", "2.2"),
        degrees=32.0,
        must=("1.1", "1.2"),
        not_asked=("1.2",),
        warnings=("far-from-arrival",),
        due=date(2026, 4, 7),
    ),
    Life(
        form="catering.toml",
        first={"6.1": Answer("fail"), "7.1": Answer("fail", "生熟混放")},
        returned={"4.2": Answer("fail", "一人健康证过期")},
        failed={"4.2": "2026-04-09", "6.1": "2026-04-16", "7.1": "2026-04-07"},
        outcomes=("basic", "nonconform", "remedied"),
        left_out=("2.1", "2.2", "5.4", "6.3", "7.2", "7.3", "7.5", "8.1", "9.1"),
        proof=("4.2", "6.1", "7.1"),
        sampled=True,
        refuses=True,
        stops=True,
        must=("7.1",),
        due=date(2026, 4, 7),
    ),
)  # fmt: skip


class Hand(Phone):
    """An inspector's device by the clock on the wall, with files of its own."""

    def __init__(self, hub: AppHub, clock: Clock) -> None:
        super().__init__(hub, "")
        self.at, self.files = clock, dict[str, tuple[bytes, str]]()

    def clock(self) -> wire.Clock:
        ms = round(self.at().timestamp() * 1000)
        return wire.Clock(ms, ms, "boot")

    async def join(self, supervisor: AsyncClient, certificate: str) -> Self:
        """Enrol with a code that the office gave, as `evenhand device enrol` does."""
        order = {"certificate": certificate}
        code = (await asked(supervisor, "/office/devices/invites", order))["code"]
        secret = codec.new_key()
        body = msgspec.json.encode(Enrol(code, codec.public_key(secret)))
        headers = {"content-type": "application/json"}
        answer = await self.hub.ask(wire.Request("POST", "/device/enrol", headers, body))
        enrolled = msgspec.json.decode(answer.body, type=Enrolled)
        self.replica.enrol(enrolled, server="", secret=secret)
        await self.sync()
        return self

    def keep(self, body: bytes, mime: str = "image/jpeg") -> File:
        """Put a file on the device."""
        name = sha256(body).hexdigest()
        self.files[name] = body, mime
        return File(name, len(body), mime)

    def sign(self, task: str, role: str, *, reason: str = "") -> None:
        drawn = self.keep(papers.drawn(len(self.files)), strokes.MIME)
        self.replica.sign(task, role, strokes=drawn, reason=reason)

    async def send_files(self) -> None:
        """Send what the server does not have."""
        token = {"authorization": f"Bearer {self.store.get('upload')}"}
        for name, (body, mime) in self.files.items():
            session = media.send_blob(media.reader(body), Announced(name, len(body), mime))
            await self.drive(session, **token)
        self.files.clear()


class Pair:
    """Two devices of the inspectors of one task."""

    def __init__(self, life: Life, lead: Hand, second: Hand) -> None:
        self.life, self.lead, self.second = life, lead, second

    async def sync(self) -> None:
        """Let both devices say and hear everything."""
        for hand in (self.lead, self.second, self.lead):
            await hand.sync()  # brings the leave to send files, which grows old
            await hand.send_files()

    def answer(self, task: str, given: dict[str, Answer], *, without: Sequence[str] = ()) -> None:
        """Answer the whole form, each device one half: in order, but for what is given."""
        own: tuple[dict[str, Answer], ...] = ({}, {})
        for n, item in enumerate(self.life.checklist.items):
            said = given.get(item.ref) or (None if item.when else _in_order(item))
            if said is not None and item.ref not in without:
                own[n % 2][item.ref] = said
        for hand, answers in zip((self.lead, self.second), own, strict=True):
            hand.replica.answer(task, answers)

    def attach(self, task: str, items: Iterable[str]) -> None:
        """Take a photo for each item that is not believed without one."""
        for item in sorted(set(items) & set(self.life.proof)):
            photo = self.lead.keep(shot(item))
            self.lead.replica.attach(task, photo, item=item, caption="as seen")

    async def sign(self, task: str, *, reason: str = "") -> None:
        """Let both know everything, then sign, and tell."""
        await self.sync()
        self.lead.sign(task, "lead", reason=reason)
        self.second.sign(task, "second", reason=reason)
        await self.sync()

    async def amend(self, task: str, answers: dict[str, Answer], reason: str) -> None:
        """Answer again what is known better now, and sign anew."""
        self.lead.replica.answer(task, answers)
        self.attach(task, answers)
        await self.sign(task, reason=reason)


def _in_order(item: Item) -> Answer:
    """Answer an item as one that complies."""
    if item.kind == "date":
        return Answer("2026-01-15", kind="date")
    if item.kind == "choice":
        return choice(item.choices[0].code)
    assert TAKES[item.kind] == ("",), item.kind
    return Answer("pass")


def shot(seed: str, *, degrees: float = 31.0) -> bytes:
    """Take a photo as a phone does on the day of the visit: with time and place."""
    chance, image = Random(seed), Image.new("RGB", (320, 240), "white")
    for _ in range(40):
        x, y = chance.randrange(300), chance.randrange(220)
        shade = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        ImageDraw.Draw(image).rectangle((x, y, x + 60, y + 40), fill=shade)
    exif = Image.Exif()
    exif[0x0110] = "Pixel 6"
    exif.get_ifd(0x8769).update({0x9003: "2026:03:30 09:10:00", 0x9011: "+08:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (degrees, 13.0, 49.4), 3: "E", 4: (121.0, 28.0, 25.3)})
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()
