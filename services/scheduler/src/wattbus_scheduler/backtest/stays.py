"""A charging session as it was, and groups of sessions that cannot touch each other."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """A car plugged in from `arrival_s` to `departure_s` (POSIX seconds) for so much grid energy.

    `stated_departure_s` is what the scheduler is told at arrival; the car may leave earlier or
    later. `number` is unique and in order of arrival.
    """

    number: int
    car: str
    arrival_s: float
    departure_s: float
    stated_departure_s: float
    energy_wh: float


def components(sessions: Sequence[Session]) -> list[list[Session]]:
    """Return the sessions in order, divided wherever no car is plugged in.

    What happens in one group has no influence on another, so they can be played apart.
    """
    groups: list[list[Session]] = []
    last_departure_s = float("-inf")
    for session in sorted(sessions, key=lambda one: (one.arrival_s, one.number)):
        if session.arrival_s >= last_departure_s:
            groups.append([])
        groups[-1].append(session)
        last_departure_s = max(last_departure_s, session.departure_s)
    return groups


@dataclass(frozen=True, slots=True)
class Span:
    """Charging at one power from `start_s` to `end_s` (POSIX seconds); the power is the mean."""

    start_s: float
    end_s: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one session: grid energy, what it cost, and what was missing at departure.

    `starts` counts beginnings of charging, `plans` how often the strategy was asked while the car
    stood there.
    """

    number: int
    energy_wh: float
    missing_wh: float
    cost: float
    starts: int
    plans: int
    spans: tuple[Span, ...]
