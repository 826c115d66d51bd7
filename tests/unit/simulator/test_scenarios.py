"""The bundled scenarios load and mean what they say; own ones are checked with their keys."""

import re
import tomllib

import pytest

from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import (
    BadScenarioError,
    bundled_folder,
    bundled_names,
    load_scenario,
)
from wattbus_simulator.series import slots_from

COURSE_DAY = (bundled_folder() / "course-day.toml").read_text(encoding="utf-8")


def test_all_bundled_scenarios_load():
    assert bundled_names() == ["course-day", "course-night", "se3-week", "solar-day", "three-cars"]
    for name in bundled_names():
        household = build_household(load_scenario(name))

        assert household.name == name
        assert len(household.load.day(household.start_at.date())) >= 24


def test_the_night_begins_at_18_and_is_the_day_in_half_hour_steps():
    day, night = load_scenario("course-day"), load_scenario("course-night")

    assert night.clock.start_at.isoformat() == "2025-01-15T18:00:00"
    assert night.clock.seconds_per_hour == day.clock.seconds_per_hour
    assert night.stations == day.stations
    hourly, halved = build_household(day), build_household(night)
    date = hourly.start_at.date()
    for by_hour, by_half in ((hourly.load, halved.load), (hourly.prices, halved.prices)):
        assert {slot.duration_s for slot in by_half.day(date)} == {1800}
        hours = {slot.start_at: slot.value for slot in by_hour.day(date)}
        for slot in by_half.day(date):
            assert slot.value == hours[slot.start_at.replace(minute=0)]


def test_the_se3_week_has_negative_and_very_high_prices_and_a_house_that_fills_the_fuse():
    household = build_household(load_scenario("se3-week"))
    first_day = household.start_at.date()

    prices = [slot.value for slot in slots_from(household.prices, first_day, 7)]
    loads_w = [slot.value for slot in slots_from(household.load, first_day, 7)]

    assert len(prices) == len(loads_w) == 168
    assert (min(prices), max(prices)) == pytest.approx((-0.79 * 0.0115, 271.21 * 0.0115), abs=1e-4)
    assert sum(price < 0 for price in prices) == 5
    assert household.fuse_w - 7360 < max(loads_w) < household.fuse_w


def test_the_solar_day_has_night_noon_and_clouds_and_fills_a_car_from_its_surplus():
    household = build_household(load_scenario("solar-day"))
    day = household.start_at.date()

    pv_w = [slot.value for slot in household.solar.day(day)]
    load_w = [slot.value for slot in household.load.day(day)]

    assert len(pv_w) == len(load_w) == 24
    assert pv_w[0] == pv_w[-1] == 0
    assert 7000 < max(pv_w) < 10_000
    assert pv_w[15] < 0.8 * pv_w[16]  # a cloud at 15:00
    surplus_kwh = sum(max(0, sun - house) / 1000 for sun, house in zip(pv_w, load_w, strict=True))
    assert surplus_kwh > 0.6 * 46.3 / 0.9


def test_a_scenario_without_a_roof_has_none():
    assert build_household(load_scenario("course-day")).solar is None


def test_a_roof_that_takes_power_is_refused(tmp_path):
    solar = '[household.solar]\nfile = "roof.csv"\ncolumn = "pv_w"\n\n[prices]'
    path = own_scenario(tmp_path, COURSE_DAY.replace("[prices]", solar))
    (tmp_path / "roof.csv").write_text("start,pv_w\n00:00,0\n10:00,-5\n")

    with pytest.raises(BadScenarioError, match=r"household.solar: roof.csv.*-5 W"):
        build_household(load_scenario(path))


def test_bundled_data_names_its_sources_and_licences():
    comments = (bundled_folder() / "se3-week.csv").read_text(encoding="utf-8")
    attribution = (bundled_folder() / "ATTRIBUTION.md").read_text(encoding="utf-8")

    for text in (comments, attribution):
        assert "Source: Energinet (www.energidataservice.dk)" in text
        assert text.count("CC BY 4.0") >= 2
        assert "Hebrail" in text
        assert "235" in text


def own_scenario(tmp_path, text):
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    (tmp_path / "course-day.csv").write_text("start,ore_per_kwh,load_w\n00:00,50,900\n")
    return str(tmp_path / "own.toml")


def test_an_own_scenario_reads_the_csv_beside_it(tmp_path):
    household = build_household(load_scenario(own_scenario(tmp_path, COURSE_DAY)))

    assert household.prices.day(household.start_at.date())[0].value == 0.5
    assert household.prices.day(household.start_at.date())[0].duration_s == 86_400


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("power_w = 7400", "power = 7400", "stations.0.power: Extra inputs"),
        ("power_w = 7400", "", "stations.0: .*power_w belongs to control 'switch'"),
        ('control = "switch"', 'control = "dimmer"', "stations.0.control"),
        ("phases = [1]", "phases = [2]", "wired to a phase the house lacks"),
        ("phases = [1]", "phases = [1, 1]", "names a phase twice"),
        ("soc_percent = 20", "soc_percent = 120", "stations.0.car.soc_percent"),
        ("charging_efficiency = 1.0", "charging_efficiency = 0", "car.charging_efficiency"),
        ("charging_efficiency = 1.0", "taper = [[90, 5], [80, 4]]", "need rising SoC"),
        ("charging_efficiency = 1.0", "taper = [[90, 0]]", "taper.0.1"),
        ("46.3", "nan", "battery_capacity_kwh"),
        ("Europe/Stockholm", "Europe/Stockholl", "clock.time_zone: .*is no time zone"),
        ("T00:00:00", "T00:00:00Z", "clock.start_at: .*local wall time"),
        ("seconds_per_hour = 4", "seconds_per_hour = 0", "clock.seconds_per_hour"),
        ("fuse_w = 11000", "load_shares = [0.5]", "household: .*add up to 1"),
        ('id = "car1"', 'id = "Car 1"', "stations.0.id"),
        ("factor = 0.01 ", "factor = -1 ", "prices.factor"),
        ("[clock]", "[clock", "own.toml: "),
    ],
)
def test_a_mistake_in_a_scenario_is_named_with_its_key(tmp_path, old, new, complaint):
    assert old in COURSE_DAY

    with pytest.raises(BadScenarioError, match=complaint) as refused:
        load_scenario(own_scenario(tmp_path, COURSE_DAY.replace(old, new)))

    assert "own.toml" in str(refused.value)


def test_two_stations_cannot_share_an_id(tmp_path):
    station = COURSE_DAY[COURSE_DAY.index("[[stations]]") :]

    with pytest.raises(BadScenarioError, match="share one id"):
        load_scenario(own_scenario(tmp_path, COURSE_DAY + station))


def test_an_unknown_scenario_is_told_what_there_is():
    with pytest.raises(BadScenarioError, match=re.escape("course-day, course-night, se3-week")):
        load_scenario("no-such-day")


def test_a_start_outside_dated_data_is_refused():
    scenario = load_scenario("se3-week")
    outside = scenario.starting(scenario.clock.start_at.replace(year=2023), None)

    with pytest.raises(BadScenarioError, match="2024-12-02 to 2024-12-08"):
        build_household(outside)


def test_a_broken_csv_stops_the_scenario(tmp_path):
    path = own_scenario(tmp_path, COURSE_DAY)
    (tmp_path / "course-day.csv").write_text("start,ore_per_kwh,load_w\n00:00,50,much\n")

    with pytest.raises(BadScenarioError, match="line 2, column 'load_w': 'much'"):
        build_household(load_scenario(path))


def test_the_example_in_the_readme_is_a_valid_scenario(tmp_path, pytestconfig):
    readme = pytestconfig.rootpath / "services" / "simulator" / "README.md"
    toml = readme.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    csv = readme.read_text(encoding="utf-8").split("```csv\n")[1].split("```")[0]
    (tmp_path / "my-house.toml").write_text(toml, encoding="utf-8")
    (tmp_path / tomllib.loads(toml)["prices"]["file"]).write_text(csv, encoding="utf-8")

    household = build_household(load_scenario(str(tmp_path / "my-house.toml")))

    assert len(household.prices.day(household.start_at.date())) == csv.count("\n") - 2
