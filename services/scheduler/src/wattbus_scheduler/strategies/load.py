"""Charges when the house uses least: the feasible slots of lowest house load before departure."""

from datetime import datetime

from wattbus_scheduler.allocation import Picker
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.planning import Rules, plan_by
from wattbus_scheduler.selection import Stretch, lowest_first
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies.settings import StrategySettings
from wattbus_scheduler.wording import power_text


def plan(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:  # noqa: ARG001 - every strategy has this signature
    """Plan the lowest house load at which each car has its target at departure.

    Charging whenever it fits under the fuse would be charging at once; this strategy instead fills
    the valleys of the house's load, which keeps the peak at the main fuse low. Price does not
    matter. Otherwise as `cheapest`, with the house load in the place of the price.
    """
    picker = Picker(
        lambda candidates, need_wh, touching: lowest_first(candidates, need_wh, touching, _load),
        honours_departure=True,
        badness=_load,
    )
    return plan_by(Rules("load", picker, _why_charging, _why_waiting), situation, now)


def _load(stretch: Stretch) -> float:
    return stretch.house_load_w


def _why_charging(outlook: Outlook, stretch: Stretch) -> Reason:
    text = (
        f"charging: house load {power_text(stretch.house_load_w)} is among the lowest "
        f"{outlook.time_needed_text}{outlook.deadline_text}"
    )
    return Reason(ReasonCode.CHARGING_LOWEST_LOAD, text)


def _why_waiting(outlook: Outlook, stretch: Stretch) -> Reason | None:
    later = outlook.next_block(stretch.start_s)
    if later is None or later.house_load_w > stretch.house_load_w:
        return None
    less = power_text(stretch.house_load_w - later.house_load_w)
    text = f"waiting: the house uses {less} less from {outlook.block_text(later)}"
    return Reason(ReasonCode.WAITING_LOWER_LOAD, text)
