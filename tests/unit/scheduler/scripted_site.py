"""A bridge with one station and one car, played exactly, message by message."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from itertools import count

from wattbus_contract import facts, forecasts, topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import Decoded, decode, encode
from wattbus_contract.topics import TopicSpec
from wattbus_scheduler.scenario import Scenario, load_scenario
from wattbus_scheduler.situation import Slot

SITE = "home"
STATION = "car1"


@dataclass
class ScriptedSite:
    """Readings come every `reading_s` of the site's clock; a limit acts until the next one."""

    reading_s: float = 225.0
    scenario: Scenario = field(default_factory=lambda: load_scenario("default-day"))
    boot_id: str = "bridge-boot-1"
    mode: facts.Mode = facts.Mode.SMART
    is_plugged_in: bool = True
    extra_house_load_w: float = 0.0
    limit_w: float = 0.0
    energy_wh: float = 0.0
    cost: float = 0.0
    reports_soc: bool = True
    power_factor: float = 1.0
    control: facts.Control = facts.Control.SWITCH
    max_current_a: float | None = None

    def __post_init__(self) -> None:
        (self.car,) = self.scenario.situation.cars
        self.now = self.scenario.now.astimezone(UTC)
        self.soc_percent = self.car.soc_percent
        self.seq = count(1)
        self.target_soc_percent = self.car.target_soc_percent
        self.departure_at = self.car.departure_at
        self.time_scale = 900.0

    # What it says -------------------------------------------------------------------------------

    def site_info(self) -> facts.SiteInfo:
        return facts.SiteInfo(
            name="Home",
            time_zone="Europe/Stockholm",
            currency="SEK",
            phases=1,
            voltage_v=230,
            max_power_w=11_000,
            time_scale=self.time_scale,
            failsafe_after_s=60,
            stations=(STATION,),
        )

    def station_info(self) -> facts.StationInfo:
        return facts.StationInfo(
            name="Car 1",
            control=self.control,
            phases=(1,),
            voltage_v=230,
            min_current_a=6,
            max_current_a=32.2,
            current_step_a=1,
            max_power_w=self.car.max_power_w,
            failsafe_limit_w=0,
            poll_interval_s=self.reading_s / self.time_scale,
            battery_capacity_wh=self.car.battery_capacity_wh,
            charging_efficiency=1,
        )

    def goal(self) -> facts.Goal:
        departure_at = self.departure_at.astimezone(UTC) if self.departure_at else None
        return facts.Goal(
            mode=self.mode,
            target_soc_percent=self.target_soc_percent,
            departure_at=departure_at,
            max_current_a=self.max_current_a,
        )

    def price(self, days: int = 2) -> forecasts.PriceForecast:
        return forecasts.PriceForecast(
            currency="SEK",
            unit="SEK/kWh",
            provider="scripted",
            slots=tuple(
                forecasts.PriceSlot(
                    start_at=slot.start_at + timedelta(days=day),
                    duration_s=slot.duration_s,
                    price_per_kwh=slot.price_per_kwh or 0.0,
                )
                for day in range(days)
                for slot in self.scenario.situation.slots
            ),
        )

    def base_load(self, days: int = 2) -> forecasts.BaseLoadForecast:
        return forecasts.BaseLoadForecast(
            provider="scripted",
            slots=tuple(
                forecasts.BaseLoadSlot(
                    start_at=slot.start_at + timedelta(days=day),
                    duration_s=slot.duration_s,
                    power_w=slot.house_load_w,
                )
                for day in range(days)
                for slot in self.scenario.situation.slots
            ),
        )

    def state(self) -> facts.StationState:
        return facts.StationState(
            at=self.now,
            connector_status=facts.ConnectorStatus.PREPARING,
            is_reachable=True,
            is_plugged_in=self.is_plugged_in,
            soc_percent=self.soc_percent,
            power_active_import_w=self.power_w,
            offered_limit_w=self.limit_w,
            mode=self.mode,
            is_failsafe=False,
            is_guarded=False,
        )

    def reading(self) -> facts.MeterReading:
        return facts.MeterReading(
            at=self.now,
            connector_status=facts.ConnectorStatus.CHARGING,
            is_plugged_in=self.is_plugged_in,
            mode=self.mode,
            is_failsafe=False,
            power_active_import_w=self.power_w,
            energy_active_import_register_wh=self.energy_wh,
            offered_limit_w=self.limit_w,
            soc_percent=self.soc_percent if self.reports_soc else None,
            house_load_w=self.house_load_w,
        )

    def message(self, spec: TopicSpec, body: Body, **ids: str) -> Decoded:
        envelope = Envelope(
            schema_id=spec.schema_id,
            sent_at=self.now,
            source="station-bridge",
            boot_id=self.boot_id,
            seq=next(self.seq),
        )
        return decode(spec.topic(SITE, **ids), encode(body, envelope))

    def snapshot(self) -> list[Decoded]:
        return [
            self.message(topics.SITE_INFO, self.site_info()),
            self.message(topics.STATION_INFO, self.station_info(), station=STATION),
            self.message(topics.GOAL, self.goal(), station=STATION),
            self.message(topics.PRICE, self.price()),
            self.message(topics.BASE_LOAD, self.base_load()),
            self.message(topics.STATION_STATE, self.state(), station=STATION),
        ]

    def meter(self) -> Decoded:
        return self.message(topics.METER, self.reading(), station=STATION)

    # What happens -------------------------------------------------------------------------------

    @property
    def slot(self) -> Slot:
        """The slot of the day; each day is the scenario's day again."""
        slots = self.scenario.situation.slots
        passed_s = (self.now - slots[0].start_at).total_seconds() % 86_400
        return slots[int(passed_s // 3600)]

    @property
    def house_load_w(self) -> float:
        return self.slot.house_load_w + self.extra_house_load_w

    @property
    def power_w(self) -> float:
        least_w = self.car.max_power_w if self.control is facts.Control.SWITCH else 6 * 230
        is_charging = self.is_plugged_in and self.limit_w >= least_w
        if not is_charging or self.soc_percent >= 100:
            return 0.0
        return min(self.limit_w, self.car.max_power_w) * self.power_factor

    def advance(self, seconds: float | None = None) -> None:
        """Let time pass up to the next reading, exactly, hour by hour."""
        until = self.now + timedelta(seconds=self.reading_s if seconds is None else seconds)
        while self.now < until:
            start_of_day = self.scenario.situation.slots[0].start_at
            passed_s = (self.now - start_of_day).total_seconds()
            next_hour = start_of_day + timedelta(seconds=(passed_s // 3600 + 1) * 3600)
            step_s = (min(until, next_hour) - self.now).total_seconds()
            energy_wh = self.power_w * step_s / 3600
            self.energy_wh += energy_wh
            self.cost += energy_wh / 1000 * (self.slot.price_per_kwh or 0.0)
            self.soc_percent += energy_wh / self.car.battery_capacity_wh * 100
            self.now += timedelta(seconds=step_s)
