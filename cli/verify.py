"""复核: check a draw, a publication or a ledger from files alone, without server or network."""

from pathlib import Path

import click
import msgspec

from backend.rules import chain, course, papers, proofs
from backend.rules.canonical import NotCanonical
from backend.rules.course import Course
from backend.rules.verification import Explained, explain, verify
from backend.work import processes
from cli import verify_ledger, verify_paper, verify_publication
from cli.draw_course import tell_site
from cli.output import as_json, json_option, say, show
from cli.steps import end, tell_steps
from sync.refusals import Reason, Refused

FILE_BYTES_MAX = 2**31


@click.group("verify")
def group() -> None:
    """Check a draw, a publication or a ledger, offline. 离线复核。"""


for _command in (
    *verify_publication.commands,
    verify_ledger.verify_ledger,
    verify_paper.verify_paper,
):
    group.add_command(_command)


@group.command("draw")
@click.argument(
    "bundles",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--id", "id_", help="Explain the place of one object. 查询一户。")
@click.option("--public", is_flag=True, help="Files kept by the auditor may be absent. 公开部分。")
@click.option(
    "--commitment",
    "commitments",
    multiple=True,
    help="The hash as it was published, one for each bundle. 公布的承诺散列值。",
)
@json_option
def verify_draw(
    bundles: tuple[Path, ...], id_: str | None, public: bool, commitments: tuple[str, ...]
) -> None:
    """Recompute a draw from its bundle and say what was proved. 复核一次抽取。

    Several bundles, or a folder of bundles, are also checked as the chain of an agency.
    """
    folders = [one for path in bundles for one in _bundles_in(path)]
    if len(folders) > 1 or folders != list(bundles):
        _verify_chain(folders, id_, public=public, commitments=commitments)
        return
    if len(commitments) > 1:
        raise click.UsageError("--commitment: one for each bundle 每个档案包一个")
    files = read_bundle(folders[0])
    steps = verify(
        files, public=public, commitment=next(iter(commitments), None), spread=processes.spread
    )
    place, since = _explain(files, id_) if id_ is not None else (None, None)
    tell_steps(steps, object=place, since=since)
    if id_ is not None and not as_json():
        _print_place(id_, place)
        if since is not None:
            tell_site(id_, since)
    end(steps)


def _verify_chain(
    folders: list[Path], id: str | None, *, public: bool, commitments: tuple[str, ...]
) -> None:
    """Check every bundle, and that they are links of one chain."""
    if id is not None:
        raise click.UsageError("--id: give one bundle 只能给出一个档案包")
    read = {str(folder): read_bundle(folder) for folder in folders}
    proved = {
        name: verify(files, public=public, spread=processes.spread) for name, files in read.items()
    }
    steps = [
        *(chain.summed(name, found) for name, found in proved.items()),
        *chain.verify(list(read.values()), set(commitments)),
    ]
    tell_steps(steps, bundles=proved)
    end(steps)


def _bundles_in(path: Path) -> list[Path]:
    """Take a folder for a bundle, or else for the folder of several."""
    inner = [one for one in sorted(path.iterdir()) if (one / "commit.json").is_file()]
    return inner if inner and not (path / "commit.json").is_file() else [path]


@group.command("proof")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--commitment", help="The hash as it was published. 公布的承诺散列值。")
@json_option
def verify_proof(file: Path, commitment: str | None) -> None:
    """Check a proof of a place in a frame against the commitment alone. 复核入围证明。"""
    try:
        shown = proofs.check(file.read_bytes())
    except (NotCanonical, msgspec.MsgspecError, ValueError) as error:
        raise Refused(Reason.FRAME_PROOF_WRONG, problem=str(error)) from None
    if commitment is not None and commitment != shown.commit:
        raise Refused(Reason.FRAME_PROOF_WRONG, commitment=shown.commit, published=commitment)
    show(shown, {})
    _print_shown(shown)


def _print_shown(shown: proofs.Shown) -> None:
    if shown.status == "absent":
        say(
            f"{shown.id} is not among the {shown.size} in this frame.",
            f"{shown.id} 不在本抽样框的 {shown.size} 户之内。",
        )
    elif shown.status == "E":
        say(
            f"{shown.id} is among the {shown.size} in this frame and can be drawn "
            f"(stratum {shown.stratum}).",
            f"{shown.id} 在本抽样框的 {shown.size} 户之内，可被抽取（层 {shown.stratum}）。",
        )
    else:
        _say_excluded(shown.id, shown.reason, shown.evidence)
    say(
        f"Commitment {shown.seq} of {shown.agency}, made {shown.made}. Compare its hash with what "
        f"was published:\n  {shown.commit}",
        f"{shown.agency} 第 {shown.seq} 号承诺，作于 {shown.made}。请与公布的散列值核对："
        f"\n  {shown.commit}",
    )


def _say_excluded(id: str, reason: str, evidence: str) -> None:
    en, zh = papers.EXCLUSIONS[reason[:3]]
    by = (f" Evidence: {evidence}.", f"依据：{evidence}。") if evidence else ("", "")
    say(
        f"{id} was excluded ({reason}): {en}.{by[0]}",
        f"{id} 不参加抽取（{reason}）：{zh}。{by[1]}",
    )


def read_bundle(folder: Path) -> dict[str, bytes]:
    """Read every file of a bundle; a folder in it is no part of a bundle and fails the manifest."""
    files: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            files[path.name] = b""  # unlisted or of another hash, so the manifest step names it
        else:
            files[path.name] = path.read_bytes()
    return files


def _explain(files: dict[str, bytes], id: str) -> tuple[Explained | None, Course | None]:
    """Find the place of an object in the draw, and what followed for it."""
    try:
        place = explain(files, id)
        since = course.of_site(files, id) if place is not None and place.ticket else None
    except (NotCanonical, msgspec.MsgspecError, LookupError, ValueError):
        return None, None  # the steps say what is wrong with the files
    return place, since


def _print_place(id: str, place: Explained | None) -> None:
    if place is None:
        say(f"{id} is not in this draw's frame.", f"{id} 不在本次抽取的名录中。")
        return
    if place.status == "X":
        _say_excluded(id, place.reason, place.evidence)
        return
    if not place.ticket:
        say(f"{id} can be drawn; the draw has not been held.", f"{id} 可被抽取；尚未抽取。")
        return
    lots = {"P": ("drawn", "中签"), "R": ("a reserve", "候补"), "": ("not drawn", "未中签")}
    en, zh = lots[place.lot]
    say(
        f"{id} has ticket {place.ticket},\nrank {place.rank} of {place.eligible}; "
        f"the first {place.primary} are drawn: {en}.",
        f"{id} 的签号为 {place.ticket}，\n在 {place.eligible} 户中列第 {place.rank}；"
        f"前 {place.primary} 户中签：{zh}。",
    )
    if place.inspectors:
        who = ", ".join(place.inspectors)
        say(f"Inspectors: {who}.", f"执法人员：{who}。")
    say("Check the ticket yourself:", "自行核对签号：")
    say(f"  {place.command}", f"  {place.command}")
