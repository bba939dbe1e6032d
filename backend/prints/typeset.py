"""排版: pages by Typst, with the fonts that come along and nothing of the machine (decision 0021).

The same data give the same bytes: no clock, no fonts of the system, no network.
"""

import io
import re
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
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
STANDARD: Final = "a-2b"  # archives ask for PDF/A, which has no place for a missing character
EMPTY: Final[Mapping[str, bytes]] = MappingProxyType({})
OWN_BYTES_MAX = 8 * 1024 * 1024  # of an office's templates, emblems and all
ROUNDS_MAX = 40  # each finds more characters that no font has

STRANGE = re.compile(r'the text `"((?:[^"\\]|\\.)+?)"` could not be displayed')
ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))")
PLAINLY = {"t": "\t", "n": "\n", "r": "\r", "0": "\0"}  # Rust escapes others by a backslash alone
LONG_WORD = re.compile("[!-~]{14,}")  # the shortest that a template lets break anywhere
WORDS_MAX = 50  # of them in a text, as a template breaks them; with a thousand Typst gives up
ZERO_WIDTH_SPACE = "\u200b"
DRAWN = ("qr", "svg")  # no texts
PLACE = re.compile(r"┌─ (.+?):(\d+):\d+")


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


def pdf(
    template: str,
    data: Mapping[str, object],
    at: datetime,
    chosen: Fonts,
    files: Mapping[str, bytes] = EMPTY,
    own: Mapping[str, bytes] = EMPTY,
) -> bytes:
    """Set a page as PDF/A, dated `at`.

    `files` are those that the data speak of, by path. `own` are files of an office, by name: each
    stands for the template of that name. What no font has is set as its number, e.g. [U+20BB7].
    """
    with _compiler(template, chosen, files, own) as compiler:
        for _ in range(ROUNDS_MAX):
            try:
                return cast(
                    bytes,
                    compiler.compile(
                        format="pdf",
                        sys_inputs=_inputs(data, at, chosen),
                        timestamp=int(at.timestamp()),
                        pdf_standards=STANDARD,
                    ),
                )
            except typst.TypstError as error:
                strange = {_unquoted(one) for one in STRANGE.findall(error.diagnostic)}
                if not strange:
                    raise _wrong(error, own) from error
                data = {name: _numbered(value, strange) for name, value in data.items()}
    raise Refused(Reason.FONT_MISSING, one_of="", found=", ".join(chosen.serif))


def pictures(
    template: str,
    data: Mapping[str, object],
    at: datetime,
    chosen: Fonts,
    files: Mapping[str, bytes] = EMPTY,
    *,
    dots: float = 80,
) -> list[bytes]:
    """Set the same pages as pictures (PNG), so many dots an inch."""
    with _compiler(template, chosen, files, EMPTY) as compiler:
        made: Any = compiler.compile(format="png", sys_inputs=_inputs(data, at, chosen), ppi=dots)
    return [made] if isinstance(made, bytes) else cast(list[bytes], made)


def own_files(folder: Path | None) -> dict[str, bytes]:
    """Read the files of an office's folder of templates; hidden ones and folders are left out."""
    if folder is None:
        return {}
    try:
        found = [one for one in sorted(folder.iterdir()) if one.name[0] != "." and one.is_file()]
        if sum(one.stat().st_size for one in found) > OWN_BYTES_MAX:
            problem, zh = f"more than {OWN_BYTES_MAX} bytes", f"超过 {OWN_BYTES_MAX} 字节"
            raise Refused(
                Reason.TEMPLATE_WRONG, file=str(folder), line=0, problem=problem, problem_zh=zh
            )
        return {one.name: one.read_bytes() for one in found}
    except OSError as error:
        problem = error.strerror or str(error)
        raise Refused(
            Reason.TEMPLATE_WRONG, file=str(folder), line=0, problem=problem, problem_zh=problem
        ) from error


def code(content: str, *, level: Literal["l", "m", "q"] = "m") -> str:
    """Draw a QR code as SVG."""
    out = io.BytesIO()
    segno.make_qr(content, error=level).save(out, kind="svg", border=2, xmldecl=False, nl=False)
    return out.getvalue().decode()


def _load(folders: Sequence[Path]) -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders)
    )


@contextmanager
def _compiler(
    template: str, chosen: Fonts, files: Mapping[str, bytes], own: Mapping[str, bytes]
) -> Generator[typst.Compiler]:
    """Lay all files into a folder of their own, which a template cannot leave."""
    with TemporaryDirectory(prefix="evenhand-page-") as name:
        folder = Path(name)
        for path, body in {**_templates(), **own, **files}.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(body)
        yield typst.Compiler(
            folder / f"{template}.typ",
            root=folder,
            font_paths=chosen.found,
            ignore_system_fonts=True,
            package_path=folder / "packages",  # there are none, and none is fetched
            package_cache_path=folder / "packages",
        )


@cache
def _templates() -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in sorted(TEMPLATES.iterdir()) if one.is_file()}


def _wrong(error: typst.TypstError, own: Mapping[str, bytes]) -> Exception:
    """Blame an office's file where one is to blame; a template of ours that fails is our bug."""
    places = [(Path(name).name, int(line)) for name, line in PLACE.findall(error.diagnostic)]
    blamed = [place for place in places if place[0] in own]
    if not blamed:
        return error
    file, line = blamed[0]
    return Refused(
        Reason.TEMPLATE_WRONG, file=file, line=line, problem=error.message, problem_zh=error.message
    )


def _unquoted(text: str) -> str:
    """Read a text as Rust quotes it."""
    return ESCAPED.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else PLAINLY.get(found[2], found[2]), text
    )


def _numbered(value: object, strange: Collection[str]) -> object:
    """Write characters that no font has by their numbers."""

    def number(text: str) -> str:
        for one in strange:
            if one in text:
                codes = " ".join(f"U+{ord(character):04X}" for character in one)
                text = text.replace(one, f"[{codes}]")
        return text

    return _each(value, number)


def _broken(text: str) -> str:
    """Let long words break anywhere, where there are so many that no template could do it."""
    if len(text) <= WORDS_MAX or len(LONG_WORD.findall(text)) <= WORDS_MAX:
        return text
    return LONG_WORD.sub(lambda word: ZERO_WIDTH_SPACE.join(word[0]), text)


def _each(value: object, change: Callable[[str], str]) -> object:
    """Change every text, wherever it stands."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {name: one if name in DRAWN else _each(one, change) for name, one in pairs}
    if isinstance(value, list | tuple):
        return [_each(one, change) for one in cast("Sequence[object]", value)]
    return value


def _inputs(data: Mapping[str, object], at: datetime, chosen: Fonts) -> dict[str, str]:
    data = {name: one if name in DRAWN else _each(one, _broken) for name, one in data.items()}
    more = {
        "date": [at.year, at.month, at.day],
        "serif": chosen.serif,
        "sans": chosen.sans,
    }
    return {"data": msgspec.json.encode({**data, **more}).decode()}
