"""Samples what house and stations draw, straight from the simulator and many times a second."""

import asyncio
import json
import time

from chaos.evidence import Evidence, PerPhase, PowerSample
from chaos.network import HOST

EVERY_S = 0.04
ANSWER_TIMEOUT_S = 1.0
REQUEST = b"GET /stations HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\r\n"


class PowerWatch:
    """Looks by itself all the time, and at once when asked; silent while nobody answers."""

    def __init__(self, evidence: Evidence, simulator_port: int) -> None:
        self._evidence = evidence
        self._port = simulator_port

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look(is_after_call=False)
            await asyncio.sleep(EVERY_S)

    async def look_after_call(self) -> None:
        """Look now, since a station has just taken a limit."""
        await self._look(is_after_call=True)

    async def _look(self, *, is_after_call: bool) -> None:
        try:
            body = await asyncio.wait_for(self._ask(), ANSWER_TIMEOUT_S)
            stations = json.loads(body)["stations"]
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            return
        self._evidence.samples.append(
            PowerSample(
                time.monotonic(),
                _per_phase(stations[0]["household_currents_a"]),
                _per_phase([sum(s["currents_a"][phase] for s in stations) for phase in range(3)]),
                tuple(s["is_plugged_in"] for s in stations),
                is_after_call,
            )
        )

    async def _ask(self) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            writer.write(REQUEST)
            answer = await reader.read()
        finally:
            writer.close()
        return answer.partition(b"\r\n\r\n")[2]


def _per_phase(values: list[float]) -> PerPhase:
    one, two, three = values
    return one, two, three
