"""The strategies by name; each is one module with a pure `plan(situation, now, settings)`."""

from collections.abc import Callable
from datetime import datetime

from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies import (
    at_once,
    cheapest,
    load,
    optimal,
    price,
    threshold,
)
from wattbus_scheduler.strategies.settings import StrategySettings

Strategy = Callable[[Situation, datetime, StrategySettings], Plan]

STRATEGIES: dict[str, Strategy] = {
    "cheapest": cheapest.plan,
    "load": load.plan,
    "now": at_once.plan,
    "optimal": optimal.plan,
    "price": price.plan,
    "threshold": threshold.plan,
}
"""All strategies; `now` charges on arrival and is what the others are compared with."""


def strategy_named(name: str) -> Strategy:
    """Return a strategy; ValueError naming the known ones for a name that is none of them."""
    try:
        return STRATEGIES[name]
    except KeyError:
        known = ", ".join(sorted(STRATEGIES))
        raise ValueError(f"strategy {name!r} is unknown; it must be one of {known}") from None


__all__ = ["STRATEGIES", "Strategy", "StrategySettings", "strategy_named"]
