"""Photos for the demo (现场照片): real JPEGs, drawn here, with the metadata that a phone writes."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageDraw
from PIL.ExifTags import GPS, IFD, Base

SIZE = (1280, 960)
WALLS = ((206, 205, 198), (150, 168, 176), (228, 222, 205), (120, 124, 130), (186, 160, 140))
CARTONS = ((181, 137, 92), (160, 116, 74), (198, 158, 112), (214, 214, 220), (120, 146, 168))
SIGNS = ((176, 32, 40), (24, 92, 152), (28, 112, 72), (196, 128, 20))


def take(
    path: Path, *, caption: str, longitude: float, latitude: float, seed: int, front: bool
) -> Path:
    """Draw a scene, the shop's front or one inside, as JPEG with EXIF time, position and owner."""
    chance = Random(f"{seed} {caption}")
    image = _seen(chance, _front if front else chance.choice((_shelves, _display, _door)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE[0], 56), fill=(255, 255, 255))
    draw.text((16, 16), caption, fill=(0, 0, 0), font_size=26)
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = "Evenhand", "Demo phone"
    exif[Base.Artist] = "Inspector's private phone"
    exif[Base.Orientation] = 1
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2026:11:22 09:30:00"
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", _degrees(abs(latitude))
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", _degrees(abs(longitude))
    image.save(path, "JPEG", quality=88, exif=exif)
    return path


# -- what is seen --------------------------------------------------------------------------------


def _seen(chance: Random, scene: Callable[[ImageDraw.ImageDraw, Random, int], None]) -> Image.Image:
    """Draw a scene as a hand holds it that is never quite still, with the sensor's grain."""
    image = Image.new("RGB", SIZE, chance.choice(WALLS))
    draw = ImageDraw.Draw(image)
    floor = chance.randrange(560, 860)
    draw.rectangle((0, floor, *SIZE), fill=(96, 92, 88))
    scene(draw, chance, floor)
    image = image.rotate(chance.uniform(-6, 6), expand=False, fillcolor=(60, 58, 56))
    grain = Image.effect_noise(SIZE, 40).convert("RGB")  # so that the file has some weight
    return ImageChops.overlay(image, grain)


def _shelves(draw: ImageDraw.ImageDraw, chance: Random, floor: int) -> None:
    """Cartons on shelves, and some that stand on the floor."""
    left, right = chance.randrange(40, 260), chance.randrange(900, 1260)
    for board in range(chance.randrange(180, 320), floor, chance.randrange(190, 260)):
        draw.rectangle((left, board, right, board + 14), fill=(70, 74, 80))
        _cartons(draw, chance, left, right, board)
    _cartons(draw, chance, chance.randrange(0, 500), chance.randrange(700, 1280), floor + 70)


def _cartons(draw: ImageDraw.ImageDraw, chance: Random, left: int, right: int, bottom: int) -> None:
    at = left + chance.randrange(10, 80)
    while (end := at + chance.randrange(70, 190)) < right:
        top = bottom - chance.randrange(60, 165)
        draw.rectangle((at, top, end, bottom), fill=chance.choice(CARTONS), outline=(60, 44, 30))
        draw.rectangle((at, (top + bottom) // 2 - 6, end, (top + bottom) // 2 + 6), fill="wheat")
        at = end + chance.choice((4, 4, 12, 110))


def _display(draw: ImageDraw.ImageDraw, chance: Random, floor: int) -> None:
    """The display of a cold room's thermometer on the wall, in the light of a lamp."""
    lamp = chance.randrange(100, 1180)
    draw.ellipse((lamp - 200, -60, lamp + 200, 180), fill=(250, 246, 226))
    left, top = chance.randrange(60, 520), chance.randrange(120, 330)
    wide = chance.randrange(480, 700)
    high = wide // 2
    draw.rounded_rectangle((left, top, left + wide, top + high), 24, fill=(40, 42, 46))
    glass = (left + 30, top + 30, left + wide - 30, top + high - 70)
    draw.rectangle(glass, fill=(16, 20, 16))
    reading = f"-{chance.randrange(80, 190) / 10} °C"
    draw.text((left + 60, top + 40), reading, fill=(255, 76, 48), font_size=wide // 5)
    draw.line((left + wide // 2, top + high, left + wide // 2, floor), fill=(30, 30, 30), width=10)


def _door(draw: ImageDraw.ImageDraw, chance: Random, floor: int) -> None:
    """The steel door of a cold room, ajar, with a torn seal."""
    left, top = chance.randrange(120, 560), chance.randrange(90, 240)
    right = left + chance.randrange(380, 640)
    draw.rectangle((left - 40, top - 40, right + 40, floor), fill=(84, 90, 96))
    draw.rectangle((left, top, right, floor), fill=(208, 212, 214), outline=(50, 54, 58), width=8)
    gap = chance.randrange(30, 150)
    draw.polygon(
        ((right, top), (right + gap, top + 50), (right + gap, floor), (right, floor)), "black"
    )
    handle = (top + floor) // 2
    draw.rounded_rectangle(
        (right - 70, handle - 90, right - 40, handle + 90), 12, fill=(36, 38, 42)
    )
    torn = [(left + chance.randrange(-12, 13), y) for y in range(top, floor, 36)]
    draw.line(torn, fill=(20, 20, 20), width=14)
    draw.rectangle((left + 80, top + 60, left + 240, top + 170), fill="white", outline="black")


def _front(draw: ImageDraw.ImageDraw, chance: Random, floor: int) -> None:
    """A shop from the street: its sign, its windows and an open door."""
    high = chance.randrange(100, 200)
    top = chance.randrange(70, 190)
    draw.rectangle((0, top, SIZE[0], top + high), fill=chance.choice(SIGNS))
    for at in range(chance.randrange(120, 420), chance.randrange(760, 1160), 140):
        draw.ellipse((at, top + 30, at + high - 60, top + high - 30), fill=(250, 240, 200))
    door = chance.randrange(60, 1000)
    for at in range(chance.randrange(0, 60), SIZE[0], 320):
        draw.rectangle(
            (at, top + high + 50, at + 260, floor - 60), fill=(70, 96, 110), outline="white"
        )
    draw.rectangle((door, top + high + 30, door + 210, floor), fill=(34, 30, 28))
    draw.ellipse((door + 60, floor - 260, door + 130, floor - 190), fill=(190, 150, 120))
    draw.rectangle((door + 50, floor - 190, door + 140, floor - 10), fill=(230, 232, 236))


def _degrees(value: float) -> tuple[float, float, float]:
    whole, minutes = int(value), value % 1 * 60
    return (float(whole), float(int(minutes)), round(minutes % 1 * 60, 2))
