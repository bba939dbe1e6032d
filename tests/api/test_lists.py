"""Lists that are longer than anyone reads: the first rows, and a word that there are more."""

import pytest
from conftest import Office
from httpx import AsyncClient

from backend.tables import Task
from backend.work import listing


async def test_who_reads_a_list_that_was_cut_is_told(
    office: Office, tasks: list[Task], supervisor: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await supervisor.get("/office/inspections")
    monkeypatch.setattr(listing, "LISTED_MAX", len(tasks) - 1)

    cut = await supervisor.get("/office/inspections")
    orders = await supervisor.get("/office/orders")

    assert cut.json() == whole.json()[: len(tasks) - 1]
    assert cut.headers["evenhand-more"] == "yes"
    assert "evenhand-more" not in {**whole.headers, **orders.headers}
