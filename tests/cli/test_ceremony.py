"""抽取仪式 in the terminal: what a wall shows, in both languages, and values from a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from bureau import DIGITS, FIXTURES, TYPED, Evenhand, make_plan, open_office, told, type_in
from click.testing import CliRunner
from rich.console import Console

from backend.rules import drand
from backend.wire import DrawView, OnSite, SeatView, TaskView
from cli import client
from cli.main import main
from cli.office import ceremony

KEPT = json.loads((FIXTURES / "vectors" / "beacons.json").read_text("utf-8"))
PULSE = {"pulse": KEPT["nist"]["pulse"]}


@pytest.fixture
def evenhand(evenhand: Evenhand) -> Evenhand:
    """Run commands on an office with registers, a supervisor and a reviewer."""
    return open_office(evenhand, {"wang": "supervisor", "li": "reviewer"})


def committed(evenhand: Evenhand, *sources: str) -> dict[str, Any]:
    plan = told(make_plan(evenhand, "--minimum", "5"))
    made: dict[str, Any] = told(
        evenhand("office", "draw", "commit", plan["id"], *sources, "--json")
    )
    return made


def wall(start: datetime | None = None) -> tuple[ceremony.Wall, list[float]]:
    """A wall whose clock moves only when somebody waits."""
    clock, waited = [start or datetime(2026, 12, 1, 2, 0, tzinfo=UTC)], list[float]()

    def pause(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += timedelta(seconds=seconds)

    console = Console(record=True, width=100, highlight=False, force_terminal=False)
    return ceremony.Wall(console, pace=0, now=lambda: clock[0], pause=pause), waited


def shown(one: ceremony.Wall) -> str:
    return one.console.export_text()


# -- on the wall -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        ("en", ["Committed before the seed exists", "The seed", "the smallest are drawn",
                "The list", "Check it yourself"]),
        ("zh", ["种子产生之前的承诺", "种子", "签号：最小者中签", "抽查名单", "自行核对"]),
    ],
)  # fmt: skip
def test_a_wall_shows_the_whole_draw_in_order(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch, language: str, heads: list[str]
) -> None:
    draw = committed(evenhand, "--dice", "hall")
    type_in(evenhand, draw["id"], "li")
    monkeypatch.setenv("EVENHAND_LANG", language)
    one, waited = wall()
    waiting = client.get(f"/office/draws/{draw['id']}", DrawView)
    waiting = msgspec.structs.replace(waiting, ready_at=one.now())

    held = ceremony.hall(
        waiting,
        one,
        lambda: client.post(
            f"/office/draws/{draw['id']}/hold", DrawView, {"digits": {"dice:hall": DIGITS}}
        ),
    )

    text = shown(one)
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    assert waited == []
    assert draw["commit_hash"] in text
    assert ceremony.spoken(draw["commit_hash"]) in text
    assert f"source dice:hall={DIGITS}" in text
    assert held.seed is not None
    assert held.seed in text
    assert held.bundle_sha256 is not None
    assert held.bundle_sha256 in text
    lots = client.fetch(f"/office/draws/{draw['id']}/files/selection.tsv").decode().splitlines()
    for row in lots:
        _, _, id, ticket, _ = row.split("\t")
        assert ticket[:16] in text
        assert id in text
    assert "drawn" in text if language == "en" else "中签" in text


def test_a_wall_names_everybody_who_goes(evenhand: Evenhand) -> None:
    draw = committed(evenhand, "--dice", "hall")
    type_in(evenhand, draw["id"], "li")
    digits = {"digits": {"dice:hall": DIGITS}}
    client.post(f"/office/draws/{draw['id']}/hold", DrawView, digits)
    tasks = client.get(f"/office/plans/{draw['plan_id']}/tasks", list[TaskView])
    third = SeatView("消防", "1成员", OnSite("0190", "周消防", "沪B0001"), "d")
    joint = [msgspec.structs.replace(tasks[0], seats=[*tasks[0].seats[:2], third]), *tasks[1:]]
    alone, together = wall()[0], wall()[0]

    alone.sites(tasks)
    together.sites(joint)
    text = shown(together)

    assert "with them" in text
    assert text.count("周消防") == 1
    assert "with them" not in shown(alone)


def test_tickets_fall_at_the_pace_of_the_hall() -> None:
    one, waited = wall()
    one.pace = 0.5
    rows = b"".join(
        f"all\t{n}\tid{n}\t{n:064x}\t{'P' if n < 3 else 'R'}\n".encode() for n in range(1, 61)
    )

    one.tickets(rows, {"id60": "最后一户"})

    text = shown(one)
    assert waited == [0.5] * 60
    assert "最后一户" in text
    assert text.index("id2 ") < text.index("id3 ")
    assert "60 tickets" in text


def test_a_wall_counts_down_to_the_round_and_no_longer() -> None:
    start = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    one, waited = wall(start)

    one.countdown(start + timedelta(seconds=3, milliseconds=500))
    one.countdown(start)

    text = shown(one)
    assert sum(waited) == pytest.approx(3.5)
    assert max(waited) <= 1
    assert "00:00:00" in text
    assert text.count("Waiting for the announced time") == 1


def test_a_local_draw_is_loud_on_the_wall_and_in_the_terminal(evenhand: Evenhand) -> None:
    plan_and_draw = committed(evenhand, "--local", "no network in the valley")
    view = client.get(f"/office/draws/{plan_and_draw['id']}", DrawView)
    one, _ = wall()

    one.commitment(view)

    assert "UNVERIFIABLE" in shown(one)
    assert plan_and_draw["verifiable"] is False


def test_the_command_holds_before_everybody(evenhand: Evenhand) -> None:
    draw = committed(evenhand, "--dice", "hall")
    type_in(evenhand, draw["id"], "li")

    held = CliRunner().invoke(
        main, ["office", "draw", "hold", draw["id"], "--ceremony", "--pace", "0", TYPED]
    )

    assert held.exit_code == 0, held.output
    assert "evenhand verify draw FOLDER" in held.stdout


def test_a_hash_is_read_aloud_in_syllables() -> None:
    one = ceremony.spoken("0f" + "00" * 31)

    assert one == "baz-bab-bab-bab-bab-bab-bab-bab"
    assert ceremony.spoken("f0" * 32) == "-".join(["zob"] * 8)
    with pytest.raises(ValueError, match="zip"):
        ceremony.spoken("0f0")


# -- typed by two ----------------------------------------------------------------------------------


def test_typing_tells_how_far_it_is_and_never_the_value(evenhand: Evenhand) -> None:
    draw = committed(evenhand, "--dice", "hall")

    first = type_in(evenhand, draw["id"], "li")
    alone = evenhand("office", "draw", "type", draw["id"], "--digits", "dice:hall=" + DIGITS[::-1])
    agreed = type_in(evenhand, draw["id"], "wang")

    assert "another officer must type the same" in first.output
    assert "differs from what was typed before" in alone.output
    assert "two officers agree" in agreed.output
    assert DIGITS not in first.output + alone.output + agreed.output


# -- beacons ---------------------------------------------------------------------------------------


def test_the_default_source_is_a_round_a_quarter_of_an_hour_ahead(evenhand: Evenhand) -> None:
    before = datetime.now(UTC)

    draw = committed(evenhand)

    (name,) = draw["sources"]
    kind, chain, round = name.split(":")
    ready = drand.CHAINS[chain].time_of(int(round))
    assert (kind, drand.CHAINS[chain].name) == ("drand", "quicknet")
    assert timedelta(minutes=14) < ready - before < timedelta(minutes=17)
    early = evenhand("office", "draw", "hold", draw["id"], "--beacon", "/dev/null")
    assert early.exit_code != 0


@pytest.mark.parametrize("one", KEPT["drand"], ids=lambda one: str(one["round"]))
def test_a_round_is_read_from_a_file(tmp_path: Path, one: dict[str, Any]) -> None:
    answer = {"round": one["round"], "signature": one["proof"]["signature"], "randomness": "00"}
    if "previous" in one["proof"]:
        answer["previous_signature"] = one["proof"]["previous"]
    path = tmp_path / "round.json"
    path.write_text(json.dumps(answer))

    found = ceremony.beacon(one["id"], str(path))

    assert found.value == one["value"]  # computed from the signature; what the relay says is not
    assert found.proof == one["proof"]


def test_a_pulse_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pulse.json"
    path.write_text(json.dumps(PULSE))

    found = ceremony.beacon(KEPT["nist"]["id"], str(path))

    assert found.value == KEPT["nist"]["value"]
    assert found.proof["timeStamp"] == "2018-08-30T17:44:00.000Z"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"signature": "zz"}', '{"pulse": 3}'])
@pytest.mark.parametrize("source", [KEPT["drand"][0]["id"], KEPT["nist"]["id"]])
def test_what_is_no_answer_of_a_beacon_is_said_to_be_none(
    tmp_path: Path, source: str, body: str
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(body)

    with pytest.raises(click.UsageError, match="no answer of a beacon"):
        ceremony.beacon(source, str(path))


@pytest.mark.parametrize(
    ("source", "relay", "url"),
    [
        ("drand:ab:7", "https://api.drand.sh", "https://api.drand.sh/ab/public/7"),
        ("drand:ab:7", "http://relay.local:8080/", "http://relay.local:8080/ab/public/7"),
        ("drand:ab:7", "https://relay.local/my/round.json", "https://relay.local/my/round.json"),
        (
            "nist:2:2026-12-01T02:00:00Z",
            "https://beacon.nist.gov",
            "https://beacon.nist.gov/beacon/2.0/chain/2/pulse/time/1796090400000",
        ),
    ],
)
def test_any_relay_will_do(source: str, relay: str, url: str) -> None:
    assert ceremony.address(source, relay) == url
