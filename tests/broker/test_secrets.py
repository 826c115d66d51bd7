"""What services log at their most talkative holds no password, accepted or refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import wait_until

SERVICES = {
    "station-bridge": "wattbus_station_bridge",
    "scheduler": "wattbus_scheduler",
    "logger": "wattbus_logger",
}
WRONG = "wrong-horse-battery"
SITE_FILE = """
[site]
fuse_power_w = 11000
[[station]]
id = "car1"
url = "http://127.0.0.1:9"
"""


@pytest.mark.parametrize("is_right", [True, False], ids=["accepted", "refused"])
@pytest.mark.parametrize("service", SERVICES)
def test_no_service_logs_its_password(
    broker: BrokerProcess, site: str, tmp_path: Path, service: str, is_right: bool
) -> None:
    password = broker.password(service) if is_right else WRONG
    (tmp_path / "password").write_text(password)
    (tmp_path / "site.toml").write_text(SITE_FILE)
    path = tmp_path / "log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{SERVICES[service]}.main"],
            env={
                **os.environ,
                "WATTBUS_SITE": site,
                "WATTBUS_SITE_FILE": str(tmp_path / "site.toml"),
                "WATTBUS_STATE_DIR": str(tmp_path / "state"),
                "WATTBUS_DATA_DIR": str(tmp_path / "data"),
                "WATTBUS_HEALTH_FILE": str(tmp_path / "health"),
                "WATTBUS_LOG_LEVEL": "DEBUG",
                "WATTBUS_LOGGER_LOG_LEVEL": "DEBUG",
                "WATTBUS_SCHEDULER_LOG_LEVEL": "DEBUG",
                "WATTBUS_MQTT_HOST": broker.host,
                "WATTBUS_MQTT_PORT": str(broker.port),
                "WATTBUS_MQTT_USERNAME": service,
                "WATTBUS_MQTT_CLIENT_ID": f"secret-{service}",
                "WATTBUS_MQTT_PASSWORD_FILE": str(tmp_path / "password"),
            },
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    said = "connected to the broker" if is_right else "refuses user"

    try:
        wait_until(lambda: said in path.read_text(), said)
    finally:
        process.terminate()
        process.wait(15)

    assert password not in path.read_text()
    assert password not in broker.log()
