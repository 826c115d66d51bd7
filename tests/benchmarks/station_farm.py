"""A thousand charging stations in one fast process: what the bridge is measured against."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

START_AT = datetime(2025, 1, 14, 23, 0, tzinfo=UTC)


class Farm(asyncio.Protocol):
    """Speaks just enough HTTP/1.1, with keep-alive, to be no limit to who polls it."""

    served = 0
    limits: dict[str, float] = {}  # noqa: RUF012 - one table for all connections is the point

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].decode("latin-1")
            length = _content_length(head)
            if len(self._waiting) < end + 4 + length:
                return
            body = self._waiting[end + 4 : end + 4 + length]
            self._waiting = self._waiting[end + 4 + length :]
            method, path, _ = head.split(" ", 2)
            answer = self._answer(method, path, body)
            self._transport.write(  # type: ignore[attr-defined]  # a TCP transport has it
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + str(len(answer)).encode()
                + b"\r\n\r\n"
                + answer
            )

    def _answer(self, method: str, path: str, body: bytes) -> bytes:
        at = datetime.fromtimestamp(START_AT.timestamp() + time.monotonic() % 80_000, UTC)
        if path == "/served":
            return str(Farm.served).encode()
        if path.startswith("/household"):
            return json.dumps(
                {
                    "at": at.isoformat(), "load_w": 900.0, "phases": 3,
                    "currents_a": [1.3, 1.3, 1.3], "time_zone": "Europe/Stockholm",
                    "time_scale": 1.0, "seconds_per_hour": 3600, "reset_count": 0,
                }
            ).encode()  # fmt: skip
        station = path.split("/")[2]
        if method == "PUT":
            Farm.limits[station] = float(json.loads(body).get("limit_w", 0))
        else:
            Farm.served += 1
        limit_w = Farm.limits.get(station, 0.0)
        return json.dumps(
            {
                "id": station, "name": station, "control": "switch", "phases": [1],
                "voltage_v": 230, "min_current_a": 6, "max_current_a": 32, "current_step_a": 1,
                "max_power_w": 7400, "at": at.isoformat(),
                "connector_status": "Charging" if limit_w else "SuspendedEVSE",
                "is_plugged_in": True, "transaction_id": "t1", "soc_percent": 42.5,
                "battery_capacity_kwh": 46.3, "charging_efficiency": 1.0,
                "power_w": 7400.0 if limit_w >= 7400 else 0.0, "currents_a": [0.0, 0.0, 0.0],
                "energy_register_wh": 12345.0, "limit_w": limit_w, "limit_a": limit_w / 230,
                "household_load_w": 900.0, "household_currents_a": [1.3, 1.3, 1.3],
                "reset_count": 0, "departure_at": None,
            }
        ).encode()  # fmt: skip


def _content_length(head: str) -> int:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


async def main(port: int) -> None:
    """Serve until the process is ended; prints the port once it listens."""
    server = await asyncio.get_running_loop().create_server(Farm, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads the port
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
