import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from unit.station_bridge.course_station import BASE_LOAD_KW, PRICES_ORE, CourseStation, serving
from wattbus_contract.facts import ConnectorStatus, Control
from wattbus_station_bridge.stations import course
from wattbus_station_bridge.stations.course import CourseSettings
from wattbus_station_bridge.stations.reading import InvalidAnswer, StationTraits
from wattbus_station_bridge.stations.rest import RestClient

ZONE = ZoneInfo("Europe/Stockholm")
TRAITS = StationTraits(
    name="course", control=Control.SWITCH, phases=(1,), voltage_v=230, min_current_a=32.17,
    max_current_a=32.17, current_step_a=32.17, max_power_w=7400, battery_capacity_wh=46_300,
    charging_efficiency=1.0, car_name=None,
)  # fmt: skip
HTML_500 = (500, "text/html; charset=utf-8", b"<!doctype html><title>500</title>")


class Bench:
    """A course station, its driver, and a monotonic clock that runs with the station's."""

    def __init__(self, station: CourseStation, url: str, off_request: str = "charge") -> None:
        self.station = station
        self.now_s = 0.0
        settings = CourseSettings(TRAITS, ZONE, date(2025, 1, 15), off_request=off_request)
        self.driver = course.CourseStation(
            RestClient(), url, settings, monotonic_s=lambda: self.now_s
        )

    def step(self, quarters: int = 1) -> None:
        """Let quarters pass, a second each, with a poll after each of them."""
        for _ in range(quarters):
            self.station.step()
            self.now_s += 1.0
            self.driver.read()


BenchFactory = Callable[..., Bench]


@pytest.fixture
def bench() -> Iterator[BenchFactory]:
    with contextlib.ExitStack() as stack:

        def make(off_request: str = "charge", **variant: object) -> Bench:
            station = CourseStation(**variant)  # type: ignore[arg-type]  # flags of the variant
            return Bench(station, stack.enter_context(serving(station.answer)), off_request)

        yield make


def test_the_stock_server_is_read_although_it_declares_its_json_as_html(
    bench: BenchFactory,
) -> None:
    reading = bench().driver.read()

    assert reading.at == datetime(2025, 1, 14, 23, 0, tzinfo=UTC)
    assert reading.soc_percent == pytest.approx(20.0)
    assert reading.connector_status is ConnectorStatus.SUSPENDED_EVSE
    assert reading.power_w == 0
    assert reading.offered_limit_w == 0


def test_true_load_and_power_are_told_beside_the_faulty_figure(bench: BenchFactory) -> None:
    b = bench()
    b.driver.read()
    b.driver.apply(7400)

    b.step(3)
    reading = b.driver.read()

    assert reading.reported_base_current_load_kw == pytest.approx(0.88 + 3 * 1.85)
    assert reading.house_load_w == pytest.approx(880)
    assert reading.power_w == 7400
    assert reading.energy_register_wh == pytest.approx(5550)


def test_the_faulty_load_that_stays_raised_after_off_does_not_reach_the_house_load(
    bench: BenchFactory,
) -> None:
    b = bench()
    b.driver.apply(7400)
    b.step(2)
    b.driver.apply(0)

    reading = b.driver.read()

    assert reading.reported_base_current_load_kw == pytest.approx(0.88 + 2 * 1.85)
    assert reading.house_load_w == pytest.approx(880)
    assert reading.power_w == 0


def test_without_a_list_of_base_loads_the_least_of_the_hour_is_the_house(
    bench: BenchFactory,
) -> None:
    b = bench(is_rewrite=True)
    b.driver.read()
    b.driver.apply(7400)

    b.step(2)

    assert b.driver.read().house_load_w == pytest.approx(880)
    b.step(3)
    assert b.driver.read().house_load_w == pytest.approx(1000 * BASE_LOAD_KW[1], abs=1851)


def test_a_battery_above_full_is_clamped_and_kept_as_reported(bench: BenchFactory) -> None:
    b = bench()
    b.driver.apply(7400)

    b.step(40)
    reading = b.driver.read()

    assert reading.soc_percent == 100
    assert reading.reported_battery_energy_kwh == pytest.approx(51.81)
    assert reading.energy_register_wh == pytest.approx(1000 * (51.81 - 9.26 - 0), abs=1851)


def test_a_full_battery_that_takes_no_more_draws_nothing(bench: BenchFactory) -> None:
    b = bench(clamps_at_100=True)
    b.driver.apply(7400)

    b.step(26)
    reading = b.driver.read()

    assert b.station.is_charging
    assert reading.soc_percent == 100
    assert reading.power_w == 0
    assert reading.connector_status is ConnectorStatus.SUSPENDED_EV


def test_a_station_that_stops_itself_at_80_is_suspended_by_the_car(bench: BenchFactory) -> None:
    b = bench(stops_at_80=True)
    b.driver.apply(7400)

    b.step(20)
    reading = b.driver.read()

    assert reading.soc_percent == pytest.approx(80)
    assert reading.offered_limit_w == 0
    assert reading.connector_status is ConnectorStatus.SUSPENDED_EV


def test_renamed_fields_are_found(bench: BenchFactory) -> None:
    reading = bench(has_renamed_fields=True).driver.read()

    assert reading.reported_battery_energy_kwh == pytest.approx(9.26)
    assert reading.reported_base_current_load_kw == pytest.approx(0.88)
    assert reading.traits.battery_capacity_wh == pytest.approx(46_300)


def test_a_percentage_that_is_an_int_is_taken(bench: BenchFactory) -> None:
    assert bench(percent_as_int=True).driver.read().soc_percent == 20


def test_without_the_flag_what_was_commanded_counts(bench: BenchFactory) -> None:
    b = bench(has_flag=False)
    assert b.driver.read().offered_limit_w is None

    b.driver.apply(7400)

    assert b.driver.read().power_w == 7400


@pytest.mark.parametrize("form", ["list", "object", "named-list"])
def test_prices_are_read_in_every_form(bench: BenchFactory, form: str) -> None:
    prices = bench(prices_as=form).driver.read_prices(datetime(2025, 1, 15, 12, tzinfo=UTC))

    assert len(prices.slots) == 48
    assert prices.slots[0].start_at == datetime(2025, 1, 14, 23, tzinfo=UTC)
    assert [slot.value for slot in prices.slots[:24]] == pytest.approx(
        [ore / 100 for ore in PRICES_ORE]
    )


def test_a_station_without_prices_says_so(bench: BenchFactory) -> None:
    with pytest.raises(InvalidAnswer, match="404"):
        bench(is_rewrite=True).driver.read_prices(datetime(2025, 1, 15, tzinfo=UTC))


def test_off_is_never_sent_as_a_reset(bench: BenchFactory) -> None:
    b = bench()

    b.driver.apply(7400)
    b.driver.apply(0)

    assert b.station.orders == ['/charge {"charging": "on"}', '/charge {"charging": "off"}']


def test_off_is_sent_as_discharge_only_where_the_site_file_says_so(bench: BenchFactory) -> None:
    b = bench(off_request="discharge", is_rewrite=True)
    b.driver.apply(7400)

    b.driver.apply(0)

    assert not b.station.is_charging
    assert b.station.orders[-1].startswith("/discharge")


def test_an_order_answered_with_200_and_an_error_has_failed(bench: BenchFactory) -> None:
    b = bench()
    b.station.broken["/charge"] = (200, "text/html", b'{"error": "no"}')

    with pytest.raises(InvalidAnswer, match="error: no"):
        b.driver.apply(7400)


@pytest.mark.parametrize(
    "answer",
    [
        HTML_500,
        (200, "text/html", b"<html>not json</html>"),
        (200, "application/json", b'{"error": "bad"}'),
        (200, "application/json", b"\xff\xfe\x00garbage"),
        (200, "application/json", b"[" * 100_000),
        (200, "application/json", b"null"),
        (200, "application/json", b"{}"),
        (200, "application/json", b'{"sim_time_hour": "noon", "sim_time_min": 0}'),
        (200, "application/json", b'{"sim_time_hour": 24, "sim_time_min": 0}'),
        (200, "application/json", b'{"sim_time_hour": 1, "base_current_load": NaN}'),
        (200, "application/json", b'{"sim_time_hour": 1, "base_current_load": true}'),
        (200, "application/json", b'{"sim_time_hour": 1e999, "sim_time_min": 0}'),
    ],
)
def test_what_is_no_answer_is_refused_and_the_station_is_read_again_afterwards(
    bench: BenchFactory, answer: tuple[int, str, bytes]
) -> None:
    b = bench()
    b.station.broken["/info"] = answer

    with pytest.raises(InvalidAnswer):
        b.driver.read()

    b.station.broken.clear()
    assert b.driver.read().soc_percent == pytest.approx(20)


def test_a_reset_is_noticed_and_time_goes_on(bench: BenchFactory) -> None:
    b = bench()
    b.driver.apply(7400)
    b.step(70)
    before = b.driver.read()

    b.station.answer("POST", "/discharge", b'{"discharging": "on"}')
    b.now_s += 0.2
    reading = b.driver.read()

    assert reading.reset_count == before.reset_count + 1
    assert reading.at == datetime(2025, 1, 15, 23, tzinfo=UTC)
    assert reading.energy_register_wh == before.energy_register_wh
    assert reading.transaction_id != before.transaction_id


def test_a_reset_within_the_first_quarter_is_noticed_by_the_battery(bench: BenchFactory) -> None:
    b = bench(energy_kwh=30.0)
    before = b.driver.read()

    b.station.answer("POST", "/discharge", b'{"discharging": "on"}')
    reading = b.driver.read()

    assert reading.reset_count == before.reset_count + 1
    assert reading.at == before.at


def test_midnight_is_no_reset(bench: BenchFactory) -> None:
    b = bench(minutes=23 * 60)
    b.driver.read()

    b.step(8)
    reading = b.driver.read()

    assert reading.reset_count == 0
    assert reading.at == datetime(2025, 1, 16, 0, 0, tzinfo=UTC)


def test_after_a_restart_of_the_bridge_time_and_energy_go_on(bench: BenchFactory) -> None:
    b = bench()
    b.driver.apply(7400)
    b.step(30)
    before = b.driver.read()
    again = Bench.__new__(Bench)
    again.__dict__.update(b.__dict__)
    state = course.CourseState.from_document(b.driver.state.to_document() if b.driver.state else {})
    again.driver = course.CourseStation(
        b.driver._client, b.driver._base_url, b.driver._settings, state
    )
    b.station.step(4)

    reading = again.driver.read()

    assert (reading.at - before.at).total_seconds() == 3600
    assert reading.reset_count == before.reset_count
    assert reading.energy_register_wh >= before.energy_register_wh
