"""Carry a device's work by hand (无网交接): to the office on a stick, or to a new phone."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import click
import msgspec

from cli.device_identity import home_option, opened
from cli.home import Home
from cli.output import json_option, say, show
from sync import carrying, handover
from sync.handover import Item, Things
from sync.refusals import Reason, Refused
from sync.store import File

passphrase_option = click.option(
    "--passphrase",
    envvar="EVENHAND_PASSPHRASE",
    default="",
    help="Opens the file on the new phone; asked for when missing. 口令。",
)


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--phone", is_flag=True, help="For a new phone, not for the office. 用于更换手机。")
@click.option("--all", "everything", is_flag=True, help="Also what the server has. 包括已上传的。")
@passphrase_option
@home_option
@json_option
def export(file: Path, phone: bool, everything: bool, passphrase: str, folder: Path) -> None:
    """Write unsent work and files into an encrypted FILE. 导出未上传的工作。"""
    with opened(folder) as home:
        if phone and not passphrase:
            passphrase = click.prompt("Passphrase 口令", hide_input=True, confirmation_prompt=True)
        counted = write(home, file, passphrase=passphrase if phone else "", everything=everything)
    say(
        f"Wrote {counted['operations']} operations and {counted['files']} files to {file}.",
        f"已写入操作 {counted['operations']} 条、文件 {counted['files']} 个：{file}。",
    )
    show(counted, {})


def write(home: Home, file: Path, *, passphrase: str, everything: bool) -> dict[str, int]:
    """Write a bundle for the office, or with a passphrase one for a new phone."""
    enrolled = home.replica.identity.enrolled
    files = [one for one in home.files() if everything or not one.sent]
    scratch = Path(mkdtemp(prefix=".export-", dir=file.resolve().parent))
    part = scratch / file.name
    try:
        with part.open("wb") as out:
            if passphrase:
                count = home.replica.unsent()
                home.store.snapshot(scratch / "store")
                handover.write_for_phone(
                    out,
                    [*_store(scratch / "store"), *_files(home, files)],
                    device=enrolled.device,
                    server=enrolled.server_key,
                    passphrase=passphrase,
                )
            else:
                signed = list(carrying.batches(home.replica, everything=everything))
                count = sum(body.count(b"\n") for _, body in signed)
                handover.write_for_office(
                    out,
                    [*((item, [body]) for item, body in signed), *_files(home, files)],
                    device=enrolled.device,
                    server=enrolled.server_key,
                    to=enrolled.seal_key,
                )
        part.replace(file)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {"operations": count, "files": len(files)}


def _store(path: Path) -> Things:
    return [(Item("store", "device.db", path.stat().st_size), _parts(path))]


def _files(home: Home, files: Iterable[File]) -> Iterator[tuple[Item, Iterable[bytes]]]:
    for one in files:
        yield Item("file", one.sha256, one.size, mime=one.mime), _pieces(home, one)


def _pieces(home: Home, file: File) -> Iterator[bytes]:
    read = home.reader(file.sha256)
    for at in range(0, file.size, handover.PIECE_BYTES):
        yield read(at, handover.PIECE_BYTES)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(handover.PIECE_BYTES):
            yield part


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@passphrase_option
@home_option
@json_option
def import_(file: Path, passphrase: str, folder: Path) -> None:
    """Go on, on this new phone, with what another wrote by `export --phone`. 在新手机上继续。"""
    if (folder / "device.db").exists():
        raise Refused(Reason.DEVICE_ENROLLED)
    if not passphrase:
        passphrase = click.prompt("Passphrase 口令", hide_input=True)
    read(file, folder, passphrase=passphrase)
    with opened(folder) as home:
        enrolled, unsent = home.replica.identity.enrolled, home.replica.unsent()
    say(
        f"{enrolled.name} goes on here; {unsent} operations wait to be sent.",
        f"{enrolled.name} 可在本机继续工作；待上传操作 {unsent} 条。",
    )
    show({"inspector": enrolled.inspector, "unsent": unsent}, {})


def read(file: Path, folder: Path, *, passphrase: str) -> None:
    """Make a person's folder of a bundle, all of it or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(prefix=".import-", dir=folder.parent))
    try:
        with file.open("rb") as body, ExitStack() as until:
            key = handover.open_on_phone(body, passphrase=passphrase)
            handover.verify(body, key)
            home: Home | None = None
            for item, take in handover.things(body, key):
                parts = iter(partial(take, handover.PIECE_BYTES), b"")
                if item.kind == "store":
                    with (scratch / "device.db").open("wb") as out:
                        out.writelines(parts)
                    home = until.enter_context(opened(scratch))  # encrypted, if the other one was
                    with home.store.transaction():
                        home.store.set("moved", "yes")
                elif home is not None:  # a store comes first
                    home.keep_body(item.name, b"".join(parts))
        with suppress(FileNotFoundError):
            (folder / "files").rmdir()
        for name in ("files", "device.db"):
            folder.mkdir(parents=True, exist_ok=True)
            (scratch / name).replace(folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@click.command("receipt")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@home_option
@json_option
def write_receipt(file: Path, folder: Path) -> None:
    """Write the server's last signed receipt into FILE, for `verify ledger`. 导出服务器回执。"""
    with opened(folder) as home:
        shown = carrying.shown_receipt(home.replica)
    file.write_bytes(msgspec.json.encode(shown) + b"\n")
    say(
        f"The server acknowledged operation {shown.ack.n}, at its ledger position {shown.ledger}.",
        f"服务器已确认至第 {shown.ack.n} 号操作，账本位置 {shown.ledger}。",
    )
    show(shown, {})


@click.command("import-receipt")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@json_option
def import_receipt(file: Path, folder: Path) -> None:
    """Apply the receipt that `evenhand office receive` wrote. 导入回执。"""
    with opened(folder) as home:
        receipt = carrying.apply_receipt(home.replica, file.read_bytes())
        unsent = home.replica.unsent()
    say(
        f"The office has it: {unsent} operations are still to be sent.",
        f"机关已接收；待上传操作 {unsent} 条。",
    )
    show({"files": len(receipt.files), "unsent": unsent}, {})


commands: list[click.Command] = [write_receipt, export, import_, import_receipt]
