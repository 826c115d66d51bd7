"""Charges in the cheapest feasible slots before departure, and only as long as needed."""

from datetime import datetime

from wattbus_scheduler.allocation import Picker
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.planning import Rules, plan_by
from wattbus_scheduler.selection import KEY_EPSILON, Stretch, lowest_first
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies.settings import StrategySettings
from wattbus_scheduler.wording import price_text

UNKNOWN_PRICE_PER_KWH = 1e6
"""Slots without a price are used last of all, but before a car leaves without its energy."""


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:  # noqa: ARG001 - every strategy has this signature
    """Plan the least cost at which each car has its target at departure.

    For one car this is the exact optimum. A slot is used in part where that is enough; among equal
    prices the fewest starts win, then the earliest. Cars that share the headroom are planned one
    after the other, least slack first, and other orders are tried where that leaves one dearer or
    short. Energy that cannot arrive in time is stated as the shortfall.
    """
    picker = Picker(
        lambda candidates, need_wh, touching: lowest_first(candidates, need_wh, touching, _price),
        honours_departure=True,
        badness=_price,
    )
    return plan_by(Rules("cheapest", picker, _why_charging, _why_waiting), situation, now)


def _price(stretch: Stretch) -> float:
    return UNKNOWN_PRICE_PER_KWH if stretch.price_per_kwh is None else stretch.price_per_kwh


def _why_charging(outlook: Outlook, stretch: Stretch) -> Reason:
    deadline = outlook.deadline_text
    if stretch.price_per_kwh is None:
        text = f"charging: no price is known, and the time is needed{deadline}"
    else:
        price = price_text(stretch.price_per_kwh, outlook.site.currency)
        text = f"charging: {price} is among the cheapest {outlook.time_needed_text}{deadline}"
    return Reason(ReasonCode.CHARGING_CHEAPEST, text)


def _why_waiting(outlook: Outlook, stretch: Stretch) -> Reason | None:
    later = outlook.next_block(stretch.start_s)
    if later is None:
        return None
    when = outlook.block_text(later)
    if stretch.price_per_kwh is None or later.price_per_kwh is None:
        text = f"waiting: no price is known here; charging is planned from {when}"
        return Reason(ReasonCode.WAITING_NO_PRICE, text)
    saving = stretch.price_per_kwh - later.price_per_kwh
    if saving < -KEY_EPSILON:
        return None
    if saving <= KEY_EPSILON:
        text = f"waiting: {when} costs the same, with fewer starts"
    else:
        text = f"waiting: {when} is {price_text(saving, outlook.site.currency)} cheaper"
    return Reason(ReasonCode.WAITING_CHEAPER, text)
