"""One thread for each station: polls it on its own schedule, and applies orders in between."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wattbus_station_bridge.stations.reading import (
    InvalidAnswer,
    Station,
    StationReading,
    StationUnreachable,
)
from wattbus_station_bridge.turnstile import Turnstile

log = logging.getLogger(__name__)

LONGEST_BACKOFF_S = 60.0
LONGEST_SLEEP_S = 3600.0
ASK_AGAIN_S = 0.5
"""After this a poll asks again whether it may go, if nobody has called it."""


@dataclass(frozen=True, slots=True)
class Order:
    """A level to apply, in W. `command` is the (epoch, seq) of the limit behind it, if any."""

    level_w: float
    command: tuple[int, int] | None = None


class Observer(Protocol):
    """Who hears what became of polls and orders, in the worker's thread."""

    def before_apply(self, station: str, order: Order) -> None:
        """Called right before an order is sent; OSError keeps it from being sent."""

    def on_reading(self, station: str, reading: StationReading, round_trip_s: float) -> None:
        """Called after each poll that was answered."""

    def on_failure(self, station: str, error: Exception, failures: int) -> None:
        """Called after each poll that was not answered properly; `failures` in a row."""

    def on_applied(self, station: str, order: Order, error: Exception | None) -> None:
        """Called after an order was sent; with what went wrong, if something did."""

    def on_crash(self, station: str, error: BaseException) -> None:
        """Called when the worker itself is at fault and ends."""


def backoff_s(failures: int, interval_s: float, draw: Callable[[], float]) -> float:
    """Return the pause after a number of failures in a row: doubling, with jitter, bounded.

    `draw` returns a number in 0…1; half of the pause is left to it, so that many bridges do not
    come back at once.
    """
    pause_s = min(max(LONGEST_BACKOFF_S, interval_s), interval_s * 2.0 ** min(failures - 1, 20))
    return pause_s * (0.5 + 0.5 * draw())


class StationWorker:
    """Polls every `interval_s`, at once after an order; the newest order replaces a waiting one.

    A poll that is due waits for its turn at the `turnstile`; an order never does.
    """

    def __init__(
        self,
        station_id: str,
        station: Station,
        interval_s: float,
        observer: Observer,
        first_poll_after_s: float = 0.0,
        *,
        turnstile: Turnstile | None = None,
    ) -> None:
        self.station_id = station_id
        self._station = station
        self._interval_s = interval_s
        self._observer = observer
        self._turnstile = turnstile
        self._wake = threading.Condition()
        self._order: Order | None = None
        self._is_stopped = False
        self._is_called = False
        self._failures = 0
        self._next_poll_s = time.monotonic() + first_poll_after_s
        self._thread = threading.Thread(target=self._run, name=f"station-{station_id}", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does after the request that it is in."""
        with self._wake:
            self._is_stopped = True
            self._wake.notify()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout_s)

    def order(self, order: Order) -> None:
        """Apply this as soon as the request in progress, if any, has ended."""
        with self._wake:
            self._order = order
            self._wake.notify()

    def _run(self) -> None:
        try:
            while (turn := self._wait()) is not None:
                if isinstance(turn, Order):
                    self._apply(turn)
                self._poll()
        except Exception as error:
            log.exception("the thread of station %s has failed", self.station_id)
            self._observer.on_crash(self.station_id, error)

    def _wait(self) -> Order | bool | None:
        """Return the order that came, True when a poll is due, None at the end."""
        with self._wake:
            while not self._is_stopped:
                if self._order is not None:
                    order, self._order = self._order, None
                    return order
                remaining_s = self._next_poll_s - time.monotonic()
                if remaining_s > 0:
                    self._wake.wait(min(remaining_s, LONGEST_SLEEP_S))
                elif self._may_poll():
                    return True
                else:
                    self._wake.wait(ASK_AGAIN_S)
            return None

    def _may_poll(self) -> bool:
        is_called, self._is_called = self._is_called, False
        turnstile = self._turnstile
        return is_called or turnstile is None or turnstile.is_open_for(self.station_id, self._call)

    def _call(self) -> None:
        with self._wake:
            self._is_called = True
            self._wake.notify()

    def _apply(self, order: Order) -> None:
        try:
            self._observer.before_apply(self.station_id, order)
            self._station.apply(order.level_w)
        except (InvalidAnswer, OSError) as error:
            self._observer.on_applied(self.station_id, order, error)
        else:
            self._observer.on_applied(self.station_id, order, None)

    def _poll(self) -> None:
        started_s = time.monotonic()
        try:
            reading = self._station.read()
        except (InvalidAnswer, StationUnreachable) as error:
            self._failures += 1
            pause_s = backoff_s(self._failures, self._interval_s, random.random)
            self._next_poll_s = time.monotonic() + pause_s
            self._observer.on_failure(self.station_id, error, self._failures)
            return
        self._failures = 0
        self._next_poll_s = started_s + self._interval_s
        self._observer.on_reading(self.station_id, reading, time.monotonic() - started_s)
