"""Drawing annotations (标注) over a rendition. Needs Pillow; Chinese needs the fonts of `print`."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import assert_never

from PIL import Image, ImageDraw, ImageFont

from sync.layers import Arrow, Box, Layer, Words

FONTS = "pylopdf_fonts_zh_cn"
INK = (214, 0, 32)


def draw(canvas: Image.Image, layer: Layer) -> None:
    """Draw an annotation, scaled from the size in which it was drawn."""
    across, down = canvas.width / layer.w, canvas.height / layer.h
    line = max(2, round(max(canvas.size) / 240))
    pen = ImageDraw.Draw(canvas)
    for one in layer.shapes:
        match one:
            case Box():
                corners = (
                    one.x * across,
                    one.y * down,
                    (one.x + one.w) * across,
                    (one.y + one.h) * down,
                )
                pen.rectangle(corners, outline=INK, width=line)
            case Arrow():
                start = (one.from_x * across, one.from_y * down)
                _arrow(pen, start, (one.to_x * across, one.to_y * down), line)
            case Words():
                font = _font(max(14, round(max(canvas.size) / 26)))
                at = (one.x * across, one.y * down)
                pen.text(at, one.text, fill=INK, font=font, stroke_width=line, stroke_fill="white")
            case _:
                assert_never(one)


def _arrow(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], line: int
) -> None:
    along = complex(end[0] - start[0], end[1] - start[1])
    pen.line((start, end), fill=INK, width=line)
    if along:
        back = -along / abs(along) * line * 5
        sides = [back * complex(0.87, 0.5), back * complex(0.87, -0.5)]
        pen.polygon([end, *((end[0] + s.real, end[1] + s.imag) for s in sides)], fill=INK)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    spec = find_spec(FONTS)
    if spec is None or spec.origin is None:
        return ImageFont.load_default(size)
    files = sorted(Path(spec.origin).parent.glob("*Sans*.[ot]tf"))
    return ImageFont.truetype(files[0], size) if files else ImageFont.load_default(size)
