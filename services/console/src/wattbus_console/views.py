"""What is shown of a picture, as plain data: sentences and numbers ready to be laid out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_console.picture import Picture, Station
from wattbus_console.tally import price_at
from wattbus_contract.control import PlanSlot
from wattbus_contract.facts import Mode
from wattbus_contract.money import cost_text, price_text

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class CarView:
    """One station with its car. Texts hold their units; `…_percent` is 0 to 100."""

    station: str
    title: str
    status: str
    is_charging: bool
    is_alarming: bool
    soc_percent: float | None
    start_soc_percent: float | None
    target_percent: float | None
    progress: float
    departure: str
    power_w: float
    max_power_w: float | None
    energy: str
    cost: str
    planned: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteView:
    """The site as a whole."""

    name: str
    clock: str
    strategy: str
    pace: str
    price: str
    house_w: float | None
    stations_w: float
    fuse_w: float | None
    cars: tuple[CarView, ...]


def plain(text: str) -> str:
    """Return what others have said as one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def zone_of(picture: Picture) -> ZoneInfo:
    """Return the site's time zone, UTC before it is known."""
    return ZoneInfo(picture.site.time_zone if picture.site is not None else "UTC")


def currency_of(picture: Picture) -> str:
    """Return the site's currency, SEK before it is known."""
    return picture.site.currency if picture.site is not None else "SEK"


def to_minute(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time at the nearest minute."""
    return (instant + timedelta(seconds=30)).astimezone(zone).replace(second=0, microsecond=0)


def clock_text(instant: datetime, zone: ZoneInfo) -> str:
    """Return `Wed 15 Jan 22:14`."""
    return f"{instant.astimezone(zone):%a %d %b %H:%M}"


def kw(power_w: float) -> str:
    """Return `7.40 kW`."""
    return f"{power_w / 1000:.2f} kW"


def kwh(energy_wh: float) -> str:
    """Return `12.98 kWh`."""
    return f"{energy_wh / 1000:.2f} kWh"


def site_view(picture: Picture) -> SiteView:
    """Return what is to be shown now."""
    zone, currency, now = zone_of(picture), currency_of(picture), picture.now
    price = None
    if picture.price is not None and now is not None:
        price = price_at(picture.price.slots, now)
    scale = picture.site.time_scale if picture.site is not None else 1.0
    house_w, stations_w = _loads(picture)
    return SiteView(
        name=plain(picture.site.name) if picture.site is not None else NOTHING,
        clock=clock_text(now, zone) if now is not None else "no meter value yet",
        strategy=plain(picture.plan.strategy) if picture.plan is not None else NOTHING,
        pace="real time" if scale == 1 else f"an hour in {3600 / scale:g} s",
        price=price_text(price, currency) if price is not None else NOTHING,
        house_w=house_w,
        stations_w=stations_w,
        fuse_w=picture.site.max_power_w if picture.site is not None else None,
        cars=tuple(car_view(picture, station_id) for station_id in sorted(picture.stations)),
    )


def _loads(picture: Picture) -> tuple[float | None, float]:
    """House and chargers of one moment: from one message, so that their sum is true."""
    stations = picture.stations.values()
    readings = [station.reading for station in stations if station.reading is not None]
    if len(readings) == 1 and readings[0].house_load_w is not None:
        return readings[0].house_load_w, readings[0].power_active_import_w
    if picture.household is not None:
        return picture.household.house_load_w, picture.household.stations_power_w
    return None, sum(reading.power_active_import_w for reading in readings)


def car_view(picture: Picture, station_id: str) -> CarView:
    """Return one station's part."""
    station = picture.stations[station_id]
    zone, currency = zone_of(picture), currency_of(picture)
    reading, tally, goal = station.reading, station.tally, station.goal
    info = station.info
    power_w = reading.power_active_import_w if reading is not None else 0.0
    target = goal.target_soc_percent if goal is not None else None
    start = tally.start_soc_percent if tally is not None else None
    soc = reading.soc_percent if reading is not None else None
    names = [info.name, info.car_name] if info is not None else []
    departure = NOTHING
    if goal is not None and goal.departure_at is not None:
        departure = f"{to_minute(goal.departure_at, zone):%a %H:%M}"
    return CarView(
        station=station_id,
        title=" · ".join([*(plain(name) for name in names if name), station_id]),
        status=_status(station),
        is_charging=power_w > 0,
        is_alarming=_is_alarming(station),
        soc_percent=soc,
        start_soc_percent=start,
        target_percent=target,
        progress=_progress(start, soc, target),
        departure=departure,
        power_w=power_w,
        max_power_w=info.max_power_w if info is not None else None,
        energy=kwh(tally.energy_wh if tally is not None else 0.0),
        cost=cost_text(tally.cost if tally is not None else 0.0, currency),
        planned=_planned(picture, station_id),
        reason=reason_text(picture, station_id),
    )


def _progress(start: float | None, soc: float | None, target: float | None) -> float:
    """The way from the first state of charge to the target, 0 to 1."""
    if soc is None or target is None or start is None:
        return 0.0
    if target <= start or soc >= target:
        return 1.0 if soc >= target else 0.0
    return max(0.0, (soc - start) / (target - start))


def _status(station: Station) -> str:
    state, reading = station.state, station.reading
    if state is not None and not state.is_reachable:
        return "station lost"
    words = []
    if reading is None:
        return "not heard of yet"
    if not reading.is_plugged_in:
        words.append("car away")
    else:
        words.append("charging" if reading.power_active_import_w > 0 else "waiting")
    if state is not None and state.is_failsafe:
        words.append("fail-safe")
    if state is not None and state.is_guarded:
        words.append("fuse guard")
    if station.goal is not None and station.goal.mode is not Mode.SMART:
        words.append(f"mode {station.goal.mode.value}")
    return ", ".join(words)


def _is_alarming(station: Station) -> bool:
    state = station.state
    return state is not None and (not state.is_reachable or state.is_failsafe or state.is_guarded)


def reason_text(picture: Picture, station_id: str) -> str:
    """Return why a station does what it does, from whoever decides it."""
    station = picture.stations[station_id]
    state = station.state
    mode = station.goal.mode if station.goal is not None else Mode.SMART
    bridge_decides = _is_alarming(station) or mode is not Mode.SMART
    if bridge_decides and state is not None and state.reason is not None:
        return plain(state.reason.text)
    if station.limit is not None:
        return plain(station.limit.reason.text)
    slot = planned_slot(picture, station_id)
    return plain(slot.reason.text) if slot is not None else NOTHING


def planned_slot(picture: Picture, station_id: str) -> PlanSlot | None:
    """Return the plan's slot of this moment."""
    if picture.plan is None or picture.now is None:
        return None
    for plan in picture.plan.stations:
        if plan.station == station_id:
            for slot in plan.slots:
                if slot.start_at <= picture.now < slot_end(slot):
                    return slot
    return None


def slot_end(slot: PlanSlot) -> datetime:
    """Return the first instant after a slot."""
    return slot.start_at + timedelta(seconds=slot.duration_s)


def _planned(picture: Picture, station_id: str) -> str:
    """What the plan still holds for a station."""
    if picture.plan is None:
        return NOTHING
    for plan in picture.plan.stations:
        if plan.station == station_id:
            text = f"{kwh(plan.expected_energy_wh)} for "
            text += cost_text(plan.expected_cost, picture.plan.currency)
            if plan.shortfall_wh > 0:
                text += f", {kwh(plan.shortfall_wh)} short"
            elif plan.target_reached_at is not None and plan.expected_energy_wh > 0:
                reached_at = to_minute(plan.target_reached_at, zone_of(picture))
                text += f", done {reached_at:%a %H:%M}"
            return text
    return NOTHING
