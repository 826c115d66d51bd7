"""What the page shows of a picture, as plain data in one language."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattbus_contract.accounts import ReportPeriod
from wattbus_contract.control import Plan
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_dashboard import formats
from wattbus_dashboard.car_view import CarView, WishView, car_view, wish_view
from wattbus_dashboard.picture import Picture
from wattbus_dashboard.slots import covering
from wattbus_dashboard.words import Words

EXPECTED = ("station-bridge", "scheduler", "logger")


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
class ServiceView:
    """One service; `tone` is `good`, `bad` or `silent`."""

    name: str
    state: str
    tone: str
    version: str
    detail: str


@dataclass(frozen=True, slots=True)
class SchedulerView:
    """One scheduler with its plan."""

    instance: str
    role: str
    is_commanding: bool
    strategy: str
    expected_cost: str


@dataclass(frozen=True, slots=True)
class SavingView:
    """What one period has saved, all stations together."""

    label: str
    saving: str
    note: str


@dataclass(frozen=True, slots=True)
class LeagueRow:
    """One scheduler's place."""

    instance: str
    strategy: str
    is_commanding: bool
    energy: str
    cost: str
    shortfall: str


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """What can be chosen; `chosen` is empty where the scheduler decides itself."""

    names: tuple[str, ...]
    chosen: str


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


def zone_of(picture: Picture) -> ZoneInfo:
    """Return the site's time zone, UTC before it is known."""
    try:
        return ZoneInfo(picture.site.time_zone if picture.site is not None else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def currency_of(picture: Picture) -> str:
    """Return the site's currency, SEK before it is known."""
    return picture.site.currency if picture.site is not None else "SEK"


def page_view(picture: Picture, words: Words, now_s: float) -> PageView:
    """Return what is to be shown now; `now_s` is the monotonic time."""
    zone = zone_of(picture)
    site = picture.site
    is_simulated = site is not None and site.time_scale != 1
    pace = ""
    if site is not None and is_simulated:
        pace = words.simulated.format(seconds=f"{3600 / site.time_scale:g}")
    schedulers = _schedulers(picture, words)
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
        savings=_savings(picture, words),
        schedulers=schedulers,
        command_note="" if has_command else words.nobody_commands,
        choice=StrategyChoice(
            (picture.plan.strategies or ()) if picture.plan is not None else (), picture.strategy
        ),
        league=_league(picture, words),
        league_since=words.league_since.format(
            date=formats.date(picture.league.since_at, zone, words)
        )
        if picture.league is not None
        else "",
        services=_services(picture, words),
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
    house_w, stations_w = None, None
    if picture.household is not None:
        house_w = picture.household.house_load_w
        stations_w = picture.household.stations_power_w
    return (
        FigureView(words.price_now, _price_now(picture, words)),
        FigureView(
            words.chargers, formats.power(stations_w, words) if stations_w is not None else DASH
        ),
        FigureView(words.house, formats.power(house_w, words) if house_w is not None else DASH),
        _fuse(picture, words),
    )


DASH = "\N{EN DASH}"


def _price_now(picture: Picture, words: Words) -> str:
    if picture.price is None or picture.now is None:
        return DASH
    slot = covering(picture.price.slots, picture.now)
    return formats.price(slot.price_per_kwh, picture.price.currency, words) if slot else DASH


def _fuse(picture: Picture, words: Words) -> FigureView:
    if picture.site is None or picture.household is None:
        return FigureView(words.main_fuse, DASH)
    used_w, fuse_w = picture.household.site_power_w, picture.site.max_power_w
    share = min(1.0, max(0.0, used_w / fuse_w)) if fuse_w > 0 else 0.0
    return FigureView(
        words.main_fuse,
        formats.percent(float(round(100 * share)), words),
        words.fuse_of.format(used=formats.power(used_w, words), fuse=formats.power(fuse_w, words)),
        share,
    )


def _schedulers(picture: Picture, words: Words) -> tuple[SchedulerView, ...]:
    holder = picture.lease.holder if picture.lease is not None else None
    plans: dict[str, Plan] = {client: plan for client, (_, plan) in picture.shadows.items()}
    if picture.plan is not None and (holder is None or picture.plan.instance == holder):
        plans[picture.plan.instance] = picture.plan
    ups = {
        client
        for (user, client), status in picture.services.items()
        if user == "scheduler" and status.status is Status.UP
    }
    names = sorted(ups | ({holder} if holder else set()), key=lambda name: (name != holder, name))
    currency = currency_of(picture)
    found = []
    for name in names:
        plan = plans.get(name)
        is_commanding = name == holder
        found.append(
            SchedulerView(
                instance=name,
                role=words.commands if is_commanding else words.shadow,
                is_commanding=is_commanding,
                strategy=plan.strategy if plan is not None else DASH,
                expected_cost=formats.cost(plan.expected_cost, currency, words)
                if plan is not None
                else DASH,
            )
        )
    return tuple(found)


def _savings(picture: Picture, words: Words) -> tuple[SavingView, ...]:
    report = picture.report
    if report is None:
        return ()
    rows = (
        (words.saving_session, [station.session for station in report.stations]),
        (words.saving_month, [station.month for station in report.stations]),
        (words.saving_year, [station.year for station in report.stations]),
    )
    found = []
    for label, periods in rows:
        known = [period for period in periods if period is not None]
        if known:
            found.append(_saving(label, known, report.currency, words))
    return tuple(found)


def _saving(label: str, periods: list[ReportPeriod], currency: str, words: Words) -> SavingView:
    return SavingView(
        label,
        formats.cost(sum(period.saving for period in periods), currency, words),
        words.saving_of.format(
            energy=formats.energy(sum(period.energy_wh for period in periods), words),
            cost=formats.cost(sum(period.cost for period in periods), currency, words),
            reference=formats.cost(
                sum(period.reference_cost for period in periods), currency, words
            ),
        ),
    )


def _league(picture: Picture, words: Words) -> tuple[LeagueRow, ...]:
    """Return the schedulers, who has left least undone first, then who was cheapest."""
    if picture.league is None:
        return ()
    currency = picture.league.currency
    entries = sorted(
        picture.league.entries, key=lambda entry: (round(entry.shortfall_wh, -1), entry.cost)
    )
    return tuple(
        LeagueRow(
            entry.instance,
            entry.strategy,
            entry.is_commanding,
            formats.energy(entry.energy_wh, words),
            formats.cost(entry.cost, currency, words),
            formats.energy(entry.shortfall_wh, words),
        )
        for entry in entries
    )


def _services(picture: Picture, words: Words) -> tuple[ServiceView, ...]:
    heard = {user for user, _ in picture.services}
    absent = [
        ServiceView(name, words.missing, "silent", "", "") for name in EXPECTED if name not in heard
    ]
    known = [
        _service(user, client, status, words)
        for (user, client), status in sorted(picture.services.items())
    ]
    return tuple(sorted([*absent, *known], key=lambda service: service.name))


def _service(user: str, client: str, status: ServiceStatus, words: Words) -> ServiceView:
    name = user if user == client else f"{user} ({client})"
    if status.status is Status.DOWN:
        state, tone = words.down, "bad"
    elif status.health is Health.DEGRADED:
        state, tone = words.degraded, "bad"
    else:
        state, tone = words.up, "good"
    return ServiceView(name, state, tone, status.version, status.detail)
