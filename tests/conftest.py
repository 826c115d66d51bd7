"""Fixtures for every test: the real broker as a child process, and clients that record it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from fixtures.availability import missing
from fixtures.broker_process import BrokerProcess, find_mosquitto
from fixtures.mqtt_recorder import MqttRecorder

# How long an example takes is for the neighbours on the machine to say.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# A session under test leaves no sign of life outside; tests of that name a file of their own.
os.environ.setdefault("WATTBUS_HEALTH_FILE", os.devnull)

_site_numbers = count(1)
ALONE = (
    "browser",
    "chaos/test_chaos.py",
    "demo",
    "homeassistant",
    "system",
    "unit/station_bridge/test_spool_kills.py",
)
"""Where a whole system runs an hour in seconds: a neighbour's second would be its quarter hour."""


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """The path of the Mosquitto program."""
    path = find_mosquitto()
    if path is None:
        missing("Mosquitto is not installed", "sudo apt-get install mosquitto")
    return path


@pytest.fixture(scope="session")
def broker(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A Mosquitto shared by all tests of a worker: do not stop it, and use an own site id."""
    process = BrokerProcess(tmp_path_factory.mktemp("broker"), mosquitto)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def own_broker(mosquitto: str, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A Mosquitto for one test alone, which may stop, kill and restart it."""
    process = BrokerProcess(tmp_path / "broker", mosquitto)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def site() -> str:
    """A site id that no other test of this run uses."""
    return f"site-{os.getpid()}-{next(_site_numbers)}"


@pytest.fixture
def mqtt_recorder(broker: BrokerProcess) -> Iterator[Callable[..., MqttRecorder]]:
    """A function `connect(user="viewer", *filters)` that gives a connected, subscribed client."""
    with ExitStack() as clients:

        def connect(
            user: str = "viewer", *filters: str, client_id: str | None = None
        ) -> MqttRecorder:
            recorder = clients.enter_context(
                MqttRecorder(
                    broker.host, broker.port, user, broker.password(user), client_id=client_id
                )
            )
            recorder.subscribe(*filters)
            return recorder

        yield connect


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--alone",
        choices=("with", "only", "without"),
        default="with",
        help="tests of a whole running system, which want the machine for themselves: run them "
        "with the others, only them, or all without them (default: %(default)s)",
    )


# Before xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, and select by `--alone`."""
    here = Path(__file__).parent
    alone = [here / name for name in ALONE]
    wanted = config.getoption("--alone")
    kept, dropped = [], []
    for item in items:
        is_alone = any(item.path.is_relative_to(path) for path in alone)
        item.add_marker(pytest.mark.xdist_group("alone" if is_alone else str(item.path)))
        (dropped if wanted == ("without" if is_alone else "only") else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
