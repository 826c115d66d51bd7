"""A scheduler that ignores the rules of the lease: a script on raw paho, with our password.

usage: python -m chaos.rival PORT PASSWORD_FILE zombie|greedy OUT

Both take the lease once. A `zombie` never renews it and commands on as if it held it, at times with
the epoch of whoever does. A `greedy` one renews and commands everything to its maximum. OUT gets a
line for each grant.
"""

import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

SITE, INSTANCE = "wattbus/v1/chaos", "rival"
STATIONS = ("car1", "car2", "car3")
EVERY_S = 0.1
RENEW_EVERY = 10
EVERYTHING_W = 22_000.0


class Rival:
    """Commands in a loop; what it knows of the lease comes from the bus."""

    def __init__(self, client: Client, *, is_zombie: bool, out: Path) -> None:
        self._client = client
        self._is_zombie = is_zombie
        self._out = out
        self._seq = 0
        self._own_epoch: int | None = None
        self._epoch = 0
        client.on_message = self._on_message
        client.subscribe(f"{SITE}/lease/state", qos=1)

    def run(self, stop: threading.Event) -> None:
        """Ask for the lease until it is granted, then command until told to stop."""
        turn = 0
        while not stop.wait(EVERY_S):
            turn += 1
            if self._own_epoch is None:
                self._ask("acquire")
            else:
                if not self._is_zombie and turn % RENEW_EVERY == 0:
                    self._ask("renew")
                self._command(turn)

    def _command(self, turn: int) -> None:
        # At times as the holder of an epoch that is not its own.
        is_bold = self._is_zombie and turn % 2 == 1
        epoch = self._epoch if is_bold else self._own_epoch
        limit_w = EVERYTHING_W if turn % 4 < 2 or not self._is_zombie else 0.0
        for station in STATIONS:
            self._say(
                f"station/{station}/limit/set",
                "limit/1",
                epoch=epoch,
                instance=INSTANCE,
                valid_for_s=60.0,
                reason={"code": "rival", "text": "because I want to"},
                limit_w=limit_w,
            )

    def _ask(self, action: str) -> None:
        more = {} if action == "acquire" else {"epoch": self._own_epoch}
        nonce = f"rival-{self._seq}"
        self._say(
            "lease/request",
            "lease-request/1",
            action=action,
            instance=INSTANCE,
            nonce=nonce,
            **more,
        )

    def _say(self, topic: str, schema: str, **body: Any) -> None:
        self._seq += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        envelope = {
            "schema": schema, "sent_at": now, "source": INSTANCE, "boot_id": INSTANCE,
            "seq": self._seq,
        }  # fmt: skip
        self._client.publish(f"{SITE}/{topic}", json.dumps(envelope | body), qos=1)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        state = json.loads(message.payload)
        self._epoch = state["epoch"]
        if state.get("holder") == INSTANCE and self._own_epoch is None:
            self._own_epoch = state["epoch"]
            with self._out.open("a") as file:
                file.write(f"{self._own_epoch}\n")


def main() -> None:
    """Connect and rival until SIGTERM."""
    port, password_file, kind, out = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=INSTANCE, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.username_pw_set("scheduler", Path(password_file).read_text())
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    Rival(client, is_zombie=kind == "zombie", out=Path(out)).run(stop)
    client.disconnect()
    client.loop_stop()
    time.sleep(0.1)


if __name__ == "__main__":
    main()
