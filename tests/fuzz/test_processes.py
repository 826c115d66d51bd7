"""The real services on a real broker under thousands of damaged messages: alive, working, lean."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, running, wait_until
from fuzz.barrage import Barrage, barrage_on, gave_a_sign_of_life, resident_bytes
from fuzz.effort import FUZZ_S
from fuzz.healthy_scheduler import obeys
from fuzz.identity import takes_away
from unit.logger.running_logger import RunningLogger
from unit.scheduler.scripted_bridge import ScriptedBridge
from unit.station_bridge.course_station import serving
from unit.station_bridge.running_bridge import RunningBridge, bridge_on
from unit.station_bridge.station_park import StationPark
from wattbus_contract import examples, topics
from wattbus_contract.codec import InvalidMessage, decode
from wattbus_contract.facts import Mode
from wattbus_contract.topics import TopicSpec
from wattbus_logger.intake import NOT_RECORDED
from wattbus_logger.recording import event_line
from wattbus_scheduler.shell import CONTROL, FACTS
from wattbus_station_bridge.inbox import HEARD

log = logging.getLogger(__name__)

WARM_UP = 3000
MESSAGES = 10_000
ROUND = 5000
MAX_GROWTH_BYTES = (32 if FUZZ_S else 14) * 2**20
"""From the end of the warm-up to the last message, children included, however many there are.

The heap widens with the largest burst, and up to the bounds of what is kept by name; README.md
says where it comes to rest. Damaged messages have 1.5 kB in the mean: whoever kept them would be
above it, as one here does.
"""
MAX_GROWTH_OF_LOGGER_BYTES = (48 if FUZZ_S else 14) * 2**20
"""In a long run it keeps 4096 senders, and writes them all down at once in its checkpoint."""
KEEPS_ALL = """
import runpy, sys
from wattbus_contract.session import MqttSession
kept, receive = [], MqttSession.receive
def keep(self, timeout_s=1.0):
    incoming = receive(self, timeout_s)
    if incoming is not None:
        kept.append(incoming)
    return incoming
MqttSession.receive = keep
module, sys.argv = sys.argv[1], sys.argv[:1]
runpy.run_module(module, run_name="__main__")
"""
"""Any service with a leak: its module is the argument."""

SCHEDULER = ("-m", "wattbus_scheduler.main")
RECORDED = tuple(
    spec
    for spec in topics.ALL
    if spec.name not in NOT_RECORDED and spec is not topics.SERVICE_STATUS
)
SEED = int(time.time()) if FUZZ_S else 3


def bombard(
    barrage: Barrage, specs: tuple[TopicSpec, ...], pid: int, works: Callable[[], object], *,
    warm_up: int = WARM_UP, messages: int = MESSAGES, most_bytes: int = MAX_GROWTH_BYTES,
    at_once: int = MESSAGES,
) -> None:  # fmt: skip
    """Warm up, fire, and check after each round that it works and has not grown.

    No more than `at_once` are sent before it has caught up: what waits in a queue widens the heap.
    """
    log.info("seed %d", SEED)
    deadline_s = time.monotonic() + FUZZ_S
    barrage.fire(specs, warm_up)
    assert works()
    before = resident_bytes(pid)
    while True:
        left = ROUND if FUZZ_S else messages
        while left > 0:
            barrage.fire(specs, min(left, at_once))
            assert works()
            left -= at_once
        grown = resident_bytes(pid) - before
        fired = sum(len(payload) for _, payload in barrage.sent)
        log.info(
            "%d messages, %.1f MiB, grown by %.1f MiB",
            len(barrage.sent),
            fired / 2**20,
            grown / 2**20,
        )
        assert grown < most_bytes, "it grows"
        if time.monotonic() >= deadline_s:
            return


@pytest.fixture
def barrage(own_broker: BrokerProcess, site: str) -> Iterator[Barrage]:
    with barrage_on(own_broker, site, SEED) as found:
        yield found


@contextmanager
def scheduler_on(
    broker: BrokerProcess, site: str, folder: Path, program: tuple[str, ...] = SCHEDULER
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "scheduler.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *program],
            env={
                **os.environ,
                "WATTBUS_SITE": site,
                "WATTBUS_MQTT_HOST": broker.host,
                "WATTBUS_MQTT_PORT": str(broker.port),
                "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file("scheduler")),
                "WATTBUS_HEALTH_FILE": str(folder / "health"),
                "WATTBUS_SCHEDULER_REFRESH_S": "0.5",
                "WATTBUS_SCHEDULER_VALID_FOR_S": "5",
            },
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def commands_what_is_wished(bridge: ScriptedBridge) -> bool:
    """Tell whether a bridge that begins anew gets the limits that its goals ask for."""
    while (incoming := bridge.session.receive(0.3)) is not None:
        bridge.session.ack(incoming)
    for mode, limit_w in ((Mode.NOW, 7400.0), (Mode.OFF, 0.0)):
        bridge.site.mode = mode
        # The same morning with an empty car: in a long run the day would end, and the car be full.
        bridge.site.now = bridge.site.scenario.now.astimezone(UTC)
        bridge.site.soc_percent = bridge.site.car.soc_percent
        bridge.announce()
        known = len(bridge.limits)
        bridge.pump(
            lambda k=known, w=limit_w: any(told.limit_w == w for _, _, told in bridge.limits[k:]),
            60,
        )  # type: ignore[misc]
    return True


def load_all_planners(bridge: ScriptedBridge) -> None:
    """Have the joint planner loaded: that a wish brings its libraries in is no growth."""
    for bridge.strategy in ("optimal", ""):
        bridge.announce()
        seen = len(bridge.plans)
        strategy = bridge.strategy or "cheapest"
        bridge.pump(lambda n=seen, s=strategy: any(p.strategy == s for p in bridge.plans[n:]), 60)  # type: ignore[misc]


def test_the_scheduler_goes_on_commanding(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    with ScriptedBridge(own_broker, site, hears_garbage=True) as bridge:
        with scheduler_on(own_broker, site, tmp_path) as process:
            bridge.pump(lambda: bool(bridge.limits), 60)
            load_all_planners(bridge)

            bombard(
                barrage, (*FACTS, *CONTROL), process.pid, lambda: commands_what_is_wished(bridge)
            )

            assert process.poll() is None
            assert gave_a_sign_of_life(tmp_path / "health")
        with scheduler_on(own_broker, site, tmp_path):  # which finds the garbage that is retained
            assert commands_what_is_wished(bridge)
    logged = (tmp_path / "scheduler.log").read_text()
    assert "ignored a message" in logged
    assert "Traceback" not in logged


@pytest.mark.skipif(FUZZ_S > 0, reason="the bound of a long run takes long to reach")
def test_a_scheduler_that_keeps_what_it_hears_is_found_out(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    """The negative control."""
    with (
        ScriptedBridge(own_broker, site, hears_garbage=True) as bridge,
        scheduler_on(own_broker, site, tmp_path, ("-c", KEEPS_ALL, SCHEDULER[1])) as process,
    ):
        bridge.pump(lambda: bool(bridge.limits), 60)
        load_all_planners(bridge)

        with pytest.raises(AssertionError, match="it grows"):
            bombard(
                barrage, (*FACTS, *CONTROL), process.pid, lambda: commands_what_is_wished(bridge)
            )


def test_the_bridge_goes_on_obeying(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    park = StationPark("car1")

    def works() -> bool:
        return obeys(own_broker, site, lambda: park.stations["car1"].limit_w)

    with serving(park.answer) as url, bridge_on(own_broker, site, tmp_path) as bridge:
        bridge.configure(url, "car1")
        process = bridge.start()

        bombard(barrage, HEARD, process.pid, works)

        assert process.poll() is None
        assert gave_a_sign_of_life(tmp_path / "health")
        assert park.worst_w <= 11_000
        _begin_anew(bridge)
        assert works()
        assert "Traceback" not in bridge.log()


def _begin_anew(bridge: RunningBridge) -> None:
    assert bridge.end() == 0
    bridge.start()


def test_the_logger_goes_on_writing_and_quarantines_what_it_cannot_read(
    own_broker: BrokerProcess, barrage: Barrage, site: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    meter = examples.EXAMPLES[topics.METER]
    with (
        RunningLogger(own_broker, folder, site) as logger,
        running(make_session(own_broker, "station-bridge", site, client_id="healthy")) as healthy,
    ):

        def works() -> bool:
            assert healthy.receive(0.0) is None  # a sign of life, which a long run needs
            message = healthy.publish(topics.METER, meter, station="car1")
            end = f",{message.source},{message.boot_id},{message.seq}"
            wait_until(lambda: any(row.endswith(end) for row in logger.rows[-500:]), "its row", 60)
            return True

        wait_until(lambda: logger.is_connected, "the logger is there")
        bombard(barrage, RECORDED, logger.process.pid, works, most_bytes=MAX_GROWTH_OF_LOGGER_BYTES)

        assert logger.process.poll() is None
        assert gave_a_sign_of_life(tmp_path / "health")
        told = quarantined(folder)
        expected = refused(barrage.sent)
        assert len(expected) > WARM_UP
        assert expected - told == set()
        assert told - expected == set()
        assert "Traceback" not in logger.log


def refused(messages: list[tuple[str, bytes]]) -> set[tuple[str, str, str]]:
    """Topic, field and reason of those that the contract refuses, or no line can hold."""
    found = set()
    for topic, payload in messages:
        if takes_away(topic, payload):
            continue
        try:
            decode(topic, payload)
            event_line("", topic, payload, is_retained=False)
        except InvalidMessage as error:
            found.add((error.topic, error.field, error.reason))
        except ValueError as error:
            # A number out of range, in a field that the contract does not know.
            found.add((topic, "payload", f"cannot be one line of JSON: {error}"))
    return found


def quarantined(folder: Path) -> set[tuple[str, str, str]]:
    """What the logger has put aside, and why; when the site's day is another, in two files."""
    files = folder.glob("quarantine*.jsonl")
    documents = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return {(one["topic"], one["field"], one["reason"]) for one in documents}
