"""A Home Assistant beside a broker, a site on it, and the service that announces the site."""

from collections.abc import Iterator

import pytest

from fixtures import home_assistant as container
from fixtures.announcing import announcing
from fixtures.broker_process import BrokerProcess
from fixtures.docker_engine import require_engine
from fixtures.home_assistant import HomeAssistant, States
from fixtures.told_site import ToldSite

UNSEEN = {None, "unknown", "unavailable"}


@pytest.fixture(scope="module")
def lone_broker(
    mosquitto: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    """A broker of their own: Home Assistant takes in the devices of every site on it."""
    process = BrokerProcess(tmp_path_factory.mktemp("house"), mosquitto)
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def home_assistant(
    lone_broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistant]:
    """A Home Assistant that is connected and knows nothing of us yet."""
    require_engine()
    container.build_image()
    log = tmp_path_factory.mktemp("home-assistant") / "stderr"
    with container.running(lone_broker, "homeassistant", "Europe/Stockholm", log) as running:
        yield running


@pytest.fixture(scope="module")
def told_site(home_assistant: HomeAssistant, lone_broker: BrokerProcess) -> Iterator[ToldSite]:
    """A site that is announced to Home Assistant, and has said everything once."""
    with ToldSite(lone_broker, "home") as site, announcing(lone_broker, "home"):

        def knows_all(states: States) -> bool:
            # What is not retained comes again with each poll, as from a real station.
            site.say_all()
            unretained = (
                "wattbus_home_car2_power",
                "wattbus_home_car2_answer",
                "wattbus_home_price",
            )
            return all(states.get(key, {}).get("state") not in UNSEEN for key in unretained)

        home_assistant.wait_for(knows_all, "the stations are announced, and listened to")
        yield site
