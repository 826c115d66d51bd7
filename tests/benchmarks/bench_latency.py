"""Meter value received to limit published, against a bare paho echo through the same broker.

Both are measured as a round trip of one client: publish a meter value, hear the limit; publish a
payload of that size, hear it back. Rounds of the two alternate, so that a slow moment of the
machine falls on both.
"""

import contextlib
import os
import queue
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.results import BenchmarkBroker, broker_for_benchmark, emit, percentile
from wattbus_contract import facts, forecasts, topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import decode, encode
from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState, Plan, SetLimit

SITE = "bench"
START_AT = datetime(2025, 1, 14, 23, 0, tzinfo=UTC)
SLOT_S = 900
SLOTS = 192
SAME_PLAN_S = 2.0
ECHO_HEARD = f"wattbus/v1/{SITE}/response/station/echo"
ECHO_ANSWER = f"wattbus/v1/{SITE}/shadow/echo/plan"


class ScriptedBridge:
    """Publishes what a bridge publishes and hears what comes back, on one bare paho client."""

    def __init__(self, broker: BenchmarkBroker) -> None:
        self.limits: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        self.echoes: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.plans: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        self.seq = 0
        self._boot_id = uuid.uuid4().hex[:16]
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="station-bridge",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.username_pw_set("station-bridge", broker.password("station-bridge"))
        self._client.on_message = self._on_message
        self._client.on_socket_open = lambda _, __, sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        for spec in (topics.SET_LIMIT, topics.PLAN, topics.LEASE_REQUEST):
            self._client.subscribe(spec.filter(SITE), qos=1)
        self._client.subscribe(ECHO_ANSWER, qos=1)

    def say(self, spec: topics.TopicSpec, body: Body, **ids: str) -> bytes:
        """Publish one message and return its payload."""
        payload = self.stamp(spec, body)
        self._client.publish(spec.topic(SITE, **ids), payload, 1, spec.is_retained)
        return payload

    def stamp(self, spec: topics.TopicSpec, body: Body) -> bytes:
        """Return a message as it goes on the wire."""
        self.seq += 1
        envelope = Envelope(
            schema_id=spec.schema_id,
            sent_at=datetime.now(UTC),
            source="station-bridge",
            boot_id=self._boot_id,
            seq=self.seq,
        )
        return encode(body, envelope)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish bytes."""
        self._client.publish(topic, payload, 1)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        heard_at = time.perf_counter()
        if message.topic == ECHO_ANSWER:
            self.echoes.put(heard_at)
            return
        body = decode(message.topic, bytes(message.payload)).body
        if isinstance(body, SetLimit | Plan):
            cause = body.caused_by.seq if body.caused_by is not None else 0
            (self.limits if isinstance(body, SetLimit) else self.plans).put((heard_at, cause))
        elif isinstance(body, LeaseRequest) and body.action is not LeaseAction.RELEASE:
            state = LeaseState(
                epoch=1,
                ttl_s=15,
                bridge_boot_id=self._boot_id,
                holder=body.instance,
                nonce=body.nonce,
            )
            self.say(topics.LEASE_STATE, state)


def announce(bridge: ScriptedBridge, stations: int) -> None:
    """Publish the retained facts of a site whose price alternates from slot to slot."""
    names = tuple(f"car{i}" for i in range(1, stations + 1))
    bridge.say(
        topics.SITE_INFO,
        facts.SiteInfo(
            name="Bench", time_zone="Europe/Stockholm", currency="SEK", phases=1, voltage_v=230,
            max_power_w=10_000 * stations, time_scale=1.0, failsafe_after_s=60, stations=names,
        ),
    )  # fmt: skip
    starts = [START_AT + timedelta(seconds=SLOT_S * i) for i in range(SLOTS)]
    bridge.say(
        topics.PRICE,
        forecasts.PriceForecast(
            currency="SEK", unit="SEK/kWh", provider="bench",
            slots=tuple(
                forecasts.PriceSlot(
                    start_at=start, duration_s=SLOT_S, price_per_kwh=0.1 if i % 2 else 1.0
                )
                for i, start in enumerate(starts)
            ),
        ),
    )  # fmt: skip
    bridge.say(
        topics.BASE_LOAD,
        forecasts.BaseLoadForecast(
            provider="bench",
            slots=tuple(
                forecasts.BaseLoadSlot(start_at=start, duration_s=SLOT_S, power_w=900)
                for start in starts
            ),
        ),
    )
    for name in names:
        bridge.say(
            topics.STATION_INFO,
            facts.StationInfo(
                name=name, control=facts.Control.SWITCH, phases=(1,), voltage_v=230,
                min_current_a=32, max_current_a=32, current_step_a=1, max_power_w=7400,
                failsafe_limit_w=0, poll_interval_s=10, battery_capacity_wh=46_300_000 / 100,
                charging_efficiency=1.0,
            ),
            station=name,
        )  # fmt: skip
        bridge.say(
            topics.GOAL,
            facts.Goal(mode=facts.Mode.SMART, target_soc_percent=80),
            station=name,
        )


def reading(at: datetime) -> facts.MeterReading:
    """Return a plain reading of a plugged-in car."""
    return facts.MeterReading(
        at=at, connector_status=facts.ConnectorStatus.CHARGING, is_plugged_in=True,
        mode=facts.Mode.SMART, is_failsafe=False, power_active_import_w=7400,
        energy_active_import_register_wh=1000, offered_limit_w=7400, soc_percent=42.0,
        house_load_w=900, price_per_kwh=0.5, current_import_l1_a=32.0,
    )  # fmt: skip


def scheduler_environment(broker: BenchmarkBroker, folder: Path) -> dict[str, str]:
    """Return what a scheduler needs to find this broker."""
    return {
        **os.environ,
        "WATTBUS_SITE": SITE,
        **broker.environment("scheduler"),
        "WATTBUS_SCHEDULER_STRATEGY": "threshold",
        "WATTBUS_HEALTH_FILE": str(folder / "health"),
    }


def measure(broker: BenchmarkBroker, folder: Path, stations: int, rounds: int) -> dict[str, float]:
    """Return latencies in ms of the scheduler and of the bare echo, measured in turns."""
    bridge = ScriptedBridge(broker)
    announce(bridge, stations)
    payload = bridge.say(topics.METER, reading(START_AT), station="car1")
    scheduler = subprocess.Popen(
        ["wattbus-scheduler"],
        env=scheduler_environment(broker, folder),
        stderr=(folder / "scheduler.log").open("wb"),
    )
    echo = subprocess.Popen(
        [
            sys.executable, str(Path(__file__).parent / "bare_echo.py"), str(broker.port),
            "scheduler", str(broker.password_file("scheduler")), ECHO_HEARD, ECHO_ANSWER,
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        return _rounds(bridge, echo, payload, rounds)
    except queue.Empty:
        sys.stderr.write((folder / "scheduler.log").read_text())
        raise
    finally:
        for process in (scheduler, echo):
            process.terminate()
            process.wait(timeout=10)
        bridge.stop()


def _rounds(
    bridge: ScriptedBridge, echo: "subprocess.Popen[bytes]", payload: bytes, rounds: int
) -> dict[str, float]:
    assert echo.stdout is not None
    echo.stdout.readline()
    _wait_for_first_limit(bridge)
    latencies_ms: list[float] = []
    echoes_ms: list[float] = []
    topic = topics.METER.topic(SITE, station="car1")
    for number in range(1, rounds + 1):
        edge = START_AT + timedelta(seconds=SLOT_S * (number % (SLOTS - 2) + 1))
        if number % (SLOTS - 2) == 0:
            announce(bridge, 1)
        _settle(bridge, edge - timedelta(seconds=SLOT_S / 2))
        before = bridge.stamp(topics.METER, reading(edge - timedelta(seconds=1)))
        sent_at = time.perf_counter()
        bridge.send(topic, before)
        heard_at = _follow_from(bridge.limits, bridge.seq)
        latencies_ms.append((heard_at - sent_at) * 1000)
        sent_at = time.perf_counter()
        bridge.send(ECHO_HEARD, payload)
        echoes_ms.append((bridge.echoes.get(timeout=10) - sent_at) * 1000)
    return {
        "rounds": rounds,
        "limit_p50_ms": percentile(latencies_ms, 50),
        "limit_p99_ms": percentile(latencies_ms, 99),
        "echo_p50_ms": percentile(echoes_ms, 50),
        "echo_p99_ms": percentile(echoes_ms, 99),
        "p50_ratio": percentile(latencies_ms, 50) / percentile(echoes_ms, 50),
        "p99_ratio": percentile(latencies_ms, 99) / percentile(echoes_ms, 99),
    }


def _wait_for_first_limit(bridge: ScriptedBridge) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        bridge.say(topics.METER, reading(START_AT), station="car1")
        try:
            bridge.limits.get(timeout=0.5)
        except queue.Empty:
            continue
        return
    raise queue.Empty


def _settle(bridge: ScriptedBridge, at: datetime) -> None:
    """Go on to the middle of a slot, and wait until what follows from it has been published.

    It is the plan of this very reading: another's would leave the scheduler behind, planning. One
    that says the same as the last is not published, and long over then.
    """
    bridge.say(topics.METER, reading(at), station="car1")
    with contextlib.suppress(queue.Empty):
        _follow_from(bridge.plans, bridge.seq, SAME_PLAN_S)
    time.sleep(0.01)


def _follow_from(
    heard: "queue.SimpleQueue[tuple[float, int]]", cause: int, timeout_s: float = 10.0
) -> float:
    """Return when that was heard which followed from a message; earlier ones are passed over."""
    while True:
        heard_at, caused_by = heard.get(timeout=timeout_s)
        if caused_by == cause:
            return heard_at


def main(stations: tuple[int, ...] = (1, 10, 100, 1000), rounds: int = 1000) -> None:
    """Measure for several sizes of a site and print the figures as JSON."""
    figures = {}
    for count in stations:
        with (
            tempfile.TemporaryDirectory() as folder,
            broker_for_benchmark(Path(folder)) as broker,
        ):
            figures[str(count)] = measure(broker, Path(folder), count, rounds)
    emit("latency", {"stations": figures})


if __name__ == "__main__":
    main()
