"""Messages on their way out: each target gets each once, and failures are tried again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattbus_notifier.occurrences import Notice
from wattbus_notifier.targets import Target

log = logging.getLogger(__name__)

RETRY_AFTER_S = (30.0, 120.0, 600.0, 1800.0)
MOST_WAITING = 100


@dataclass(frozen=True)
class _Waiting:
    notice: Notice
    target: Target
    attempt: int
    not_before_s: float


class Outgoing:
    """Sends what is put in; `…_s` on the monotonic clock."""

    def __init__(self, targets: Sequence[Target], monotonic: Callable[[], float]) -> None:
        self._problems: dict[str, str] = {}
        self._targets = tuple(targets)
        self._monotonic = monotonic
        self._waiting: list[_Waiting] = []

    @property
    def problem(self) -> str | None:
        """What is wrong with targets that did not take their last message; None if they all did."""
        told = [f"target {name}: {failure}" for name, failure in self._problems.items()]
        return "; ".join(told) or None

    def put(self, notice: Notice) -> None:
        """Have a message sent to every target."""
        now_s = self._monotonic()
        self._waiting += [_Waiting(notice, target, 0, now_s) for target in self._targets]
        if len(self._waiting) > MOST_WAITING:
            log.warning("more than %d messages wait: dropping the oldest", MOST_WAITING)
            del self._waiting[:-MOST_WAITING]

    def send_one(self) -> None:
        """Send one message that is due, if there is one; takes as long as its target takes."""
        now_s = self._monotonic()
        due = next((waiting for waiting in self._waiting if waiting.not_before_s <= now_s), None)
        if due is None:
            return
        self._waiting.remove(due)
        failure = due.target.send(due.notice)
        if failure is None:
            log.info("told target %s: %s", due.target.name, due.notice.title)
            self._problems.pop(due.target.name, None)
            return
        self._problems[due.target.name] = failure
        if due.attempt >= len(RETRY_AFTER_S):
            log.error("gave up telling target %s: %s", due.target.name, failure)
            return
        delay_s = RETRY_AFTER_S[due.attempt]
        log.warning(
            "could not tell target %s: %s; again in %g s", due.target.name, failure, delay_s
        )
        again = _Waiting(due.notice, due.target, due.attempt + 1, self._monotonic() + delay_s)
        self._waiting.append(again)
