"""The month's highest hours: what is drawn from the grid, by the clock on the wall."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from unit.station_bridge.test_site import POWER_W, Bench
from wattbus_contract.facts import SiteInfo
from wattbus_station_bridge import settings
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.messages import site_info
from wattbus_station_bridge.peaks import PeakBook, Peaks, hour_of, noted

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOON = datetime(2025, 6, 18, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
TARIFF = "[tariff]\npeak_price_per_kw = 80\npeak_hours = 2\n"


def drawn(
    peaks: Peaks, start_at: datetime, powers_w: list[float], step: timedelta = HOUR, count: int = 3
) -> Peaks:
    """Draw powers one after the other, and one reading more that ends the last."""
    for number, power_w in enumerate([*powers_w, 0.0]):
        peaks = noted(peaks, start_at + number * step, power_w, STOCKHOLM, count)
    return peaks


def test_the_highest_hours_are_kept_in_order_and_no_more_than_count() -> None:
    peaks = drawn(Peaks(), NOON, [1000, 5000, 3000, 4000, 2000])

    assert peaks.highest_w == (5000, 4000, 3000)
    assert drawn(Peaks(), NOON, [1000, 5000], count=1).highest_w == (5000,)


def test_an_hour_counts_by_its_mean() -> None:
    quarter = timedelta(minutes=15)

    peaks = drawn(Peaks(), NOON, [8000, 0, 0, 4000], quarter)

    assert peaks.highest_w == (3000,)


def test_the_running_hour_does_not_count_yet() -> None:
    peaks = drawn(Peaks(), NOON, [8000, 8000], timedelta(minutes=20))

    assert peaks.highest_w == ()
    assert peaks.energy_wh == pytest.approx(8000 * 2 / 3)


def test_a_reading_that_comes_late_is_divided_at_the_full_hour() -> None:
    peaks = drawn(Peaks(), NOON + timedelta(minutes=45), [6000], timedelta(minutes=45))

    assert peaks.highest_w == (1500,)
    assert peaks.energy_wh == pytest.approx(3000)


def test_a_new_month_begins_at_local_midnight_without_peaks() -> None:
    last_hour = datetime(2025, 6, 30, 21, tzinfo=UTC)

    june = drawn(Peaks(), last_hour - HOUR, [5000])
    july = drawn(june, last_hour, [7000])

    assert (june.highest_w, june.month) == ((5000,), datetime(2025, 6, 1).date())  # noqa: DTZ001
    assert (july.highest_w, july.month) == ((), datetime(2025, 7, 1).date())  # noqa: DTZ001
    assert drawn(july, last_hour + HOUR, [2000]).highest_w == (2000,)


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [(datetime(2025, 10, 25, 22, tzinfo=UTC), 25), (datetime(2025, 3, 29, 23, tzinfo=UTC), 23)],
)
def test_days_of_23_and_25_hours_have_as_many_hours(midnight: datetime, hours: int) -> None:
    begun = {hour_of(midnight + number * HOUR / 4, STOCKHOLM) for number in range(4 * hours)}

    peaks = drawn(Peaks(), midnight, [1000.0 + number for number in range(hours)], count=99)

    assert len(begun) == len(peaks.highest_w) == hours
    assert peaks.highest_w[-1] == 1000


def test_after_a_long_silence_what_nobody_measured_counts_as_nothing() -> None:
    peaks = drawn(Peaks(), NOON, [6000], timedelta(hours=5))

    assert peaks.highest_w == ()
    assert peaks.hour_at == NOON + 5 * HOUR


def test_readings_of_several_stations_may_come_a_little_out_of_order() -> None:
    peaks = drawn(Peaks(), NOON, [6000], timedelta(minutes=30))

    peaks = noted(peaks, NOON + timedelta(minutes=29), 2000, STOCKHOLM, 3)

    assert drawn(peaks, NOON + HOUR, []).highest_w == (4000,)


def test_a_clock_that_was_set_back_begins_the_account_anew() -> None:
    peaks = drawn(Peaks(), NOON, [6000, 6000])

    assert noted(peaks, NOON - HOUR, 100, STOCKHOLM, 3).highest_w == ()


def test_selling_is_no_drawing() -> None:
    book = PeakBook(STOCKHOLM, 3, Peaks())

    book.note(NOON, -5000)
    book.note(NOON + HOUR / 2, 2000)
    is_news = book.note(NOON + HOUR, 0)

    assert (is_news, book.peaks.highest_w) == (True, (1000,))


def test_peaks_and_the_running_hour_outlive_a_restart(tmp_path: Path) -> None:
    before = drawn(drawn(Peaks(), NOON, [5000]), NOON + HOUR, [4000], timedelta(minutes=30))
    Memory(tmp_path).keep_peaks(before, is_end=True)

    after = Memory(tmp_path).peaks()
    after = noted(after, NOON + timedelta(minutes=100), 3000, STOCKHOLM, 3)
    after = noted(after, NOON + 2 * HOUR, 0, STOCKHOLM, 3)

    assert after.highest_w == (5000, 2000 + 1000)


def test_a_killed_bridge_forgets_the_running_hour_only(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    peaks = drawn(Peaks(), NOON, [5000])
    memory.keep_peaks(peaks)

    memory.keep_peaks(replace(peaks, energy_wh=3000.0))

    assert Memory(tmp_path).peaks().highest_w == (5000,)
    assert Memory(tmp_path).peaks().energy_wh == 0


def test_a_month_that_ended_while_the_bridge_was_off_is_over(tmp_path: Path) -> None:
    Memory(tmp_path).keep_peaks(drawn(Peaks(), NOON, [5000]), is_end=True)

    later = noted(Memory(tmp_path).peaks(), NOON + timedelta(days=30), 0, STOCKHOLM, 3)

    assert later.highest_w == ()


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert Memory(tmp_path).peaks() == Peaks()


def test_the_site_says_its_peaks_when_an_hour_is_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "car1", solar=True, more=TARIFF)
    bench.site.reports.take_time_scale(1.0)
    bench.house_w, bench.pv_w = 2000.0, 1500.0
    bench.poll("car1", 0, POWER_W)
    for _ in range(4):
        bench.now_s += 1800
        bench.poll("car1", 0, POWER_W)

    told = [body.peaks_so_far_w for _, body in bench.announcer.said if isinstance(body, SiteInfo)]

    # The bench begins 1,000 s after the full hour.
    first_w = round((POWER_W + 500) * (3600 - 1000.01) / 3600, 1)
    assert told[0] == ()
    assert told[1:] == [(pytest.approx(first_w, abs=0.2),), (7900, pytest.approx(first_w, abs=0.2))]


def test_without_such_a_tariff_nothing_is_said_of_peaks(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        '[site]\nfuse_power_w = 11000\n[[station]]\nid = "car1"\nurl = "http://x"\n'
    )
    file = settings.load_site_file(tmp_path / "site.toml", {})

    info = site_info(file, 1.0)

    assert info.peak_price_per_kw is info.peak_hours is info.peaks_so_far_w is None
