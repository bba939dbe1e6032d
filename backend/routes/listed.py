"""Lists that were cut (列表截断): who reads one is told by a header that there is more."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

HEADER = "Evenhand-More"


async def tell_more(message: Message, scope: Scope) -> None:
    """Say `Evenhand-More: yes` beside a list of which only the first rows are given."""
    if message["type"] == "http.response.start" and scope["state"].get("more"):
        MutableScopeHeaders.from_message(message)[HEADER] = "yes"
