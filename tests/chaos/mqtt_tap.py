"""Reads the PUBLISH packets of MQTT 5 connections off the wire, in both directions."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from chaos.evidence import Sighting

PUBLISH = 3


class MqttTap:
    """Tells `saw` of each JSON message that the client `who` sends and, if wanted, gets."""

    def __init__(
        self, who: str, saw: Callable[[Sighting], None], *, hears_inward: bool = False
    ) -> None:
        self._who = who
        self._saw = saw
        self._hears_inward = hears_inward
        self._streams: defaultdict[tuple[int, bool], bytearray] = defaultdict(bytearray)

    def client_sent(self, connection: int, data: bytes) -> None:
        """Take what the client has sent."""
        self._take(connection, data, is_outward=True)

    async def server_sent(self, connection: int, data: bytes) -> None:
        """Take what the client is about to get."""
        if self._hears_inward:
            self._take(connection, data, is_outward=False)

    def _take(self, connection: int, data: bytes, *, is_outward: bool) -> None:
        stream = self._streams[connection, is_outward]
        stream += data
        now_s = time.monotonic()
        for packet_type, flags, body in packets(stream):
            if packet_type != PUBLISH:
                continue
            topic, payload = parse_publish(flags, body)
            try:
                document = json.loads(payload)
            except ValueError:
                continue
            if isinstance(document, dict):
                is_retained = bool(flags & 1)
                self._saw(Sighting(self._who, is_outward, topic, document, is_retained, now_s))


def packets(stream: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Take all whole packets out of a stream: type, flags, and what follows the fixed header."""
    while len(stream) >= 2:
        length, size = _variable_integer(stream, 1)
        if length is None or len(stream) < 1 + size + length:
            return
        begin = 1 + size
        body = bytes(stream[begin : begin + length])
        packet_type, flags = stream[0] >> 4, stream[0] & 0x0F
        del stream[: begin + length]
        yield packet_type, flags, body


def parse_publish(flags: int, body: bytes) -> tuple[str, bytes]:
    """Return topic and payload of a PUBLISH (MQTT 5.0, section 3.3)."""
    topic_size = int.from_bytes(body[:2], "big")
    topic = body[2 : 2 + topic_size].decode(errors="replace")
    at = 2 + topic_size + (2 if flags & 0x06 else 0)
    properties_size, size = _variable_integer(body, at)
    return topic, body[at + size + (properties_size or 0) :]


def _variable_integer(data: bytes | bytearray, at: int) -> tuple[int | None, int]:
    """Return a variable byte integer and its size; None while it is not all there."""
    value = 0
    for size in range(1, 5):
        if at + size > len(data):
            return None, size
        byte = data[at + size - 1]
        value |= (byte & 0x7F) << 7 * (size - 1)
        if not byte & 0x80:
            return value, size
    raise ValueError("no MQTT: a length of more than four bytes")
