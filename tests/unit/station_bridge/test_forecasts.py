from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattbus_contract.broker_settings import BadSetting
from wattbus_station_bridge import series_file
from wattbus_station_bridge.forecast import price_forecast, slots_from_hours
from wattbus_station_bridge.stations.reading import SourcePrices, SourceSlot
from wattbus_station_bridge.tariff import Tariff, household_price, spot_price

ZONE = ZoneInfo("Europe/Stockholm")
HOURS = [float(hour) for hour in range(24)]


@pytest.mark.parametrize(
    ("day", "hours"), [((2025, 3, 30), 23), ((2025, 10, 26), 25), ((2025, 1, 15), 24)]
)
def test_24_numbers_fill_days_of_23_24_and_25_hours(day: tuple[int, int, int], hours: int) -> None:
    noon = datetime(*day, 12, tzinfo=UTC)

    slots = slots_from_hours(HOURS, noon, ZONE)

    assert len(slots) == hours + 24
    steps = {later.start_at - earlier.start_at for earlier, later in pairwise(slots)}
    assert steps == {timedelta(hours=1)}
    assert all(slot.value == slot.start_at.astimezone(ZONE).hour for slot in slots)
    assert slots[0].start_at.astimezone(ZONE).hour == 0


def test_anything_but_24_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="24 values, got 23"):
        slots_from_hours(HOURS[:23], datetime(2025, 1, 1, tzinfo=UTC), ZONE)


def test_a_price_that_includes_all_stays_as_it_is() -> None:
    tariff = Tariff()

    assert household_price(tariff, 0.6801, includes_vat=True) == 0.6801
    assert spot_price(tariff, 0.6801, includes_vat=True) == pytest.approx(0.54408)


def test_a_market_price_gets_vat_and_fees() -> None:
    tariff = Tariff(25, fees_include_vat=False, energy_tax_per_kwh=0.439, grid_fee_per_kwh=0.2)

    price = household_price(tariff, 0.50, includes_vat=False)

    assert price == pytest.approx((0.50 + 0.439 + 0.2) * 1.25)


def test_a_negative_market_price_can_stay_negative_for_the_household() -> None:
    assert household_price(Tariff(25, grid_fee_per_kwh=0.1), -0.4, includes_vat=False) < 0


def source(currency: str | None, includes_vat: bool | None) -> SourcePrices:
    slot = SourceSlot(datetime(2025, 1, 1, tzinfo=UTC), 900.0, 1.0)
    return SourcePrices("test", (slot,), currency, includes_vat)


def test_what_the_source_says_about_vat_counts_unless_the_site_file_says_otherwise() -> None:
    said = price_forecast(source("SEK", includes_vat=True), Tariff(), "SEK")
    silent = price_forecast(source(None, None), Tariff(), "SEK")
    overruled = price_forecast(
        source("SEK", includes_vat=True), Tariff(prices_include_vat=False), "SEK"
    )

    assert said.slots[0].price_per_kwh == 1.0
    assert silent.slots[0].price_per_kwh == 1.25
    assert overruled.slots[0].price_per_kwh == 1.25
    assert said.slots[0].duration_s == 900


def test_emissions_go_beside_the_prices_and_cut_their_slots() -> None:
    start_at = datetime(2025, 1, 1, tzinfo=UTC)
    co2 = (
        SourceSlot(start_at - timedelta(minutes=5), 600.0, 30.0),
        SourceSlot(start_at + timedelta(minutes=5), 300.0, 50.0),
    )

    told = price_forecast(source("SEK", includes_vat=True), Tariff(), "SEK", co2)

    assert [(slot.duration_s, slot.price_per_kwh, slot.co2_g_per_kwh) for slot in told.slots] == [
        (300, 1.0, 30),
        (300, 1.0, 50),
        (300, 1.0, None),
    ]


def test_prices_in_another_currency_are_refused() -> None:
    with pytest.raises(ValueError, match=r"EUR.*SEK"):
        price_forecast(source("EUR", includes_vat=True), Tariff(), "SEK")


def read(tmp_path: Path, text: str) -> series_file.Series:
    path = tmp_path / "prices.csv"
    path.write_text(text)
    return series_file.read(path, "ore", 0.01, ZONE)


def test_a_daily_file_holds_for_every_day(tmp_path: Path) -> None:
    series = read(tmp_path, "# a comment\nstart,ore\n00:00,100\n06:00,250\n")

    slots = series.slots(datetime(2025, 3, 30, 12, tzinfo=UTC), ZONE)

    assert [slot.value for slot in slots] == [1.0, 2.5, 1.0, 2.5]
    assert [slot.duration_s / 3600 for slot in slots] == [5, 18, 6, 18]


def test_a_dated_file_tells_the_two_hours_of_autumn_apart(tmp_path: Path) -> None:
    rows = "".join(f"2025-10-26T{hour:02d}:00,{hour}\n" for hour in [0, 1, 2, 2, 3, 4])
    series = read(tmp_path, "start,ore\n" + rows)

    slots = series.slots(datetime(2025, 10, 26, 12, tzinfo=UTC), ZONE)

    assert [slot.duration_s for slot in slots] == [3600] * 6
    assert slots[3].start_at == datetime(2025, 10, 26, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no column 'start'"),
        ("start,price\n00:00,1\n", "no column 'ore'"),
        ("start,ore\n", "has no rows"),
        ("start,ore\n00:00,cheap\n", "line 2, column 'ore': 'cheap' is no number"),
        ("start,ore\n00:00,inf\n", "line 2, column 'ore'"),
        ("start,ore\n00:00,1,2\n", "line 2: 3 cells"),
        ("start,ore\n01:00,1\n", "line 2: a day begins"),
        ("start,ore\n00:00,1\n00:00,1\n", "line 3: 00:00 is not later"),
        ("start,ore\n2025-01-01T00:00,1\nyesterday,1\n", "line 3: 'yesterday'"),
        ("start,ore\n2025-01-01T00:00,1\n2024-01-01T00:00,1\n", "line 3"),
    ],
)
def test_a_mistake_in_a_file_names_line_and_column(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(BadSetting) as raised:
        read(tmp_path, text)

    assert complaint in str(raised.value)
