"""Stations with the simulator's REST interface that do exactly what a test tells them."""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from unit.station_bridge.course_station import Answer

START_AT = datetime(2025, 1, 14, 23, 0, tzinfo=UTC)
POWER_W = 7400.0


@dataclass
class ParkedStation:
    """One on/off station on L1 with a car; `is_hanging` keeps every answer back."""

    limit_w: float = 0.0
    soc_percent: float = 50.0
    is_plugged_in: bool = True
    reset_count: int = 0
    polls: int = 0
    limits: list[float] = field(default_factory=list)
    fault: Answer | None = None
    refuses_limits: bool = False
    is_free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.is_free.set()

    @property
    def power_w(self) -> float:
        return POWER_W if self.is_plugged_in and self.limit_w >= POWER_W else 0.0


class StationPark:
    """Answers for all stations and their house; a second of the wall is a minute of its clock."""

    def __init__(self, *names: str) -> None:
        self.stations = {name: ParkedStation() for name in names}
        self.house_w = 1000.0
        self.worst_w = 0.0
        self._started_s = time.monotonic()
        self._lock = threading.Lock()

    @property
    def at(self) -> datetime:
        return START_AT + timedelta(minutes=time.monotonic() - self._started_s)

    def restart_clock(self) -> None:
        """Set the clock back, as a reset of the simulator does."""
        self._started_s = time.monotonic()
        for station in self.stations.values():
            station.limit_w = 0.0
            station.reset_count += 1

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Return what the server answers."""
        parts = path.strip("/").split("/")
        if parts[0] == "stations":
            return self._answer_of_station(method, parts[1], body)
        if path == "/household":
            return _json({"seconds_per_hour": 60.0, "time_scale": 60.0})
        if path == "/household/forecast":
            return _json({"unit": "W", "slots": [self._slot("load_w", 1000.0)]})
        if path == "/prices":
            prices = {"currency": "SEK", "includes_vat": True, "source": "test"}
            return _json(prices | {"slots": [self._slot("price_per_kwh", 0.5)]})
        return 404, "application/json", b'{"error": "not found"}'

    def _slot(self, key: str, value: float) -> dict[str, Any]:
        return {"start_at": START_AT.isoformat(), "duration_s": 3600, key: value}

    def _answer_of_station(self, method: str, name: str, body: bytes) -> Answer:
        station = self.stations[name]
        if method == "GET":
            station.polls += 1
        station.is_free.wait(30)
        if station.fault is not None:
            return station.fault
        with self._lock:
            if method == "PUT":
                if station.refuses_limits:
                    return 500, "text/html", b"<h1>Internal Server Error</h1>"
                station.limit_w = json.loads(body)["limit_w"]
                station.limits.append(station.limit_w)
                power_w = sum(other.power_w for other in self.stations.values())
                self.worst_w = max(self.worst_w, power_w + self.house_w)
            return _json(self._document(name, station))

    def _document(self, name: str, station: ParkedStation) -> dict[str, Any]:
        return {
            "id": name, "name": name, "control": "switch", "phases": [1], "voltage_v": 230,
            "min_current_a": POWER_W / 230, "max_current_a": POWER_W / 230,
            "current_step_a": POWER_W / 230, "max_power_w": POWER_W, "at": self.at.isoformat(),
            "connector_status": "Charging" if station.power_w else "SuspendedEVSE",
            "is_plugged_in": station.is_plugged_in, "transaction_id": f"{name}-1",
            "soc_percent": station.soc_percent, "battery_capacity_kwh": 46.3,
            "charging_efficiency": 1.0, "power_w": station.power_w,
            "currents_a": [station.power_w / 230, 0, 0], "energy_register_wh": 0.0,
            "limit_w": station.limit_w, "limit_a": station.limit_w / 230,
            "household_load_w": self.house_w, "household_currents_a": [self.house_w / 230, 0, 0],
            "reset_count": station.reset_count, "departure_at": None,
        }  # fmt: skip


def _json(value: Any) -> Answer:
    return 200, "application/json", json.dumps(value).encode()
