"""TCP proxies between the parts, which can delay, hold up, refuse or tear off one end."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, Protocol, TypeVar

HOST = "127.0.0.1"
READ_BYTES = 65_536
MOST_HELD_CHUNKS = 64
CALL_TIMEOUT_S = 10.0
CANCEL_AGAIN_S = 0.2

T = TypeVar("T")
Chunk = tuple[float, bytes]
"""When it arrived, and the bytes."""


class Tap(Protocol):
    """Reads along on a link; called in the network's thread."""

    def client_sent(self, connection: int, data: bytes) -> None:
        """Hear what the client has sent, whether it is forwarded or not."""

    def server_sent(self, connection: int, data: bytes) -> Awaitable[None]:
        """Hear what the server has sent, right before the client gets it."""


class Network:
    """Runs links and watchers in an event loop of its own thread. Use as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._tasks: list[asyncio.Task[None]] = []

    def __enter__(self) -> "Network":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the network's thread and return what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)

    def watch(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keep something running until the end."""

        async def begin() -> None:
            self._tasks.append(asyncio.create_task(work()))

        self.run(begin())

    def link(self, target_port: int, tap: Tap | None = None) -> "Link":
        """Return a proxy, on a port of its own, before a port of this machine."""
        link = Link(self, target_port, tap)
        link.accept()
        return link

    async def _cancel_all(self) -> None:
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        while pending:
            # More than once: a wait with a timeout may end at the very moment and miss it.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


class Link:
    """One proxy. Counts what it did to the traffic, which shows that a fault has happened."""

    def __init__(self, network: Network, target_port: int, tap: Tap | None) -> None:
        self.port = 0
        self.delayed_chunks = self.held_bytes = self.swallowed_bytes = self.torn_connections = 0
        self._network = network
        self._target_port = target_port
        self._tap = tap
        self._numbers = count(1)
        self._delay_s = 0.0
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._server: asyncio.Server | None = None
        self._pairs: dict[int, _Pair] = {}

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._network.run(self._accept())

    def refuse(self) -> None:
        """Refuse connections from now on, as a machine does on which nobody listens."""
        self._network.run(self._refuse())

    def delay(self, delay_s: float) -> None:
        """Deliver everything so much later, in both directions."""
        self._delay_s = delay_s

    def hold(self) -> None:
        """Deliver nothing, and tell nobody: packets vanish, and TCP sends them again in vain."""
        self._network.run(self._set_open(is_open=False))

    def tear(self) -> int:
        """Reset all connections at the server alone: the client goes on into nowhere.

        Returns how many; new ones work.
        """
        return self._network.run(self._tear())

    def heal(self) -> None:
        """Deliver again, what was held first; torn connections stay torn."""
        self._delay_s = 0.0
        self._network.run(self._set_open(is_open=True))

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._pairs)

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _set_open(self, *, is_open: bool) -> None:
        if is_open:
            self._is_open.set()
        else:
            self._is_open.clear()

    async def _tear(self) -> int:
        pairs = [pair for pair in self._pairs.values() if not pair.is_torn]
        for pair in pairs:
            pair.is_torn = True
            pair.to_server.transport.abort()
        self.torn_connections += len(pairs)
        return len(pairs)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            await self._relay(client, to_client)
        except asyncio.CancelledError:
            # The network ends; asyncio would report the task as one that failed.
            to_client.close()

    async def _relay(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            await self._is_open.wait()
            server, to_server = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            to_client.transport.abort()
            return
        number = next(self._numbers)
        pair = self._pairs[number] = _Pair(to_server)
        try:
            await asyncio.gather(
                self._pump(number, pair, client, to_server, is_from_client=True),
                self._pump(number, pair, server, to_client, is_from_client=False),
            )
        finally:
            del self._pairs[number]
            to_server.close()
            to_client.close()

    async def _pump(
        self,
        number: int,
        pair: "_Pair",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_from_client: bool,
    ) -> None:
        chunks: asyncio.Queue[Chunk | None] = asyncio.Queue(MOST_HELD_CHUNKS)
        sending = asyncio.create_task(self._send(number, chunks, writer, is_from_client))
        try:
            while data := await _read(reader):
                if pair.is_torn:
                    self.swallowed_bytes += len(data)
                    continue
                if is_from_client and self._tap is not None:
                    self._tap.client_sent(number, data)
                if not self._is_open.is_set():
                    self.held_bytes += len(data)
                await chunks.put((time.monotonic(), data))
            await chunks.put(None)
            await sending
        finally:
            sending.cancel()
        # The other end hears of the end of this one, unless it is the one that must not know.
        if is_from_client or not pair.is_torn:
            await self._is_open.wait()
            writer.transport.abort() if pair.is_torn else writer.close()

    async def _send(
        self,
        number: int,
        chunks: "asyncio.Queue[Chunk | None]",
        writer: asyncio.StreamWriter,
        is_from_client: bool,
    ) -> None:
        while (chunk := await chunks.get()) is not None:
            arrived_s, data = chunk
            if self._delay_s:
                self.delayed_chunks += 1
                await asyncio.sleep(max(0.0, arrived_s + self._delay_s - time.monotonic()))
            await self._is_open.wait()
            if not is_from_client and self._tap is not None:
                await self._tap.server_sent(number, data)
            # What nobody takes any more is read all the same: the tap must hear all that was sent.
            if not writer.is_closing():
                with suppress(OSError):
                    writer.write(data)
                    await writer.drain()


class _Pair:
    def __init__(self, to_server: asyncio.StreamWriter) -> None:
        self.to_server = to_server
        self.is_torn = False


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(READ_BYTES)
    except OSError:
        return b""
