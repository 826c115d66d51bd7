"""Plays a strategy day after day until the target is reached: exact, without a clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattbus_scheduler.scenario import Scenario
from wattbus_scheduler.situation import Car, Situation
from wattbus_scheduler.strategies import strategy_named

MOST_DAYS = 14
DAY = timedelta(days=1)
DONE_PERCENT = 1e-6


@dataclass(frozen=True, slots=True)
class Span:
    """Charging without a break: from, to, grid energy and cost."""

    start_at: datetime
    end_at: datetime
    energy_wh: float
    cost: float


@dataclass(frozen=True, slots=True)
class DayCourse:
    """What a strategy did with one car; `nights` are the days it took, the last one included."""

    strategy: str
    spans: tuple[Span, ...]
    soc_percent: float
    done_at: datetime | None
    nights: int

    @property
    def energy_wh(self) -> float:
        """Grid energy in Wh."""
        return sum(span.energy_wh for span in self.spans)

    @property
    def cost(self) -> float:
        """Cost in the site's currency."""
        return sum(span.cost for span in self.spans)

    @property
    def charging_s(self) -> float:
        """Seconds of charging."""
        return sum((span.end_at - span.start_at).total_seconds() for span in self.spans)


def play(scenario: Scenario, strategy_name: str) -> DayCourse:
    """Let the scenario's only car be charged; each day repeats the scenario's slots.

    As in the running system: planned anew at each slot's start, with the prices of the day that
    are known then, and acted on until the slot's end. Ends at the target, or after two weeks.
    """
    strategy = strategy_named(strategy_name)
    (car,) = scenario.situation.cars
    spans: list[Span] = []
    for day in range(MOST_DAYS):
        slots = tuple(
            replace(slot, start_at=slot.start_at + day * DAY) for slot in scenario.situation.slots
        )
        for slot in slots:
            now = max(slot.start_at, scenario.now)
            if slot.end_at <= now:
                continue
            plan = strategy(
                Situation(scenario.situation.site, slots, (car,)), now, scenario.settings
            )
            for part in plan.stations[0].charging_slots:
                if part.start_at < slot.end_at:
                    span = Span(
                        part.start_at, part.end_at, part.expected_energy_wh, part.expected_cost
                    )
                    spans.append(span)
                    car = _charged(car, span)
            car = replace(car, is_charging=bool(spans) and spans[-1].end_at == slot.end_at)
            if car.soc_percent >= car.target_soc_percent - DONE_PERCENT:
                done_at = spans[-1].end_at if spans else now
                return _course(strategy_name, spans, car, done_at, day)
    return _course(strategy_name, spans, car, None, MOST_DAYS - 1)


def _charged(car: Car, span: Span) -> Car:
    gained = span.energy_wh * car.efficiency / car.battery_capacity_wh * 100
    return replace(car, soc_percent=car.soc_percent + gained)


def _course(
    name: str, spans: list[Span], car: Car, done_at: datetime | None, day: int
) -> DayCourse:
    return DayCourse(name, tuple(_joined(spans)), car.soc_percent, done_at, day + 1)


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and abs((span.start_at - last.end_at).total_seconds()) < 0.01:
            joined[-1] = Span(
                last.start_at, span.end_at, last.energy_wh + span.energy_wh, last.cost + span.cost
            )
        else:
            joined.append(span)
    return joined
