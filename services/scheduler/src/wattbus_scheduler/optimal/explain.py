"""Says of every stretch of a joint plan why the car charges in it, or why it does not."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from wattbus_contract.money import cost_text
from wattbus_scheduler.optimal.problem import Floats
from wattbus_scheduler.outlook import Block, Outlook, instant
from wattbus_scheduler.plan import Reason, ReasonCode
from wattbus_scheduler.selection import KEY_EPSILON, Stretch
from wattbus_scheduler.wording import price_text, span_text

OTHER_CARS = "other cars"
LEAST_FROM_ROOF = 0.05
"""Less than that part from the roof is not worth a word."""


class Ranked:
    """The pieces' prices, and their order from the cheapest to those without a price."""

    def __init__(self, prices: Floats) -> None:
        self.prices, unknown = prices, np.isnan(prices)
        self.is_all_known = not unknown.any()
        self.known = np.where(unknown, 0.0, prices)
        self.order = np.argsort(np.where(unknown, np.inf, prices), kind="stable")


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What else a car could do: the dearest price that it needs, and what charging at once costs.

    `marginal_price` is that of the last kWh if the car were alone; None where it is short anyway.
    `extra_at_once` is what charging on arrival would cost more; None if the plan holds less
    energy than that would. `counting` names what counts beside the price: other cars, emissions.
    """

    marginal_price: float | None
    extra_at_once: float | None
    at_once_text: str
    counting: str = ""


NO_OTHER = Alternatives(None, None, "")


def alternatives(
    ranked: Ranked, offered_kwh: Floats, plan_cost: Floats, plan_kwh: Floats, currency: str
) -> list[Alternatives]:
    """Return the alternatives of cars that are offered so much energy, piece by piece, alone."""
    prices, order = ranked.prices, ranked.order
    reached = np.cumsum(offered_kwh[:, order], axis=1) < plan_kwh[:, None] - 1e-6
    # Beyond the last piece the car is short; without a price nothing is dearer.
    dearest = np.append(np.nan_to_num(prices[order], nan=np.inf), np.nan)
    marginal = dearest[reached.sum(axis=1)]
    before = np.cumsum(offered_kwh, axis=1) - offered_kwh
    taken = np.clip(plan_kwh[:, None] - before, 0.0, offered_kwh)
    is_told = taken.sum(axis=1) >= plan_kwh - 1e-3
    if not ranked.is_all_known:
        is_told &= ~(taken[:, np.isnan(prices)] > 0).any(axis=1)
    extra = taken @ ranked.known - plan_cost
    return [
        Alternatives(
            None if np.isnan(last) else last,
            more if is_known else None,
            _at_once_text(more, currency) if is_known else "",
        )
        for last, more, is_known in zip(
            marginal.tolist(), extra.tolist(), is_told.tolist(), strict=True
        )
    ]


def _at_once_text(extra: float, currency: str) -> str:
    if abs(extra) < 5e-3:
        return "; at once would cost the same"
    # Alone it could cost less; beside the other cars it could not.
    return f"; at once would cost {cost_text(extra, currency)} more" if extra > 0 else ""


def counting(outlook: Outlook, charging_cars: int) -> str:
    """Return what counts beside the price and the number of starts, as words; "" for nothing."""
    car, site = outlook.car, outlook.site
    wears = car.high_soc_price_per_kwh_h > 0 or car.high_power_price_per_kwh > 0
    kinds = [
        name
        for name, counts in (
            (OTHER_CARS, charging_cars > 1),
            ("emissions", site.co2_price_per_kg > 0),
            ("the month's peak", site.peak_price_per_kw > 0),
            ("the battery's wear", wears),
        )
        if counts
    ]
    return ", ".join(kinds)


def why_charging(
    outlook: Outlook, stretch: Stretch, other: Alternatives, from_roof: float
) -> Reason:
    """Return why a car charges in a stretch of its plan, of which the roof gives a part."""
    price = stretch.price_per_kwh
    if price is None:
        text = f"charging: no price is known, and the time is needed{outlook.deadline_text}"
        return Reason(ReasonCode.CHARGING_CHEAPEST, text)
    shown = price_text(price, outlook.site.currency)
    if from_roof > LEAST_FROM_ROOF:
        percent = round(100 * from_roof)
        text = f"charging: {percent} % from the roof, so that it costs {shown}"
        if percent >= 100:
            text = f"charging: from the roof, selling it would bring {shown}"
        return Reason(ReasonCode.CHARGING_CHEAPEST, text + other.at_once_text)
    if other.marginal_price is None or price <= other.marginal_price + KEY_EPSILON:
        text = f"charging: {shown} is among the cheapest{outlook.deadline_text}"
        return Reason(ReasonCode.CHARGING_CHEAPEST, text + other.at_once_text)
    block = next(b for b in outlook.blocks if b.start_s <= stretch.start_s < b.end_s)
    is_inside = block.price_per_kwh is not None and block.price_per_kwh < price - KEY_EPSILON
    if is_inside:
        when = _when(outlook, block)
        mean = price_text(block.price_per_kwh or 0.0, outlook.site.currency)
        text = f"charging: on at {shown} without a break, {when} costs {mean} in all"
        return Reason(ReasonCode.CHARGING_ON, text + other.at_once_text)
    text = f"charging: {shown}, so that there are fewer starts"
    if other.counting == OTHER_CARS:
        text = f"charging: {shown}, as the cheaper times are shared with other cars"
    elif other.counting:
        text = f"charging: {shown}, weighed with more than the price: {other.counting}"
    return Reason(ReasonCode.CHARGING_LEFT_OVER, text + other.at_once_text)


def why_waiting(outlook: Outlook, stretch: Stretch) -> Reason | None:
    """Return why a car waits that could charge; None if the fuse is what keeps it."""
    after = outlook.next_block(stretch.start_s)
    block = after if after is not None else (outlook.blocks[-1] if outlook.blocks else None)
    if block is None:
        return None
    when = _when(outlook, block)
    is_later = after is not None
    if stretch.price_per_kwh is None or block.price_per_kwh is None:
        text = f"waiting: no price is known here; charging is planned {when}"
        return Reason(ReasonCode.WAITING_NO_PRICE, text) if is_later else None
    saving = stretch.price_per_kwh - block.price_per_kwh
    if saving > KEY_EPSILON:
        text = f"waiting: {when} is {price_text(saving, outlook.site.currency)} cheaper"
        return Reason(ReasonCode.WAITING_CHEAPER, text)
    return None


def why_calm(outlook: Outlook, stretch: Stretch, other: Alternatives) -> Reason:
    """Return why a car waits although the price is low and the fuse has room."""
    after = outlook.next_block(stretch.start_s)
    if after is None:
        return Reason(ReasonCode.WAITING_FEWER_STARTS, "waiting: nothing more is planned")
    when = _when(outlook, after)
    text = f"waiting: {when} needs fewer starts"
    if other.counting == OTHER_CARS:
        text = f"waiting: {when} fits better with the other cars and needs fewer starts"
    elif other.counting:
        text = f"waiting: {when} is better, weighed with more than the price: {other.counting}"
    return Reason(ReasonCode.WAITING_FEWER_STARTS, text)


def _when(outlook: Outlook, block: Block) -> str:
    return _span(block.start_s, block.end_s, outlook.now, outlook.zone)


@lru_cache(maxsize=1024)
def _span(start_s: float, end_s: float, now: datetime, zone: ZoneInfo) -> str:
    """Return `22:00 to 24:00`; every slot that waits for a block names the same one."""
    return span_text(instant(start_s), instant(end_s), now, zone)
