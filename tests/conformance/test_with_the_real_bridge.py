"""What the scripted bridge promises the real one keeps: the examples charge a day with it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess, free_port
from fixtures.conformance_suite import ROOT
from fixtures.mqtt_recorder import MqttRecorder, RecordedMessage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAMS = Path(sys.executable).parent
SECONDS_PER_HOUR = 1.0
DAY_S = 24 * SECONDS_PER_HOUR


@pytest.fixture
def bridged_site(own_broker: BrokerProcess, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """The course's default day behind the real bridge; call it to start a scheduler."""
    simulator_port = free_port()
    with ExitStack() as stack:

        def start(name: str, command: str, settings: dict[str, str]) -> None:
            mqtt = {
                "WATTBUS_MQTT_HOST": own_broker.host,
                "WATTBUS_MQTT_PORT": str(own_broker.port),
                "WATTBUS_MQTT_USERNAME": name,
                "WATTBUS_MQTT_PASSWORD_FILE": str(own_broker.password_file(name))
                if name != "simulator"
                else "",
                "WATTBUS_SITE": "home",
                "WATTBUS_HEALTH_FILE": str(tmp_path / f"{name}.health"),
            }
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                command.split(), env={**os.environ, **mqtt, **settings}, stdout=log, stderr=log
            )
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)

        start(
            "simulator",
            f"{PROGRAMS}/wattbus-simulator",
            {
                "WATTBUS_SIMULATOR_HOST": "127.0.0.1",
                "WATTBUS_SIMULATOR_PORT": str(simulator_port),
                "WATTBUS_SIMULATOR_SCENARIO": "course-day",
                "WATTBUS_SIMULATOR_SECONDS_PER_HOUR": str(SECONDS_PER_HOUR),
            },
        )
        start(
            "station-bridge",
            f"{PROGRAMS}/wattbus-station-bridge",
            {
                "WATTBUS_SITE_FILE": str(ROOT / "sites" / "demo.toml"),
                "WATTBUS_STATE_DIR": str(tmp_path / "bridge-state"),
                "WATTBUS_BRIDGE__STATION__CAR1__URL": f"http://127.0.0.1:{simulator_port}",
            },
        )
        yield lambda command: start("scheduler", command, {})


def _result(message: RecordedMessage) -> str | None:
    return message.json["outcome"] if message.topic.endswith("/limit/result") else None


@pytest.mark.parametrize("example", ["scheduler-minimal.py", "scheduler-node"])
def test_example_charges_the_default_day_behind_the_real_bridge(
    bridged_site: Callable[[str], None],
    own_broker: BrokerProcess,
    request: pytest.FixtureRequest,
    example: str,
) -> None:
    if example == "scheduler-node":
        command = f"node {request.getfixturevalue('node_example')}/index.mjs"
    else:
        command = f"{sys.executable} {ROOT}/docs/examples/{example}"
    password = own_broker.password("viewer")
    with MqttRecorder(own_broker.host, own_broker.port, "viewer", password) as viewer:
        viewer.subscribe("wattbus/v1/home/#")

        bridged_site(command)

        viewer.wait_for(lambda m: _result(m) == "applied", timeout_s=30)
        reached = viewer.wait_for(
            lambda m: m.topic.endswith("/meter") and m.json.get("soc_percent", 0) >= 79,
            timeout_s=2 * DAY_S,
        )
        results = [m for m in viewer.messages if _result(m) is not None]
        assert reached.json["house_load_w"] + reached.json["power_active_import_w"] <= 11_000
        refusals = [m.json["reason"] for m in results if _result(m) != "applied"]
        # Superseded: a newer limit came while the station was still being told of this one.
        assert [reason for reason in refusals if reason["code"] != "superseded"] == []
