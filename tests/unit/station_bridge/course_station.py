"""A course charging station as students run it, with its faults, on a free port of this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BASE_LOAD_KW = [0.88, 0.77, 2.2, 1.98, 2.75, 3.85, 4.51, 3.74, 3.85, 4.4, 4.73, 6.16,
                4.62, 3.74, 3.52, 3.63, 5.83, 11.0, 8.91, 6.05, 4.29, 2.64, 1.87, 0.99]  # fmt: skip
PRICES_ORE = [85.28, 70.86, 68.01, 67.95, 68.01, 85.04, 87.86, 100.26, 118.45, 116.61, 105.93,
              91.95, 90.51, 90.34, 90.80, 88.85, 90.39, 99.03, 87.11, 82.90, 80.45, 76.48, 32.00,
              34.29]  # fmt: skip
CAPACITY_KWH = 46.3
QUARTER_KWH = 1.85

Answer = tuple[int, str, bytes]
"""Status, content type and body."""


@dataclass
class CourseStation:
    """The stock server; the flags switch on what variants do. `step` lets a quarter pass.

    Its faults: it charges on to 111.9 %, and the load it reports grows by 1.85 "kW" with each
    quarter of charging until the hour is over.
    """

    stops_at_80: bool = False
    clamps_at_100: bool = False
    has_renamed_fields: bool = False
    is_rewrite: bool = False
    has_flag: bool = True
    percent_as_int: bool = False
    prices_as: str = "list"
    minutes: int = 0
    energy_kwh: float = 9.26
    is_charging: bool = False
    load_kw: float = BASE_LOAD_KW[0]
    orders: list[str] = field(default_factory=list)
    broken: dict[str, Answer] = field(default_factory=dict)
    broken_answers: int = 0

    def step(self, quarters: int = 1) -> None:
        """Let quarters of an hour pass."""
        for _ in range(quarters):
            self.minutes = (self.minutes + 15) % 1440
            if self.minutes % 60 == 0:
                self.load_kw = BASE_LOAD_KW[self.minutes // 60]
            if self.is_charging and self.percent < 110:
                self.energy_kwh += QUARTER_KWH
                self.load_kw += QUARTER_KWH
            if self.stops_at_80 and self.percent >= 80:
                self.energy_kwh, self.is_charging = 37.04, False
            if self.clamps_at_100:
                self.energy_kwh = min(self.energy_kwh, CAPACITY_KWH)

    @property
    def percent(self) -> float:
        return 100 * self.energy_kwh / CAPACITY_KWH

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Return what the server answers."""
        if path in self.broken:
            self.broken_answers += 1
            return self.broken[path]
        if method == "POST":
            return self._take_order(path, body)
        pages = {"/info": lambda: _html(self._info()), "/charge": self._charge}
        if not self.is_rewrite:
            pages |= {
                "/": lambda: _html(self.energy_kwh),
                "/baseload": lambda: _html(BASE_LOAD_KW),
                "/priceperhour": lambda: _html(self._prices()),
            }
        if path in pages:
            return pages[path]()
        return 404, "text/html; charset=utf-8", b"<!doctype html><title>404 Not Found</title>"

    def _charge(self) -> Answer:
        return _json(int(self.percent) if self.percent_as_int else self.percent)

    def _prices(self) -> Any:
        if self.prices_as == "object":
            return {str(hour): price for hour, price in enumerate(PRICES_ORE)}
        if self.prices_as == "named-list":
            return {"price_per_hour": PRICES_ORE}
        return PRICES_ORE

    def _info(self) -> dict[str, Any]:
        hour, minute = divmod(self.minutes, 60)
        info: dict[str, Any] = {"sim_time_hour": hour, "sim_time_min": minute}
        if self.has_renamed_fields:
            info |= {
                "household_load_kwh": self.load_kw, "battery_energy_kwh": self.energy_kwh,
                "ev_batt_max_capacity_kwh": CAPACITY_KWH,
            }  # fmt: skip
        else:
            info |= {"base_current_load": self.load_kw, "battery_capacity_kWh": self.energy_kwh}
        if self.has_flag:
            info["ev_battery_charge_start_stopp"] = self.is_charging
        return info

    def _take_order(self, path: str, body: bytes) -> Answer:
        self.orders.append(f"{path} {body.decode()}")
        try:
            order = json.loads(body)
        except ValueError:
            return _html({"error": "bad JSON"})
        if self.is_rewrite:
            self.is_charging = path == "/charge"
            return _html({"charging": self.is_charging})
        if path == "/charge" and order.get("charging") in {"on", "off"}:
            self.is_charging = order["charging"] == "on"
            return _html(order)
        if path == "/discharge" and order.get("discharging") == "on":
            self.minutes, self.energy_kwh, self.is_charging = 0, 9.26, False
            self.load_kw = BASE_LOAD_KW[0]
            return _html(order)
        return 500, "text/html; charset=utf-8", b"<!doctype html><title>500</title>"


def _html(value: Any) -> Answer:
    return 200, "text/html; charset=utf-8", json.dumps(value).encode()


def _json(value: Any) -> Answer:
    return 200, "application/json", json.dumps(value).encode()


@contextmanager
def serving(answer: Callable[[str, str, bytes], Answer]) -> Iterator[str]:
    """Serve answers by method, path and body; gives the URL. Requests may come in parallel."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: else Nagle and delayed acknowledgements cost 40 ms.
        wbufsize = -1

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content_type, content = answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - names that http.server prescribes

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
