"""照片 on a device: attach one and hear what is odd about it, draw over one.

Recording needs no Pillow; without it nothing is said about a picture.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec

from cli.device_identity import home_option
from cli.device_recording import recording, say_recorded
from cli.device_tasks import task_of
from cli.home import Home
from cli.output import json_option, say, show
from sync import layers, pictures
from sync.merge import Evidence, Inspection
from sync.ops import decode_op
from sync.pictures import Remark, Visit
from sync.refusals import Reason, Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PREFIX_MIN = 6  # characters of a digest that still name a picture


@click.command()
@click.argument("inspection")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--item", default="", help="The item it proves. 检查项。")
@click.option("--caption", default="", help="What it shows. 说明。")
@home_option
@json_option
def attach(inspection: str, file: Path, item: str, caption: str, folder: Path) -> None:
    """Attach a photo or another file as evidence. 添加证据。

    Says when a photo's time or place disagrees with the visit; it is attached all the same.
    """
    with recording(folder, inspection) as (home, one):
        kept = home.keep(file)
        remarks = _remarks(home, one, file) if kept.mime.startswith("image/") else ()
        mine = home.replica.attach(one, kept, item=item, caption=caption)
    say(f"Recorded as operation {mine.n}.", f"已记录为第 {mine.n} 号操作。")
    for remark in remarks:
        en, zh = pictures.said(**msgspec.structs.asdict(remark))
        mark = "!" if remark.warning else " "
        say(f" {mark} The picture: {en}.", f" {mark} 照片：{zh}。")
    show({"n": mine.n, "remarks": [one.code for one in remarks]}, {})


@click.command()
@click.argument("inspection")
@click.argument("picture")
@click.argument("layer", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--caption", default="", help="What it points at. 说明。")
@home_option
@json_option
def annotate(inspection: str, picture: str, layer: Path, caption: str, folder: Path) -> None:
    """Draw over a picture, in a file of its own; the picture stays as it is. 标注照片。

    PICTURE is the beginning of its digest, LAYER a JSON file (docs/reference/evidence.md).
    """
    with recording(folder, inspection) as (home, one):
        of = _picture(home.replica.inspection(one), picture)
        layers.read(layer.read_bytes())
        kept = msgspec.structs.replace(home.keep(layer), mime=layers.MIME)
        mine = home.replica.attach(
            one, kept, item=of.item, caption=caption, of=of.blob, role="annotation"
        )
    say_recorded(mine.n)


commands: Sequence[click.Command] = (attach, annotate)


def _picture(state: Inspection, beginning: str) -> Evidence:
    """Find the picture whose digest begins so, or refuse."""
    found = {
        one.blob: one
        for one in state.evidence
        if one.blob.startswith(beginning) and one.mime.startswith("image/") and not one.voided
    }
    if len(beginning) < PREFIX_MIN or len(found) != 1:
        raise Refused(Reason.LAYER_OF_NOTHING, picture=beginning)
    return next(iter(found.values()))


def _remarks(home: Home, inspection: str, file: Path) -> tuple[Remark, ...]:
    """Say what is odd about a picture, as far as can be told here; nothing without Pillow."""
    try:
        from sync import photos  # needs Pillow, which recording does not
    except ModuleNotFoundError:
        return ()
    facts = photos.probe(file)
    now = _moment(home.clock().w)
    if not facts.format or now is None:
        return ()
    return pictures.remarks(facts, _visit(home, inspection, now), attached=now)


def _visit(home: Home, inspection: str, now: datetime) -> Visit:
    """Say when and where the visit is: since this device first recorded something of it."""
    begun = [decode_op(one.raw).w for one in home.replica.store.log_of(inspection)][:1]
    site = task_of(home.replica, inspection).establishment
    arrivals = home.replica.inspection(inspection).arrivals
    places = [
        pictures.place(one.latitude, one.longitude, one.datum, one.accuracy)
        for one in (() if arrivals is msgspec.UNSET else arrivals)
        if not one.voided
    ]
    return Visit(
        begins=_moment(begun[0]) if begun else None,
        ends=now,
        site=pictures.place(site.get("latitude"), site.get("longitude"), site.get("datum")),
        arrival=next((one for one in places if one is not None), None),
    )


def _moment(w: int) -> datetime | None:
    """Read a wall clock; none for a moment that no calendar has."""
    try:
        return EPOCH + timedelta(milliseconds=w)
    except OverflowError:
        return None
