"""Plans all cars jointly: the least cost, proven by a bound, with as few starts as that allows."""

from datetime import datetime

from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies.settings import StrategySettings


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:
    """Plan the least cost of all cars together at which each has its target at departure.

    Energy that cannot arrive in time is as little as can be. Starts, weighted by their price, are
    few; the plan holds a lower bound of what any plan costs that delivers as much.
    """
    # NumPy and HiGHS take 40 MiB, which only those pay who plan with them.
    from wattbus_scheduler.optimal.strategy import plan_jointly  # noqa: PLC0415

    return plan_jointly(situation, now, settings)
