"""Every service shows figures that Prometheus reads, by names and units as it wants them."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import Metric

from fixtures.broker_process import ROOT
from fixtures.figures import FOR_PEOPLE, SERVICES, Scrape
from wattbus_console.local_system import Endpoints, Wishes, services

DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"
NOT_BASE_UNITS = {
    "milliseconds", "minutes", "hours", "days", "kilowatts", "watthours", "kilobytes", "percent",
    "milliamperes", "ms", "kw", "kwh", "wh", "w", "a", "v", "s",
}  # fmt: skip
MOST_SERIES = 200


def value(figures: dict[str, Metric], name: str, **labels: str) -> float:
    """The value of the one series with these labels."""
    (found,) = [
        sample.value
        for family in figures.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


def test_names_units_and_helps_are_as_prometheus_wants_them(figures: Scrape) -> None:
    for service, families in figures.items():
        assert families, service
        for name, family in families.items():
            assert re.fullmatch(r"(wattbus|process)_[a-z0-9_]+", name), name
            assert family.documentation, name
            assert family.type in {"gauge", "counter"}, f"{name} is {family.type}"
            assert not NOT_BASE_UNITS & set(name.split("_")), name
            for sample in family.samples:
                assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
                assert all(re.fullmatch("[a-z_]+", label) for label in sample.labels)
                assert "le" not in sample.labels


def test_there_are_few_series_and_none_has_an_id_that_is_drawn_anew(figures: Scrape) -> None:
    for service, families in figures.items():
        samples = [sample for family in families.values() for sample in family.samples]
        assert len(samples) < MOST_SERIES, service
        for sample in samples:
            assert not {"boot_id", "seq", "transaction_id", "reason"} & set(sample.labels)


def test_the_bridge_shows_house_station_price_and_lease(figures: Scrape) -> None:
    bridge = figures["station-bridge"]

    assert value(bridge, "wattbus_station_plugged_in", station="car1") == 1
    assert 0.19 < value(bridge, "wattbus_station_state_of_charge_ratio") < 1
    assert value(bridge, "wattbus_station_target_ratio") == pytest.approx(0.8)
    assert value(bridge, "wattbus_station_polls_total") > 0
    assert value(bridge, "wattbus_site_max_power_watts") == 11_000
    assert 700 < value(bridge, "wattbus_house_power_watts") <= 11_000
    assert 0.1 < value(bridge, "wattbus_price_per_kilowatt_hour", currency="SEK") < 2
    assert value(bridge, "wattbus_lease_held") == 1
    assert value(bridge, "wattbus_station_limits_total", outcome="applied") > 0


def test_the_scheduler_shows_its_plan(figures: Scrape) -> None:
    scheduler = figures["scheduler"]

    assert value(scheduler, "wattbus_plans_total", strategy="cheapest", role="command") >= 1
    assert value(scheduler, "wattbus_plan_expected_energy_joules") > 0
    assert value(scheduler, "wattbus_plan_shortfall_joules") >= 0
    assert value(scheduler, "wattbus_limits_sent_total", station="car1") > 0


def test_the_logger_shows_what_is_safe_and_what_charging_cost(figures: Scrape) -> None:
    logger = figures["logger"]

    assert value(logger, "wattbus_logger_written_messages_total") > 0
    assert value(logger, "wattbus_logger_quarantined_messages_total") == 0
    assert value(logger, "wattbus_logger_disk_free_bytes") > 0
    assert value(logger, "wattbus_charging_energy_joules", period="year") >= 0
    value(logger, "wattbus_charging_saving", period="month", currency="SEK")


def test_the_simulator_shows_its_world(figures: Scrape) -> None:
    simulator = figures["simulator"]

    assert value(simulator, "wattbus_simulator_station_plugged_in", station="car1") == 1
    assert value(simulator, "wattbus_simulator_house_power_watts") > 0


@pytest.mark.parametrize("service", [*SERVICES[1:], *FOR_PEOPLE])
def test_each_service_on_the_bus_shows_its_session(figures: Scrape, service: str) -> None:
    assert value(figures[service], "wattbus_service_info", service=service) == 1
    assert value(figures[service], "wattbus_broker_connected") == 1
    assert value(figures[service], "wattbus_service_healthy") in {0, 1}
    assert value(figures[service], "process_resident_memory_bytes") > 1e6


def test_without_a_port_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, wattbus_station_bridge.main, wattbus_scheduler.main, wattbus_logger.main; "
        "print('prometheus_client' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "module",
    [
        "wattbus_scheduler.main",
        "wattbus_logger.main",
        "wattbus_homeassistant.main",
        "wattbus_notifier.main",
    ],
)
def test_a_port_that_is_taken_stops_the_start_and_is_named(module: str, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])

        ended = subprocess.run(
            [sys.executable, "-m", module],
            env={**os.environ, "WATTBUS_METRICS_PORT": port, "WATTBUS_DATA_DIR": str(tmp_path)},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert ended.returncode != 0
    assert f"WATTBUS_METRICS_PORT = {port}: cannot listen there" in ended.stderr


def test_the_dashboard_of_grafana_asks_for_figures_that_exist(figures: Scrape) -> None:
    known = {
        sample.name
        for families in figures.values()
        for family in families.values()
        for sample in family.samples
    }
    document = json.loads(DASHBOARD.read_text())

    asked = [target["expr"] for panel in document["panels"] for target in panel.get("targets", [])]
    names = {
        name for text in asked for name in re.findall(r"wattbus_[a-z_]+|process_[a-z_]+", text)
    }

    assert len(asked) >= 10
    assert names <= known, names - known
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))


def test_the_documentation_lists_every_figure(figures: Scrape) -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    listed = set(re.findall(r"`(wattbus_[a-z_]+)`", text))

    shown = {
        sample.name
        for families in figures.values()
        for family in families.values()
        for sample in family.samples
        if sample.name.startswith("wattbus_")
    }

    assert listed == shown


def test_a_local_run_gives_each_service_a_port_of_its_own(tmp_path: Path) -> None:
    wishes = Wishes(
        "course-day", tmp_path, "home", "cheapest", None, tmp_path, tmp_path, ("car1",),
        has_dashboard=True, has_homeassistant=True,
    )  # fmt: skip
    commands = dict.fromkeys(("broker", *SERVICES, *wishes.for_people), tmp_path)

    def ports_of(inherited: dict[str, str]) -> dict[str, str | None]:
        found = services(wishes, Endpoints(1, 2, 3), commands, inherited)
        on_the_bus = [*SERVICES[1:], *wishes.for_people]
        return {name: found[name].environment.get("WATTBUS_METRICS_PORT") for name in on_the_bus}

    assert ports_of({"WATTBUS_METRICS_PORT": "9101"}) == {
        "station-bridge": "9101",
        "scheduler": "9102",
        "logger": "9103",
        "dashboard": "9104",
        "homeassistant": "9105",
    }
    assert set(ports_of({}).values()) == {None}
