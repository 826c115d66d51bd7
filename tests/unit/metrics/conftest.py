"""Services at work on a site of their own, whose figures are read."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from fixtures.broker_process import ROOT, BrokerProcess, free_port
from fixtures.figures import FOR_PEOPLE, SERVICES, Scrape, scraped
from fixtures.sessions import wait_until


@pytest.fixture(scope="package")
def ports(
    broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """Services at work on a site of their own, each with figures on a free port."""
    folder = tmp_path_factory.mktemp("metrics")
    site = f"metrics-{os.getpid()}"
    ports = {name: free_port() for name in (*SERVICES, *FOR_PEOPLE)}
    with ExitStack() as running:
        for name, port in ports.items():
            module = f"wattbus_{name.replace('-', '_')}.main"
            log = running.enter_context((folder / f"{name}.log").open("wb"))
            environment = {
                **os.environ,
                "WATTBUS_SITE": site,
                "WATTBUS_SIMULATOR_PORT": str(ports["simulator"]),
                "WATTBUS_SITE_FILE": str(ROOT / "sites" / "demo.toml"),
                "WATTBUS_STATE_DIR": str(folder / "state"),
                "WATTBUS_BRIDGE__STATION__CAR1__URL": f"http://127.0.0.1:{ports['simulator']}",
                "WATTBUS_DATA_DIR": str(folder / "data"),
                "WATTBUS_LOGGER_DRAWS": "false",
                "WATTBUS_LOGGER_REPORT_EVERY_S": "1",
                "WATTBUS_MQTT_HOST": broker.host,
                "WATTBUS_MQTT_PORT": str(broker.port),
                "WATTBUS_MQTT_CLIENT_ID": f"{name}-{os.getpid()}"[:32],
                "WATTBUS_HEALTH_FILE": str(folder / f"{name}.health"),
                "WATTBUS_METRICS_PORT": str(port),
            }
            if name != "simulator":
                environment["WATTBUS_MQTT_PASSWORD_FILE"] = str(broker.password_file(name))
            process = subprocess.Popen(
                [sys.executable, "-m", module], env=environment, stdout=log, stderr=log
            )
            running.callback(process.wait)
            running.callback(process.kill)
        yield ports


@pytest.fixture(scope="package")
def figures(ports: dict[str, int]) -> Scrape:
    """What each service shows once a car is planned and charging is reckoned."""

    def is_there(service: str, family: str) -> bool:
        found = scraped(ports[service]).get(family)
        return found is not None and bool(found.samples)

    wait_until(lambda: is_there("station-bridge", "wattbus_station_power_watts"), "a poll", 60)
    wait_until(lambda: is_there("station-bridge", "wattbus_station_limits"), "a limit", 60)
    wait_until(lambda: is_there("scheduler", "wattbus_limits_sent"), "a limit is sent", 60)
    wait_until(lambda: is_there("logger", "wattbus_charging_cost"), "the report", 60)
    for service in FOR_PEOPLE:
        wait_until(partial(is_there, service, "wattbus_broker_connected"), service, 60)
    return {service: scraped(port) for service, port in ports.items()}
