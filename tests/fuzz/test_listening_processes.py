"""Dashboard, announcer and notifier as processes under damaged messages: alive, working, lean."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import DashboardProcess
from fixtures.letter_box import LetterBox, letter_box
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from fixtures.told_site import ToldSite
from fuzz.barrage import Barrage, barrage_on, gave_a_sign_of_life
from fuzz.effort import FUZZ_S
from fuzz.test_listeners import OF_HOME_ASSISTANT, OF_NOTIFIER
from fuzz.test_processes import ROUND, SEED, bombard
from wattbus_contract import topics
from wattbus_contract.facts import StationEventKind
from wattbus_contract.topics import TopicSpec
from wattbus_homeassistant.discovery import BIRTH, BIRTH_TOPIC, CONFIGS_FILTER

TIMEOUT_S = 60.0
WARM_UP = 1500
MESSAGES = 5000
MAX_GROWTH_BYTES = (32 if FUZZ_S else 5) * 2**20
"""The messages have 7.5 MB: who keeps them is above it."""
MAX_GROWTH_OF_PAGES_BYTES = (48 if FUZZ_S else 10) * 2**20
"""What a page held stays for a minute after it was asked for; who keeps all has grown by 13 MiB."""
LOOK_EVERY_S = 0.5
OF_DASHBOARD = tuple(spec for spec in topics.ALL if spec is not topics.SERVICE_STATUS)


@pytest.fixture
def barrage(own_broker: BrokerProcess, site: str) -> Iterator[Barrage]:
    with barrage_on(own_broker, site, SEED) as found:
        yield found


@contextmanager
def service_on(
    name: str, broker: BrokerProcess, site: str, folder: Path, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """Run `wattbus_<name>` with its log in the folder."""
    with (folder / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"wattbus_{name}.main"],
            env={
                **os.environ,
                "WATTBUS_SITE": site,
                "WATTBUS_MQTT_HOST": broker.host,
                "WATTBUS_MQTT_PORT": str(broker.port),
                "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file(name)),
                "WATTBUS_HEALTH_FILE": str(folder / "health"),
                **settings,
            },
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def fire(
    barrage: Barrage, specs: tuple[TopicSpec, ...], pid: int, works: Callable[[], object],
    most_bytes: int = MAX_GROWTH_BYTES,
) -> None:  # fmt: skip
    bombard(
        barrage, specs, pid, works, warm_up=WARM_UP, messages=MESSAGES,
        most_bytes=most_bytes, at_once=ROUND if FUZZ_S else WARM_UP,
    )  # fmt: skip


def page_of(dashboard: DashboardProcess) -> str:
    with urllib.request.urlopen(f"{dashboard.url}/en", timeout=30) as answer:
        assert answer.status == 200
        text: str = answer.read().decode()
        return text


def test_the_dashboard_goes_on_showing(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    powers_w = count(1234.0, 10.0)
    with (
        ToldSite(own_broker, site) as told,
        DashboardProcess(own_broker, site, tmp_path) as dashboard,
    ):
        told.say_all()

        def works() -> bool:
            power_w = next(powers_w)
            told.say_site("car1")
            told.say_example(
                topics.METER, instead={"power_active_import_w": power_w}, station="car1"
            )
            shown = f"{power_w / 1000:.2f}"
            wait_until(
                lambda: shown in page_of(dashboard),
                f"{shown} kW on the page",
                TIMEOUT_S,
                LOOK_EVERY_S,
            )
            return True

        pid = dashboard.pid
        assert works()
        fire(barrage, OF_DASHBOARD, pid, works, MAX_GROWTH_OF_PAGES_BYTES)

        assert dashboard.pid == pid
        assert gave_a_sign_of_life(tmp_path / "health")
        assert "ignored a message" in dashboard.log()
        assert "Traceback" not in dashboard.log()


def test_the_announcer_goes_on_announcing(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    device = f"homeassistant/device/wattbus_{site}_car1/config"
    names = count(1)
    home = MqttRecorder(
        own_broker.host, own_broker.port, "homeassistant", own_broker.password("homeassistant"),
        client_id="home",
    )  # fmt: skip
    with ToldSite(own_broker, site) as told, home:
        home.subscribe(CONFIGS_FILTER)

        def works() -> bool:
            name = f"Car {next(names)}"
            # What is there of others, or of nobody, is told anew at a birth.
            for junk in (b"", b"{", b"\xff\xfe", BIRTH * 1000):
                home.publish(device, junk, retain=True)
                home.publish(BIRTH_TOPIC, junk)
            told.say_site("car1")
            told.say_example(topics.STATION_INFO, instead={"name": name}, station="car1")
            home.wait_for(lambda m: m.topic == device and name.encode() in m.payload)
            home.settle()
            heard = len(home.messages)
            home.publish(BIRTH_TOPIC, BIRTH)
            home.wait_for(lambda m: m.topic == device and name.encode() in m.payload, since=heard)
            return True

        with service_on("homeassistant", own_broker, site, tmp_path) as process:
            told.say_all()
            assert works()
            fire(barrage, OF_HOME_ASSISTANT, process.pid, works)

            assert process.poll() is None
            assert gave_a_sign_of_life(tmp_path / "health")
        with service_on("homeassistant", own_broker, site, tmp_path):
            # It finds the garbage that is retained.
            assert works()
    logged = (tmp_path / "homeassistant.log").read_text()
    assert "ignored a message" in logged
    assert "Traceback" not in logged


def notifies(told: ToldSite, box: LetterBox) -> Callable[[], bool]:
    """Return what tells whether a finished car is told of, each time under another name."""
    names = count(1)

    def works() -> bool:
        name = f"Car {next(names)}"
        told.say_site("car1")
        told.say_example(topics.STATION_INFO, instead={"name": name}, station="car1")
        told.say_example(topics.STATION_STATE, station="car1")
        # A car that leaves has not finished any more, whatever was said before.
        for kind in (StationEventKind.UNPLUGGED, StationEventKind.TARGET_REACHED):
            told.say_example(topics.STATION_EVENT, instead={"kind": kind}, station="car1")
        title = f"{name} has finished charging"
        wait_until(lambda: title in box.titles, f"{name} is told of", TIMEOUT_S)
        return True

    return works


def test_the_notifier_goes_on_telling(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    with (
        letter_box() as box,
        ToldSite(own_broker, site) as told,
        service_on(
            "notifier", own_broker, site, tmp_path, WATTBUS_NOTIFIER_URLS=box.url,
            WATTBUS_NOTIFIER_SETTLE_S="0", WATTBUS_NOTIFIER_STATE_DIR=str(tmp_path / "state"),
        ) as process,
    ):  # fmt: skip
        told.say_all()
        # An event is said once, to whoever is there.
        told.bridge.wait_for(lambda m: "/service/notifier/" in m.topic)
        works = notifies(told, box)
        assert works()
        fire(barrage, OF_NOTIFIER, process.pid, works)

        assert process.poll() is None
        assert gave_a_sign_of_life(tmp_path / "health")
    logged = (tmp_path / "notifier.log").read_text()
    assert "ignored a message" in logged
    assert "Traceback" not in logged
