"""The receiving half of the logger: hands batches to the writer, acknowledges what is on disk."""

import logging
import time
from collections import deque
from typing import Protocol

from wattbus_contract import topics
from wattbus_contract.base import Body
from wattbus_contract.service import ConfirmedRange, Health, LogConfirmed
from wattbus_contract.session import Incoming, MessageTooLarge, MqttSession
from wattbus_logger.writer import Arrived, Written
from wattbus_logger.writer_process import Problem

log = logging.getLogger(__name__)

IDLE_S = 0.5
SATURATED_S = 0.005
MAX_BATCH = 500
WORTH_A_SECOND_BATCH = 100
RANGES_PER_MESSAGE = 500
HANGS_AFTER_S = 60.0


class WritesBatches(Protocol):
    """What the recorder needs of the writer's process."""

    def send(self, messages: list[Arrived]) -> None:
        """Hand over a batch."""

    def poll(self, timeout_s: float) -> bool:
        """Wait for word."""

    def receive(self) -> Written | Problem:
        """Return the next word."""


class Recorder:
    """Moves messages from the session to the writer. Call `step` until the process is to end.

    Messages are acknowledged in the order of receipt, after the batch that holds them is on disk.
    At most two batches are with the writer, so that it never waits for us; while it is busy, the
    next one grows. The broker's window of unacknowledged messages bounds what waits here.

    `watch` is a session of its own for what the broker says of itself: when it has dropped messages
    of ours, the queue that was full would have had no room for that either. `time_zone` is the
    site's, empty before it is known.
    """

    def __init__(self, session: MqttSession, watch: MqttSession, writer: WritesBatches) -> None:
        self._session = session
        self._watch = watch
        self._writer = writer
        self._taken: list[Incoming] = []
        self._batch: list[Arrived] = []
        self._sent: deque[list[Incoming]] = deque()
        self._heard_s = time.monotonic()
        self._has_news = False
        self._has_milestone = False
        self.time_zone = ""
        self.written_count = 0

    def step(self) -> None:
        """Handle what has come, or a moment without anything. WriterFailed, SessionDead."""
        self._take_what_is_here()
        if self._is_worth_sending():
            self._send()
        elif self._sent:
            self._hear(SATURATED_S)
        else:
            self._take(self._session.receive(IDLE_S))
        self._hear(0.0)

    def drain(self, timeout_s: float) -> bool:
        """Have what was taken written and acknowledged; False if that took too long."""
        deadline_s = time.monotonic() + timeout_s
        if self._batch:
            self._send()
        while self._sent and time.monotonic() < deadline_s:
            self._hear(SATURATED_S)
        return not self._sent

    @property
    def waiting_count(self) -> int:
        """How many messages have come and are not on disk yet."""
        return len(self._taken) + sum(map(len, tuple(self._sent)))

    def take_news(self) -> bool:
        """Tell whether anything worth a plot was written since the last call."""
        news, self._has_news = self._has_news, False
        return news

    def take_milestone(self) -> bool:
        """Tell whether a target was reached, a car unplugged or a day begun since the last call."""
        milestone, self._has_milestone = self._has_milestone, False
        return milestone

    def _take_what_is_here(self) -> None:
        while (word := self._watch.receive(0.0)) is not None:
            self._batch.append(_arrived(word))
            self._watch.ack(word)
        while len(self._taken) < MAX_BATCH:
            incoming = self._session.receive(0.0)
            if incoming is None:
                return
            self._take(incoming)

    def _take(self, incoming: Incoming | None) -> None:
        if incoming is not None:
            self._taken.append(incoming)
            self._batch.append(_arrived(incoming))

    def _is_worth_sending(self) -> bool:
        if not self._sent:
            return bool(self._batch)
        return len(self._sent) == 1 and len(self._taken) >= WORTH_A_SECOND_BATCH

    def _send(self) -> None:
        self._writer.send(self._batch)
        self._sent.append(self._taken)
        self._taken, self._batch = [], []

    def _hear(self, timeout_s: float) -> None:
        while self._writer.poll(timeout_s):
            timeout_s = 0.0
            self._heard_s = time.monotonic()
            word = self._writer.receive()
            if isinstance(word, Problem):
                self._tell_health(word.text)
            else:
                self._conclude(word)
        if self._sent and time.monotonic() - self._heard_s > HANGS_AFTER_S:
            self._tell_health(f"the disk has not answered for {HANGS_AFTER_S:g} s")

    def _conclude(self, written: Written) -> None:
        done = self._sent.popleft()
        self.written_count += len(done)
        self._session.ack_all(done)
        for quarantined in written.quarantined:
            log.warning(
                "quarantined a message on %s: %s: %s",
                quarantined.topic,
                quarantined.field,
                quarantined.reason,
            )
            self.publish(topics.LOG_QUARANTINE, quarantined)
        ranges = [
            ConfirmedRange(source=source, boot_id=boot_id, first_seq=first, last_seq=last)
            for source, boot_id, first, last in written.confirmed
        ]
        for start in range(0, len(ranges), RANGES_PER_MESSAGE):
            part = tuple(ranges[start : start + RANGES_PER_MESSAGE])
            self.publish(topics.LOG_CONFIRMED, LogConfirmed(confirmed=part))
        if written.league is not None:
            self.publish(topics.LEAGUE, written.league)
        self._has_news = self._has_news or written.has_news
        self._has_milestone = self._has_milestone or written.has_milestone
        self.time_zone = written.time_zone
        self._tell_health(written.problem)

    def publish(self, spec: topics.TopicSpec, body: Body) -> None:
        """Say something, unless the broker takes no message so large."""
        try:
            self._session.publish(spec, body)
        except MessageTooLarge as error:
            log.error("not said: %s", error)  # noqa: TRY400 - a limit, no fault of the code

    def _tell_health(self, problem: str) -> None:
        self._session.set_health(Health.DEGRADED if problem else Health.OK, problem)


def _arrived(incoming: Incoming) -> Arrived:
    return time.time_ns() // 1_000_000, incoming.topic, incoming.payload, incoming.is_retained
