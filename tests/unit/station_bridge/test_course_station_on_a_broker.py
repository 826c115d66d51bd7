import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import wait_until
from unit.station_bridge.course_station import BASE_LOAD_KW, CourseStation, serving
from unit.station_bridge.running_bridge import RunningBridge, ScriptedScheduler, bridge_on
from wattbus_contract import topics

SITE = """
[site]
fuse_power_w = 20000
seconds_per_hour = 0.8
poll_interval_s = 0.05
[prices]
source = "station:car1"
[base_load]
source = "station:car1"
[[station]]
id = "car1"
url = "{url}"
kind = "course"
[station.goal]
departure_time = "00:00"
"""


@contextmanager
def ticking(station: CourseStation) -> Iterator[None]:
    """Let a quarter pass every fifth of a second."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(0.2):
            station.step()

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def station() -> CourseStation:
    return CourseStation()


@pytest.fixture
def bridge(
    broker: BrokerProcess, site: str, tmp_path: Path, station: CourseStation
) -> Iterator[RunningBridge]:
    with (
        serving(station.answer) as url,
        ticking(station),
        bridge_on(broker, site, tmp_path) as bridge,
    ):
        (tmp_path / "site.toml").write_text(SITE.format(url=url))
        bridge.start()
        bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
        yield bridge


@pytest.fixture
def scheduler(bridge: RunningBridge, broker: BrokerProcess) -> Iterator[ScriptedScheduler]:
    scripted = ScriptedScheduler(bridge, broker)
    scripted.acquire()
    yield scripted
    scripted.session.stop()


def test_a_course_station_is_charged_and_metered_truly(
    bridge: RunningBridge, scheduler: ScriptedScheduler, station: CourseStation
) -> None:
    assert bridge.wait(topics.PRICE)["slots"][22]["price_per_kwh"] == 0.32
    assert len(bridge.wait(topics.BASE_LOAD)["slots"]) == 48
    assert bridge.wait(topics.SITE_INFO)["time_scale"] == 4500

    assert scheduler.command("car1", 7400.0)["applied_limit_w"] == 7400
    wait_until(lambda: station.percent > 30, "it charges")
    assert scheduler.command("car1", 0.0)["applied_limit_w"] == 0

    rows = bridge.all(topics.METER, "car1")
    charging = [row for row in rows if row["power_active_import_w"] > 0]
    assert all(row["power_active_import_w"] == 7400 for row in charging)
    assert max(row["reported_base_current_load_kw"] for row in charging) > 2.5
    base_loads_w = {round(1000 * load_kw) for load_kw in BASE_LOAD_KW}
    assert {round(row["house_load_w"]) for row in rows} <= base_loads_w
    registers = [row["energy_active_import_register_wh"] for row in rows]
    assert registers == sorted(registers)
    assert not station.is_charging
    assert all("discharge" not in order for order in station.orders)


def test_a_reset_is_told_and_begins_a_new_transaction(
    bridge: RunningBridge, scheduler: ScriptedScheduler, station: CourseStation
) -> None:
    wait_until(lambda: station.minutes >= 30, "time passes")
    before = bridge.wait(topics.METER, "car1")

    station.answer("POST", "/discharge", b'{"discharging": "on"}')

    event = bridge.wait(topics.STATION_EVENT, "car1", kind="clock-reset")
    assert event["at"] > before["at"]
    assert event["transaction_id"] != before["transaction_id"]


def test_a_station_that_fails_for_a_while_comes_back(
    bridge: RunningBridge, station: CourseStation
) -> None:
    station.broken["/info"] = (500, "text/html", b"<!doctype html><title>500</title>")
    bridge.wait(topics.STATION_EVENT, "car1", kind="station-lost")
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=False)
    station.broken["/info"] = (200, "text/html", b'{"error": "busy"}')
    answers = station.broken_answers
    wait_until(lambda: station.broken_answers >= answers + 2, "it is asked again")
    kinds = [event["kind"] for event in bridge.all(topics.STATION_EVENT, "car1")]
    assert "station-back" not in kinds

    station.broken.clear()

    bridge.wait(topics.STATION_EVENT, "car1", kind="station-back")
