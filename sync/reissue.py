"""分叉重签: write the operations of a branch anew for another chain.

What a branch recorded about itself it named by the numbers of its own chain, which in the ledger
are another history's. Under the new identity the names change, and nothing else does.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from sync.ops import AnyOp, OpId, SetAnswers, Sign, Void


def renamed(op: AnyOp, n: int, names: Mapping[OpId, OpId]) -> AnyOp | None:
    """Write one operation for number `n` of another chain; `names` maps former names to new ones.

    Gives none for a signature: what it signs goes by other names, so who signed has to sign again.
    """
    match op:
        case SetAnswers():
            seen = {ref: tuple(names.get(one, one) for one in ops) for ref, ops in op.s.items()}
            return replace(op, n=n, s=seen)
        case Void():
            return replace(op, n=n, target=names.get(op.target, op.target))
        case Sign():
            return None
        case _:
            return replace(op, n=n)


def essence(op: AnyOp) -> bytes:
    """Write what an operation says, whatever it is called and calls others: its clocks tell."""
    bare = replace(op, n=0)
    if isinstance(bare, SetAnswers | Sign):
        bare = replace(bare, s={} if isinstance(bare, SetAnswers) else ())
    if isinstance(bare, Sign):
        bare = replace(bare, covers={}, digest="")
    if isinstance(bare, Void):
        bare = replace(bare, target="")
    return msgspec.json.encode(bare)
