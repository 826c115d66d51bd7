"""The course's default day as messages: the house, the prices and a car that charges when told."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract import facts, topics
from wattbus_contract.base import Body, Envelope, Reason
from wattbus_contract.codec import encode
from wattbus_contract.control import LimitOutcome, LimitResult, Plan, SetLimit

SITE = "home"
ZONE = ZoneInfo("Europe/Stockholm")
MIDNIGHT = datetime(2025, 1, 15, tzinfo=ZONE).astimezone(UTC)
ORE = (
    85.28, 70.86, 68.01, 67.95, 68.01, 85.04, 87.86, 100.26, 118.45, 116.61, 105.93, 91.95,
    90.51, 90.34, 90.80, 88.85, 90.39, 99.03, 87.11, 82.90, 80.45, 76.48, 32.00, 34.29,
)  # fmt: skip
HOUSE_W = (
    880, 770, 2200, 1980, 2750, 3850, 4510, 3740, 3850, 4400, 4730, 6160,
    4620, 3740, 3520, 3630, 5830, 11000, 8910, 6050, 4290, 2640, 1870, 990,
)  # fmt: skip
CAPACITY_WH = 46_300
FULL_W = 7400
CHEAPEST = ((2 + (1 - 0.754054054), 4.0), (22.0, 24.0))
"""The hours that cost 13.73 kr: 0.754 h before 3, then 3, 22 and 23."""


@dataclass
class Bridge:
    """Stamps messages as a station-bridge does, with rising `seq`."""

    source: str = "station-bridge"
    boot_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    seq: int = 0
    sent_at: datetime = datetime(2026, 11, 21, 6, tzinfo=UTC)

    def say(self, spec: topics.TopicSpec, body: Body, **ids: str) -> tuple[str, bytes]:
        """Return topic and payload of the next message."""
        self.seq += 1
        self.sent_at += timedelta(milliseconds=50)
        envelope = Envelope(
            schema_id=spec.schema_id,
            sent_at=self.sent_at,
            source=self.source,
            boot_id=self.boot_id,
            seq=self.seq,
        )
        return spec.topic(SITE, **ids), encode(body, envelope)


def site_info(*stations: str) -> facts.SiteInfo:
    """Return the default site."""
    return facts.SiteInfo(
        name="Home", time_zone=str(ZONE), currency="SEK", phases=1, voltage_v=230,
        max_power_w=11_000, time_scale=900, failsafe_after_s=60, stations=stations,
    )  # fmt: skip


def station_info() -> facts.StationInfo:
    """Return the default station: one phase, on or off."""
    return facts.StationInfo(
        name="Garage", control=facts.Control.SWITCH, phases=(1,), voltage_v=230, min_current_a=6,
        max_current_a=FULL_W / 230, current_step_a=1, max_power_w=FULL_W, failsafe_limit_w=0,
        poll_interval_s=1, battery_capacity_wh=CAPACITY_WH, charging_efficiency=1.0,
    )  # fmt: skip


def reading(at: datetime, power_w: float = 0.0, **changes: object) -> facts.MeterReading:
    """Return a meter value of a plugged-in car."""
    values: dict[str, object] = {
        "at": at,
        "connector_status": facts.ConnectorStatus.CHARGING
        if power_w
        else facts.ConnectorStatus.SUSPENDED_EVSE,
        "is_plugged_in": True,
        "mode": facts.Mode.SMART,
        "is_failsafe": False,
        "power_active_import_w": power_w,
        "energy_active_import_register_wh": 0.0,
        "offered_limit_w": power_w,
        "soc_percent": 20.0,
        "house_load_w": 990.0,
        "price_per_kwh": 0.3429,
        **changes,
    }
    return facts.MeterReading(**values)  # type: ignore[arg-type]  # a test may give what it likes


def charged_wh(hour: float, stretches: tuple[tuple[float, float], ...]) -> float:
    """Return what was charged at full power until an hour of the day."""
    return sum(FULL_W * max(0.0, min(hour, end) - start) for start, end in stretches)


def is_charging(hour: float, stretches: tuple[tuple[float, float], ...]) -> bool:
    """Tell whether the station is on at an hour of the day."""
    return any(start <= hour < end for start, end in stretches)


def readings(
    station: str = "car1",
    stretches: tuple[tuple[float, float], ...] = CHEAPEST,
    poll_h: float = 0.07,
    start_at: datetime = MIDNIGHT,
    change: Callable[[float], dict[str, object]] = lambda _: {},
) -> Iterator[tuple[str, facts.MeterReading]]:
    """Yield the day's meter values, at polls that do not fall on the hours, and one at its end."""
    hours = [number * poll_h for number in range(int(24 / poll_h) + 1)] + [24.0]
    for hour in hours:
        slot = int(hour) % 24
        energy_wh = charged_wh(hour, stretches)
        yield (
            station,
            reading(
                start_at + timedelta(hours=hour),
                FULL_W if is_charging(hour, stretches) else 0.0,
                energy_active_import_register_wh=energy_wh,
                soc_percent=min(100.0, 20 + energy_wh / CAPACITY_WH * 100),
                house_load_w=float(HOUSE_W[slot]),
                price_per_kwh=ORE[slot] / 100,
                **change(hour),
            ),
        )


def day_messages(
    bridge: Bridge,
    stretches: tuple[tuple[float, float], ...] = CHEAPEST,
    plan: Plan | None = None,
    poll_h: float = 0.07,
) -> Iterator[tuple[str, bytes]]:
    """Yield a whole day as it goes over the bus, limits and their results included."""
    scheduler = Bridge(source="scheduler", boot_id=f"s-{bridge.boot_id}")
    yield bridge.say(topics.SITE_INFO, site_info("car1"))
    yield bridge.say(topics.STATION_INFO, station_info(), station="car1")
    goal = facts.Goal(
        mode=facts.Mode.SMART,
        target_soc_percent=80,
        departure_at=MIDNIGHT + timedelta(days=1),
    )
    yield bridge.say(topics.GOAL, goal, station="car1")
    if plan is not None:
        yield scheduler.say(topics.PLAN, plan)
    was_on: bool | None = None
    for station, value in readings(stretches=stretches, poll_h=poll_h):
        is_on = value.power_active_import_w > 0
        if is_on != was_on:
            yield from _limit(bridge, scheduler, value, is_on=is_on)
            was_on = is_on
        yield bridge.say(topics.METER, value, station=station)


def _limit(
    bridge: Bridge, scheduler: Bridge, value: facts.MeterReading, *, is_on: bool
) -> Iterator[tuple[str, bytes]]:
    if is_on:
        reason = Reason(code="charging-cheapest", text="charging: among the cheapest hours")
    elif (value.soc_percent or 0) >= 79.99:
        reason = Reason(code="target-reached", text="done: target 80 % reached")
    elif (value.house_load_w or 0) + FULL_W > 11_000:
        reason = Reason(code="paused-fuse", text="paused: the house needs the fuse")
    else:
        reason = Reason(code="waiting-cheaper", text="waiting: 22:00 to 24:00 is cheaper")
    limit = SetLimit(
        epoch=1, instance="scheduler", valid_for_s=60, reason=reason,
        limit_w=FULL_W if is_on else 0.0,
    )  # fmt: skip
    topic, payload = scheduler.say(topics.SET_LIMIT, limit, station="car1")
    yield topic, payload
    result = LimitResult(
        at=value.at,
        command={"source": "scheduler", "boot_id": scheduler.boot_id, "seq": scheduler.seq},  # type: ignore[arg-type]  # pydantic makes a MessageId of it
        epoch=1,
        instance="scheduler",
        outcome=LimitOutcome.APPLIED,
        reason=Reason(code="applied", text="applied"),
        applied_limit_w=limit.limit_w,
    )
    yield bridge.say(topics.LIMIT_RESULT, result, station="car1")
