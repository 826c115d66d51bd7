"""What people would want to know of right now, each with a key that names the occurrence: pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from zoneinfo import ZoneInfo

from wattbus_contract.facts import Mode, SiteInfo
from wattbus_contract.forecasts import PriceForecast, PriceSlot
from wattbus_notifier.facts import Facts, Station
from wattbus_notifier.settings import NotifierSettings
from wattbus_notifier.wording import Wording


class Urgency(StrEnum):
    """How a message is marked where the receiver shows it; the words are Apprise's."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"


@dataclass(frozen=True)
class Notice:
    """One message; `is_state` where the occurrence is a state, which may flicker."""

    title: str
    text: str
    urgency: Urgency
    is_state: bool = False


def occurrences(facts: Facts, settings: NotifierSettings) -> dict[str, Notice]:
    """Return all that holds by key; nothing before the site is known.

    A key is the same as long as it is the same occurrence: the fail-safe limit while it lasts, a
    missing charge for one departure, low prices for one day.
    """
    if facts.site is None:
        return {}
    site = facts.site
    words = Wording(settings.language, ZoneInfo(site.time_zone), site.currency, facts.now)
    found: dict[str, Notice] = {}
    if settings.tells_offline and facts.is_bridge_down:
        found["offline"] = Notice(*words.bridge_down(site.name), Urgency.WARNING, is_state=True)
    for name in site.stations:
        station = facts.stations.get(name)
        if station is not None:
            found.update(_of_station(facts, settings, words, name, station))
    if settings.tells_low_price and facts.price is not None and facts.now is not None:
        found.update(_low_prices(site, facts.price, facts.now, settings, words))
    return found


def _of_station(
    facts: Facts, settings: NotifierSettings, words: Wording, name: str, station: Station
) -> Iterator[tuple[str, Notice]]:
    shown = (station.info.name if station.info is not None else "") or name
    state = station.state
    if state is None:
        return
    # Without the bridge nothing new is heard of its stations.
    if settings.tells_offline and not state.is_reachable and not facts.is_bridge_down:
        yield f"offline/{name}", Notice(*words.offline(shown), Urgency.WARNING, is_state=True)
    if settings.tells_failsafe and state.is_failsafe and state.is_reachable:
        limit_w = station.info.failsafe_limit_w if station.info is not None else 0.0
        notice = Notice(*words.failsafe(shown, limit_w), Urgency.WARNING, is_state=True)
        yield f"failsafe/{name}", notice
    if settings.tells_finished and station.finished_at is not None:
        key = f"finished/{name}/{station.finished_at:%Y-%m-%dT%H:%M:%S}"
        yield key, Notice(*words.finished(shown, state.soc_percent), Urgency.SUCCESS)
    plan, goal = facts.station_plan(name), station.goal
    if (
        settings.tells_shortfall
        and plan is not None
        and plan.shortfall_wh > settings.shortfall_wh
        and goal is not None
        and goal.mode is not Mode.OFF
        and goal.departure_at is not None
        and state.is_plugged_in
    ):
        text = words.shortfall(shown, plan.target_soc_percent, goal.departure_at, plan.shortfall_wh)
        key = f"shortfall/{name}/{goal.departure_at:%Y-%m-%dT%H:%M}"
        yield key, Notice(*text, Urgency.WARNING, is_state=True)


def _low_prices(
    site: SiteInfo,
    price: PriceForecast,
    now: datetime,
    settings: NotifierSettings,
    words: Wording,
) -> dict[str, Notice]:
    """Return one notice for each day of the site's calendar that has low prices ahead."""
    limit = low_price_limit(price, settings)
    zone = ZoneInfo(site.time_zone)
    found: dict[str, Notice] = {}
    for block in low_blocks(price, limit):
        start_at, end_at = block[0].start_at, _end(block[-1])
        if end_at <= now:
            continue
        key = f"low-price/{start_at.astimezone(zone):%Y-%m-%d}"
        if key not in found:
            lowest = min(slot.price_per_kwh for slot in block)
            found[key] = Notice(*words.low_price(lowest, start_at, end_at), Urgency.INFO)
    return found


def low_price_limit(price: PriceForecast, settings: NotifierSettings) -> float:
    """Return up to which price per kWh electricity is extraordinarily cheap.

    That is the setting, or else a share of the median of all known prices, but never below zero.
    """
    if settings.low_price_per_kwh is not None:
        return settings.low_price_per_kwh
    if not price.slots:
        return 0.0
    usual = median(slot.price_per_kwh for slot in price.slots)
    return max(0.0, settings.low_price_share * usual)


def low_blocks(price: PriceForecast, limit: float) -> list[list[PriceSlot]]:
    """Return the stretches of adjoining slots whose price is at most the limit."""
    blocks: list[list[PriceSlot]] = []
    for slot in price.slots:
        if slot.price_per_kwh > limit:
            continue
        if blocks and _end(blocks[-1][-1]) == slot.start_at:
            blocks[-1].append(slot)
        else:
            blocks.append([slot])
    return blocks


def _end(slot: PriceSlot) -> datetime:
    return slot.start_at + timedelta(seconds=slot.duration_s)
