"""A paho client that reads its socket in large pieces, and writes where something is published.

paho asks the socket for one byte, then for the length byte by byte, then for the rest: three calls
for each confirmation, and Python lets another thread run at each of them. In a process of many
threads the MQTT thread then waits for its turn hundreds of times a second. What is published paho
hands to that thread, too, which has to wake up for it.
"""

import socket
import struct
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessageInfo, SocketLike

PIECE_BYTES = 64 * 1024
MOST_PACKETS = 200
"""Read in a row before what waits to be sent gets its turn."""
PUBACK = struct.Struct("!BBH")
WRITTEN_AT_ONCE = (MessageType.PUBLISH, MessageType.PUBACK)
"""All else changes the state of the connection, which is the MQTT thread's business."""


class BufferedSocket:
    """Reads ahead; all else is the socket's own. Says `pending` as a TLS socket does."""

    def __init__(self, sock: socket.socket) -> None:
        self.raw = sock
        self._piece = b""
        self._at = 0

    def recv(self, buffer_size: int) -> bytes:
        """Return up to so many bytes; raises BlockingIOError when there are none."""
        if self._at >= len(self._piece):
            self._piece, self._at = self.raw.recv(max(buffer_size, PIECE_BYTES)), 0
        start = self._at
        self._at = min(len(self._piece), start + buffer_size)
        return self._piece[start : self._at]

    def pending(self) -> int:
        """Return how many bytes were read ahead: paho then does not wait for more."""
        return len(self._piece) - self._at

    def send(self, buffer: bytes | bytearray) -> int:
        """Send what the system takes now."""
        return self.raw.send(buffer)

    def close(self) -> None:
        """Close the socket; what was read ahead of a lost connection is worth nothing."""
        self._piece, self._at = b"", 0
        self.raw.close()

    def fileno(self) -> int:
        """Return the number that `select` waits for."""
        return self.raw.fileno()

    def setblocking(self, flag: bool) -> None:
        """Have calls wait, or not."""
        self.raw.setblocking(flag)


class BufferedClient(Client):
    """paho's client on a buffered socket; a TLS socket has a buffer of its own.

    A message goes out in the thread that publishes it, unless others wait to be sent, the system
    takes no more, or the connection fails: then, as always over TLS, in the MQTT thread.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Whoever writes has it, so that no packet begins in the middle of another.
        self._writing = threading.RLock()
        super().__init__(*args, **kwargs)

    def ack_all(self, mids: Iterable[int]) -> None:
        """Confirm messages of QoS 1 in this order, with one call of the system for all."""
        if not self._manual_ack:
            return  # paho has done so already.
        packets = b"".join(PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
        if packets:
            self._packet_queue(MessageType.PUBACK, packets, 0, 1)

    def _packet_queue(
        self,
        command: int,
        packet: bytes | bytearray,
        mid: int,
        qos: int,
        info: "MQTTMessageInfo | None" = None,
    ) -> MQTTErrorCode:
        is_for_us = qos > 0 and command & 0xF0 in WRITTEN_AT_ONCE
        if not is_for_us or not self._writing.acquire(blocking=False):
            return super()._packet_queue(command, packet, mid, qos, info)
        try:
            rest = packet[self._write_now(packet) :]
            if not rest:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            return super()._packet_queue(command, rest, mid, qos, info)
        finally:
            self._writing.release()

    def _write_now(self, packet: bytes | bytearray) -> int:
        """Return how many bytes of a packet have gone out."""
        sock = self._sock
        if self._out_packet or not isinstance(sock, BufferedSocket):
            return 0
        try:
            return sock.send(packet)
        except OSError:
            return 0  # The MQTT thread meets it again, and deals with it.

    def _packet_write(self) -> MQTTErrorCode:
        with self._writing:
            return super()._packet_write()

    def _create_socket(self) -> "SocketLike":
        made = super()._create_socket()
        return BufferedSocket(made) if type(made) is socket.socket else made

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle what was read ahead without asking the system after each packet."""
        result = super().loop_read(max_packets)
        for _ in range(MOST_PACKETS):
            sock = self._sock
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS or not isinstance(sock, BufferedSocket):
                break
            if not sock.pending():
                break
            result = super().loop_read()
        return result
