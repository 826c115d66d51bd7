"""The course's default day as the console sees it on the bus, for tests of what is shown."""

from datetime import UTC, datetime, timedelta

from wattbus_console.picture import Picture
from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope, Reason
from wattbus_contract.codec import Decoded, decode, encode
from wattbus_contract.control import Plan, PlanSlot, SetLimit, StationPlan
from wattbus_contract.facts import (
    ConnectorStatus,
    Control,
    Goal,
    HouseholdMeter,
    MeterReading,
    Mode,
    SiteInfo,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import BaseLoadForecast, BaseLoadSlot, PriceForecast, PriceSlot
from wattbus_contract.topics import TopicSpec

MIDNIGHT = datetime(2025, 1, 14, 23, tzinfo=UTC)
"""Local midnight in Stockholm."""
HOUR = timedelta(hours=1)
# fmt: off
PRICES = (
    0.8528, 0.7086, 0.6801, 0.6795, 0.6801, 0.8504, 0.8786, 1.0026, 1.1845, 1.1661, 1.0593, 0.9195,
    0.9051, 0.9034, 0.9080, 0.8885, 0.9039, 0.9903, 0.8711, 0.8290, 0.8045, 0.7648, 0.3200, 0.3429,
)
LOADS_W = (
    880, 770, 2200, 1980, 2750, 3850, 4510, 3740, 3850, 4400, 4730, 6160,
    4620, 3740, 3520, 3630, 5830, 11000, 8910, 6050, 4290, 2640, 1870, 990,
)
# fmt: on
CHOSEN = {2: 0.754, 3: 1.0, 22: 1.0, 23: 1.0}


def message(spec: TopicSpec, body: Body, **ids: str) -> Decoded:
    """Return a message as it comes from the bus."""
    envelope = Envelope(
        schema_id=spec.schema_id,
        sent_at=MIDNIGHT,
        source="station-bridge",
        boot_id="boot",
        seq=1,
    )
    return decode(spec.topic("home", **ids), encode(body, envelope))


def reading(
    at: datetime, *, soc_percent: float = 20, power_w: float = 0, register_wh: float = 0
) -> Decoded:
    """Return a meter value of car1, with the house load of that hour."""
    return message(
        topics.METER,
        MeterReading(
            at=at,
            connector_status=ConnectorStatus.CHARGING
            if power_w
            else ConnectorStatus.SUSPENDED_EVSE,
            is_plugged_in=True,
            mode=Mode.SMART,
            is_failsafe=False,
            power_active_import_w=power_w,
            energy_active_import_register_wh=register_wh,
            offered_limit_w=power_w,
            soc_percent=soc_percent,
            house_load_w=LOADS_W[int((at - MIDNIGHT) / HOUR) % 24],
        ),
        station="car1",
    )


def household(at: datetime, *, house_w: float, stations_w: float) -> Decoded:
    """Return a reading of the main fuse."""
    return message(
        topics.HOUSEHOLD_METER,
        HouseholdMeter(
            at=at,
            house_load_w=house_w,
            stations_power_w=stations_w,
            site_power_w=house_w + stations_w,
            max_power_w=11_000,
        ),
    )


def state(*, is_reachable: bool = True, is_failsafe: bool = False, text: str = "") -> Decoded:
    """Return how car1 stands."""
    return message(
        topics.STATION_STATE,
        StationState(
            at=MIDNIGHT,
            connector_status=ConnectorStatus.SUSPENDED_EVSE,
            is_reachable=is_reachable,
            is_plugged_in=True,
            power_active_import_w=0,
            offered_limit_w=0,
            mode=Mode.SMART,
            is_failsafe=is_failsafe,
            is_guarded=False,
            reason=Reason(code="failsafe", text=text),
        ),
        station="car1",
    )


def limit(text: str, limit_w: float = 0.0) -> Decoded:
    """Return a limit for car1 with its reason."""
    return message(
        topics.SET_LIMIT,
        SetLimit(
            epoch=1,
            instance="scheduler",
            valid_for_s=60,
            limit_w=limit_w,
            reason=Reason(code="waiting-cheaper", text=text),
        ),
        station="car1",
    )


def goal(target_soc_percent: float = 80) -> Decoded:
    """Return the goal of car1: departure next midnight."""
    return message(
        topics.GOAL,
        Goal(
            mode=Mode.SMART,
            target_soc_percent=target_soc_percent,
            departure_at=MIDNIGHT + 24 * HOUR,
        ),
        station="car1",
    )


def plan(shortfall_wh: float = 0.0) -> Decoded:
    """Return the expected plan of the day."""
    slots = tuple(_slot(hour) for hour in range(24))
    cost = sum(slot.expected_cost for slot in slots)
    station = StationPlan(
        station="car1",
        slots=slots,
        target_soc_percent=80,
        expected_energy_wh=sum(slot.expected_energy_wh for slot in slots),
        expected_cost=cost,
        shortfall_wh=shortfall_wh,
        target_reached_at=None if shortfall_wh else MIDNIGHT + 24 * HOUR,
    )
    return message(
        topics.PLAN,
        Plan(
            planned_at=MIDNIGHT,
            strategy="cheapest",
            instance="scheduler",
            currency="SEK",
            stations=(station,),
            expected_cost=cost,
        ),
    )


def _slot(hour: int) -> PlanSlot:
    share = CHOSEN.get(hour, 0.0)
    is_chosen = hour in CHOSEN
    code = "charging-cheapest" if is_chosen else "waiting-cheaper"
    return PlanSlot(
        start_at=MIDNIGHT + hour * HOUR,
        duration_s=3600,
        limit_w=7400 if is_chosen else 0,
        reason=Reason(code=code, text="charging: cheap" if is_chosen else "waiting: cheaper later"),
        expected_energy_wh=7400 * share,
        expected_cost=7.4 * share * PRICES[hour],
    )


def default_day(*more: Decoded) -> Picture:
    """Return the picture of the default day, before any meter value, and then with `more`."""
    picture = Picture()
    facts = (
        message(
            topics.SITE_INFO,
            SiteInfo(
                name="The course's house",
                time_zone="Europe/Stockholm",
                currency="SEK",
                phases=1,
                voltage_v=230,
                max_power_w=11_000,
                time_scale=900,
                failsafe_after_s=10,
                stations=("car1",),
            ),
        ),
        message(
            topics.STATION_INFO,
            StationInfo(
                name="Carport",
                control=Control.SWITCH,
                phases=(1,),
                voltage_v=230,
                min_current_a=32.2,
                max_current_a=32.2,
                current_step_a=32.2,
                max_power_w=7400,
                failsafe_limit_w=0,
                poll_interval_s=0.1,
                car_name="Citroën e-Berlingo M",
                battery_capacity_wh=46_300,
                charging_efficiency=1,
            ),
            station="car1",
        ),
        goal(),
        message(
            topics.PRICE,
            PriceForecast(
                currency="SEK",
                unit="SEK/kWh",
                provider="test",
                slots=tuple(
                    PriceSlot(start_at=MIDNIGHT + h * HOUR, duration_s=3600, price_per_kwh=price)
                    for h, price in enumerate(PRICES)
                ),
            ),
        ),
        message(
            topics.BASE_LOAD,
            BaseLoadForecast(
                provider="test",
                slots=tuple(
                    BaseLoadSlot(start_at=MIDNIGHT + h * HOUR, duration_s=3600, power_w=load_w)
                    for h, load_w in enumerate(LOADS_W)
                ),
            ),
        ),
        plan(),
    )
    for each in (*facts, *more):
        picture.apply(each)
    return picture
