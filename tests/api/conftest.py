"""What several tests begin with: three tasks and who decides on them, or a phone with one task."""

import pytest
from amended import Bureau
from conftest import Office
from httpx import AsyncClient
from phones import TASK, Phone, opened
from simulation.app_hub import AppHub
from visits import DIVISION, dispatched

from backend.tables import Task


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office)


@pytest.fixture
async def bureau(office: Office, tasks: list[Task]) -> Bureau:
    return await Bureau(office, tasks).open()


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    return await office.officer("supervisor", DIVISION)


@pytest.fixture
async def reviewer(office: Office) -> AsyncClient:
    return await office.officer("reviewer", DIVISION)


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await opened(office, TASK, follow=("lead", "second"))


@pytest.fixture
async def phone(hub: AppHub) -> Phone:
    return await Phone(hub, "lead").enrol()
