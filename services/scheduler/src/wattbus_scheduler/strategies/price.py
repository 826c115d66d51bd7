"""Charges by the pattern of prices: in the cheap part of each day, whenever the car is there."""

from collections import defaultdict
from datetime import date, datetime

from wattbus_scheduler.allocation import Picker
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.planning import Rules, plan_by
from wattbus_scheduler.selection import KEY_EPSILON, Stretch, earliest
from wattbus_scheduler.situation import Situation, Slot
from wattbus_scheduler.strategies.settings import StrategySettings
from wattbus_scheduler.wording import price_text


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:
    """Plan every slot in the cheapest quantile of its local day, until the target is reached.

    The quantile is weighted by time and taken over all known slots of the day, those that have
    passed included, so that it stays the same as the day goes by. The departure does not matter.
    """
    bounds = _bounds(situation, settings.price_quantile)

    def is_cheap(stretch: Stretch) -> bool:
        bound = bounds[stretch.slot_index]
        price = stretch.price_per_kwh
        return price is not None and bound is not None and price <= bound + KEY_EPSILON

    share = f"{settings.price_quantile:.0%} of the day"

    def why_charging(outlook: Outlook, stretch: Stretch) -> Reason:
        price = price_text(stretch.price_per_kwh or 0.0, outlook.site.currency)
        text = f"charging: {price} is in the cheapest {share}"
        return Reason(ReasonCode.CHARGING_LOW_PRICE, text)

    def why_waiting(outlook: Outlook, stretch: Stretch) -> Reason | None:
        bound = bounds[stretch.slot_index]
        if stretch.price_per_kwh is None or bound is None:
            return Reason(ReasonCode.WAITING_NO_PRICE, "waiting: no price is known here")
        if is_cheap(stretch):
            return None
        currency = outlook.site.currency
        text = (
            f"waiting: {price_text(stretch.price_per_kwh, currency)} is above "
            f"{price_text(bound, currency)}, the cheapest {share}"
        )
        return Reason(ReasonCode.WAITING_HIGH_PRICE, text)

    picker = Picker(
        lambda candidates, need_wh, _: earliest([c for c in candidates if is_cheap(c)], need_wh),
        honours_departure=False,
    )
    return plan_by(Rules("price", picker, why_charging, why_waiting), situation, now)


def _bounds(situation: Situation, quantile: float) -> list[float | None]:
    """Return for each slot the highest price that counts as cheap on its day."""
    days: dict[date, list[Slot]] = defaultdict(list)
    zone = situation.site.time_zone
    dates = [slot.start_at.astimezone(zone).date() for slot in situation.slots]
    for day, slot in zip(dates, situation.slots, strict=True):
        if slot.price_per_kwh is not None:
            days[day].append(slot)
    bound_of_day = {day: _quantile(slots, quantile) for day, slots in days.items()}
    return [bound_of_day.get(day) for day in dates]


def _quantile(slots: list[Slot], quantile: float) -> float:
    wanted_s = quantile * sum(slot.duration_s for slot in slots)
    passed_s = 0.0
    ranked = sorted((slot.price_per_kwh or 0.0, slot.duration_s) for slot in slots)
    for price, duration_s in ranked:
        passed_s += duration_s
        if passed_s >= wanted_s - 1e-6:
            return price
    return ranked[-1][0]
