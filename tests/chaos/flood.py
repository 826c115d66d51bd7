"""Publishes meter values of a station that nobody controls: a script on raw paho that keeps none.

usage: python -m chaos.flood PORT PASSWORD_FILE COUNT PER_SECOND OUT

Every fiftieth value cannot be read. Ends when the broker has acknowledged all, and by SIGTERM; OUT
holds then, a line each, the numbers that were acknowledged. 0 per second means as fast as it goes.
"""

import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

SOURCE, BOOT_ID, STATION = "flood", "flood-boot", "flood1"
TOPIC = f"wattbus/v1/chaos/station/{STATION}/meter"
CLOCK_TOPIC = "wattbus/v1/chaos/household/meter"
"""Gives the site's time: a reading of another time would set the scheduler's clock."""
UNREADABLE_EVERY = 50
MOST_UNCONFIRMED = 200
PATIENCE_S = 30.0


def payload(seq: int, at: str) -> str:
    """Return one meter value; one in fifty lacks what the contract demands."""
    document = {
        "schema": "meter/1",
        "sent_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "source": SOURCE,
        "boot_id": BOOT_ID,
        "seq": seq,
        "at": at,
        "connector_status": "Charging",
        "is_plugged_in": True,
        "mode": "smart",
        "is_failsafe": False,
        "power_active_import_w": 1000.0,
        "energy_active_import_register_wh": float(seq),
        "offered_limit_w": 1000.0,
    }
    if seq % UNREADABLE_EVERY == 0:
        document["power_active_import_w"] = "a lot"
    return json.dumps(document)


def main() -> None:
    """Publish, wait for the broker's word on each, write down what it took."""
    port, password_file, count, per_second, out = sys.argv[1:]
    confirmed: list[int] = []
    numbers: dict[int, int] = {}
    early: set[int] = set()
    lock = threading.Lock()
    stop = threading.Event()
    clock: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def on_publish(_c: object, _u: object, mid: int, reason: object, _p: object) -> None:
        if getattr(reason, "is_failure", False):
            sys.exit(f"the broker refuses: {reason}")
        with lock:
            if mid in numbers:
                confirmed.append(numbers.pop(mid))
            else:
                early.add(mid)

    def on_message(_c: object, _u: object, message: MQTTMessage) -> None:
        clock[:] = [json.loads(message.payload)["at"]]

    client = Client(
        CallbackAPIVersion.VERSION2, client_id=SOURCE, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.username_pw_set("station-bridge", Path(password_file).read_text())
    client.on_publish = on_publish
    client.on_message = on_message
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    client.subscribe(CLOCK_TOPIC, qos=1)
    while not clock:
        time.sleep(0.01)
    begun_s = time.monotonic()
    for seq in range(1, int(count) + 1):
        if stop.is_set():
            break
        due_s = begun_s + (seq / float(per_second) if float(per_second) else 0.0)
        while time.monotonic() < due_s or len(numbers) > MOST_UNCONFIRMED:
            time.sleep(0.001)
        mid = client.publish(TOPIC, payload(seq, clock[0]), qos=1).mid
        with lock:
            if mid in early:
                early.discard(mid)
                confirmed.append(seq)
            else:
                numbers[mid] = seq
    deadline_s = time.monotonic() + PATIENCE_S
    while numbers and time.monotonic() < deadline_s:
        time.sleep(0.01)
    client.disconnect()
    client.loop_stop()
    Path(out).write_text("\n".join(map(str, sorted(confirmed))) + "\n")


if __name__ == "__main__":
    main()
