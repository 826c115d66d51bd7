"""What the roof gives: told beside the house's load, priced, and never counted on by the fuse."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from unit.station_bridge.test_site import POWER_W, START_AT, TRAITS, Bench
from wattbus_contract.broker_settings import BadSetting
from wattbus_contract.facts import ConnectorStatus, HouseholdMeter, MeterReading
from wattbus_contract.forecasts import PriceSlot
from wattbus_station_bridge import settings
from wattbus_station_bridge.feed import Feed
from wattbus_station_bridge.forecast import base_load_forecast, price_forecast
from wattbus_station_bridge.household import Household
from wattbus_station_bridge.stations.reading import (
    SourceLoad,
    SourcePrices,
    SourceSlot,
    StationReading,
)
from wattbus_station_bridge.tariff import Tariff

NOON = datetime(2025, 6, 18, 10, tzinfo=UTC)
SITE = """
[site]
fuse_power_w = 11000
[base_load]
source = "station:car1"
[solar]
source = "station:car1"
[[station]]
id = "car1"
url = "http://x"
[[station]]
id = "car2"
url = "http://y"
"""


def slot(minutes: float, duration_min: float, value: float) -> SourceSlot:
    return SourceSlot(NOON + timedelta(minutes=minutes), duration_min * 60, value)


def household(tmp_path: Path, text: str = SITE) -> Household:
    (tmp_path / "site.toml").write_text(text)
    return Household(settings.load_site_file(tmp_path / "site.toml", {}))


def reading(house_load_w: float | None, pv_power_w: float | None) -> StationReading:
    return StationReading(
        at=NOON, traits=TRAITS, connector_status=ConnectorStatus.AVAILABLE, is_plugged_in=False,
        power_w=0, energy_register_wh=0, offered_limit_w=0, house_load_w=house_load_w,
        pv_power_w=pv_power_w,
    )  # fmt: skip


def test_slots_of_load_are_cut_where_production_changes() -> None:
    load = SourceLoad("test", (slot(0, 60, 500), slot(60, 60, 800)))
    roof = (slot(0, 15, 1000), slot(15, 60, 3000))

    forecast = base_load_forecast(load, roof)

    assert [(s.duration_s / 60, s.power_w, s.pv_power_w) for s in forecast.slots] == [
        (15, 500, 1000),
        (45, 500, 3000),
        (15, 800, 3000),
        (45, 800, None),
    ]


def test_without_a_roof_slots_stay_as_they_are_and_say_nothing_of_one() -> None:
    forecast = base_load_forecast(SourceLoad("test", (slot(0, 60, 500),)))

    assert [(s.duration_s, s.pv_power_w) for s in forecast.slots] == [(3600, None)]


@pytest.mark.parametrize(
    ("tariff", "sold"),
    [
        (Tariff(), None),
        (Tariff(feed_in_price_per_kwh=0.6), 0.6),
        (Tariff(feed_in_spot_factor=1.0, feed_in_fee_per_kwh=-0.05), 0.35),
        (Tariff(feed_in_spot_factor=0.5, grid_fee_per_kwh=1.0), 0.2),
        (Tariff(feed_in_spot_factor=1.0, feed_in_fee_per_kwh=-0.5), -0.1),
    ],
)
def test_what_is_sold_brings_the_spot_price_without_vat_or_a_fixed_one(
    tariff: Tariff, sold: float | None
) -> None:
    prices = SourcePrices("test", (slot(0, 60, 0.5),), "SEK", includes_vat=True)

    [priced] = price_forecast(prices, tariff, "SEK").slots

    assert priced.feed_in_price_per_kwh == sold


def test_the_station_that_is_asked_tells_what_the_roof_gives(tmp_path: Path) -> None:
    house = household(tmp_path)

    house.take_reading("car1", reading(700, 4000))
    house.take_reading("car2", reading(None, 9999))

    assert (house.pv_power_w, house.load) == (4000, (700, 0, 0))


def test_a_station_that_no_longer_tells_leaves_the_roof_unknown(tmp_path: Path) -> None:
    house = household(tmp_path)

    house.take_reading("car1", reading(700, 4000))
    house.take_reading("car1", reading(700, None))

    assert house.pv_power_w is None


def test_a_roof_from_a_file_gives_what_is_expected(tmp_path: Path) -> None:
    house = household(
        tmp_path, SITE.replace('[solar]\nsource = "station:car1"', '[solar]\nsource = "file:x.csv"')
    )
    house.take_base_load(
        base_load_forecast(SourceLoad("test", (slot(-30, 60, 500),)), (slot(-30, 60, 2500),))
    )

    house.take_reading("car1", reading(700, None))

    assert house.pv_power_w == 2500


def test_a_file_of_a_roof_that_takes_power_is_refused(tmp_path: Path) -> None:
    (tmp_path / "solar.csv").write_text("start,pv_w\n00:00,0\n12:00,-1\n")
    text = SITE.replace('[solar]\nsource = "station:car1"', '[solar]\nsource = "file:solar.csv"')
    (tmp_path / "site.toml").write_text(text)
    file = settings.load_site_file(tmp_path / "site.toml", {})

    with pytest.raises(BadSetting, match=r"solar.csv, line 3, column 'pv_w': -1 is below 0"):
        Feed(file, tmp_path, {}, None)  # type: ignore[arg-type]  # reads its files first


@pytest.mark.parametrize(("house_w", "is_guarded"), [(5000.0, True), (1000.0, False)])
def test_the_fuse_does_not_count_on_the_roof(
    tmp_path: Path, house_w: float, is_guarded: bool
) -> None:
    bench = Bench(tmp_path, "car1", solar=True)
    bench.house_w, bench.pv_w = house_w, 9000.0
    bench.poll("car1", 0)

    bench.command("car1", POWER_W)
    bench.poll("car1", 0)

    ordered_w = max((order.level_w for order in bench.workers["car1"].orders), default=0.0)
    assert bench.desk("car1").is_guarded == is_guarded
    assert ordered_w == (0.0 if is_guarded else POWER_W)


def test_readings_and_the_household_say_what_the_roof_gives(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "car1", solar=True)
    bench.pv_w = 3000.0
    bench.site.reports.take_time_scale(1.0)
    price = PriceSlot(
        start_at=START_AT, duration_s=86_400, price_per_kwh=2, feed_in_price_per_kwh=0.4
    )
    bench.site.reports.household._prices = (price,)

    bench.poll("car1", 0)

    said = [body for _, body in bench.announcer.said]
    [meter] = [body for body in said if isinstance(body, MeterReading)]
    [house] = [body for body in said if isinstance(body, HouseholdMeter)]
    assert (meter.pv_power_w, meter.price_per_kwh, meter.feed_in_price_per_kwh) == (3000, 2, 0.4)
    assert (house.pv_power_w, house.house_load_w, house.site_power_w) == (3000, 1000, 1000)
