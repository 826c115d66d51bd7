"""The topic `report`: each station's figures, reckoned beside the service, and told in time."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.logger import course_day
from unit.logger.course_day import Bridge, day_messages
from unit.logger.rows_of import append_rows
from unit.logger.running_logger import RunningLogger
from unit.logger.test_figures import weeks
from unit.logger.test_history import write_days
from wattbus_contract.accounts import ChargingReport, ReportPeriod
from wattbus_contract.codec import decode
from wattbus_logger.figures import By, gather, summarise_days, total
from wattbus_logger.history import read_sessions
from wattbus_logger.reading import Problems
from wattbus_logger.reporter import Reporter
from wattbus_logger.standing import standing

ZONE = ZoneInfo("Europe/Stockholm")
ROWS = weeks(20)
Connect = Callable[..., MqttRecorder]


def figures_of(folder: Path) -> ChargingReport:
    """What is told of a folder; it fits the contract."""
    return ChargingReport.model_validate_json(json.dumps(standing(folder, ZONE)))


def is_what_the_report_says(folder: Path) -> bool:
    """Hold the figures against a report that reads everything."""
    (station,) = figures_of(folder).stations
    first, last = ROWS[0].local_time.date(), ROWS[-1].local_time.date()
    sessions = read_sessions(folder, first, last, Problems())
    shares = [share for session in sessions for share in summarise_days(session)]

    def agrees(period: ReportPeriod, by: By) -> bool:
        sums = total([gather(shares, by)[-1]])
        return (period.energy_wh, period.cost, period.reference_cost) == pytest.approx(
            (sums.energy_wh, sums.cost, sums.reference_cost), abs=1e-3
        )

    return (
        agrees(station.day, By.DAY)
        and agrees(station.month, By.MONTH)
        and agrees(station.year, By.YEAR)
    )


def test_the_figures_are_those_of_the_report_however_the_files_grow(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS[:-30])
    assert is_what_the_report_says(tmp_path)

    for begin in range(len(ROWS) - 30, len(ROWS) - 3, 3):
        append_rows(tmp_path / "battery_log.csv", ROWS[begin : begin + 3])

        assert is_what_the_report_says(tmp_path)


def test_periods_begin_at_the_sites_midnights(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS)

    (station,) = figures_of(tmp_path).stations

    assert station.day.from_at == datetime(2025, 2, 3, tzinfo=ZONE)
    assert station.month.from_at == datetime(2025, 2, 1, tzinfo=ZONE)
    assert station.year.from_at == datetime(2025, 1, 1, tzinfo=ZONE)
    assert station.session is not None
    assert station.session.from_at == datetime(2025, 2, 3, 18, tzinfo=ZONE)


def test_a_day_that_was_put_away_still_counts(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS[:-48])
    before = figures_of(tmp_path).stations[0].year.energy_wh
    (tmp_path / "battery_log.csv").rename(tmp_path / "battery_log.2025-02-02.csv")

    assert figures_of(tmp_path).stations[0].year.energy_wh == pytest.approx(before)

    append_rows(tmp_path / "battery_log.csv", ROWS[-48:])
    assert is_what_the_report_says(tmp_path)


def test_rows_that_come_late_are_counted_in_their_day(tmp_path: Path) -> None:
    late = [row for row in ROWS if row.local_time.day == 2 and row.local_time.hour >= 22]
    write_days(tmp_path, [row for row in ROWS if row not in late])
    figures_of(tmp_path)

    append_rows(tmp_path / "battery_log.csv", late)

    assert is_what_the_report_says(tmp_path)


def test_before_there_is_a_currency_nothing_is_told(tmp_path: Path) -> None:
    append_rows(tmp_path / "battery_log.csv", [replace(row, currency="") for row in ROWS[:5]])

    assert standing(tmp_path, ZONE) is None


def test_the_process_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys, wattbus_logger.standing; "
        "print([m for m in ('pydantic', 'paho', 'pandas', 'jinja2') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def run_to_the_end(reporter: Reporter, **word: bool) -> None:
    """Call `tend` as the service does, until its process is through."""
    reporter.tend(
        has_news=word.get("news", False), has_milestone=word.get("end", False), time_zone="UTC"
    )

    def is_through() -> bool:
        reporter.tend(has_news=False, has_milestone=False, time_zone="UTC")
        return reporter._process is None

    wait_until(is_through, "the report is made", 60)


def test_it_is_told_at_most_once_a_minute_and_at_a_sessions_end(tmp_path: Path) -> None:
    append_rows(tmp_path / "battery_log.csv", ROWS[:60])
    told: list[ChargingReport] = []
    clock = Clock()
    reporter = Reporter(tmp_path, 60.0, told.append, clock)

    counts = []
    for now_s, word in [
        (1.0, {"news": True}),
        (10.0, {"news": True}),
        (30.0, {"news": True}),
        (69.0, {"news": True}),
        (70.0, {}),
        (72.0, {"end": True}),
        (80.0, {}),
        (200.0, {}),
    ]:
        clock.now_s = now_s
        run_to_the_end(reporter, **word)
        counts.append(len(told))

    assert counts == [0, 1, 1, 1, 2, 2, 3, 3]


def test_figures_that_cannot_be_said_are_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    append_rows(tmp_path / "battery_log.csv", [replace(row, station="Not An Id") for row in ROWS])
    told: list[ChargingReport] = []
    clock = Clock()
    reporter = Reporter(tmp_path, 60.0, told.append, clock)
    clock.now_s = 60.0

    run_to_the_end(reporter, news=True)

    assert told == []
    assert "no report: stations.0.station" in caplog.text


def test_the_running_logger_publishes_it_and_others_may_read_its_files(
    broker: BrokerProcess,
    mqtt_recorder: Connect,
    tmp_path: Path,
    site: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(course_day, "SITE", site)
    client = mqtt_recorder("station-bridge", "wattbus/#")
    every = {"WATTBUS_LOGGER_REPORT_EVERY_S": "1"}
    with RunningLogger(broker, tmp_path / "data", site, **every) as logger:
        wait_until(lambda: logger.is_connected, "the logger connects", 60)
        for message in day_messages(Bridge(), poll_h=0.5):
            client.publish(*message)

        def newest() -> ChargingReport | None:
            said = [one for one in client.messages if one.topic.endswith("/report")]
            body = decode(said[-1].topic, said[-1].payload).body if said else None
            assert body is None or isinstance(body, ChargingReport)
            return body

        def is_whole() -> bool:
            report = newest()
            return report is not None and report.stations[0].year.energy_wh > 27_779

        wait_until(is_whole, "the report of the whole day", 60)

    report = newest()
    assert report is not None
    assert report.currency == "SEK"
    assert report.stations[0].year.saving == pytest.approx(6.65, abs=0.2)
    for path in tmp_path.joinpath("data").rglob("*"):
        mode = path.stat().st_mode
        assert mode & stat.S_IWGRP, path
        assert not mode & stat.S_IWOTH, path
    assert os.access(tmp_path / "data" / "events.jsonl", os.R_OK)
    assert "/report" not in (tmp_path / "data" / "events.jsonl").read_text()
