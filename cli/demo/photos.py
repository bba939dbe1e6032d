"""Photos for the demo (现场照片): real JPEGs, drawn here, with the metadata that a phone writes."""

from pathlib import Path
from random import Random

from PIL import Image, ImageDraw
from PIL.ExifTags import GPS, IFD, Base

SIZE = (1280, 960)


def take(path: Path, *, caption: str, longitude: float, latitude: float, seed: int) -> Path:
    """Draw a scene as JPEG with EXIF time, position, camera and owner."""
    chance = Random(seed)
    image = Image.effect_noise(SIZE, 40).convert("RGB")  # grain, so that the file has some weight
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        x, y = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
        box = (x, y, x + chance.randrange(60, 320), y + chance.randrange(60, 240))
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        draw.rectangle(box, fill=colour, outline=(20, 20, 20), width=4)
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


def _degrees(value: float) -> tuple[float, float, float]:
    whole, minutes = int(value), value % 1 * 60
    return (float(whole), float(int(minutes)), round(minutes % 1 * 60, 2))
