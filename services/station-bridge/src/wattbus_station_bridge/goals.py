"""When a car is expected and when it leaves: recurring local times turned into instants."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract.facts import Goal, Mode
from wattbus_contract.requests import GoalRequest
from wattbus_contract.weekly import WEEKDAYS, WeeklyDeparture


@dataclass(frozen=True, slots=True)
class RecurringGoal:
    """What the site file says of a car; `weekdays` (0 = Monday) are those of `departure_time`."""

    mode: Mode = Mode.SMART
    target_soc_percent: float = 80.0
    min_soc_percent: float = 0.0
    departure_time: time | None = None
    departure_after_h: float | None = None
    arrival_time: time | None = None
    weekdays: frozenset[int] = frozenset(range(7))
    weekly: tuple[WeeklyDeparture, ...] = ()
    price_cap_per_kwh: float | None = None
    max_current_a: float | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people have asked for since; None leaves it as the site file has it.

    `departure_at` counts once, before the weekly plan. `target_for_at` is the departure for which
    the target was wished: there it comes before that of the weekly plan.
    """

    mode: Mode | None = None
    target_soc_percent: float | None = None
    target_for_at: datetime | None = None
    min_soc_percent: float | None = None
    departure_at: datetime | None = None
    weekly: tuple[WeeklyDeparture, ...] | None = None
    price_cap_per_kwh: float | None = None
    max_current_a: float | None = None


@dataclass(frozen=True, slots=True)
class CarTimes:
    """What the station knows: whether and since when the car is there, and when it will leave."""

    now: datetime
    is_plugged_in: bool
    plugged_in_at: datetime | None = None
    departure_at: datetime | None = None


def current_goal(recurring: RecurringGoal, wishes: Wishes, car: CarTimes, zone: ZoneInfo) -> Goal:
    """Return the goal that holds at `car.now`: wishes first, then the site file, then the car."""
    departure_at, weekly_target_percent = _departure(recurring, wishes, car, zone)
    target_percent = recurring.target_soc_percent
    if wishes.target_soc_percent is not None:
        target_percent = wishes.target_soc_percent
    if weekly_target_percent is not None and wishes.target_for_at != departure_at:
        target_percent = weekly_target_percent
    return Goal(
        mode=wishes.mode or recurring.mode,
        target_soc_percent=target_percent,
        min_soc_percent=(
            recurring.min_soc_percent if wishes.min_soc_percent is None else wishes.min_soc_percent
        ),
        arrival_at=_arrival_at(recurring, car, zone),
        departure_at=departure_at,
        price_cap_per_kwh=_newer(wishes.price_cap_per_kwh, recurring.price_cap_per_kwh),
        max_current_a=max_current_a(recurring, wishes),
        weekly=weekly_plan(recurring, wishes) or None,
    )


def max_current_a(recurring: RecurringGoal, wishes: Wishes) -> float | None:
    """Return a person's limit of the current per phase, or None without one."""
    return _newer(wishes.max_current_a, recurring.max_current_a)


def weekly_plan(recurring: RecurringGoal, wishes: Wishes) -> tuple[WeeklyDeparture, ...]:
    """Return the departures of a week; a wish for none at all is one, too."""
    return recurring.weekly if wishes.weekly is None else wishes.weekly


def with_goal(
    wishes: Wishes,
    request: GoalRequest,
    now: datetime,
    zone: ZoneInfo,
    recurring: RecurringGoal | None = None,
) -> Wishes:
    """Return the wishes after a request; ValueError when it asks for a departure in the past."""
    recurring = recurring or RecurringGoal()
    departure_at = request.departure_at
    if request.departure_time is not None:
        departure_at = next_time(request.departure_time, now, zone)
    if departure_at is not None and departure_at <= now:
        raise ValueError(f"departure_at {departure_at:%Y-%m-%dT%H:%MZ} has passed")
    given = request.model_dump(
        include={
            "target_soc_percent", "min_soc_percent", "price_cap_per_kwh", "max_current_a",
        },
        exclude_none=True,
    )  # fmt: skip
    if departure_at is not None:
        given["departure_at"] = departure_at
    if request.weekly is not None:
        given["weekly"] = request.weekly
    cleared = dict.fromkeys((name.value for name in request.clear or ()), None)
    wished = replace(wishes, **given, **cleared)
    if request.target_soc_percent is None:
        return wished
    next_at = None
    if request.weekly is None:
        next_at, _ = _departure(recurring, wished, CarTimes(now, is_plugged_in=True), zone)
    return replace(wished, target_for_at=next_at)


def in_words(goal: Goal, zone: ZoneInfo) -> str:
    """Return a goal as people say it."""
    text = f"{goal.target_soc_percent:g} %"
    if goal.departure_at is not None:
        text += f" by {goal.departure_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
    if goal.min_soc_percent:
        text += f", {goal.min_soc_percent:g} % at once"
    if goal.max_current_a is not None:
        text += f", at most {goal.max_current_a:g} A"
    if goal.price_cap_per_kwh is not None:
        text += f", up to {goal.price_cap_per_kwh:g} per kWh"
    if goal.weekly:
        text += "; weekly " + ", ".join(_departure_in_words(each) for each in goal.weekly)
    return text


def _departure_in_words(departure: WeeklyDeparture) -> str:
    days = " ".join(day.value for day in WEEKDAYS if day in departure.days)
    target = departure.target_soc_percent
    return f"{days} {departure.departure_time:%H:%M}" + (
        "" if target is None else f" ({target:g} %)"
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


def _departure(
    recurring: RecurringGoal, wishes: Wishes, car: CarTimes, zone: ZoneInfo
) -> tuple[datetime | None, float | None]:
    """Return the next departure, and the target that a weekly plan has for it."""
    if wishes.departure_at is not None and wishes.departure_at > car.now:
        return wishes.departure_at, None
    weekly = weekly_plan(recurring, wishes)
    if weekly:
        return min(
            ((_next_of(each, car.now, zone), each.target_soc_percent) for each in weekly),
            key=lambda departure: departure[0],
        )
    if recurring.departure_time is not None:
        return next_time(recurring.departure_time, car.now, zone, recurring.weekdays), None
    if recurring.departure_after_h is not None:
        plugged_in_at = car.plugged_in_at or car.now
        return plugged_in_at + timedelta(hours=recurring.departure_after_h), None
    return car.departure_at, None


def _next_of(departure: WeeklyDeparture, now: datetime, zone: ZoneInfo) -> datetime:
    weekdays = frozenset(WEEKDAYS.index(day) for day in departure.days)
    return next_time(departure.departure_time, now, zone, weekdays)


def _arrival_at(recurring: RecurringGoal, car: CarTimes, zone: ZoneInfo) -> datetime | None:
    if car.is_plugged_in or recurring.arrival_time is None:
        return None
    return next_time(recurring.arrival_time, car.now, zone)


def _newer(newer: float | None, older: float | None) -> float | None:
    return older if newer is None else newer
