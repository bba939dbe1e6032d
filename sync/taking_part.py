"""两人检查: who of the two inspectors took part, and what is lacking. Pure.

Only what was recorded on a person's own device speaks for them: one cannot arrive for another.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from sync.merge import Recorded
from sync.ops import AddEvidence, Arrive, CarryChecklist, Sign, Void

Act: TypeAlias = Literal["arrived", "recorded", "signed"]
ACTS: tuple[Act, ...] = ("arrived", "recorded", "signed")


class Part(Struct, frozen=True):
    """What one inspector did on their own device."""

    role: str
    who: str
    did: tuple[Act, ...]

    @property
    def took_part(self) -> bool:
        """Tell whether anything was done at all."""
        return bool(self.did)

    @property
    def lacking(self) -> tuple[Act, ...]:
        """Name what was not done."""
        return tuple(act for act in ACTS if act not in self.did)


def parts(seats: Mapping[str, str], known: Iterable[Recorded]) -> tuple[Part, ...]:
    """Say for each seat, a role and who has it, what that person did; in the order of the seats.

    What was withdrawn was done all the same, but for an arrival, which was none.
    """
    ops = list(known)
    withdrawn = {one.op.target for one in ops if isinstance(one.op, Void)}
    did: dict[str, set[Act]] = {}
    for one in ops:
        act = _act(one, seats, withdrawn)
        if act is not None:
            did.setdefault(one.who, set()).add(act)
    return tuple(
        Part(role, who, tuple(act for act in ACTS if act in did.get(who, ())))
        for role, who in seats.items()
    )


def _act(one: Recorded, seats: Mapping[str, str], withdrawn: Collection[str]) -> Act | None:
    match one.op:
        case Arrive():
            return "arrived" if one.id not in withdrawn else None
        case Sign():
            return "signed" if seats.get(one.op.role) == one.who else None
        case AddEvidence(role="strokes") | Void() | CarryChecklist():
            return None  # of a signature, or about what others did
        case _:
            return "recorded"
