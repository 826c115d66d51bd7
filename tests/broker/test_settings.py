"""What the broker's settings promise: nothing is dropped, nothing is forgotten, size is bounded."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.broker_process import ROOT, SEARCH_PATH, BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from wattbus_contract import topics

Connect = Callable[..., MqttRecorder]

DEFAULT_QUEUE = 1000
"""What Mosquitto keeps for an absent client when nothing is set; more is dropped silently."""


@pytest.fixture
def bridge(own_broker: BrokerProcess) -> Iterator[MqttRecorder]:
    with connect(own_broker, "station-bridge") as client:
        yield client


def connect(broker: BrokerProcess, user: str) -> MqttRecorder:
    return MqttRecorder(broker.host, broker.port, user, broker.password(user))


def connect_durable(broker: BrokerProcess, topic_filter: str) -> MqttRecorder:
    """A logger whose session, with subscription and queue, outlives its connection."""
    logger = MqttRecorder(
        broker.host,
        broker.port,
        "logger",
        broker.password("logger"),
        client_id="durable",
        session_expiry_s=3600,
    )
    logger.subscribe(topic_filter)
    return logger


def test_a_burst_for_an_absent_logger_is_kept_whole(
    own_broker: BrokerProcess, bridge: MqttRecorder, site: str
) -> None:
    number = 3 * DEFAULT_QUEUE
    meter = topics.METER.topic(site, station="car1")
    connect_durable(own_broker, meter).close()

    for index in range(number):
        bridge.publish(meter, str(index))

    with connect_durable(own_broker, meter) as logger:
        logger.wait_for(lambda m: m.payload == str(number - 1).encode())
    assert [int(m.payload) for m in logger.messages] == list(range(number))


def test_without_the_queue_setting_the_same_burst_loses_messages(
    mosquitto: str, tmp_path: Path, site: str
) -> None:
    """The negative control: Mosquitto's own default, and the publisher sees only success."""
    process = BrokerProcess(tmp_path / "broker", mosquitto, {"max_queued_messages": None})
    process.start()
    meter = topics.METER.topic(site, station="car1")
    connect_durable(process, meter).close()

    with connect(process, "station-bridge") as bridge:
        answers = {str(bridge.publish(meter, str(index))) for index in range(3 * DEFAULT_QUEUE)}

    with connect_durable(process, meter) as logger:
        logger.wait_for(lambda m: int(m.payload) >= DEFAULT_QUEUE - 1)
        assert len(logger.settle().messages) < 3 * DEFAULT_QUEUE
    assert answers == {"Success"}
    process.stop()


def test_sessions_and_retained_messages_survive_a_restart(
    own_broker: BrokerProcess, bridge: MqttRecorder, site: str
) -> None:
    meter = topics.METER.topic(site, station="car1")
    info = topics.SITE_INFO.topic(site)
    connect_durable(own_broker, meter).close()
    bridge.publish(meter, b"while the logger was away")
    bridge.publish(info, b"retained", retain=True)

    own_broker.restart()

    with connect_durable(own_broker, meter) as logger:
        kept = logger.wait_for(lambda m: m.topic == meter)
    assert kept.payload == b"while the logger was away"
    with connect(own_broker, "viewer") as viewer:
        viewer.subscribe(info)
        assert viewer.wait_for(lambda m: m.topic == info).payload == b"retained"


def test_passwords_survive_a_restart(own_broker: BrokerProcess) -> None:
    before = own_broker.password("viewer")

    own_broker.restart()

    assert own_broker.password("viewer") == before
    with connect(own_broker, "viewer"):
        pass


def test_a_packet_above_the_limit_is_refused_and_one_below_passes(
    mqtt_recorder: Connect, site: str
) -> None:
    viewer = mqtt_recorder("viewer", topics.everything(site))
    scheduler = mqtt_recorder("scheduler")
    plan = topics.PLAN.topic(site)
    limit = max_packet_size()

    scheduler.publish(plan, b"x" * (limit - 1000))

    assert len(viewer.wait_for(lambda m: m.topic == plan).payload) == limit - 1000
    with pytest.raises(TimeoutError):
        scheduler.publish(plan, b"x" * (limit + 1000), timeout_s=2)


def max_packet_size() -> int:
    lines = (ROOT / "broker" / "mosquitto.conf").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("max_packet_size "))


def test_a_folder_with_blanks_and_odd_characters_can_hold_the_broker(
    mosquitto: str, tmp_path: Path
) -> None:
    process = BrokerProcess(tmp_path / "a & b | c", mosquitto)

    process.start()

    with connect(process, "viewer") as viewer:
        viewer.settle()
    process.stop()
    assert (tmp_path / "a & b | c" / "data" / "mosquitto.db").exists()


@pytest.mark.parametrize("port", ["", "http", "18 83"])
def test_a_port_that_is_no_number_is_refused(tmp_path: Path, port: str) -> None:
    done = subprocess.run(
        ["sh", ROOT / "broker" / "prepare-local.sh", tmp_path, port],
        env={**os.environ, "PATH": SEARCH_PATH},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "PORT must be a number" in done.stderr
