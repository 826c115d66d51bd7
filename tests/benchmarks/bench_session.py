"""Round trips through the contract's session, against a bare paho echo on the same broker.

One client asks both in turns, so that a slow moment of the machine falls on both. Besides, the cost
of encoding and decoding alone.
"""

import queue
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from timeit import timeit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.results import BenchmarkBroker, broker_for_benchmark, emit, percentile
from wattbus_contract import examples, topics
from wattbus_contract.codec import decode, encode

HERE = Path(__file__).parent
SITE = "bench"
ECHO_HEARD = f"wattbus/v1/{SITE}/response/station/echo"
ECHO_ANSWER = f"wattbus/v1/{SITE}/shadow/echo/plan"
METER = topics.METER.topic(SITE, station="car1")
LIMIT = topics.SET_LIMIT.topic(SITE, station="car1")
ROUNDS = 3000
IN_TURN = 50


class Asker:
    """A bare client that sends and waits for the answer."""

    def __init__(self, broker: BenchmarkBroker) -> None:
        self._answers: queue.SimpleQueue[float] = queue.SimpleQueue()
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set("station-bridge", broker.password("station-bridge"))
        client.on_socket_open = lambda _, __, sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        client.on_message = self._on_message
        client.on_connect = lambda client, *_: client.subscribe([(ECHO_ANSWER, 1), (LIMIT, 1)])
        client.connect(broker.host, broker.port)
        client.loop_start()
        self._client = client

    def ask(self, topic: str, payload: bytes, timeout_s: float = 10.0) -> float:
        """Return the seconds until the answer; queue.Empty when none comes."""
        asked = time.perf_counter()
        self._client.publish(topic, payload, 1)
        return self._answers.get(timeout=timeout_s) - asked

    def wait_for(self, topic: str, payload: bytes) -> None:
        """Ask until somebody answers."""
        for _ in range(50):
            try:
                self.ask(topic, payload, 0.3)
            except queue.Empty:
                continue
            time.sleep(0.5)  # for answers to questions that were still on their way
            while not self._answers.empty():
                self._answers.get()
            return
        raise TimeoutError(topic)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _: Client, __: object, ___: MQTTMessage) -> None:
        self._answers.put(time.perf_counter())


def measure(broker: BenchmarkBroker, rounds: int) -> dict[str, float]:
    """Return round trips in ms, of the bare echo and of the session, and their ratios."""
    password = str(broker.password_file("scheduler"))
    echoes = [
        subprocess.Popen(
            [sys.executable, HERE / "bare_echo.py", str(broker.port), "scheduler", password,
             ECHO_HEARD, ECHO_ANSWER],
            stdout=subprocess.DEVNULL,
        ),
        subprocess.Popen(
            [sys.executable, HERE / "session_echo.py", str(broker.port), password, SITE]
        ),
    ]  # fmt: skip
    asker = Asker(broker)
    payload = examples.example_payload(topics.METER)
    bare_s: list[float] = []
    session_s: list[float] = []
    try:
        asker.wait_for(ECHO_HEARD, payload)
        asker.wait_for(METER, payload)
        for _ in range(rounds // IN_TURN):
            bare_s += [asker.ask(ECHO_HEARD, payload) for _ in range(IN_TURN)]
            session_s += [asker.ask(METER, payload) for _ in range(IN_TURN)]
    finally:
        asker.stop()
        for echo in echoes:
            echo.terminate()
            echo.wait()
    figures = {}
    for percent in (50, 99):
        bare, session = percentile(bare_s, percent), percentile(session_s, percent)
        figures[f"bare_p{percent}_ms"] = round(bare * 1e3, 3)
        figures[f"session_p{percent}_ms"] = round(session * 1e3, 3)
        figures[f"ratio_p{percent}"] = round(session / bare, 2)
    return figures


def measure_codec() -> dict[str, float]:
    """Return the microseconds of one encoding and one decoding of a meter value."""
    topic, payload = examples.example_topic(topics.METER), examples.example_payload(topics.METER)
    decoded = decode(topic, payload)
    body, envelope = decoded.body, decoded.envelope
    if envelope is None:
        raise TypeError("a meter value without envelope")
    count = 20_000
    return {
        "encode_us": round(timeit(lambda: encode(body, envelope), number=count) / count * 1e6, 2),
        "decode_us": round(timeit(lambda: decode(topic, payload), number=count) / count * 1e6, 2),
    }


def main() -> None:
    """Measure and print one JSON document."""
    with (
        tempfile.TemporaryDirectory() as folder,
        broker_for_benchmark(Path(folder) / "broker") as broker,
    ):
        emit("session", {**measure(broker, ROUNDS), **measure_codec()})


if __name__ == "__main__":
    main()
