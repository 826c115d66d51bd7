"""Adds up what strategies made of the sessions: costs, what was missing, what was saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattbus_scheduler.backtest.running import HINDSIGHT, Outcome
from wattbus_scheduler.backtest.stays import Played
from wattbus_scheduler.backtest.world import World

AT_ONCE = "now"
SHORT_WH = 100.0
"""A car that lacks less at departure is not counted as short."""


@dataclass(frozen=True, slots=True)
class Line:
    """One strategy's sums. `made_good` is the cost with what was missing bought at once.

    `saved` is its share of the cost of charging at once, `reached` the part of what could have been
    saved at most; None where that is nothing.
    """

    strategy: str
    sessions: int
    energy_wh: float
    missing_wh: float
    short: int
    cost: float
    made_good: float
    starts: int
    saved: float | None
    reached: float | None
    seconds: float

    @property
    def cost_per_kwh(self) -> float | None:
        """Mean price paid, in the site's currency per kWh."""
        return self.cost / self.energy_wh * 1000 if self.energy_wh > 0 else None


@dataclass(frozen=True, slots=True)
class Summary:
    """The league of one tariff: hindsight first, at once last, the others by made-good cost."""

    tariff: str
    lines: tuple[Line, ...]
    months: dict[str, dict[str, float]]
    """Made-good cost by strategy and month (such as 2024-01)."""


def made_good(played: Played, at_once_price: float) -> float:
    """Return the cost of a session with what was missing bought at a price per kWh."""
    return played.cost + played.missing_wh / 1000 * at_once_price


def at_once_prices(world: World, at_once: Outcome) -> list[float]:
    """Return for each session what a kWh costs if charged at once; the stay's mean if nothing."""
    prices = []
    for session, played in zip(world.sessions, at_once.played, strict=True):
        if played.energy_wh > 0:
            prices.append(played.cost / played.energy_wh * 1000)
            continue
        timeline = world.timeline
        first, last = (
            timeline.index_at(session.arrival_s),
            timeline.index_at(session.departure_s - 2e-3),
        )
        stay = [price or 0.0 for price in timeline.prices_per_kwh[first : last + 1]]
        prices.append(sum(stay) / len(stay))
    return prices


def summarise(tariff: str, world: World, outcomes: Sequence[Outcome]) -> Summary:
    """Return the sums; `outcomes` hold hindsight and charging at once among them."""
    at_once = next(outcome for outcome in outcomes if outcome.strategy == AT_ONCE)
    best = next(outcome for outcome in outcomes if outcome.strategy == HINDSIGHT)
    prices = at_once_prices(world, at_once)
    dearest, least = _total(at_once, prices), _total(best, prices)
    lines = [_line(outcome, prices, dearest, least) for outcome in outcomes]
    lines.sort(key=lambda line: (_rank(line.strategy), line.made_good))
    months = {line.strategy: dict[str, float]() for line in lines}
    for outcome in outcomes:
        sums = months[outcome.strategy]
        for session, played, price in zip(world.sessions, outcome.played, prices, strict=True):
            month = f"{datetime.fromtimestamp(session.arrival_s, world.timeline.zone):%Y-%m}"
            sums[month] = sums.get(month, 0.0) + made_good(played, price)
    return Summary(tariff, tuple(lines), months)


def _total(outcome: Outcome, prices: Sequence[float]) -> float:
    return sum(made_good(one, price) for one, price in zip(outcome.played, prices, strict=True))


def _rank(strategy: str) -> int:
    return {HINDSIGHT: 0, AT_ONCE: 2}.get(strategy, 1)


def _line(outcome: Outcome, prices: Sequence[float], dearest: float, least: float) -> Line:
    played, whole = outcome.played, _total(outcome, prices)
    is_at_once = outcome.strategy == AT_ONCE
    return Line(
        strategy=outcome.strategy,
        sessions=len(played),
        energy_wh=sum(one.energy_wh for one in played),
        missing_wh=sum(one.missing_wh for one in played),
        short=sum(one.missing_wh >= SHORT_WH for one in played),
        cost=sum(one.cost for one in played),
        made_good=whole,
        starts=sum(one.starts for one in played),
        saved=None if is_at_once or not dearest else (dearest - whole) / abs(dearest),
        reached=None
        if is_at_once or dearest - least < 1e-9
        else (dearest - whole) / (dearest - least),
        seconds=outcome.seconds,
    )
