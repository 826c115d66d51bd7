"""Slots follow the wall clock, also on days of 23 and 25 hours, and bad files are named."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wattbus_simulator.series import (
    DatedSeries,
    Slot,
    hourly_means,
    slots_from,
    slots_of_both,
    value_at,
)
from wattbus_simulator.series_csv import BadSeriesError, read_series

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAILY = "start,x\n" + "".join(f"{hour:02d}:00,{hour}\n" for hour in range(24))


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, column="x", factor=1.0):
        path = tmp_path / "own.csv"
        path.write_text(text)
        return read_series(path, column, factor, STOCKHOLM)

    return write_and_read


@pytest.mark.parametrize(
    ("day", "values"),
    [
        (date(2025, 1, 15), [*range(24)]),
        (date(2025, 3, 30), [0, 1, *range(3, 24)]),
        (date(2025, 10, 26), [0, 1, 2, 2, *range(3, 24)]),
    ],
)
def test_a_daily_profile_follows_the_wall_clock(read, day, values):
    slots = read(DAILY).day(day)

    assert [slot.value for slot in slots] == values
    assert {slot.duration_s for slot in slots} == {3600}
    assert slots[0].start_at == datetime.combine(day, datetime.min.time(), STOCKHOLM)


def test_slots_of_neighbouring_days_leave_no_gap(read):
    slots = slots_from(read(DAILY), date(2025, 3, 29), 3)

    ends = [slot.start_at + timedelta(seconds=slot.duration_s) for slot in slots]
    assert ends[:-1] == [slot.start_at for slot in slots[1:]]
    assert ends[-1] == datetime(2025, 3, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2025, 1, 15), date(2025, 3, 30), date(2025, 10, 26)])
def test_two_series_of_other_slots_become_one_with_both_values(read, day):
    coarse, fine = read(DAILY).day(day), read("start,x\n00:00,5\n12:15,6\n12:30,7\n").day(day)

    both = slots_of_both(coarse, fine)

    assert sum(slot.duration_s for slot, _ in both) == sum(slot.duration_s for slot in coarse)
    assert [value for _, value in both].count(6) == 1
    [(quarter, value)] = [pair for pair in both if pair[1] == 6]
    assert (quarter.value, quarter.duration_s, value) == (12, 900, 6)


def test_a_profile_may_have_slots_of_any_length(read):
    series = read("start,x\n00:00,1\n06:30,2\n22:00,3\n")

    slots = series.day(date(2025, 1, 15))

    assert [slot.duration_s for slot in slots] == [23_400, 55_800, 7_200]
    assert value_at(series, STOCKHOLM, datetime(2025, 1, 15, 5, 29, tzinfo=UTC)) == 1
    assert value_at(series, STOCKHOLM, datetime(2025, 1, 15, 5, 30, tzinfo=UTC)) == 2


def test_a_slot_around_the_hour_that_comes_twice_grows_by_an_hour(read):
    slots = read("start,x\n00:00,1\n06:00,2\n").day(date(2025, 10, 26))

    assert [slot.duration_s for slot in slots] == [7 * 3600, 18 * 3600]


def dated(day_from, day_to, step_minutes, naive):
    start = datetime.combine(day_from, datetime.min.time(), STOCKHOLM).astimezone(UTC)
    end = datetime.combine(day_to, datetime.min.time(), STOCKHOLM).astimezone(UTC)
    lines = ["# a comment", "start,x"]
    index = 0
    while start < end:
        local = start.astimezone(STOCKHOLM).replace(tzinfo=None)
        stamp = f"{local:%Y-%m-%dT%H:%M}" if naive else f"{start:%Y-%m-%dT%H:%MZ}"
        lines.append(f"{stamp},{index}")
        index += 1
        start += timedelta(minutes=step_minutes)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("naive", [True, False])
@pytest.mark.parametrize("step_minutes", [60, 15])
@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_dated_rows_keep_every_slot_of_a_short_and_a_long_day(
    read, naive, step_minutes, day, hours
):
    series = read(dated(day, day + timedelta(days=1), step_minutes, naive))

    slots = series.day(day)

    assert [slot.value for slot in slots] == [*range(hours * 60 // step_minutes)]
    assert sum(slot.duration_s for slot in slots) == hours * 3600


def test_a_repeated_day_of_another_length_keeps_the_wall_clock(read):
    series = read(dated(date(2025, 10, 25), date(2025, 10, 27), 60, naive=False))

    ordinary, after = series.day(date(2025, 10, 25)), series.day(date(2025, 10, 28))

    assert len(ordinary) == 24
    # The long 26th comes again on the 28th, an ordinary day: its second 02:00 falls away.
    assert [slot.value for slot in after] == [24, 25, 26, *range(28, 49)]


def test_negative_prices_and_the_factor_survive(read):
    series = read("start,x\n00:00,-68.01\n", factor=0.01)

    assert value_at(series, STOCKHOLM, datetime(2025, 1, 1, tzinfo=UTC)) == -0.6801


def test_hourly_means_weigh_quarters_and_fill_the_skipped_hour(read):
    quarters = read("start,x\n00:00,1\n00:15,3\n01:00,8\n").day(date(2025, 1, 15))
    short_day = read(DAILY).day(date(2025, 3, 30))

    assert hourly_means(quarters, STOCKHOLM)[:2] == [2.5, 8]
    assert hourly_means(short_day, STOCKHOLM)[:4] == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("start,x\n", "needs a header and at least one row"),
        ("begin,x\n00:00,1\n", "line 1: no column 'start'"),
        ("# c\n\nstart,y\n00:00,1\n", "line 3: no column 'x', found start, y"),
        ("start,x\n00:00,1\n\n01:00,one\n", "line 4, column 'x': 'one' is not a number"),
        ("start,x\n00:00,nan\n", "line 2, column 'x': 'nan' is not a finite number"),
        ("start,x\n00:00,1,2\n", "line 2: 3 cells, the header has 2"),
        ("start,x\n01:00,1\n", "line 2, column 'start': the day begins with 00:00"),
        ("start,x\n00:00,1\n00:00,1\n", "line 3, column 'start': 00:00 is not later"),
        ("start,x\n00:00,1\n25:00,1\n", "line 3, column 'start': '25:00' is not HH:MM"),
        ("start,x\nsoon,1\n", "line 2, column 'start': 'soon' is neither"),
        ("start,x\n2025-01-15T01:00,1\n", "line 2, column 'start': dated rows hold whole"),
        ("start,x\n2025-01-15T00:00,1\n2025-01-15T02:00,1\n", "line 3, .* within an hour"),
        ("start,x\n2025-01-15T00:00:07,1\n", "line 2, .* not at a whole minute"),
        (
            dated(date(2025, 3, 30), date(2025, 3, 31), 60, naive=True).replace(
                "2025-03-30T03:00", "2025-03-30T02:00"
            ),
            "line 5, column 'start': 2025-03-30T02:00 does not exist in Europe/Stockholm",
        ),
    ],
)
def test_a_bad_file_is_named_with_line_and_column(read, text, complaint):
    with pytest.raises(BadSeriesError, match=complaint) as refused:
        read(text)

    assert "own.csv" in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadSeriesError, match=r"nowhere\.csv: cannot be read"):
        read_series(tmp_path / "nowhere.csv", "x", 1, STOCKHOLM)


def test_a_dated_series_knows_its_days():
    midnight = datetime(2025, 1, 14, 23, tzinfo=UTC)
    series = DatedSeries(STOCKHOLM, (Slot(midnight, 86_400, 1.0),))

    assert series.first_day() == series.last_day() == date(2025, 1, 15)
