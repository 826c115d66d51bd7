"""What a station has drawn and cost, counted reading by reading."""

import pytest

from unit.console.pictures import HOUR, MIDNIGHT, default_day, reading
from wattbus_console.tally import Tally


def _tally(*readings: object) -> Tally:
    tally = default_day(*readings).stations["car1"].tally  # type: ignore[arg-type] # messages
    assert tally is not None
    return tally


def test_energy_is_counted_from_the_first_value_on() -> None:
    tally = _tally(
        reading(MIDNIGHT, register_wh=5000), reading(MIDNIGHT + HOUR, register_wh=12_400)
    )

    assert tally.energy_wh == 7400
    assert tally.cost == pytest.approx(7.4 * 0.8528)


def test_energy_over_the_edge_of_a_slot_is_paid_at_both_prices() -> None:
    tally = _tally(
        reading(MIDNIGHT + 22.5 * HOUR), reading(MIDNIGHT + 23.5 * HOUR, register_wh=7400)
    )

    assert tally.cost == pytest.approx(3.7 * 0.32 + 3.7 * 0.3429)


def test_a_clock_that_is_set_back_begins_a_new_count() -> None:
    tally = _tally(
        reading(MIDNIGHT + HOUR, soc_percent=30),
        reading(MIDNIGHT + 2 * HOUR, register_wh=7400, soc_percent=46),
        reading(MIDNIGHT, register_wh=7400, soc_percent=20),
    )

    assert (tally.energy_wh, tally.cost, tally.start_soc_percent) == (0, 0, 20)


def test_energy_without_a_known_price_costs_nothing() -> None:
    after = MIDNIGHT + 30 * HOUR

    tally = _tally(reading(after), reading(after + HOUR, register_wh=7400))

    assert (tally.energy_wh, tally.cost) == (7400, 0)
