"""Charges on arrival as fast as the fuse allows: what happens without any planning."""

from datetime import datetime

from wattbus_scheduler.allocation import Picker
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.planning import Rules, plan_by
from wattbus_scheduler.selection import Stretch, earliest
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies.settings import StrategySettings


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:  # noqa: ARG001 - every strategy has this signature
    """Plan every car at once; price and departure do not matter."""
    picker = Picker(lambda candidates, need_wh, _: earliest(candidates, need_wh), False)
    return plan_by(Rules("now", picker, _why_charging, _why_waiting), situation, now)


def _why_charging(_outlook: Outlook, _stretch: Stretch) -> Reason:
    return Reason(ReasonCode.CHARGING_NOW, "charging: at once, as the strategy now says")


def _why_waiting(_outlook: Outlook, _stretch: Stretch) -> Reason | None:
    return None
