"""Inspections for tests of what comes after the visit: a real draw, then what two devices said."""

import io
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from conftest import NOW, Office
from httpx import AsyncClient, Response
from PIL import Image
from rows import put, revision
from sqlmodel import col, delete, select

from backend import db
from backend.blobs import Blobs
from backend.rules import draw
from backend.tables import Blob, Device, Entry, Establishment, Inspector, Task
from backend.tables import Checklist as ChecklistRow
from backend.work import folds
from sync import checklist, layers, photos
from sync.checklist import Checklist
from sync.merge import Recorded
from sync.ops import AddEvidence, AddFinding, Answer, AnyOp, SetAnswers, Sign, Void, op_id
from sync.pictures import Facts

FORM = checklist.parse(
    (Path(__file__).parents[1] / "fixtures" / "checklists" / "cold_store.toml").read_bytes()
)
DIVISION = "310101"
NONCES = {"notary": "22" * 32, "regulator": "11" * 32}
DIGITS = {"dice:hall": "31415926535897932384"}
CLOCKS: dict[str, Any] = {"w": 0, "m": 0, "boot": "b"}


async def dispatched(office: Office, *, sites: int = 3, form: Checklist = FORM) -> list[Task]:
    """Make registers, a plan and a held draw; give its tasks by place."""
    batch = revision("establishments")
    released = ChecklistRow(
        digest=checklist.digest(form), code=form.code, version=form.version,
        title_en=form.title.en, title_zh=form.title.zh,
        body=checklist.canonical(form).decode(), released_at=NOW,
    )  # fmt: skip
    await put(office, batch, released)
    await put(
        office,
        *(
            Establishment(
                code=f"91310101{n:010d}", name=f"第{n}冷库", category="cold-store",
                division=DIVISION, revision_id=batch.id,
            )
            for n in range(1, 21)
        ),
        *(
            Inspector(
                certificate=f"沪A{n:04d}", name=f"检查员{n}号", department="market",
                division=DIVISION, valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1),
                revision_id=batch.id,
            )
            for n in range(1, 7)
        ),
    )  # fmt: skip
    client = await office.officer("supervisor", DIVISION)
    plan = await asked(
        client, "/office/plans",
        {
            "title": "冷库抽查", "division": DIVISION, "checklists": {"*": released.digest},
            "opens_on": "2026-03-02", "closes_on": "2026-03-31", "rate": [1, 100],
            "minimum": sites,
        },
    )  # fmt: skip
    commits = {who: draw.nonce_commitment(who, nonce) for who, nonce in NONCES.items()}
    order = {"dice": [{"ceremony": "hall"}], "nonce_commits": commits}
    held = await asked(client, f"/office/plans/{plan['id']}/draws", order)
    second = await office.officer("supervisor", DIVISION)
    for source, value in DIGITS.items():
        await asked(
            second, f"/office/draws/{held['id']}/typings", {"source": source, "value": value}
        )
    what = {"digits": DIGITS, "nonces": NONCES}
    await asked(client, f"/office/draws/{held['id']}/hold", what)
    await asked(client, f"/office/plans/{plan['id']}/dispatch", None)
    async with db.transaction(office.engine, write=False) as session:
        return list(await session.exec(select(Task).order_by(Task.place)))


async def asked(client: AsyncClient, path: str, body: object) -> Any:
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def answers(form: Checklist = FORM, **given: str) -> dict[str, Answer]:
    """Pass everything except what is given, as `i3_1="fail"`."""
    wanted = {name[1:].replace("_", "."): value for name, value in given.items()}
    found = {
        item.ref: Answer("pass" if item.kind == "verdict" else item.maximum or item.minimum or "0")
        for item in form.items
    }
    return found | {ref: Answer(value) for ref, value in wanted.items() if ref in found}


class Visit:
    """Two devices recording one inspection, without any network."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ops: list[Recorded] = []

    def record(self, who: str, kind: type[Any], **fields: Any) -> str:
        """Record an operation on the device of lead or second."""
        inspector = self.task.lead_id if who == "lead" else self.task.second_id
        n = sum(one.who == inspector for one in self.ops) + 1
        op: AnyOp = kind(n=n, e=self.task.id, **CLOCKS, **fields)
        hash_ = sha256(msgspec.json.encode(op) + who.encode()).hexdigest()
        self.ops.append(Recorded(op_id(self.device(who), n), hash_, inspector, op))
        return self.ops[-1].id

    def device(self, who: str) -> str:
        """Name the device of lead or second, another one for every task."""
        return f"{who}-{self.task.id[-24:]}"

    def answer(self, who: str, **given: str) -> str:
        """Answer items as `i3_1="fail"`; without any, pass everything."""
        some = answers(**given)
        wanted = {name[1:].replace("_", ".") for name in given}
        return self.record(who, SetAnswers, f={k: v for k, v in some.items() if k in wanted})

    def answer_all(self, who: str, **given: str) -> str:
        """Answer every item: pass, except what is given."""
        return self.record(who, SetAnswers, f=answers(**given))

    def attach(self, who: str, body: bytes, *, item: str = "", caption: str = "") -> str:
        """Attach a photo."""
        digest = sha256(body).hexdigest()
        self.record(
            who, AddEvidence, blob=digest, size=len(body), mime="image/jpeg",
            item=item, caption=caption,
        )  # fmt: skip
        return digest

    def annotate(self, who: str, photo: str, body: bytes) -> str:
        """Draw a layer over a photo."""
        digest = sha256(body).hexdigest()
        self.record(
            who, AddEvidence, blob=digest, size=len(body), mime=layers.MIME, of=photo,
            role="annotation",
        )  # fmt: skip
        return digest

    def find(self, who: str, text: str) -> str:
        """Record a finding."""
        return self.record(who, AddFinding, text=text, basis="食品安全法 第五十四条")

    def void(self, who: str, target: str, *, reason: str = "误拍") -> str:
        """Withdraw a finding or a file."""
        return self.record(who, Void, target=target, reason=reason)

    def sign(self, *roles: str, name: str = "") -> None:
        """Sign everything so far."""
        for role in roles:
            covers = {self.device(who): ((1, 1000),) for who in ("lead", "second")}
            who = "second" if role == "second" else "lead"
            self.record(who, Sign, role=role, covers=covers, blobs=(), digest="", name=name)

    async def arrive(self, office: Office) -> None:
        """Put the operations into the ledger, instead of any others, and project them."""
        now = office.clock()
        async with db.transaction(office.engine) as session:
            top = await db.head(session)
            await session.exec(delete(Entry).where(col(Entry.inspection_id) == self.task.id))
            for one in self.ops:
                device, _, n = one.id.rpartition(":")
                if await session.get(Device, device) is None:
                    session.add(
                        Device(
                            id=device, inspector_id=one.who, label="", public_key="0" * 64,
                            enrolled_at=now, head_hash="0" * 64,
                        )
                    )  # fmt: skip
                    await session.flush()
                top.ledger_n, top.feed_n = top.ledger_n + 1, top.feed_n + 1
                session.add(
                    Entry(
                        device_id=device, n=int(n), position=top.ledger_n, seq=top.feed_n,
                        inspection_id=self.task.id, kind="", hash=one.hash, root="0" * 64,
                        verdict="ok", raw=msgspec.json.encode(one.op), received_at=now,
                    )
                )  # fmt: skip
            session.add(top)
            await session.flush()
            await folds.project(session, [self.task.id], now)


def photo(seed: int = 1, *, personal: str = "GPS of Wang") -> bytes:
    """Make a JPEG that says more about itself than may be published."""
    out = io.BytesIO()
    image = Image.new("RGB", (640, 480), ((seed * 37) % 255, 90, 160))
    exif = Image.Exif()
    exif[0x010E] = personal
    image.save(out, "JPEG", exif=exif, comment=personal.encode())
    return out.getvalue()


async def store(office: Office, body: bytes, mime: str = "image/jpeg") -> str:
    """Put a file into the store as an upload does."""
    digest, blobs = sha256(body).hexdigest(), Blobs(office.settings.data_dir)
    await blobs.append(digest, at=0, chunk=body)
    assert await blobs.finish(digest, sha256=digest, size=len(body))
    facts = photos.probe(blobs.path(digest)) if mime.startswith("image/") else Facts()
    told = msgspec.json.encode(facts).decode()
    row = Blob(sha256=digest, size=len(body), mime=mime, flag=facts.flag, facts=told, stored_at=NOW)
    row.unhashed = bool(facts.format and not facts.flag)
    await put(office, row)
    return digest


# -- at the office -------------------------------------------------------------------------------


async def clean(office: Office, task: Task) -> Visit:
    """An inspection where all is well, signed by both."""
    visit = Visit(task)
    visit.answer_all("lead")
    visit.sign("lead", "second")
    await visit.arrive(office)
    return visit


async def failing(office: Office, task: Task) -> str:
    """An inspection with two failed items and a photo; gives the photo's digest."""
    visit, body = Visit(task), photo()
    visit.answer_all("lead", i1_1="fail", i3_4="fail")
    visit.find("lead", "冷库温度记录缺失，联系电话 13800138000")
    digest = visit.attach("second", body, item="1.1", caption="张老板站在门口")
    visit.sign("lead", "second", "site", name="张老板")
    await visit.arrive(office)
    await store(office, body)
    return digest


def refusal(answer: Response) -> tuple[int, str, dict[str, Any]]:
    body = answer.json()
    return answer.status_code, body["code"], body["details"]


def at(task: Task, act: str = "") -> str:
    return f"/office/inspections/{task.id}" + (f"/{act}" if act else "")
