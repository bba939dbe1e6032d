"""二维码: a text as a code to be scanned, in the terminal or as a picture."""

from pathlib import Path

from cli.output import as_json, say
from sync.refusals import Reason, Refused


def draw(content: str, png: Path | None) -> None:
    """Draw a text in the terminal, or into a PNG file; refuse a picture without the library.

    A device has it with the extra `print` (or `server`); without it the text alone is told.
    """
    try:
        import segno  # only here: the base package does without
    except ModuleNotFoundError as missing:
        if png:
            raise Refused(Reason.EXTRA_MISSING, group="print", lacks="segno") from missing
        say(
            "(No QR code here: install evenhand[print].)",
            "（未安装 evenhand[print]，无法显示二维码）",
        )
        return
    code = segno.make_qr(content, error="m")
    if png:
        code.save(str(png), scale=8, border=4)
    elif not as_json():
        code.terminal(compact=True, border=2)
