"""Settings: command line over environment over defaults."""

from datetime import datetime

import pytest

from wattbus_simulator.settings import BadSettingError, read_settings


def test_defaults_are_the_course_day_on_this_machine_only(monkeypatch):
    for name in ("HOST", "PORT", "SCENARIO", "SECONDS_PER_HOUR", "START_AT"):
        monkeypatch.delenv(f"WATTBUS_SIMULATOR_{name}", raising=False)

    settings = read_settings([])

    assert (settings.host, settings.port, settings.scenario) == ("127.0.0.1", 5000, "course-day")
    assert settings.chosen_scenario().clock.seconds_per_hour == 4


def test_the_command_line_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("WATTBUS_SIMULATOR_PORT", "5001")
    monkeypatch.setenv("WATTBUS_SIMULATOR_SCENARIO", "three-cars")

    settings = read_settings(["--port", "5002"])

    assert (settings.port, settings.scenario) == (5002, "three-cars")


@pytest.mark.parametrize(("text", "seconds"), [("real", 3600), ("3600", 3600), ("0.5", 0.5)])
def test_the_pace_is_a_number_or_real_time(text, seconds):
    settings = read_settings(["--seconds-per-hour", text])

    assert settings.chosen_scenario().clock.seconds_per_hour == seconds


@pytest.mark.parametrize(
    ("text", "start_at"),
    [
        ("2025-03-30", datetime(2025, 3, 30)),  # noqa: DTZ001 - local wall time by design
        ("2025-03-30T18:00", datetime(2025, 3, 30, 18)),  # noqa: DTZ001 - the same
    ],
)
def test_the_start_is_a_local_date_or_date_time(text, start_at):
    scenario = read_settings(["--start-at", text]).chosen_scenario()

    assert scenario.clock.start_at == start_at


def test_an_empty_variable_means_the_default(monkeypatch):
    monkeypatch.setenv("WATTBUS_SIMULATOR_START_AT", "")

    assert read_settings([]).start_at is None


def test_a_bad_flag_is_named():
    with pytest.raises(BadSettingError, match="--seconds-per-hour: '-1'"):
        read_settings(["--seconds-per-hour=-1"])
