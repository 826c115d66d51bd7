"""The limit for the logger: a bare paho subscriber that throws everything away."""

import sys
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def main(port: int, client_id: str, password_file: str, topic_filter: str, count: int) -> None:
    """Subscribe durably; with a count, take that many messages and print the seconds they took."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.username_pw_set("logger", Path(password_file).read_text())
    times: list[float] = []
    heard = 0

    def on_message(client: Client, _: object, message: MQTTMessage) -> None:
        nonlocal heard
        heard += 1
        if heard in {1, count}:
            times.append(time.perf_counter())
        if heard == count:
            client.disconnect()

    client.on_message = on_message
    client.on_connect = lambda client, *_: client.subscribe(topic_filter, qos=1)
    if not count:
        client.on_subscribe = lambda client, *_: client.disconnect()
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = 1000
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_forever()
    if count:
        print(times[1] - times[0])  # noqa: T201 - whoever started it reads the figure


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5]))
