"""The limit for latency: a bare paho client that sends back what it hears."""

import sys
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion


def main(port: int, user: str, password_file: str, heard: str, answer: str) -> None:
    """Echo from topic `heard` to topic `answer` until the process is ended."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id="bare-echo", protocol=MQTTProtocolVersion.MQTTv5
    )
    client.username_pw_set(user, Path(password_file).read_text())

    def on_message(client: Client, _: object, message: MQTTMessage) -> None:
        client.publish(answer, message.payload, qos=1)

    client.on_message = on_message
    client.on_connect = lambda client, *_: client.subscribe(heard, qos=1)
    client.on_subscribe = lambda *_: print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    client.connect("127.0.0.1", port)
    client.loop_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:6])
