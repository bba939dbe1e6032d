"""Scenes for tests of pictures: as a phone saves them, and inspections that name them."""

import io
from hashlib import sha256
from random import Random

from conftest import Office
from PIL import Image, ImageDraw
from visits import Visit, store

from backend.tables import Task

CAMERA = ((31.0, 13.0, 49.0), (121.0, 28.0, 25.3))


def scene(seed: int, *, quality: int = 88, told: bool = True, far: bool = False) -> bytes:
    """Draw a scene as a phone held upright saves it: on its side, with all that it knows."""
    chance, image = Random(seed), Image.new("RGB", (640, 480), "white")
    for _ in range(60):
        x, y = chance.randrange(600), chance.randrange(440)
        shade = tuple(chance.randrange(256) for _ in range(3))
        box = (x, y, x + chance.randrange(40, 200), y + chance.randrange(40, 160))
        ImageDraw.Draw(image).rectangle(box, fill=shade)
    exif = Image.Exif()
    exif[0x0112] = 6
    if told:
        exif[0x0110], exif[0x013B] = "Pixel 6", "检查员王的手机"
        exif.get_ifd(0x8769).update({0x9003: "2026:03:02 09:10:00", 0x9011: "+08:00"})
        north, east = CAMERA
        where = {1: "N", 2: (north[0] + far, *north[1:]), 3: "E", 4: east}
        exif.get_ifd(0x8825).update(where)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif, comment="王".encode())
    return out.getvalue()


async def recorded(
    office: Office, task: Task, *bodies: bytes, stored: tuple[bytes, ...] = (), **given: str
) -> Visit:
    """Record an inspection with photos that all arrived, some of them earlier."""
    visit = Visit(task)
    visit.answer_all("lead", **given)
    for body in bodies:
        visit.attach("lead", body, item="1.1", caption="冷库门封")
        if body not in stored:
            await store(office, body)
    await visit.arrive(office)
    return visit


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()
