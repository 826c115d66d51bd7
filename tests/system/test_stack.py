"""The whole stack comes up in order and each part says that it works."""

import json
import urllib.request

import pytest

from fixtures.compose_stack import ComposeStack
from wattbus_contract import topics

ON_THE_BUS = ("station-bridge", "scheduler", "logger", "dashboard", "homeassistant")
SERVICES = ("broker", "simulator", *ON_THE_BUS)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_healthy(stack: ComposeStack, service: str) -> None:
    stack.wait_healthy(service)


def test_the_simulator_answers_on_this_machine(stack: ComposeStack) -> None:
    url = f"http://{stack.host}:{stack.port('simulator', 5000)}/info"

    with urllib.request.urlopen(url, timeout=10) as answer:
        assert "battery_capacity_kWh" in json.load(answer)


def test_the_dashboard_shows_its_page_on_this_machine(stack: ComposeStack) -> None:
    url = f"http://localhost:{stack.port('dashboard', 8080)}/"

    with urllib.request.urlopen(url, timeout=30) as answer:
        assert "Wattbus" in answer.read().decode()


@pytest.mark.parametrize("user", ON_THE_BUS)
def test_every_service_says_on_the_bus_that_it_is_up(stack: ComposeStack, user: str) -> None:
    status = topics.SERVICE_STATUS.filter("home").replace("/+/", f"/{user}/", 1)

    with stack.client("viewer", status) as viewer:
        message = viewer.wait_for(lambda m: m.json["status"] == "up", timeout_s=30)

    assert message.retain
    assert message.json["health"] == "ok"
