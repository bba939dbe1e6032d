"""核验文书: whether an inspection still is what a printed document shows."""

import re
from pathlib import Path

import click
from msgspec import Struct

from cli.device_identity import home_option, opened
from cli.output import json_option, say, show
from sync.merge import digest
from sync.refusals import Reason, Refused

CODE = re.compile(r"EHI1:([0-9A-Za-z-]{1,64}):([0-9a-f]{64})")
FILE_BYTES_MAX = 256 * 1024 * 1024


class Code(Struct, frozen=True):
    """What the code on a document says: which inspection, and in which state."""

    inspection: str
    digest: str


def read_code(told: str) -> Code:
    """Read the code from a PDF that we made, or from what a scanner gave."""
    path = Path(told)
    text = told
    if not told.startswith("EHI1:") and path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
        text = path.read_bytes().decode("latin-1")
    found = CODE.search(text)
    if found is None:
        raise Refused(Reason.PAPER_CODE_MISSING)
    return Code(found[1], found[2])


@click.command("paper")
@click.argument("told", metavar="FILE|TEXT")
@click.option("--device", is_flag=True, help="Ask this device, not the office. 以本终端为准。")
@home_option
@json_option
def verify_paper(told: str, device: bool, folder: Path) -> None:
    """Compare a document, or the text of its QR code, with the inspection as it stands. 核验文书。

    The office is asked, which needs a log-in; with --device the device, which needs no network.
    """
    code = read_code(told)
    if device:
        with opened(folder) as home:
            home.replica.came_with(code.inspection)  # or refuses what is not here
            now = digest(home.replica.inspection(code.inspection))
    else:
        from backend.wire import InspectionView  # who verifies offline needs no part of a server
        from cli import client

        now = client.get(f"/office/inspections/{code.inspection}", InspectionView).digest
    if now != code.digest:
        raise Refused(
            Reason.PAPER_OUTDATED, inspection=code.inspection, paper=code.digest, now=now or "-"
        )
    say(
        f"This is inspection {code.inspection} as it stands.",
        f"本文书与检查 {code.inspection} 的现状一致。",
    )
    show({"inspection": code.inspection, "digest": code.digest}, {})
