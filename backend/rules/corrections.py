"""更正与撤下: what a publication's folder keeps of results that were corrected since.

A corrected result stays as it was published, or, when its content is withheld, a notice stands in
its place. Each says what it corrected itself, so whoever checks can follow it back to the first.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from backend.rules import canonical
from backend.rules.differences import Differs
from backend.rules.disclosure import Corrects, Result, Withheld

REPLACED, WITHHELD = "replaced/", "withheld/"


def replaced_path(id: str, n: int) -> str:
    """Say where a corrected publication stays."""
    return f"{REPLACED}{id}-{n}.json"


def withheld_path(id: str, n: int) -> str:
    """Say where the notice is that a corrected publication is withheld."""
    return f"{WITHHELD}{id}-{n}.json"


def notices(files: Mapping[str, bytes]) -> list[Withheld]:
    """Read the notices; one that says more than a notice does is refused."""
    return [_notice(body) for path, body in sorted(files.items()) if path.startswith(WITHHELD)]


def require_traced(files: Mapping[str, bytes], results: Iterable[Result]) -> int:
    """Follow every correction back to what was published first; give how many are withheld."""
    traced = {path for one in results for path in _trace(files, one)}
    for path in files:
        if path.startswith((REPLACED, WITHHELD)) and path not in traced:
            raise Differs(
                f"{path} is not what a result corrects.", f"{path} 不是任何更正的原公示。"
            )
    return sum(path.startswith(WITHHELD) for path in traced)


def _trace(files: Mapping[str, bytes], one: Result) -> Iterator[str]:
    corrects = one.corrects
    while corrects is not None:
        path, earlier = _before(files, one.id, corrects)
        if earlier is not None and earlier.n >= corrects.n:
            raise Differs(f"Result {one.id} corrects itself.", f"结果 {one.id} 的更正次序有误。")
        yield path
        corrects = earlier


def _before(files: Mapping[str, bytes], id: str, corrects: Corrects) -> tuple[str, Corrects | None]:
    """Find what was corrected, or the notice in its place; give what it corrected itself."""
    path = withheld_path(id, corrects.n)
    if path in files:
        notice = _notice(files[path])
        told = (notice.id, notice.n, notice.sha256, notice.published_on)
        if told != (id, corrects.n, corrects.sha256, corrects.published_on):
            raise Differs(
                f"{path} tells of another publication than result {id} corrects.",
                f"{path} 所述并非结果 {id} 更正前的公示。",
            )
        return path, notice.corrects
    path = replaced_path(id, corrects.n)
    body = files.get(path)
    if body is None or canonical.digest(body) != corrects.sha256:
        raise Differs(
            f"Result {id} does not show what it corrects.", f"结果 {id} 未附更正前的公示。"
        )
    return path, msgspec.json.decode(body, type=Result).corrects


def _notice(body: bytes) -> Withheld:
    notice = msgspec.json.decode(body, type=Withheld)
    more = msgspec.json.decode(body) != msgspec.to_builtins(notice)
    if more or (notice.corrects is not None and notice.corrects.reason):
        raise Differs(
            f"The notice of result {notice.id} says more than a notice does.",
            f"结果 {notice.id} 的撤下说明含有其他内容。",
        )
    if notice.withheld_on < notice.published_on:
        raise Differs(
            f"Result {notice.id} was withheld before it was published.",
            f"结果 {notice.id} 的撤下日期早于公示日期。",
        )
    return notice
