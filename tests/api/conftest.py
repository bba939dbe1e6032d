"""What several tests of the office begin with: three tasks, and who decides on them."""

import pytest
from conftest import Office
from httpx import AsyncClient
from visits import DIVISION, dispatched

from backend.tables import Task


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office)


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    return await office.officer("supervisor", DIVISION)


@pytest.fixture
async def reviewer(office: Office) -> AsyncClient:
    return await office.officer("reviewer", DIVISION)
