"""The running logger: what a message leads to, within which time, and how the process ends."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.logger import course_day
from unit.logger.course_day import MIDNIGHT, Bridge, day_messages, reading, site_info
from unit.logger.running_logger import (
    RunningLogger,
    confirmed_by,
    health_of,
    ids_in,
    status_filter,
)
from wattbus_contract import facts, topics
from wattbus_logger.main import main

Connect = Callable[..., MqttRecorder]
METER = "station/car1/meter"


@pytest.fixture(autouse=True)
def own_site(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All messages of a test belong to its own site."""
    monkeypatch.setattr(course_day, "SITE", site)


@pytest.fixture
def logger(broker: BrokerProcess, tmp_path: Path, site: str) -> Iterator[RunningLogger]:
    """A logger that records the test's site."""
    with RunningLogger(broker, tmp_path / "data", site) as running:
        wait_until(lambda: running.is_connected, "the logger connects", 60)
        yield running


@pytest.fixture
def drawing_logger(broker: BrokerProcess, tmp_path: Path, site: str) -> Iterator[RunningLogger]:
    """A logger that also makes plot and report."""
    with RunningLogger(broker, tmp_path / "data", site, WATTBUS_LOGGER_DRAWS="true") as running:
        wait_until(lambda: running.is_connected, "the logger connects", 60)
        yield running


def meter(bridge: Bridge, number: int = 0) -> tuple[str, bytes]:
    at = MIDNIGHT + timedelta(minutes=number)
    return bridge.say(topics.METER, reading(at), station="car1")


def test_a_meter_value_is_a_row_and_confirmed_within_a_second(
    logger: RunningLogger, mqtt_recorder: Connect, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    client.publish(*meter(bridge))
    logger.wait_for_rows(1)
    started = time.monotonic()

    client.publish(*meter(bridge, 1))
    logger.wait_for_rows(2)

    assert time.monotonic() - started < 1.0
    wait_until(lambda: len(confirmed_by(client.messages)) == 2, "both are confirmed")
    assert confirmed_by(client.messages) == set(ids_in(logger.rows))
    recorded = [json.loads(line) for line in (logger.folder / "events.jsonl").open()]
    assert [one["topic"] for one in recorded if "meter" in one["topic"]] == [
        f"wattbus/v1/{site}/{METER}"
    ] * 2


def test_what_cannot_be_read_is_quarantined_told_and_never_stops_the_rest(
    logger: RunningLogger, mqtt_recorder: Connect, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    topic, good = meter(bridge)
    nan = good.replace(b'"power_active_import_w":0.0', b'"power_active_import_w":NaN')
    bad = [b"{", b"\xff\xfe", b"[]", nan, b"x" * 1_000_000, b"null", b'{"schema":"meter/9"}']
    for payload in bad:
        client.publish(topic, payload)
    client.publish(*meter(bridge, 1))

    logger.wait_for_rows(1)

    path = logger.folder / "quarantine.jsonl"
    wait_until(lambda: path.read_bytes().count(b"\n") == len(bad), "all are quarantined")
    kept = [json.loads(line) for line in path.open()]
    assert all(one["topic"] == topic and one["field"] and one["reason"] for one in kept)
    assert kept[3]["field"] == "power_active_import_w"
    assert len(kept[4]["payload"]) == 1_000_000
    wait_until(
        lambda: [one["reason"] for one in quarantine_told(client)] == [k["reason"] for k in kept],
        "all are told on the bus",
    )
    # The reading with NaN has an identity: the bridge must not send it for ever.
    assert (bridge.boot_id, 1) in confirmed_by(client.messages)
    assert len(logger.rows) == 1


def test_a_retained_message_that_is_taken_away_is_no_fault(
    logger: RunningLogger, mqtt_recorder: Connect, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    info_topic, info = bridge.say(topics.SITE_INFO, site_info("car1"))
    client.publish(info_topic, info, retain=True)

    client.publish(info_topic, b"", retain=True)
    client.publish(*meter(bridge))
    logger.wait_for_rows(1)

    assert (logger.folder / "quarantine.jsonl").read_bytes() == b""
    logger.stop()
    state = json.loads((logger.folder / ".logger-state.json").read_text())
    assert info_topic not in state["latest"]


def quarantine_told(client: MqttRecorder) -> list[dict[str, str]]:
    return [m.json for m in client.messages if m.topic.endswith("log/quarantine")]


def test_an_unknown_topic_is_quarantined(logger: RunningLogger, mqtt_recorder: Connect) -> None:
    client = mqtt_recorder("station-bridge")
    topic = f"wattbus/v1/{course_day.SITE}/response/station/UPPER"

    client.publish(topic, "{}")

    path = logger.folder / "quarantine.jsonl"
    wait_until(lambda: path.exists() and b"no such topic" in path.read_bytes(), "quarantine")


def test_at_the_end_plot_and_report_are_there(
    drawing_logger: RunningLogger, mqtt_recorder: Connect
) -> None:
    logger = drawing_logger
    client = mqtt_recorder("station-bridge")
    scheduler = mqtt_recorder("scheduler")
    for topic, payload in day_messages(Bridge(), poll_h=0.25):
        (scheduler if topic.endswith("limit/set") else client).publish(topic, payload)
    logger.wait_for_rows(97)

    assert logger.stop() == 0

    assert "13.73 kr" in (logger.folder / "report.txt").read_text()
    assert (logger.folder / "battery_plot.png").stat().st_size > 30_000
    assert "Charging ON (scheduled)" in (logger.folder / "charging_log.txt").read_text()


def test_a_target_that_is_reached_is_reported_at_once(
    drawing_logger: RunningLogger, mqtt_recorder: Connect
) -> None:
    logger = drawing_logger
    client, bridge = mqtt_recorder("station-bridge"), Bridge()
    client.publish(*bridge.say(topics.SITE_INFO, site_info("car1")), retain=True)
    client.publish(*meter(bridge))
    client.publish(*meter(bridge, 1))
    reached = facts.StationEvent(
        at=MIDNIGHT, kind=facts.StationEventKind.TARGET_REACHED, text="80 % reached"
    )

    client.publish(*bridge.say(topics.STATION_EVENT, reached, station="car1"))

    wait_until((logger.folder / "battery_plot.png").exists, "the plot is drawn", 60)
    assert (logger.folder / "report.csv").exists()


def test_a_second_logger_on_the_folder_refuses_to_start(
    logger: RunningLogger, broker: BrokerProcess, site: str
) -> None:
    wait_until((logger.folder / ".lock").exists, "the first one has the folder")

    other = RunningLogger(broker, logger.folder, f"{site}-b")
    status = other.process.wait(timeout=60)

    assert status == 1
    assert "another logger (process " in other.log
    assert str(logger.folder) in other.log
    assert logger.process.poll() is None


def test_a_logger_that_was_killed_can_be_started_at_once(
    broker: BrokerProcess, tmp_path: Path, site: str
) -> None:
    """Its writer may live on for a moment: the next one waits for it."""
    with RunningLogger(broker, tmp_path / "data", site) as first:
        wait_until(lambda: first.is_connected, "the logger connects", 60)
        writer = psutil.Process(first.process.pid).children()[0]
        first.process.kill()
        first.process.wait()
        with RunningLogger(broker, tmp_path / "data", site) as second:
            wait_until(lambda: second.log.count("records site") == 2, "the next one starts", 60)
        assert not writer.is_running() or writer.status() == psutil.STATUS_ZOMBIE


def test_a_writer_that_dies_ends_the_service(logger: RunningLogger) -> None:
    psutil.Process(logger.process.pid).children()[0].kill()

    assert logger.process.wait(timeout=60) == 1
    assert "ends: the writer's process has ended" in logger.log


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_time_whatever_way_it_is_asked(logger: RunningLogger, wish: int) -> None:
    for process in (*psutil.Process(logger.process.pid).children(), logger.process):
        process.send_signal(wish)

    assert logger.process.wait(timeout=60) == 0
    assert "Traceback" not in logger.log


def test_messages_that_the_broker_drops_are_reported(
    own_broker: BrokerProcess, tmp_path: Path, site: str
) -> None:
    own_broker.stop()
    narrow = replace_settings(own_broker, {"max_queued_messages": "10", "sys_interval": "1"})
    narrow.start()
    window = {"WATTBUS_LOGGER_RECEIVE_MAXIMUM": "20"}
    password = narrow.password("station-bridge")
    try:
        with (
            RunningLogger(narrow, tmp_path / "data", site, **window) as logger,
            MqttRecorder(narrow.host, narrow.port, "station-bridge", password) as client,
        ):
            client.subscribe(status_filter(site))
            wait_until(lambda: logger.is_connected, "the logger connects", 60)
            logger.process.send_signal(signal.SIGSTOP)
            bridge = Bridge()
            for number in range(100):
                client.publish(*meter(bridge, number))
            logger.process.send_signal(signal.SIGCONT)

            wait_until(lambda: "the broker has dropped" in logger.log, "a line in the log")
            wait_until(lambda: health_of(client).get("health") == "degraded", "degraded health")
            assert "dropped" in health_of(client)["detail"]
    finally:
        narrow.stop()


def replace_settings(broker: BrokerProcess, instead: dict[str, str]) -> BrokerProcess:
    """Return the same broker with other settings."""
    return BrokerProcess(broker.folder, broker._mosquitto, instead)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WATTBUS_LOGGER_PLOT_EVERY_S", "soon"),
        ("WATTBUS_LOGGER_RECEIVE_MAXIMUM", "0"),
        ("WATTBUS_SITE", "My Home"),
        ("WATTBUS_MQTT_PORT", "70000"),
    ],
)
def test_a_bad_setting_stops_the_start_and_is_named(
    broker: BrokerProcess, tmp_path: Path, site: str, name: str, value: str
) -> None:
    logger = RunningLogger(broker, tmp_path / "data", site, **{name: value})

    assert logger.process.wait(timeout=60) != 0
    assert f"{name} = '{value}'" in logger.log
    assert logger.log.count("\n") == 1


def test_a_folder_that_cannot_be_written_stops_the_start(
    broker: BrokerProcess, tmp_path: Path, site: str
) -> None:
    (tmp_path / "file").write_text("")

    logger = RunningLogger(broker, tmp_path / "file", site)

    assert logger.process.wait(timeout=60) == 1
    assert "WATTBUS_DATA_DIR" in logger.log


@pytest.mark.parametrize("command", [[], ["run"], ["report"], ["plot"], ["refresh"]])
def test_the_help_shows_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "example" in out
    assert "wattbus-logger " in out


def test_the_readings_of_one_process_are_not_another_processs(
    logger: RunningLogger, mqtt_recorder: Connect
) -> None:
    client = mqtt_recorder("station-bridge")
    for boot_id in ("one", "two"):
        client.publish(*meter(replace(Bridge(), boot_id=boot_id)))

    logger.wait_for_rows(2)

    assert sorted(ids_in(logger.rows)) == [("one", 1), ("two", 1)]
