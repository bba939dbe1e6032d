"""排版: pages by Typst, with the fonts that come along and nothing of the machine (decision 0021).

The same data give the same bytes: no clock, no fonts of the system, no network.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec
import segno
import typst
from msgspec import Struct

from sync.refusals import Reason, Refused

TEMPLATES = Path(__file__).with_name("templates")
FONTS = "pylopdf_fonts_zh_cn"  # a package of two files: Noto Serif SC and Noto Sans SC
SERIF = ("FangSong", "SimSun", "Noto Serif SC", "Noto Serif CJK SC", "Source Han Serif SC")
SANS = ("SimHei", "Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC")
STANDARD: Final = "a-2b"  # archives ask for PDF/A


class Fonts(Struct, frozen=True):
    """The fonts of a page: one for reading, one for heads, others for rare characters."""

    found: typst.Fonts
    serif: list[str]
    sans: list[str]


def fonts(folder: Path | None = None) -> Fonts:
    """Find the fonts; those in a folder of the office come before those that come along."""
    folders = [folder] if folder else []
    spec = find_spec(FONTS)
    if spec is not None and spec.origin is not None:
        folders.append(Path(spec.origin).parent)
    own = set(_load(folders[:1]).families()) if folder else set[str]()
    found = _load(folders)
    families = found.families()

    def chosen(known: Sequence[str]) -> str:
        for among in (own, set(families)):
            for name in known:
                if name in among:
                    return name
        raise Refused(
            Reason.FONT_MISSING, one_of=", ".join(known), found=", ".join(families) or "-"
        )

    serif, sans = chosen(SERIF), chosen(SANS)
    rare = sorted(set(families) - {serif, sans})
    return Fonts(found, [serif, sans, *rare], [sans, serif, *rare])


def pdf(template: str, data: Mapping[str, object], at: datetime, chosen: Fonts) -> bytes:
    """Set a page as PDF/A, dated `at`."""
    return cast(
        bytes,
        _compiler(template, chosen).compile(
            format="pdf",
            sys_inputs=_inputs(data, at, chosen),
            timestamp=int(at.timestamp()),
            pdf_standards=STANDARD,
        ),
    )


def pictures(
    template: str, data: Mapping[str, object], at: datetime, chosen: Fonts, *, dots: float = 80
) -> list[bytes]:
    """Set the same pages as pictures (PNG), so many dots an inch."""
    made: Any = _compiler(template, chosen).compile(
        format="png", sys_inputs=_inputs(data, at, chosen), ppi=dots
    )
    return [made] if isinstance(made, bytes) else cast(list[bytes], made)


def code(content: str, *, level: Literal["l", "m", "q"] = "m") -> str:
    """Draw a QR code as SVG."""
    out = io.BytesIO()
    segno.make_qr(content, error=level).save(out, kind="svg", border=2, xmldecl=False, nl=False)
    return out.getvalue().decode()


def _load(folders: Sequence[Path]) -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders)
    )


def _compiler(template: str, chosen: Fonts) -> typst.Compiler:
    return typst.Compiler(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=chosen.found,
        ignore_system_fonts=True,
        package_path=TEMPLATES / "packages",  # there are none, and none is fetched
        package_cache_path=TEMPLATES / "packages",
    )


def _inputs(data: Mapping[str, object], at: datetime, chosen: Fonts) -> dict[str, str]:
    more = {
        "date": [at.year, at.month, at.day],
        "serif": chosen.serif,
        "sans": chosen.sans,
    }
    return {"data": msgspec.json.encode({**data, **more}).decode()}
