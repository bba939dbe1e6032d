"""照片: look at the pictures of an inspection, hide parts of them, print them all."""

from pathlib import Path

import click

from backend.wire import EvidenceView, MaskBox, MaskedView, NewMasks
from cli import client
from cli.output import json_option, say, show, text
from sync.pictures import said

BOX = "x,y,w,h"


def read_box(value: str) -> MaskBox:
    """Read a mask as it is typed."""
    try:
        x, y, w, h = (int(part) for part in value.split(","))
    except ValueError:
        raise click.UsageError(text(f"{value!r} is not {BOX}", f"{value!r} 应写作 {BOX}")) from None
    return x, y, w, h


def say_picture(one: EvidenceView) -> None:
    """Say what a picture tells about itself, and what is odd about it."""
    if one.facts is not None:
        facts = one.facts
        place = f"{facts.latitude}, {facts.longitude}" if facts.latitude else ""
        told = (f"{facts.taken}{facts.zone}", place, facts.camera, f"{facts.width}x{facts.height}")
        click.echo(f"      {'  '.join(part for part in told if part)}")
    for remark in one.remarks:
        en, zh = said(
            remark.code,
            metres=remark.metres,
            minutes=remark.minutes,
            inspection=remark.inspection,
        )
        click.echo(f"    {'!' if remark.warning else ' '} {text(en, zh)}")


@click.group()
def photos() -> None:
    """Look at pictures, and hide parts of those to be published. 照片。"""


@photos.command("show")
@click.argument("inspection_id")
@click.argument("sha256")
@click.option("--public", is_flag=True, help="As it would be published. 公示版。")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def show_photo(inspection_id: str, sha256: str, public: bool, out: Path) -> None:
    """Render a picture upright, with its annotations, as JPEG. 查看照片。"""
    path = f"/office/inspections/{inspection_id}/photos/{sha256}"
    out.write_bytes(client.fetch(path, public=str(public).lower()))
    say(f"Written: {out}", f"已写入 {out}")
    show({"out": str(out)}, {})


@photos.command("mask")
@click.argument("inspection_id")
@click.argument("sha256")
@click.option("--box", "boxes", multiple=True, metavar=BOX, help="One to hide. 遮挡框（像素）。")
@json_option
def mask_photo(inspection_id: str, sha256: str, boxes: tuple[str, ...]) -> None:
    """Hide faces and plates of a picture that is to be published; for reviewers. 遮挡。

    Pixels count from the top left corner of the upright picture. What was hidden before is not
    any more; without --box nothing is.
    """
    order = NewMasks(tuple(read_box(one) for one in boxes))
    path = f"/office/inspections/{inspection_id}/photos/{sha256}/masks"
    done = client.post(path, MaskedView, order)
    say(f"Hidden: {len(done.masks)} boxes.", f"已设遮挡框 {len(done.masks)} 个。")
    show(done, {})


@click.command("sheet")
@click.argument("inspection_id")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def print_contact_sheet(inspection_id: str, out: Path) -> None:
    """Print all pictures of an inspection on a sheet (PDF). 照片汇总表。"""
    out.write_bytes(client.fetch(f"/office/inspections/{inspection_id}/contact-sheet"))
    say(f"Written: {out}", f"已写入 {out}")
    show({"out": str(out)}, {})


commands: list[click.Command] = [photos]
