"""Settings and scenario files: what is wrong is named, with its value and what is allowed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from wattbus_contract.broker_settings import BadSetting, load
from wattbus_scheduler.main import main
from wattbus_scheduler.scenario import BadScenario, load_scenario, parse_scenario
from wattbus_scheduler.settings import SchedulerSettings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STRATEGY", "best", "must be one of cheapest"),
        ("PRICE_THRESHOLD_PER_KWH", "cheap", "valid number"),
        ("PRICE_THRESHOLD_PER_KWH", "nan", "finite"),
        ("PRICE_QUANTILE", "0", "greater than 0"),
        ("START_PRICE", "-1", "greater than or equal to 0"),
        ("CALM_SHARE", "half", "valid number"),
        ("REPLAN_SAVING", "nan", "finite"),
        ("TIME_LIMIT_S", "0", "greater than 0"),
        ("VALID_FOR_S", "15", "at least twice WATTBUS_SCHEDULER_REFRESH_S"),
        ("LOG_LEVEL", "LOUD", "INFO"),
    ],
)
def test_a_bad_setting_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"WATTBUS_SCHEDULER_{name}", value)

    with pytest.raises(BadSetting, match=f"WATTBUS_SCHEDULER_{name}") as stopped:
        load(SchedulerSettings)

    assert said in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_the_default_strategy_is_cheapest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTBUS_SCHEDULER_STRATEGY", raising=False)

    assert load(SchedulerSettings).strategy == "cheapest"


def test_the_figures_of_optimal_come_from_settings_and_an_empty_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "START_PRICE": "0.2", "CALM_SHARE": "0.01", "REPLAN_SAVING": "", "TIME_LIMIT_S": "1.5",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"WATTBUS_SCHEDULER_{name}", value)

    figures = load(SchedulerSettings).strategy_settings

    assert (figures.start_price, figures.calm_share) == (0.2, 0.01)
    assert (figures.replan_saving, figures.time_limit_s) == (None, 1.5)


def document() -> dict[str, Any]:
    return {
        "description": "one hour",
        "now": "2025-01-15T12:00+01:00",
        "site": {"max_power_w": 11000},
        "slots": [
            {
                "start_at": "2025-01-15T12:00+01:00",
                "duration_s": 3600,
                "price_per_kwh": [0.5],
                "house_load_w": 100,
            }
        ],
        "cars": [
            {
                "station_id": "car1",
                "battery_capacity_wh": 40000,
                "soc_percent": 20,
                "target_soc_percent": 80,
                "max_power_w": 7400,
            }
        ],
    }


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("cars", 0, "soc_percent"), "half", "cars.0.soc_percent"),
        (("cars", 0, "colour"), "red", "unknown field colour"),
        (("cars", 0, "phases"), [2], "uses phases"),
        (("site", "time_zone"), "Europe/Atlantis", "time_zone"),
        (("slots", 0, "start_at"), "2025-01-15T12:00", "no offset"),
        (("slots", 0, "house_load_w"), [1, 2], "1 prices, but 2 house loads"),
        (("now",), "noon", "now"),
    ],
)
def test_what_is_wrong_in_a_scenario_is_named(
    path: tuple[Any, ...], value: object, said: str
) -> None:
    broken = document()
    *parents, last = path
    place: Any = broken
    for key in parents:
        place = place[key]
    place[last] = value

    with pytest.raises(ValueError, match=re.escape(said)):
        parse_scenario(broken)


def test_a_scenario_is_read_by_name_or_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document()))

    assert load_scenario(str(path)).description == "one hour"
    assert len(load_scenario("default-day").situation.slots) == 24
    with pytest.raises(BadScenario, match="default-day"):
        load_scenario("no-such")


def test_compare_prints_the_table_of_the_default_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--markdown"]) == 0

    printed = capsys.readouterr().out
    assert (
        "| cheapest | 02:15-04:00, 22:00-24:00 | 27.78 kWh | 13.73 kr | 49.42 öre/kWh |" in printed
    )
    assert "| threshold | 22:00-24:00, 22:00-23:45 (day 2) | 27.78 kWh | 9.19 kr |" in printed
    assert "| now | 00:00-03:45 | 27.78 kWh | 20.38 kr |" in printed


def test_plan_prints_every_slot_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--strategy", "threshold"]) == 0

    printed = capsys.readouterr().out
    assert "target 80 % missed by 12.98 kWh" in printed
    assert "paused: house load 11 kW leaves 0 kW under the 11 kW fuse" in printed


def test_an_unknown_scenario_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--scenario", "no-such"]) == 2

    assert capsys.readouterr().err.count("\n") == 1
