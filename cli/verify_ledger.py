"""复核账本: check an export of the ledger from its file alone, or take one first."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

import click
import msgspec

from backend.rules import ledger
from backend.rules.ledger_lines import Witnessed
from cli.output import json_option, text
from cli.steps import end, tell_steps
from sync.messages import Shown

T = TypeVar("T")
EXPORT = "/office/ledger"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("ledger")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option("--server", is_flag=True, help="Take it from the server now. 现在从服务器导出。")
@click.option("--key", default="", help="The server's public key, from a device. 服务器公钥。")
@click.option(
    "--receipt",
    "receipts",
    multiple=True,
    type=FILE,
    help="A device's receipt. 终端回执。",
)
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=FILE,
    help="What /public/heads said earlier. 先前记录的 /public/heads。",
)
@json_option
def verify_ledger(
    file: Path | None,
    server: bool,
    key: str,
    receipts: tuple[Path, ...],
    heads: tuple[Path, ...],
) -> None:
    """Check an exported ledger: chains, signatures, forks, and every inspection anew. 复核账本。"""
    if (file is None) != server:
        raise click.UsageError(text("Give a file, or --server.", "请给出文件，或 --server。"))
    if file is not None:
        with file.open("rb") as opened:
            _verify(opened, key, receipts, heads)
        return
    from cli import client  # httpx: verifying a file needs no network

    with TemporaryFile() as taken:
        client.download(EXPORT, taken)
        taken.seek(0)
        _verify(taken, key, receipts, heads)


def _verify(file: IO[bytes], key: str, receipts: Sequence[Path], heads: Sequence[Path]) -> None:
    steps = ledger.verify(
        iter(file),
        key=key,
        receipts=_read(receipts, Shown),
        heads=_read(heads, Witnessed),
    )
    tell_steps(steps)
    end(steps)


def _read(paths: Sequence[Path], into: type[T]) -> list[T]:
    found: list[T] = []
    for path in paths:
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=into))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{path}: {error}") from None
    return found
