"""Sends again what the logger should have confirmed by now, oldest first, beside what is new.

The logger confirms in the order in which it hears. So what is older than `replay_after_s` is lost
as soon as something newer is confirmed; when nothing is confirmed for so long although a logger is
up, the oldest few are tried, less and less often. A logger that works through a long queue is thus
left in peace, and one that is down is not waited for: the broker's queue must not fill with copies.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.service import ConfirmedRange, LogConfirmed, ServiceStatus
from wattbus_contract.session import MessageTooLarge
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.spool.figures import Figures
from wattbus_station_bridge.spool.presence import LoggerPresence
from wattbus_station_bridge.spool.segment import Sender
from wattbus_station_bridge.spool.store import Spool

log = logging.getLogger(__name__)

LOGGER = "logger"
ROUND_S = 0.05
PER_ROUND = 50
"""A thousand a second at most: a day of one station, polled every 5 s, takes half a minute."""
MAX_IN_FLIGHT = 300
MAX_UNSENT = 200
"""With more of its messages on their way to the broker, the present goes before the past."""
TRIED_IN_SILENCE = 200
LONGEST_SILENCE_S = 60.0
REPLAY_TIMEOUT_S = 10.0
REPORT_EVERY_S = 60.0
MEGABYTE = 1e6


class Sends(Protocol):
    """What is needed of an MQTT session."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker takes messages now."""

    @property
    def connection(self) -> int:
        """The number of the present connection."""

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has not confirmed yet."""

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        is_retained: bool = False,
        expiry_s: float | None = None,
    ) -> None:
        """Send bytes as they are."""


class Replayer:
    """Call `step` again and again, or `start` a thread that does; the notes come from any other."""

    def __init__(
        self,
        session: Sends,
        sender: Sender,
        spool: Spool,
        alarms: Alarms,
        *,
        replay_after_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._sender = sender
        self._spool = spool
        self._alarms = alarms
        self._replay_after_s = replay_after_s
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._presence = LoggerPresence()
        self._confirmed_seq = 0
        self._confirmed_s = float("-inf")
        self._patience_s = replay_after_s
        self._quiet_since_s = monotonic_s()
        self._was_ready = False
        self._connection = 0
        self._reported: Figures | None = None
        self._report_at_s = float("-inf")
        self._must_stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replayer", daemon=True)

    def start(self) -> None:
        """Begin to send again what should be."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread."""
        self._must_stop.set()
        self._thread.join(timeout_s)

    def note(self, message: Decoded) -> None:
        """Take over what the logger has confirmed, or what a service says of itself."""
        match message.body:
            case LogConfirmed(confirmed=spans) if spans:
                self._note_confirmed(spans)
            case ServiceStatus() as status if message.topic.ids["user"] == LOGGER:
                with self._lock:
                    self._presence.note_status(message.topic.ids["client"], status)
            case _:
                pass

    def _note_confirmed(self, spans: Sequence[ConfirmedRange]) -> None:
        own = [span.last_seq for span in spans if (span.source, span.boot_id) == self._sender]
        with self._lock:
            self._presence.note_confirmation()
            self._confirmed_seq = max(self._confirmed_seq, *own, 0)
            self._confirmed_s = self._quiet_since_s = self._monotonic_s()
            self._patience_s = self._replay_after_s
        self._spool.confirm(spans)

    def step(self) -> None:
        """Do what is due now."""
        now_s = self._monotonic_s()
        if self._is_ready(now_s):
            self._give_up(now_s)
            self._send()
        self._spool.remember()
        self._spool.sync()
        self._report(now_s)

    def _is_ready(self, now_s: float) -> bool:
        """Whether anybody would hear; time in which nobody would does not count as silence."""
        with self._lock:
            is_ready = self._session.is_connected and self._presence.is_up
            if is_ready and (not self._was_ready or self._connection != self._session.connection):
                self._quiet_since_s = now_s
                self._patience_s = self._replay_after_s
            self._was_ready, self._connection = is_ready, self._session.connection
            return is_ready

    def _give_up(self, now_s: float) -> None:
        with self._lock:
            confirmed_seq, confirmed_s = self._confirmed_seq, self._confirmed_s
            patience_s = self._patience_s
            is_silent = now_s - self._quiet_since_s >= patience_s
            if is_silent:
                self._quiet_since_s = now_s
                self._patience_s = min(LONGEST_SILENCE_S, 2 * patience_s)
        self._spool.give_up_sent(confirmed_seq, now_s - self._replay_after_s)
        self._spool.give_up_replayed(min(confirmed_s, now_s - REPLAY_TIMEOUT_S))
        if is_silent:
            self._spool.give_up_oldest(TRIED_IN_SILENCE, now_s - patience_s)

    def _send(self) -> None:
        room = min(
            PER_ROUND,
            MAX_IN_FLIGHT - self._spool.replayed,
            MAX_UNSENT - self._session.unconfirmed,
        )
        if room <= 0:
            return
        for replay in self._spool.take(room):
            _, topic, payload = replay.record
            known = topics.parse(topic)
            try:
                self._session.send(
                    topic, payload, expiry_s=None if known is None else known.spec.expiry_s
                )
            except (MessageTooLarge, ValueError):
                log.exception("a message of the spool cannot be sent and is dropped")
                self._spool.discard(replay)

    def _report(self, now_s: float) -> None:
        """Tell troubles as health, with fresh numbers once a minute."""
        figures = self._spool.figures
        before = self._reported
        is_news = before is None or _kinds(figures) != _kinds(before)
        if not is_news and now_s < self._report_at_s:
            return
        self._reported, self._report_at_s = figures, now_s + REPORT_EVERY_S
        text = self._trouble(figures)
        self._alarms.trouble("spool", text)
        if text is not None:
            log.warning("%s", text)

    def _trouble(self, figures: Figures) -> str | None:
        troubles = []
        if figures.failure is not None:
            troubles.append(
                f"the spool cannot be written ({figures.failure}): "
                f"{figures.unprotected} message(s) were sent without"
            )
        if figures.is_full:
            text = (
                f"the spool is full ({figures.size_bytes / MEGABYTE:.1f} MB): "
                f"{figures.dropped} unconfirmed message(s) were dropped"
            )
            if not self._presence.was_ever:
                text += "; no logger was ever heard of: without one, set site.spool_max_mb = 0"
            troubles.append(text)
        return "; ".join(troubles) or None

    def _run(self) -> None:
        try:
            while not self._must_stop.wait(ROUND_S):
                self.step()
        except Exception as error:
            log.exception("the thread that replays has failed")
            self._alarms.crashed(error)


def _kinds(figures: Figures) -> tuple[str | None, bool, bool]:
    return figures.failure, figures.unprotected > 0, figures.is_full
