"""Every planning behaviour is a JSON scenario; this test reads them all."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattbus_scheduler.plan import StationPlan
from wattbus_scheduler.scenario import parse_scenario
from wattbus_scheduler.strategies import strategy_named

FOLDER = Path(__file__).parents[2] / "scenarios"
SCENARIOS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
CASES = [(name, strategy) for name in sorted(SCENARIOS) for strategy in SCENARIOS[name]["expect"]]
KNOWN_OF_PLAN = {"cost", "starts", "cars"}
KNOWN_OF_CAR = {
    "charges", "energy_wh", "limit_w", "reasons", "shortfall_wh", "target_reached_at", "texts",
}  # fmt: skip


@pytest.mark.parametrize(("name", "strategy"), CASES)
def test_a_scenario_is_planned_as_it_describes(name: str, strategy: str) -> None:
    document = SCENARIOS[name]
    expected = document["expect"][strategy]
    assert expected["cars"].keys() <= {car["station_id"] for car in document["cars"]}
    assert expected.keys() <= KNOWN_OF_PLAN

    scenario = parse_scenario(document)
    plan = strategy_named(strategy)(scenario.situation, scenario.now, scenario.settings)

    if "cost" in expected:
        assert plan.expected_cost == pytest.approx(expected["cost"], abs=1e-3)
    if "starts" in expected:
        assert sum(station.starts for station in plan.stations) == expected["starts"]
    for station_id, wanted in expected["cars"].items():
        station = plan.station(station_id)
        assert station is not None
        _check(station, wanted)


def test_there_are_enough_scenarios_and_each_says_what_it_shows() -> None:
    descriptions = [document["description"] for document in SCENARIOS.values()]

    assert len(descriptions) >= 25
    assert all(len(description) > 20 for description in descriptions)
    assert len(set(descriptions)) == len(descriptions)


def _check(station: StationPlan, wanted: dict[str, Any]) -> None:
    assert wanted.keys() <= KNOWN_OF_CAR
    if "charges" in wanted:
        assert _charges(station) == [_interval(text) for text in wanted["charges"]]
    if "energy_wh" in wanted:
        assert station.expected_energy_wh == pytest.approx(wanted["energy_wh"], abs=1)
    if "shortfall_wh" in wanted:
        assert station.shortfall_wh == pytest.approx(wanted["shortfall_wh"], abs=1)
    if "limit_w" in wanted:
        assert [slot.limit_w for slot in station.charging_slots] == pytest.approx(wanted["limit_w"])
    if "target_reached_at" in wanted:
        assert station.target_reached_at is not None
        assert _minute(station.target_reached_at) == _instant(wanted["target_reached_at"])
    for at, code in wanted.get("reasons", {}).items():
        slot = station.slot_at(_instant(at))
        assert slot is not None
        assert slot.reason.code == code
    for at, text in wanted.get("texts", {}).items():
        slot = station.slot_at(_instant(at))
        assert slot is not None
        assert slot.reason.text == text


def _charges(station: StationPlan) -> list[tuple[datetime, datetime]]:
    """Return the blocks of charging, rounded to minutes as the scenarios write them."""
    blocks: list[tuple[datetime, datetime]] = []
    for slot in station.charging_slots:
        if blocks and abs((slot.start_at - blocks[-1][1]).total_seconds()) < 0.01:
            blocks[-1] = (blocks[-1][0], slot.end_at)
        else:
            blocks.append((slot.start_at, slot.end_at))
    return [(_minute(start), _minute(end)) for start, end in blocks]


def _interval(text: str) -> tuple[datetime, datetime]:
    start, end = text.split("/")
    return _instant(start), _instant(end)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _minute(instant: datetime) -> datetime:
    return (instant.astimezone(UTC) + timedelta(seconds=30)).replace(second=0, microsecond=0)
