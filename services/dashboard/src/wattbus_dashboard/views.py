"""What the page shows of a picture, as plain data in one language."""

from dataclasses import dataclass

from wattbus_contract.service import Status
from wattbus_dashboard import formats, panel_views
from wattbus_dashboard.car_view import CarView, WishView, car_view, wish_view
from wattbus_dashboard.panel_views import (
    LeagueRow,
    SavingView,
    SchedulerView,
    ServiceView,
    StrategyChoice,
)
from wattbus_dashboard.picture import Picture, zone_of
from wattbus_dashboard.slots import covering
from wattbus_dashboard.words import Words


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is missing, and what to do."""

    text: str
    remedy: str
    is_alarm: bool


@dataclass(frozen=True, slots=True)
class FigureView:
    """One of the figures at the top; `share` of its bar is 0 to 1, None without a bar."""

    label: str
    value: str
    note: str = ""
    share: float | None = None


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page but for the chart."""

    name: str
    clock: str
    pace: str
    notices: tuple[Notice, ...]
    figures: tuple[FigureView, ...]
    cars: tuple[CarView, ...]
    savings: tuple[SavingView, ...]
    schedulers: tuple[SchedulerView, ...]
    command_note: str
    choice: StrategyChoice
    league: tuple[LeagueRow, ...]
    league_since: str
    services: tuple[ServiceView, ...]
    site_wish: WishView


def page_view(picture: Picture, words: Words, now_s: float) -> PageView:
    """Return what is to be shown now; `now_s` is the monotonic time."""
    zone = zone_of(picture)
    site = picture.site
    is_simulated = site is not None and site.time_scale != 1
    pace = ""
    if site is not None and is_simulated:
        pace = words.simulated.format(seconds=f"{3600 / site.time_scale:g}")
    schedulers = panel_views.schedulers(picture, words)
    has_command = any(scheduler.is_commanding for scheduler in schedulers)
    return PageView(
        name=site.name if site is not None else words.title,
        clock=formats.clock(picture.now, zone, words) if picture.now is not None else "",
        pace=pace,
        notices=tuple(_notices(picture, words)),
        figures=_figures(picture, words),
        cars=tuple(
            car_view(picture, station_id, words, zone, now_s)
            for station_id in sorted(picture.stations)
        ),
        savings=panel_views.savings(picture, words),
        schedulers=schedulers,
        command_note="" if has_command else words.nobody_commands,
        choice=StrategyChoice(
            (picture.plan.strategies or ()) if picture.plan is not None else (), picture.strategy
        ),
        league=panel_views.league(picture, words),
        league_since=words.league_since.format(
            date=formats.date(picture.league.since_at, zone, words)
        )
        if picture.league is not None
        else "",
        services=panel_views.services(picture, words),
        site_wish=wish_view(picture.wishes.get(None), words, now_s),
    )


def _notices(picture: Picture, words: Words) -> list[Notice]:
    """Return what is missing, the cause before its consequences."""
    if not picture.is_connected:
        text = words.missing_broker
        if picture.now is not None:
            text = f"{text} {words.missing_broker_since}"
        return [Notice(text, words.missing_broker_do, is_alarm=True)]
    found = []
    if not _is_up(picture, "station-bridge"):
        found.append(Notice(words.missing_bridge, words.missing_bridge_do, is_alarm=True))
    elif not picture.stations:
        found.append(Notice(words.missing_stations, words.missing_stations_do, is_alarm=True))
    if picture.site is not None and (picture.price is None or not picture.price.slots):
        found.append(Notice(words.missing_price, words.missing_price_do, is_alarm=False))
    if not _is_up(picture, "scheduler"):
        found.append(Notice(words.missing_scheduler, words.missing_scheduler_do, is_alarm=True))
    elif picture.site is not None and picture.plan is None:
        found.append(Notice(words.missing_plan, words.missing_plan_do, is_alarm=False))
    if not _is_up(picture, "logger"):
        found.append(Notice(words.missing_logger, words.missing_logger_do, is_alarm=False))
    return found


def _is_up(picture: Picture, user: str) -> bool:
    return any(
        name == user and status.status is Status.UP
        for (name, _), status in picture.services.items()
    )


def _figures(picture: Picture, words: Words) -> tuple[FigureView, ...]:
    household = picture.household
    house_w = household.house_load_w if household is not None else None
    stations_w = household.stations_power_w if household is not None else None
    solar_w = household.pv_power_w if household is not None else None
    roof = () if solar_w is None else (FigureView(words.chart_solar, _power(solar_w, words)),)
    return (
        FigureView(words.price_now, _price_now(picture, words)),
        FigureView(words.chargers, _power(stations_w, words)),
        FigureView(words.house, _power(house_w, words)),
        *roof,
        _fuse(picture, words),
    )


def _power(power_w: float | None, words: Words) -> str:
    return formats.power(power_w, words) if power_w is not None else formats.NOTHING


def _price_now(picture: Picture, words: Words) -> str:
    if picture.price is None or picture.now is None:
        return formats.NOTHING
    slot = covering(picture.price.slots, picture.now)
    return (
        formats.price(slot.price_per_kwh, picture.price.currency, words)
        if slot
        else formats.NOTHING
    )


def _fuse(picture: Picture, words: Words) -> FigureView:
    if picture.site is None or picture.household is None:
        return FigureView(words.main_fuse, formats.NOTHING)
    used_w, fuse_w = picture.household.site_power_w, picture.site.max_power_w
    share = min(1.0, max(0.0, used_w / fuse_w)) if fuse_w > 0 else 0.0
    return FigureView(
        words.main_fuse,
        formats.percent(float(round(100 * share)), words),
        words.fuse_of.format(used=formats.power(used_w, words), fuse=formats.power(fuse_w, words)),
        share,
    )
