"""What is known of inspections when their operations are judged: who may answer which items.

Checklists are decoded once: what is released under a digest never changes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from backend.db import Session
from backend.work.ledger import Ask, Rows, ask
from sync import answers, checklist, hub
from sync.merge import MEMBER

ROLES = ("lead", "second")
ASKING_MAX = 1000

# Tasks; their seats; who sat there before: what those recorded arrives late, and counts.
KNOWN = """
SELECT 'task', id, lead_id, second_id, checklist_digest, withdrawn_at IS NULL
FROM task WHERE id AMONG $1
UNION ALL
SELECT 'seat', task_id, inspector_id, '', checklist_digest, TRUE FROM seat WHERE task_id AMONG $1
UNION ALL
SELECT 'relief', task_id, inspector_id, role, '', TRUE FROM relief WHERE task_id AMONG $1"""
RELEASED = "SELECT digest, body FROM checklist WHERE digest AMONG $1"
VERSIONS = "SELECT digest FROM checklist"

_released: dict[str, checklist.Checklist] = {}
_asking: dict[tuple[str, ...], hub.Form] = {}


def asked(inspections: Iterable[str]) -> Ask:
    """Ask for what `read` needs."""
    return KNOWN, (list(inspections),)


async def facts_of(db: Session, raws: Sequence[bytes]) -> Mapping[str, hub.Facts]:
    """Load what is known of the inspections that operations speak of."""
    wanted = {inspection for raw in raws if (inspection := hub.inspection_of(raw))}
    if not wanted:
        return {}
    (rows,) = await ask(db, asked(wanted))
    return await read(db, rows, raws)


async def forms(
    db: Session, digests: Collection[str], raws: Sequence[bytes]
) -> Mapping[str, hub.Form]:
    """Load checklists, as far as they are released, and their versions if a push speaks of such."""
    wanted = {*digests, *await _versions(db, raws)}
    await _load(db, wanted)
    return {digest: _ask(digest) for digest in wanted if digest in _released}


async def read(db: Session, rows: Rows, raws: Sequence[bytes]) -> Mapping[str, hub.Facts]:
    """Read the answer to `asked`; checklists that were never needed before are loaded."""
    versions = await _versions(db, raws)
    await _load(db, {digest for *_, digest, _ in rows if digest} | set(versions))
    roles: dict[str, dict[str, str]] = {}
    brought: dict[str, list[str]] = {}
    tasks = {row[1]: row for row in rows if row[0] == "task"}
    for what, task, inspector, role, digest, _ in rows:
        if what == "relief":
            roles.setdefault(task, {}).setdefault(inspector, role or MEMBER)
        if what == "seat" and tasks[task][5]:
            roles.setdefault(task, {})[inspector] = MEMBER
        if what == "seat" and digest != tasks[task][4]:
            brought.setdefault(task, []).append(digest)
    facts: dict[str, hub.Facts] = {}
    for _, task, lead, second, digest, stands in tasks.values():
        own, others = roles.get(task, {}), brought.get(task, ())
        if stands:
            own |= zip((lead, second), ROLES, strict=True)
        asking = _ask(digest, *others)
        facts[task] = hub.Facts(
            own,
            asking.admissible,
            asking.plain,
            {
                one: _ask(one, *others).admissible
                for one in versions
                if _released[one].code == asking.code
            },
        )
    return facts


def _ask(*digests: str) -> hub.Form:
    """Give what checklists ask together, the first of them by bare references."""
    if digests not in _asking:
        if len(_asking) >= ASKING_MAX:
            _asking.clear()
        items = checklist.asked([_released[digest] for digest in digests])
        _asking[digests] = hub.Form(
            _released[digests[0]].code, partial(answers.admits, items), answers.plain(items)
        )
    return _asking[digests]


async def _versions(db: Session, raws: Sequence[bytes]) -> list[str]:
    """Name what may be followed instead of what came with the task, if a push speaks of it."""
    if not any(b'"under"' in raw or b'"checklist.carry/' in raw for raw in raws):
        return []
    (rows,) = await ask(db, (VERSIONS, ()))
    return [digest for (digest,) in rows]


async def _load(db: Session, digests: Collection[str]) -> None:
    unknown = [digest for digest in digests if digest not in _released]
    if unknown:
        (rows,) = await ask(db, (RELEASED, (unknown,)))
        _released.update((digest, checklist.load(body)) for digest, body in rows)
