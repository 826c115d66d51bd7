"""Dashboard, announcer and notifier as processes under damaged messages: alive, working, lean."""

import json
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
from fuzz.every_service import KEPT
from fuzz.every_service import NAME as KEPT_NAME
from fuzz.test_listeners import OF_HOME_ASSISTANT, OF_NOTIFIER
from fuzz.test_processes import KEEPS_ALL, ROUND, SEED, bombard
from wattbus_contract import topics
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.facts import StationEventKind
from wattbus_contract.topics import TopicSpec
from wattbus_homeassistant.discovery import BIRTH, BIRTH_TOPIC, CONFIGS_FILTER

TIMEOUT_S = 60.0
WARM_UP = 1500
MESSAGES = 5000
MAX_GROWTH_BYTES = (24 if FUZZ_S else 5) * 2**20
"""The messages have 7.5 MB: who keeps them is above it."""
MAX_GROWTH_OF_PAGES_BYTES = (28 if FUZZ_S else 9) * 2**20
"""What a page held stays for a minute after it was asked for; who keeps all has grown by 13 MiB."""
LOOK_EVERY_S = 0.5
PAGE_EVERY_LOOKS = 4 if FUZZ_S else 1
TAIL_BYTES = 100_000
MARKS = count(1)
LISTENERS = {"homeassistant": OF_HOME_ASSISTANT, "notifier": OF_NOTIFIER}
OF_DASHBOARD = tuple(spec for spec in topics.ALL if spec is not topics.SERVICE_STATUS)


@pytest.fixture
def barrage(own_broker: BrokerProcess, site: str) -> Iterator[Barrage]:
    with barrage_on(own_broker, site, SEED) as found:
        yield found


@contextmanager
def service_on(
    name: str, broker: BrokerProcess, site: str, folder: Path,
    program: tuple[str, ...] = ("-m",), **settings: str,
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """Run `wattbus_<name>`, or a program that runs it, with its log in the folder."""
    with (folder / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *program, f"wattbus_{name}.main"],
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


def wait_until_heard(told: ToldSite, log: Path) -> None:
    """Send something that is certainly refused, and wait until the log says so."""
    mark = f"mark-{next(MARKS)}-"
    document = json.dumps({"schema": mark})
    told.bridge.publish(topics.SITE_INFO.topic(told.site), document)

    def is_there() -> bool:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return mark.encode() in file.read()

    wait_until(is_there, f"{mark} in the log", TIMEOUT_S, LOOK_EVERY_S)


def page_of(dashboard: DashboardProcess) -> str:
    with urllib.request.urlopen(f"{dashboard.url}/en", timeout=30) as answer:
        assert answer.status == 200
        text: str = answer.read().decode()
        return text


def test_the_dashboard_goes_on_showing(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    powers_w, looks = count(1234.0, 10.0), count()
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
            # A page takes two megabytes for a minute: few are asked for, and not before it is news.
            wait_until_heard(told, tmp_path / "dashboard.log")
            if next(looks) % PAGE_EVERY_LOOKS:
                return True
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


@pytest.mark.skipif(FUZZ_S > 0, reason="the bound of a long run takes long to reach")
@pytest.mark.parametrize("name", LISTENERS)
def test_a_listener_that_keeps_what_it_hears_is_found_out(
    name: str, own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    """The negative control."""
    with (
        ToldSite(own_broker, site) as told,
        service_on(name, own_broker, site, tmp_path, ("-c", KEEPS_ALL)) as process,
    ):
        told.say_all()
        told.bridge.wait_for(lambda m: f"/service/{name}/" in m.topic)

        def has_caught_up() -> bool:
            wait_until_heard(told, tmp_path / f"{name}.log")
            return True

        with pytest.raises(AssertionError, match="it grows"):
            fire(barrage, LISTENERS[name], process.pid, has_caught_up)


def tells_of_kept(told: ToldSite, box: LetterBox) -> Callable[[], bool]:
    """Tell the notifier of a station, once, and return what tells whether it still knows it.

    That its car will be short needs its name, its goal and its plug of before; a new plan says so,
    and the alarm comes once.
    """
    for spec, instead in (
        (topics.STATION_INFO, {"name": KEPT_NAME}),
        (topics.STATION_STATE, {"is_plugged_in": True}),
        (topics.GOAL, {}),
    ):
        told.say_example(spec, instead=instead, station=KEPT)
    plan = EXAMPLES[topics.PLAN].stations[0]  # type: ignore[attr-defined]

    def alarms() -> int:
        return sum(KEPT_NAME in title for title in box.titles)

    def works() -> bool:
        before = alarms()
        told.say_site("car1", KEPT)
        for shortfall_wh in (0.0, 20_000.0, 20_000.0):
            short = plan.model_copy(update={"station": KEPT, "shortfall_wh": shortfall_wh})
            told.say_example(topics.PLAN, instead={"stations": (short,)})
        wait_until(lambda: alarms() > before, f"{KEPT_NAME} is told of", TIMEOUT_S)
        return alarms() == before + 1

    return works


def notifies(told: ToldSite, box: LetterBox) -> Callable[[], bool]:
    """Return what tells whether a finished car is told of, each time under another name, and
    whether what was told before the barrage still holds.
    """
    names = count(1)
    knows = tells_of_kept(told, box)

    def works() -> bool:
        assert knows()
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
