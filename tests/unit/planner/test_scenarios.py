"""Every behaviour of the joint planner is a JSON scenario; this test reads them all."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattbus_scheduler.plan import Plan, StationPlan
from wattbus_scheduler.scenario import parse_scenario
from wattbus_scheduler.strategies import strategy_named
from wattbus_scheduler.verify import violations

SCENARIOS = Path(__file__).parents[2] / "scenarios"
OWN = {p.stem: json.loads(p.read_text("utf-8")) for p in (SCENARIOS / "planner").glob("*.json")}
SHARED = {p.stem: json.loads(p.read_text("utf-8")) for p in SCENARIOS.glob("*.json")}
OF_CHEAPEST = sorted(name for name, one in SHARED.items() if "cheapest" in one["expect"])
KNOWN = {"cost", "starts", "max_starts", "shortfall_wh", "max_power_w", "cars"}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_scenario_is_planned_as_it_describes(name: str) -> None:
    document = OWN[name]
    expected: dict[str, Any] = document["expect"]
    assert expected.keys() <= KNOWN
    assert expected["cars"].keys() <= {car["station_id"] for car in document["cars"]}

    scenario = parse_scenario(document)
    plan = strategy_named("optimal")(scenario.situation, scenario.now, scenario.settings)

    assert violations(plan, scenario.situation) == []
    if "cost" in expected:
        assert plan.expected_cost == pytest.approx(expected["cost"], abs=2e-3)
    if "starts" in expected:
        assert _starts(plan) == expected["starts"]
    if "max_starts" in expected:
        assert _starts(plan) <= expected["max_starts"]
    if "shortfall_wh" in expected:
        missing_wh = sum(station.shortfall_wh for station in plan.stations)
        assert missing_wh == pytest.approx(expected["shortfall_wh"], abs=2)
    if "max_power_w" in expected:
        powers = [slot.limit_w for station in plan.stations for slot in station.slots]
        assert max(powers) <= expected["max_power_w"]
    for station_id, wanted in expected["cars"].items():
        station = plan.station(station_id)
        assert station is not None
        _check(station, wanted)


@pytest.mark.parametrize("name", OF_CHEAPEST)
def test_what_one_car_at_a_time_achieves_is_achieved_jointly(name: str) -> None:
    scenario = parse_scenario(SHARED[name])
    one_by_one, jointly = (
        strategy_named(strategy)(scenario.situation, scenario.now, scenario.settings)
        for strategy in ("cheapest", "optimal")
    )

    assert violations(jointly, scenario.situation) == []
    missing = [sum(s.shortfall_wh for s in plan.stations) for plan in (one_by_one, jointly)]
    assert missing[1] <= missing[0] + 0.5
    if missing[1] > missing[0] - 0.5:
        share = 0.005 * abs(one_by_one.expected_cost)
        assert jointly.expected_cost <= one_by_one.expected_cost + share + 1e-6


def test_each_scenario_says_what_it_shows() -> None:
    descriptions = [document["description"] for document in OWN.values()]

    assert len(descriptions) >= 40
    assert all(len(description) > 40 for description in descriptions)
    assert len(set(descriptions)) == len(descriptions)


def _check(station: StationPlan, wanted: dict[str, Any]) -> None:
    assert wanted.keys() <= {"charges", "limit_w", "reasons"}
    if "charges" in wanted:
        assert _charges(station) == [
            tuple(_instant(edge) for edge in text.split("/")) for text in wanted["charges"]
        ]
    if "limit_w" in wanted:
        assert [slot.limit_w for slot in station.charging_slots] == pytest.approx(wanted["limit_w"])
    for at, code in wanted.get("reasons", {}).items():
        slot = station.slot_at(_instant(at))
        assert slot is not None
        assert slot.reason.code == code


def _starts(plan: Plan) -> int:
    return sum(station.starts for station in plan.stations)


def _charges(station: StationPlan) -> list[tuple[datetime, ...]]:
    """Return the blocks of charging, rounded to minutes as the scenarios write them."""
    blocks: list[tuple[datetime, ...]] = []
    for slot in station.charging_slots:
        if blocks and abs((slot.start_at - blocks[-1][1]).total_seconds()) < 0.01:
            blocks[-1] = (blocks[-1][0], slot.end_at)
        else:
            blocks.append((slot.start_at, slot.end_at))
    return [(_minute(start), _minute(end)) for start, end in blocks]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _minute(instant: datetime) -> datetime:
    return (instant.astimezone(UTC) + timedelta(seconds=30)).replace(second=0, microsecond=0)
