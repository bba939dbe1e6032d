"""查询: what a bundle says to one business, from its files alone."""

from pathlib import Path

import click

from backend.rules import bundle, papers, proofs
from backend.rules.canonical import NotCanonical
from cli import draw_explain, draw_print, draw_simulate
from cli.output import json_option, say, show
from cli.verify import read_bundle
from sync.refusals import Reason, Refused


@click.group("draw")
def group() -> None:
    """Ask a draw's bundle, offline. 离线查询。"""


group.add_command(draw_explain.explain_place)
group.add_command(draw_print.print_draw)
group.add_command(draw_simulate.simulate_plan)


@group.command("proof")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("code")
@click.option(
    "--to", "target", type=click.Path(dir_okay=False, path_type=Path),
    help="CODE.proof.json without it. 目标文件。",
)  # fmt: skip
@json_option
def write_proof(folder: Path, code: str, target: Path | None) -> None:
    """Write a proof that CODE was in the frame, or was not. 入围证明。"""
    files = read_bundle(folder)
    if not {"commit.json", "frame.tsv.gz"} <= files.keys():
        raise click.UsageError(f"{folder} holds no commit.json with its frame.tsv.gz")
    packed = files["frame.tsv.gz"]
    try:
        data = papers.write(
            proofs.prove(
                files["commit.json"], code, bundle.frame_rows(packed), bundle.frame_rows(packed)
            )
        )
        shown = proofs.check(data)
    except NotCanonical as error:
        raise Refused(Reason.FRAME_PROOF_WRONG, problem=str(error)) from None
    path = target or Path(f"{code}.proof.json")
    path.write_bytes(data)
    say(f"Proof in {path}; check it: evenhand verify proof {path}",
        f"证明已写入 {path}；复核：evenhand verify proof {path}")  # fmt: skip
    show(shown, {})
