"""The chart: what is drawn where, and the same in words."""

import json
from datetime import timedelta

from unit.dashboard.scene import NOW, STOCKHOLM, example, picture
from wattbus_contract import topics
from wattbus_contract.facts import StationEventKind
from wattbus_contract.forecasts import BaseLoadSlot
from wattbus_dashboard.chart import drawing
from wattbus_dashboard.chart_data import COLUMN_S, ChartData, chart_data
from wattbus_dashboard.picture import KEPT, Picture
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV

QUARTER = timedelta(seconds=COLUMN_S)


def data_of(site: Picture) -> ChartData:
    found = chart_data(site)
    assert found is not None
    return found


def test_nothing_is_drawn_of_an_empty_picture() -> None:
    assert chart_data(Picture()) is None


def test_columns_are_quarters_with_price_plan_and_measurement() -> None:
    columns = {column.start_at: column for column in data_of(picture()).columns}

    now, later = columns[NOW], columns[NOW + 2 * QUARTER]
    assert (now.price_per_kwh, now.house_w, now.actual_w, now.planned_w) == (
        0.3429, 990, 7400, 7400,
    )  # fmt: skip
    assert (later.house_w, later.expected_house_w, later.planned_w) == (None, 990, 7400)


def test_what_was_planned_stays_in_the_chart_when_the_plan_goes_on() -> None:
    site = picture()
    later = NOW + 3 * QUARTER
    site.apply(example(topics.PLAN, instead={"stations": ()}), 1.0)
    site.apply(example(topics.HOUSEHOLD_METER, instead={"at": later}), 1.0)

    columns = {column.start_at: column for column in data_of(site).columns}

    assert columns[NOW].planned_w == 7400
    assert columns[later].planned_w is None


def test_at_most_a_day_to_each_side_is_kept_and_drawn() -> None:
    site = Picture()
    for hour in range(60):
        at = NOW + timedelta(hours=hour)
        site.apply(example(topics.HOUSEHOLD_METER, instead={"at": at}), float(hour))

    data = data_of(site)

    assert min(site.loads) >= data.now - KEPT
    assert data.columns[0].start_at >= data.now - KEPT - QUARTER


def test_a_clock_set_back_begins_the_chart_anew() -> None:
    site = picture()

    site.apply(
        example(
            topics.STATION_EVENT, station="car1", instead={"kind": StationEventKind.CLOCK_RESET}
        ),
        1.0,
    )

    assert site.loads == {}


def test_the_drawing_is_plain_json_in_the_sites_local_time() -> None:
    drawn = drawing(data_of(picture()), "SEK", EN, STOCKHOLM)

    json.dumps(drawn.options, allow_nan=False)
    first_ms = drawn.options["series"][0]["data"][0][0]
    # 21:00 UTC is 22:00 in Stockholm, and is drawn as if that were UTC.
    assert first_ms == round((NOW + timedelta(hours=1)).timestamp() * 1000)


def test_chargers_stand_on_the_house_but_tell_their_own_power() -> None:
    drawn = drawing(data_of(picture()), "SEK", EN, STOCKHOLM)

    charging = drawn.options["series"][0]

    assert charging["data"][0][1:] == [8.39, 7.4]
    assert charging["encode"]["tooltip"] == [2]


def solar_picture() -> Picture:
    site = picture()
    slots = tuple(
        BaseLoadSlot(
            start_at=NOW + hour * 4 * QUARTER, duration_s=3600, power_w=990, pv_power_w=1000 * hour
        )
        for hour in range(8)
    )
    forecast = {"provider": "test", "slots": slots}
    site.apply(example(topics.BASE_LOAD, instead=forecast), 1.0)
    site.apply(example(topics.HOUSEHOLD_METER, instead={"at": NOW, "pv_power_w": 2500.0}), 1.0)
    return site


def test_the_roof_is_measured_until_now_and_expected_from_then_on() -> None:
    data = data_of(solar_picture())
    columns = {column.start_at: column for column in data.columns}

    now, later = columns[NOW], columns[NOW + 4 * QUARTER]
    assert (now.pv_w, now.expected_pv_w) == (2500, None)
    assert (later.pv_w, later.expected_pv_w) == (None, 1000)


def test_the_roof_is_drawn_said_and_tabulated_in_both_languages() -> None:
    data = data_of(solar_picture())
    english, swedish = (drawing(data, "SEK", words, STOCKHOLM) for words in (EN, SV))

    measured, expected = english.options["series"][-2:]
    assert (measured["name"], expected["name"]) == ("Solar", "Solar, expected")
    assert [point[1] for point in measured["data"] if point[1] is not None] == [2.5]
    assert expected["lineStyle"]["type"] == "dashed"
    assert "yAxisIndex" not in measured
    assert "The roof gives the most at" in english.summary
    assert "Taket ger mest" in swedish.summary
    assert (english.head[-1], swedish.head[-1]) == ("Solar, kW", "Solel, kW")
    assert english.rows[1][-1] == "1.00"


def test_without_a_roof_nothing_is_said_of_one() -> None:
    drawn = drawing(data_of(picture()), "SEK", EN, STOCKHOLM)

    assert "roof" not in drawn.summary
    assert len(drawn.head) == len(drawn.rows[0]) == 5
    assert not any("Solar" in series["name"] for series in drawn.options["series"])


def test_the_summary_and_the_table_say_what_is_drawn() -> None:
    english = drawing(data_of(picture()), "SEK", EN, STOCKHOLM)
    swedish = drawing(data_of(picture()), "SEK", SV, STOCKHOLM)

    assert "Charging is planned 22:00\N{EN DASH}23:00." in english.summary
    assert english.rows[0] == ("Wed 22:00", "34.3", "7.40", "7.40", "0.99")
    assert swedish.rows[0] == ("ons 22:00", "34,3", "7,40", "7,40", "0,99")
    assert swedish.head[1] == "Pris, öre/kWh"
