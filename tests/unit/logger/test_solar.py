"""Energy from the roof costs what selling it would have brought; CO2 is that of each time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unit.logger.rows_of import row_of
from wattbus_contract.facts import ConnectorStatus, MeterReading, Mode
from wattbus_logger.columns import figure_cells
from wattbus_logger.figures import Figures, summarise_session
from wattbus_logger.reading import RecordedRow
from wattbus_logger.report_table import surplus_notes
from wattbus_logger.sessions import sessions_of

NOON = datetime(2025, 6, 18, 10, tzinfo=UTC)


def row(hours: float, register_wh: float, power_w: float, **known: float | None) -> RecordedRow:
    reading = MeterReading(
        at=NOON + timedelta(hours=hours), connector_status=ConnectorStatus.CHARGING,
        is_plugged_in=True, mode=Mode.SMART, is_failsafe=False, power_active_import_w=power_w,
        energy_active_import_register_wh=register_wh, offered_limit_w=power_w, soc_percent=50.0,
        house_load_w=1000.0, price_per_kwh=2.0,
    )  # fmt: skip
    return replace(row_of(reading, round(hours * 100)), **known)


def hour(power_w: float, **known: float | None) -> list[RecordedRow]:
    """An hour of one power, a row every quarter."""
    return [row(n / 4, power_w * n / 4, power_w, **known) for n in range(5)]


def figures(rows: list[RecordedRow]) -> Figures:
    [session] = sessions_of(rows)
    return summarise_session(session).figures


def test_what_the_roof_leaves_costs_the_feed_in_price_and_the_rest_the_price() -> None:
    sums = figures(hour(4000, pv_power_w=4000, feed_in_price_per_kwh=0.5))

    assert sums.surplus_wh == pytest.approx(3000)
    assert sums.cost == pytest.approx(3 * 0.5 + 1 * 2.0)


def test_without_a_feed_in_price_the_surplus_costs_nothing() -> None:
    assert figures(hour(4000, pv_power_w=4000)).cost == pytest.approx(2.0)


@pytest.mark.parametrize("pv_w", [None, 0.0, 1000.0])
def test_a_roof_that_leaves_nothing_changes_nothing(pv_w: float | None) -> None:
    sums = figures(hour(4000, pv_power_w=pv_w, feed_in_price_per_kwh=0.5))

    assert (sums.surplus_wh, sums.cost) == (0, pytest.approx(8.0))


def test_two_stations_share_the_surplus_by_what_they_draw() -> None:
    rows = hour(2000, pv_power_w=4000, feed_in_price_per_kwh=0.5, site_load_w=1000 + 2000 + 6000)

    assert figures(rows).surplus_wh == pytest.approx(3000 * 2 / 8)


def test_charging_at_once_would_have_missed_the_sun() -> None:
    dark = [row(n / 4, 0, 0, pv_power_w=0, feed_in_price_per_kwh=0.5) for n in range(4)]
    sunny = [
        row(1 + n / 4, 4000 * n / 4, 4000, pv_power_w=9000, feed_in_price_per_kwh=0.5)
        for n in range(5)
    ]

    sums = figures([*dark, *sunny])

    assert sums.cost == pytest.approx(4 * 0.5)
    assert sums.reference_cost == pytest.approx(4 * 2.0, rel=0.01)


def test_what_was_charged_at_once_saves_nothing() -> None:
    rows = hour(7400, pv_power_w=5000, feed_in_price_per_kwh=0.5)

    sums = figures(rows)

    assert sums.saving == pytest.approx(0, abs=1e-9)


def test_emissions_are_those_of_each_time_without_the_roof() -> None:
    sums = figures(hour(4000, pv_power_w=4000, co2_g_per_kwh=50))

    assert sums.co2_with(None) == pytest.approx(1 * 0.05)


def test_a_figure_for_all_hours_is_for_times_without_one() -> None:
    known, unknown = hour(4000, co2_g_per_kwh=50), hour(4000)

    assert figures(unknown).co2_with(None) is None
    assert figures(unknown).co2_with(100) == pytest.approx(0.4)
    assert (figures(known) + figures(unknown)).co2_with(100) == pytest.approx(0.2 + 0.4)
    assert (figures(known) + figures(unknown)).co2_with(None) == pytest.approx(0.2)


def test_a_report_says_what_came_from_the_roof() -> None:
    sums = figures(hour(4000, pv_power_w=4000))

    assert figure_cells(sums)["solar_kwh"] == 3.0
    assert surplus_notes(sums) == [
        "3.00 kWh came from the roof: they cost what selling them would have brought."
    ]
    assert surplus_notes(figures(hour(4000))) == []
