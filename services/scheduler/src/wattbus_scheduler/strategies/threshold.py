"""Charges whenever the price is below a fixed threshold and the fuse has room."""

from datetime import datetime

from wattbus_scheduler.allocation import Picker
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.planning import Rules, plan_by
from wattbus_scheduler.selection import Stretch, earliest
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies.settings import StrategySettings
from wattbus_scheduler.wording import price_text


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:
    """Plan every slot that is cheaper than the threshold, until the target is reached.

    The departure does not matter: a car may leave short of its target, which the plan states.
    """
    threshold = settings.price_threshold_per_kwh

    def is_cheap(stretch: Stretch) -> bool:
        return stretch.price_per_kwh is not None and stretch.price_per_kwh < threshold

    def why_charging(outlook: Outlook, stretch: Stretch) -> Reason:
        price, limit = _prices(outlook, stretch, threshold)
        return Reason(ReasonCode.CHARGING_BELOW_THRESHOLD, f"charging: {price} is below {limit}")

    def why_waiting(outlook: Outlook, stretch: Stretch) -> Reason | None:
        if stretch.price_per_kwh is None:
            return Reason(ReasonCode.WAITING_NO_PRICE, "waiting: no price is known here")
        if is_cheap(stretch):
            return None
        price, limit = _prices(outlook, stretch, threshold)
        return Reason(ReasonCode.WAITING_ABOVE_THRESHOLD, f"waiting: {price} is not below {limit}")

    picker = Picker(
        lambda candidates, need_wh, _: earliest([c for c in candidates if is_cheap(c)], need_wh),
        honours_departure=False,
    )
    return plan_by(Rules("threshold", picker, why_charging, why_waiting), situation, now)


def _prices(outlook: Outlook, stretch: Stretch, threshold: float) -> tuple[str, str]:
    currency = outlook.site.currency
    return price_text(stretch.price_per_kwh or 0.0, currency), price_text(threshold, currency)
