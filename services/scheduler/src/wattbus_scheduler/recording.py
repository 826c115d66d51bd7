"""Reads the logger's recording and finds in it what each scheduler process decided."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from wattbus_contract import topics
from wattbus_contract.base import MessageId
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import LeaseState, Plan, SetLimit
from wattbus_contract.service import ServiceStatus

IN_FLIGHT = timedelta(seconds=1)
"""A message this shortly before a process ended may have arrived too late to be handled."""


class BadRecording(ValueError):  # noqa: N818 - says what is wrong, as InvalidMessage does
    """A recording that holds nothing to replay; the message says why."""


@dataclass(frozen=True, slots=True)
class RecordedLimit:
    """A limit as decided; its repetitions are the same decision."""

    station: str
    limit_w: float
    code: str
    text: str
    decided_at: datetime
    caused_by: MessageId


@dataclass(slots=True)
class Incarnation:
    """One scheduler process up to its last message, by that one's position.

    `announced_index` is where it said that it was there: from then on it heard everything live.
    """

    client_id: str
    boot_id: str
    last_index: int = 0
    last_sent_at: datetime | None = None
    announced_index: int | None = None
    plans: list[Plan] = field(default_factory=list)
    limits: dict[RecordedLimit, int] = field(default_factory=dict)
    held: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first_cause(self) -> MessageId | None:
        """What led to the first decision: the first message that was handled live."""
        return self.plans[0].caused_by if self.plans else None

    def has_handled(self, recording: "Recording", index: int) -> bool:
        """Tell whether the process must have handled a message before it ended."""
        return index <= self._last_decided(recording) or self._lived_on(recording, index)

    def has_planned(self, recording: "Recording", index: int) -> bool:
        """Tell whether the plan that followed from a message must have gone out.

        Limits go first, so that the plan of the last decision may be missing.
        """
        return index < self._last_decided(recording) or self._lived_on(recording, index)

    def _last_decided(self, recording: "Recording") -> int:
        """Return the position of the last message that something followed from, or -1."""
        causes = [plan.caused_by for plan in self.plans]
        causes += [limit.caused_by for limit in self.limits]
        positions = [recording.index_of(cause) for cause in causes if cause is not None]
        return max((position for position in positions if position is not None), default=-1)

    def _lived_on(self, recording: "Recording", index: int) -> bool:
        envelope = recording.messages[index].envelope
        if envelope is None or self.last_sent_at is None:
            return True
        return envelope.sent_at <= self.last_sent_at - IN_FLIGHT

    def note_holder(self, holder: str | None, index: int) -> None:
        """Keep from which to which message the lease was held; an open end is -1."""
        is_open = bool(self.held) and self.held[-1][1] < 0
        if holder == self.client_id and not is_open:
            self.held.append((index, -1))
        elif holder != self.client_id and is_open:
            self.held[-1] = (self.held[-1][0], index)

    def note_decision(self, message: Decoded, index: int) -> None:
        """Keep a plan or limit of this process; what is only repeated is the same decision."""
        self.last_index = index
        if message.envelope is not None:
            self.last_sent_at = message.envelope.sent_at
        body = message.body
        if isinstance(body, Plan) and body not in self.plans:
            self.plans.append(body)
        elif isinstance(body, SetLimit) and body.caused_by and body.decided_at:
            limit = RecordedLimit(
                message.topic.station,
                body.limit_w or 0.0,
                body.reason.code,
                body.reason.text,
                body.decided_at,
                body.caused_by,
            )
            self.limits.setdefault(limit, index)


@dataclass(slots=True)
class Recording:
    """Messages in the order in which they were recorded, and the schedulers among their senders."""

    messages: list[Decoded]
    incarnations: list[Incarnation]
    unreadable: int
    _positions: dict[MessageId, int] = field(default_factory=dict, repr=False)

    def index_of(self, message_id: MessageId) -> int | None:
        """Return the position of a message, or None if it was not recorded."""
        if not self._positions:
            for index, message in enumerate(self.messages):
                if message.envelope is not None:
                    self._positions.setdefault(message.message_id, index)
        return self._positions.get(message_id)


def read_recording(path: Path) -> Recording:
    """Read `events.jsonl`; lines that the contract refuses are counted, not read."""
    register = _Register()
    messages: list[Decoded] = []
    unreadable = 0
    for line in _lines(path):
        try:
            document = json.loads(line)
            message = decode(document["topic"], json.dumps(document["payload"]).encode())
        except (InvalidMessage, ValueError, KeyError, TypeError):
            unreadable += 1
            continue
        register.take(message, len(messages))
        messages.append(message)
    deciding = [incarnation for incarnation in register.found.values() if incarnation.plans]
    return Recording(messages, deciding, unreadable)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if line.strip())


@dataclass(slots=True)
class _Register:
    """The scheduler processes that were met so far, by boot id."""

    found: dict[str, Incarnation] = field(default_factory=dict)
    _holder: str | None = None
    _announced: dict[str, int] = field(default_factory=dict)

    def take(self, message: Decoded, index: int) -> None:
        envelope, body = message.envelope, message.body
        if isinstance(body, ServiceStatus) and envelope is not None:
            self._announced.setdefault(envelope.boot_id, index)
        if isinstance(body, LeaseState):
            self._holder = body.holder
            for incarnation in self.found.values():
                incarnation.note_holder(body.holder, index)
        if envelope is None or message.topic.spec.publishers != topics.SCHEDULER:
            return
        if envelope.boot_id not in self.found:
            newcomer = Incarnation(
                envelope.source,
                envelope.boot_id,
                announced_index=self._announced.get(envelope.boot_id),
            )
            newcomer.note_holder(self._holder, index)
            self.found[envelope.boot_id] = newcomer
        self.found[envelope.boot_id].note_decision(message, index)
