"""临时对象 from the command line: written down where it lies, and sent to in one step."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from bureau import Evenhand, open_office, told
from click.testing import Result

from backend.rules.calendar import local_day

DEN = (
    "--name", "无证冻品窝点", "--address", "解放路 9 号后院", "--category", "cold-store",
    "--division", "330106001",
)  # fmt: skip
SHIFTED = ("--longitude", "120.13", "--latitude", "30.26", "--datum", "GCJ-02")


@pytest.fixture
def office(evenhand: Callable[..., Result]) -> Evenhand:
    return open_office(evenhand)


def test_a_place_is_written_down_in_the_datum_of_its_map_and_listed(office: Evenhand) -> None:
    made = told(office("office", "provisional", "create", *DEN, *SHIFTED, "--json"))
    listed = told(office("office", "provisional", "list", "--json"))

    assert (made["longitude"], made["latitude"], made["datum"]) == (120.13, 30.26, "GCJ-02")
    assert [one["code"] for one in listed] == [made["code"]]


def test_a_place_without_a_point_has_no_datum_either(office: Evenhand) -> None:
    made = told(office("office", "provisional", "create", *DEN, "--json"))

    assert (made["name"], made["division"]) == ("无证冻品窝点", "330106001")
    assert (made["longitude"], made["latitude"], made["datum"]) == (None, None, "")


def test_a_visit_to_a_place_in_no_register_keeps_the_datum_that_was_told(office: Evenhand) -> None:
    today = f"{local_day(datetime.now(UTC))}"

    assigned = office(
        "office", "task", "assign", *DEN, *SHIFTED, "--checklist", "cold-store-daily",
        "--lead", "33010620230002", "--second", "33010620220001", "--origin", "ad-hoc",
        "--reason", "巡查发现", "--opens", today, "--closes", today, "--json",
    )  # fmt: skip

    code = told(assigned)["tasks"][0]["establishment"]["code"]
    found = told(office("office", "register", "list", "--search", code, "--json"))
    assert [(one["longitude"], one["datum"]) for one in found] == [(120.13, "GCJ-02")]


def test_half_a_point_is_refused_and_nothing_is_written_down(office: Evenhand) -> None:
    half = office("office", "provisional", "create", *DEN, "--longitude", "120.13")
    listed = told(office("office", "provisional", "list", "--json"))

    assert half.exit_code == 2
    assert "--latitude" in half.stderr
    assert listed == []
