"""One example of every message: the default day at the site `home`, for documents and tests."""

from datetime import UTC, datetime, time

from wattbus_contract import accounts, control, facts, forecasts, requests, service, topics
from wattbus_contract.base import Body, Envelope, MessageId, Reason
from wattbus_contract.codec import encode
from wattbus_contract.topics import TopicSpec
from wattbus_contract.weekly import Weekday, WeeklyDeparture

SITE = "home"
IDS = {"station": "car1", "client": "scheduler-b", "user": "scheduler"}
BOOT_ID = "1b6a7dcc12214db7"


def _at(hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 1, 15, hour, minute, tzinfo=UTC)


_READING = MessageId(source="station-bridge", boot_id=BOOT_ID, seq=814)
_COMMAND = MessageId(source="scheduler", boot_id="90c1f2aa37de4b05", seq=57)
_CHEAP = Reason(code="cheapest-slot", text="22:00 is among the 4 cheapest hours before departure")
_NIGHT = control.PlanSlot(
    start_at=_at(21), duration_s=3600.0, limit_w=7400.0, reason=_CHEAP,
    expected_energy_wh=7400.0, expected_cost=2.54,
)  # fmt: skip

_WORKDAYS = WeeklyDeparture(
    days=(Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI), departure_time=time(7),
    target_soc_percent=90.0,
)  # fmt: skip
_DAY = accounts.ReportPeriod(
    from_at=datetime(2025, 1, 14, 23, tzinfo=UTC), energy_wh=20_380.0, cost=11.19,
    reference_cost=14.95, saving=3.76,
)  # fmt: skip

EXAMPLES: dict[TopicSpec, Body] = {
    topics.SITE_INFO: facts.SiteInfo(
        name="Home", time_zone="Europe/Stockholm", currency="SEK", bidding_zone="SE3", phases=1,
        voltage_v=230.0, fuse_current_a=47.8, max_power_w=11_000.0, time_scale=900.0,
        failsafe_after_s=60.0, stations=("car1",), peak_price_per_kw=81.25, peak_hours=3,
        peaks_so_far_w=(7210.0, 6800.0, 5150.0), co2_price_per_kg=1.0,
    ),
    topics.STATION_INFO: facts.StationInfo(
        name="Car 1", control=facts.Control.SWITCH, phases=(1,), voltage_v=230.0,
        min_current_a=6.0, max_current_a=32.2, current_step_a=1.0, max_power_w=7400.0,
        failsafe_limit_w=0.0, poll_interval_s=0.5, car_name="Citroen e-Berlingo M",
        battery_capacity_wh=46_300.0, charging_efficiency=1.0,
        charging_curve=(
            facts.CurveCorner(soc_percent=90.0, max_power_w=7400.0),
            facts.CurveCorner(soc_percent=100.0, max_power_w=2000.0),
        ),
        high_soc_percent=80.0, high_soc_price_per_kwh_h=0.01, high_power_w=5000.0,
        high_power_price_per_kwh=0.05, overhead_w=150.0,
    ),
    topics.STATION_STATE: facts.StationState(
        at=_at(21), connector_status=facts.ConnectorStatus.CHARGING, is_reachable=True,
        is_plugged_in=True, soc_percent=35.98, power_active_import_w=7400.0,
        offered_limit_w=7400.0, mode=facts.Mode.SMART, is_failsafe=False, is_guarded=False,
        transaction_id="4",
    ),
    topics.METER: facts.MeterReading(
        at=_at(21), connector_status=facts.ConnectorStatus.CHARGING, is_plugged_in=True,
        mode=facts.Mode.SMART, is_failsafe=False, power_active_import_w=7400.0,
        energy_active_import_register_wh=7400.0, offered_limit_w=7400.0, soc_percent=35.98,
        transaction_id="4", current_import_l1_a=32.2, house_load_w=990.0, pv_power_w=0.0,
        price_per_kwh=0.3429, feed_in_price_per_kwh=0.21, co2_g_per_kwh=24.0,
        reported_base_current_load_kw=8.39, reported_battery_energy_kwh=16.66,
    ),
    topics.STATION_EVENT: facts.StationEvent(
        at=_at(21), kind=facts.StationEventKind.LIMIT_APPLIED, text="limit 7400 W applied",
        limit_w=7400.0,
    ),
    topics.HOUSEHOLD_METER: facts.HouseholdMeter(
        at=_at(21), house_load_w=990.0, stations_power_w=7400.0, site_power_w=8390.0,
        max_power_w=11_000.0, house_current_l1_a=4.3, pv_power_w=0.0, price_per_kwh=0.3429,
    ),
    topics.GOAL: facts.Goal(
        mode=facts.Mode.SMART, target_soc_percent=80.0, arrival_at=_at(0), departure_at=_at(23),
        max_current_a=16.0, weekly=(_WORKDAYS,),
    ),
    topics.PRICE: forecasts.PriceForecast(
        currency="SEK", unit="SEK/kWh", provider="nordpool", slots=(
            forecasts.PriceSlot(start_at=_at(21), duration_s=3600.0, price_per_kwh=0.3429),
            forecasts.PriceSlot(
                start_at=_at(22), duration_s=900.0, price_per_kwh=-0.021, spot_price_per_kwh=-0.3,
                feed_in_price_per_kwh=-0.35, co2_g_per_kwh=18.0,
            ),
        ),
    ),
    topics.BASE_LOAD: forecasts.BaseLoadForecast(
        provider="site.toml",
        slots=(
            forecasts.BaseLoadSlot(
                start_at=_at(12), duration_s=3600.0, power_w=990.0, pv_power_w=1350.0
            ),
            forecasts.BaseLoadSlot(start_at=_at(21), duration_s=3600.0, power_w=990.0),
        ),
    ),
    topics.PLAN: control.Plan(
        planned_at=_at(20, 59), strategy="cheapest", instance="scheduler", currency="SEK",
        stations=(
            control.StationPlan(
                station="car1", slots=(_NIGHT,), target_soc_percent=80.0,
                expected_energy_wh=27_780.0, expected_cost=13.73, target_reached_at=_at(22, 45),
            ),
        ),
        expected_cost=13.73, lower_bound=13.73, caused_by=_READING,
        strategies=("cheapest", "load", "optimal", "price", "threshold"),
    ),
    topics.SHADOW_PLAN: control.Plan(
        planned_at=_at(20, 59), strategy="load", instance="scheduler-b", currency="SEK",
        stations=(), expected_cost=0.0,
    ),
    topics.SET_LIMIT: control.SetLimit(
        epoch=3, instance="scheduler", valid_for_s=60.0, reason=_CHEAP, limit_w=7400.0,
        strategy="cheapest", decided_at=_at(21), caused_by=_READING,
    ),
    topics.LIMIT_RESULT: control.LimitResult(
        at=_at(21), command=_COMMAND, epoch=3, instance="scheduler",
        outcome=control.LimitOutcome.APPLIED, applied_limit_w=7400.0,
        reason=Reason(code="applied", text="the station is switched on"),
    ),
    topics.LEASE_REQUEST: control.LeaseRequest(
        action=control.LeaseAction.RENEW, instance="scheduler", nonce="5be1a0c3", epoch=3,
    ),
    topics.LEASE_STATE: control.LeaseState(
        epoch=3, ttl_s=15.0, bridge_boot_id=BOOT_ID, holder="scheduler", nonce="5be1a0c3",
    ),
    topics.MODE_REQUEST: requests.ModeRequest(mode=facts.Mode.NOW),
    topics.GOAL_REQUEST: requests.GoalRequest(target_soc_percent=100.0, departure_time=time(7)),
    topics.RESPONSE: control.Response(
        request="goal", station="car1", outcome=control.RequestOutcome.ACCEPTED,
        reason=Reason(code="accepted", text="100 % by 07:00 tomorrow"),
    ),
    topics.STRATEGY: requests.StrategyWish(strategy="optimal"),
    topics.STRATEGY_REQUEST: requests.StrategyRequest(strategy="optimal"),
    topics.SITE_RESPONSE: control.Response(
        request="strategy", outcome=control.RequestOutcome.ACCEPTED,
        reason=Reason(code="accepted", text="the scheduler is asked for optimal"),
    ),
    topics.REPORT: accounts.ChargingReport(
        at=_at(21), currency="SEK",
        stations=(
            accounts.StationReport(
                station="car1", session=_DAY, day=_DAY, month=_DAY, year=_DAY,
            ),
        ),
    ),
    topics.LEAGUE: accounts.League(
        since_at=_at(0), currency="SEK",
        entries=(
            accounts.LeagueEntry(
                instance="scheduler", strategy="cheapest", is_commanding=True,
                energy_wh=27_780.0, cost=13.73, shortfall_wh=0.0,
            ),
            accounts.LeagueEntry(
                instance="scheduler-b", strategy="load", is_commanding=False,
                energy_wh=27_780.0, cost=15.88, shortfall_wh=0.0,
            ),
        ),
    ),
    topics.LOG_CONFIRMED: service.LogConfirmed(
        confirmed=(
            service.ConfirmedRange(
                source="station-bridge", boot_id=BOOT_ID, first_seq=1, last_seq=814
            ),
        ),
    ),
    topics.LOG_QUARANTINE: service.Quarantined(
        topic="wattbus/v1/home/station/car1/meter", field="soc_percent",
        reason="Input should be less than or equal to 100 (got '140')",
        payload_excerpt='{"schema":"meter/1","soc_percent":140',
    ),
    topics.SERVICE_STATUS: service.ServiceStatus(
        status=service.Status.UP, health=service.Health.OK, version="0.1.0", connection=1,
        started_at=_at(0),
    ),
}  # fmt: skip
"""By kind of topic; every kind is here."""


def example_topic(spec: TopicSpec) -> str:
    """Return the topic that a kind's example stands on."""
    return spec.topic(SITE, **{name: IDS[name] for name in spec.id_names})


def example_payload(spec: TopicSpec) -> bytes:
    """Return a kind's example as its usual publisher would send it."""
    body = EXAMPLES[spec]
    if not spec.needs_envelope:
        return body.model_dump_json(exclude_none=True).encode()
    source = IDS["client"] if "client" in spec.id_names else spec.publishers[0]
    envelope = Envelope(
        schema_id=spec.schema_id, sent_at=_at(21), source=source, boot_id=BOOT_ID, seq=815
    )
    return encode(body, envelope)
