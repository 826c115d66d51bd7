"""The plot shows the recorded day: figures, units, local hours, why the car charged."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from unit.logger.course_day import MIDNIGHT, reading
from unit.logger.rows_of import course_rows, rows_from
from wattbus_logger.plot import draw, picture
from wattbus_logger.plot_data import CHARGING, FAILSAFE, FUSE, LocalClock, stretches_of
from wattbus_logger.reading import BadLog, RecordedRow


def with_reasons(rows: list[RecordedRow]) -> list[RecordedRow]:
    def reason(row: RecordedRow) -> str:
        if row.power_w:
            return "charging-cheapest"
        return "paused-fuse" if (row.house_load_w or 0) > 3600 else "waiting-cheaper"

    return [replace(row, reason=reason(row), planned_limit_w=row.power_w) for row in rows]


def words_of(figure: Figure) -> str:
    words = [figure.get_suptitle()]
    for axis in figure.axes:
        words += [axis.get_ylabel(), axis.get_xlabel(), axis.get_title(loc="left")]
        legend = axis.get_legend()
        if legend is not None:
            words += [text.get_text() for text in legend.get_texts()]
        words += [label.get_text() for label in axis.get_xticklabels()]
    return "\n".join(words)


def test_the_day_is_drawn_with_units_hours_and_what_it_cost() -> None:
    figure = picture({"car1": with_reasons(course_rows())})

    words = words_of(figure)
    for word in (
        "Wednesday 15 January 2025",
        "car1: 27.78 kWh for 13.73 kr; at once 20.38 kr, saved 33 %",
        "charging power [kW]",
        "state of charge [%]",
        "household [kW]",
        "fuse 11 kW",
        "price [öre/kWh]",
        "planned",
        "target",
        CHARGING,
        FUSE,
        "local time of the site",
        "00:00\nWed 15 Jan",
        "22:00",
    ):
        assert word in words, word


def test_what_the_roof_gave_is_drawn_where_there_is_one() -> None:
    rows = with_reasons(course_rows())
    sunny = [replace(row, pv_power_w=4000.0) for row in rows]

    assert "solar" in words_of(picture({"car1": sunny}))
    assert "solar" not in words_of(picture({"car1": rows}))


def test_several_stations_get_a_panel_each() -> None:
    rows = with_reasons(course_rows())

    figure = picture({f"car{n}": [replace(r, station=f"car{n}") for r in rows] for n in (1, 2, 3)})

    labels = [axis.get_ylabel() for axis in figure.axes]
    assert [f"car{n}\ncharging power [kW]" in labels for n in (1, 2, 3)] == [True] * 3
    assert labels.count("household [kW]") == 1


def test_more_stations_than_fit_are_told() -> None:
    rows = course_rows(poll_h=1.0)

    figure = picture({f"car{n:02}": rows for n in range(15)})

    assert "3 more stations are not shown" in words_of(figure)


def test_a_fail_safe_charge_looks_different() -> None:
    rows = [replace(row, reason="failsafe") for row in course_rows() if row.power_w]

    assert {stretch.kind for stretch in stretches_of(rows)} == {FAILSAFE}


@pytest.mark.parametrize(
    ("midnight", "hours", "missing"),
    [("2025-03-29T23:00Z", 23, "02:00"), ("2025-10-25T22:00Z", 25, "")],
)
def test_the_axis_tells_the_hours_that_the_clock_showed(
    midnight: str, hours: int, missing: str
) -> None:
    start_at = datetime.fromisoformat(midnight)
    rows = rows_from(reading(start_at + timedelta(minutes=20 * n)) for n in range(3 * hours + 1))
    clock = LocalClock(rows)

    hourly = [clock.local(start_at + timedelta(hours=n)).hour for n in range(hours + 1)]
    labels = [label.split("\n")[0] for _, label in clock.ticks(rows[0].at, rows[-1].at)]

    assert len(hourly) - 1 == hours
    assert hourly[0] == hourly[-1] == 0
    assert (2 in hourly) == (missing != "02:00")
    assert hourly.count(2) == (2 if hours == 25 else 0)
    assert labels[0] == labels[-1] == "00:00"
    assert missing not in labels or not missing


def test_rows_with_next_to_nothing_known_are_drawn() -> None:
    bare = RecordedRow(MIDNIGHT, MIDNIGHT.replace(tzinfo=None), "car1", 0.0, 0.0)

    alone = picture({"car1": [bare]})
    pair = picture({"car1": [bare, replace(bare, at=MIDNIGHT + timedelta(minutes=1))]})

    assert len(alone.axes) == len(pair.axes) > 0


def test_a_year_of_rows_is_thinned_to_what_a_picture_can_show() -> None:
    rows = rows_from(reading(MIDNIGHT + timedelta(seconds=10 * n)) for n in range(20_000))

    figure = picture({"car1": rows})

    assert max(len(line.get_xdata()) for axis in figure.axes for line in axis.lines) < 8000  # type: ignore[arg-type]  # an array has a length


def test_the_file_is_replaced_as_a_whole(course_folder: Path) -> None:
    target = course_folder / "battery_plot.png"
    target.write_bytes(b"old")

    draw(course_folder, target)

    assert target.stat().st_size > 30_000
    assert not list(course_folder.glob(".battery_plot*"))
    with pytest.raises(BadLog, match="no rows of these days"):
        draw(course_folder, target, stations=frozenset({"car9"}))
