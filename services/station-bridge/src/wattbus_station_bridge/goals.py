"""When a car is expected and when it leaves: recurring local times turned into instants."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract.facts import Goal, Mode
from wattbus_contract.requests import GoalRequest


@dataclass(frozen=True, slots=True)
class RecurringGoal:
    """What the site file says of a car; `weekdays` (0 = Monday) are those of the departure."""

    mode: Mode = Mode.SMART
    target_soc_percent: float = 80.0
    min_soc_percent: float = 0.0
    departure_time: time | None = None
    departure_after_h: float | None = None
    arrival_time: time | None = None
    weekdays: frozenset[int] = frozenset(range(7))
    price_cap_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people have asked for since; None leaves it as the site file has it."""

    mode: Mode | None = None
    target_soc_percent: float | None = None
    min_soc_percent: float | None = None
    departure_at: datetime | None = None
    price_cap_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class CarTimes:
    """What the station knows: whether and since when the car is there, and when it will leave."""

    now: datetime
    is_plugged_in: bool
    plugged_in_at: datetime | None = None
    departure_at: datetime | None = None


def current_goal(recurring: RecurringGoal, wishes: Wishes, car: CarTimes, zone: ZoneInfo) -> Goal:
    """Return the goal that holds at `car.now`: wishes first, then the site file, then the car."""
    return Goal(
        mode=wishes.mode or recurring.mode,
        target_soc_percent=(
            recurring.target_soc_percent
            if wishes.target_soc_percent is None
            else wishes.target_soc_percent
        ),
        min_soc_percent=(
            recurring.min_soc_percent if wishes.min_soc_percent is None else wishes.min_soc_percent
        ),
        arrival_at=_arrival_at(recurring, car, zone),
        departure_at=_departure_at(recurring, wishes, car, zone),
        price_cap_per_kwh=_newer(wishes.price_cap_per_kwh, recurring.price_cap_per_kwh),
    )


def with_goal(wishes: Wishes, request: GoalRequest, now: datetime, zone: ZoneInfo) -> Wishes:
    """Return the wishes after a request; ValueError when it asks for a departure in the past."""
    departure_at = request.departure_at
    if request.departure_time is not None:
        departure_at = next_time(request.departure_time, now, zone)
    if departure_at is not None and departure_at <= now:
        raise ValueError(f"departure_at {departure_at:%Y-%m-%dT%H:%MZ} has passed")
    return Wishes(
        mode=wishes.mode,
        target_soc_percent=_newer(request.target_soc_percent, wishes.target_soc_percent),
        min_soc_percent=_newer(request.min_soc_percent, wishes.min_soc_percent),
        departure_at=departure_at or wishes.departure_at,
        price_cap_per_kwh=_newer(request.price_cap_per_kwh, wishes.price_cap_per_kwh),
    )


def next_time(
    shown: time, now: datetime, zone: ZoneInfo, weekdays: frozenset[int] = frozenset(range(7))
) -> datetime:
    """Return the first instant after `now` at which the clock shows this on one of the weekdays."""
    today = now.astimezone(zone).date()
    for offset in range(9):
        day = today + timedelta(days=offset)
        instant = datetime.combine(day, shown.replace(tzinfo=None), zone).astimezone(UTC)
        if day.weekday() in weekdays and instant > now:
            return instant
    raise ValueError("weekdays must name at least one day")


def _departure_at(
    recurring: RecurringGoal, wishes: Wishes, car: CarTimes, zone: ZoneInfo
) -> datetime | None:
    if wishes.departure_at is not None and wishes.departure_at > car.now:
        return wishes.departure_at
    if recurring.departure_time is not None:
        return next_time(recurring.departure_time, car.now, zone, recurring.weekdays)
    if recurring.departure_after_h is not None:
        plugged_in_at = car.plugged_in_at or car.now
        return plugged_in_at + timedelta(hours=recurring.departure_after_h)
    return car.departure_at


def _arrival_at(recurring: RecurringGoal, car: CarTimes, zone: ZoneInfo) -> datetime | None:
    if car.is_plugged_in or recurring.arrival_time is None:
        return None
    return next_time(recurring.arrival_time, car.now, zone)


def _newer(newer: float | None, older: float | None) -> float | None:
    return older if newer is None else newer
