"""Writes batches of messages durably and keeps the folder: a new day, checkpoints, a full disk."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wattbus_contract.accounts import League
from wattbus_contract.service import Quarantined
from wattbus_logger.broker_watch import DROPPED_TOPIC, DropWatch
from wattbus_logger.intake import Batch, Intake
from wattbus_logger.league_teller import LeagueTeller
from wattbus_logger.store import Store

log = logging.getLogger(__name__)

DROP_ALARM_S = 600.0

Arrived = tuple[int, str, bytes, bool]
"""Unix time in ms at receipt, topic, payload, whether it was retained."""

Range = tuple[str, str, int, int]
"""Source, boot_id, first and last seq."""


@dataclass(frozen=True, slots=True)
class Written:
    """What has become of a batch: it is on disk. `confirmed` is what the bridge may forget."""

    confirmed: Sequence[Range]
    quarantined: Sequence[Quarantined]
    has_news: bool
    has_milestone: bool
    problem: str
    time_zone: str
    league: League | None = None


@dataclass(slots=True)
class Writer:
    """Owns store and memory. One batch at a time: `take` it, then `commit` until that succeeds."""

    store: Store
    intake: Intake
    monotonic_s: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _batch: Batch = field(default_factory=Batch)
    _disk_problem: str = ""
    _has_new_day: bool = False
    _stamp: tuple[int, str] = (0, "")
    _drops: DropWatch = field(init=False)
    _league: LeagueTeller = field(init=False)

    def __post_init__(self) -> None:
        self._drops = DropWatch(DROP_ALARM_S, self.store.dropped_by_broker)
        self._league = LeagueTeller(self.monotonic_s)

    @property
    def problem(self) -> str:
        """What keeps the logger from its work, or nothing."""
        drops = self._drops.problem(self.monotonic_s()) or ""
        return "; ".join(part for part in (self._disk_problem, drops) if part)

    def take(self, messages: Sequence[Arrived]) -> None:
        """Take messages in; nothing is on disk yet."""
        for received_ms, topic, payload, is_retained in messages:
            if topic == DROPPED_TOPIC:
                self._note_drops(payload)
                continue
            if received_ms != self._stamp[0]:
                self._stamp = (received_ms, _stamp_text(received_ms))
            self.intake.take(topic, payload, self._stamp[1], self._batch, is_retained=is_retained)

    def commit(self) -> Written | None:
        """Make what was taken in durable; None if the disk refuses: then try again later."""
        try:
            self.store.commit(self._batch)
        except OSError as error:
            self._disk_refuses(error)
            return None
        self._disk_obeys()
        batch, self._batch = self._batch, Batch()
        has_new_day, self._has_new_day = self._has_new_day, False
        return Written(
            confirmed=[
                (source, boot_id, first, last)
                for (source, boot_id), seqs in batch.confirmed.items()
                for first, last in seqs
            ],
            quarantined=batch.quarantined,
            has_news=bool(batch.confirmed),
            has_milestone=batch.has_milestone or has_new_day,
            problem=self.problem,
            time_zone="" if self.intake.site.info is None else self.intake.site.zone_name,
            league=self._word_of_the_league(is_urgent=batch.has_milestone),
        )

    def keep_folder(self) -> None:
        """Between batches: put away the files of a past day, note how the files stand."""
        today = self.now().astimezone(self.intake.site.zone).date()
        try:
            if self.store.day != today:
                received_ms = round(self.now().timestamp() * 1000)
                self.store.rotate(today, self.intake, _stamp_text(received_ms))
                self._has_new_day = True
                self._disk_obeys()
            elif self.store.is_checkpoint_due:
                self.store.save_checkpoint(self.intake)
        except OSError as error:
            self._disk_refuses(error)

    def close(self) -> None:
        """Note how the files stand and close them; what was not committed will come again."""
        self._word_of_the_league(is_urgent=True)
        if self._batch.is_empty:
            try:
                self.store.save_checkpoint(self.intake)
            except OSError as error:
                log.warning("cannot write the checkpoint: %s", error)
        self.store.close()

    def _word_of_the_league(self, *, is_urgent: bool) -> League | None:
        intake = self.intake
        if intake.site.info is None:
            return None
        currency, folder = intake.site.info.currency, self.store.folder
        return self._league.word(intake.league, currency, folder, is_urgent=is_urgent)

    def _disk_refuses(self, error: OSError) -> None:
        problem = f"cannot write to {self.store.folder}: {error.strerror or error}"
        if problem != self._disk_problem:
            log.error("%s; nothing is acknowledged until it can", problem)
            self._disk_problem = problem

    def _disk_obeys(self) -> None:
        if self._disk_problem:
            log.info("%s can be written again", self.store.folder)
            self._disk_problem = ""

    def _note_drops(self, payload: bytes) -> None:
        rise = self._drops.note(payload, self.monotonic_s())
        self.store.dropped_by_broker = self._drops.dropped
        if rise:
            log.error("the broker has dropped %d messages for want of room in a queue", rise)


def _stamp_text(received_ms: int) -> str:
    stamp = datetime.fromtimestamp(received_ms / 1000, UTC)
    return stamp.isoformat(timespec="milliseconds")[:23] + "Z"
