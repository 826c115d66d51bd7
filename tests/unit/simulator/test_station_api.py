"""The proper API answers what it documents, and refuses what it cannot use, in JSON."""

import pytest
import schemathesis
from hypothesis import settings

from wattbus_simulator.app import create_app
from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import load_scenario
from wattbus_simulator.world import World


def fuzzed_app():
    """An app over a world whose wall clock moves a bit with every look at it."""
    wall = [0.0]

    def elapsed_s():
        wall[0] += 0.25
        return wall[0]

    return create_app(World(build_household(load_scenario("three-cars")), elapsed_s, "fuzz"))


schema = schemathesis.openapi.from_wsgi("/openapi.json", fuzzed_app())


@schema.parametrize()
@settings(max_examples=20, deadline=None)
def test_every_operation_keeps_its_openapi_description(case):
    case.call_and_validate()


@pytest.fixture
def three(make_world):
    return create_app(make_world("three-cars")).test_client()


def test_the_document_describes_every_route(client):
    described = {
        (method.upper(), path)
        for path, item in client.get("/openapi.json").json["paths"].items()
        for method in item
        if method != "parameters"
    }

    routes = {
        (method, str(rule).replace("<", "{").replace(">", "}"))
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert routes - described == {("GET", "/openapi.json"), ("GET", "/metrics")}
    assert described <= routes


def test_a_station_tells_everything_about_itself(client, wall):
    client.put("/stations/car1/limit", json={"limit_w": 7400})
    wall.pass_hours(1)

    station = client.get("/stations/car1").json

    assert station == {
        "id": "car1",
        "name": "Carport",
        "control": "switch",
        "phases": [1],
        "voltage_v": 230,
        "min_current_a": 32.173913,
        "max_current_a": 32.173913,
        "current_step_a": 32.173913,
        "max_power_w": 7400,
        "at": "2025-01-15T00:00:00.000Z",
        "connector_status": "Charging",
        "is_plugged_in": True,
        "transaction_id": "car1-test-1",
        "soc_percent": pytest.approx(20 + 7.4 / 46.3 * 100, abs=1e-6),
        "battery_capacity_kwh": 46.3,
        "charging_efficiency": 1,
        "car_name": "Citroën e-Berlingo M",
        "car_phases": 1,
        "power_w": 7400,
        "currents_a": [32.173913, 0, 0],
        "energy_register_wh": 7400,
        "limit_w": 7400,
        "limit_a": 32.173913,
        "household_load_w": 770,
        "household_currents_a": [3.347826, 0, 0],
        "household_pv_w": None,
        "reset_count": 0,
        "departure_at": None,
        "trip_shortfall_wh": 0,
    }


def test_a_limit_read_back_in_amperes_and_sent_again_changes_nothing(client):
    client.put("/stations/car1/limit", json={"limit_w": 7400})
    limit_a = client.get("/stations/car1").json["limit_a"]

    again = client.put("/stations/car1/limit", json={"limit_a": limit_a}).json

    assert again["power_w"] == 7400


def test_all_stations_and_the_house_share_one_instant_and_add_up(three):
    three.put("/stations/car1/limit", json={"limit_w": 3680})
    three.put("/stations/car2/limit", json={"limit_a": 20})
    three.put("/stations/car3/limit", json={"limit_a": 16})

    stations = three.get("/stations").json["stations"]

    assert [station["id"] for station in stations] == ["car1", "car2", "car3"]
    assert len({station["at"] for station in stations}) == 1
    total_w = sum(station["power_w"] for station in stations) + stations[0]["household_load_w"]
    assert total_w == 3680 + 20 * 230 + 16 * 690 + 880
    assert three.get("/info").json["base_current_load"] == pytest.approx(total_w / 1000)
    assert stations[2]["currents_a"] == [16, 16, 16]
    assert sum(stations[0]["household_currents_a"]) * 230 == pytest.approx(880, abs=0.01)


def test_the_household_tells_how_its_time_runs(client, wall):
    wall.pass_hours(2)

    assert client.get("/household").json == {
        "at": "2025-01-15T01:00:00.000Z",
        "load_w": 2200,
        "phases": 1,
        "currents_a": [9.565217, 0, 0],
        "pv_w": None,
        "voltage_v": 230,
        "fuse_w": 11000,
        "time_zone": "Europe/Stockholm",
        "time_scale": 900,
        "seconds_per_hour": 4,
        "reset_count": 0,
    }


def test_forecast_and_prices_reach_48_hours_ahead_from_local_midnight(client, wall):
    wall.pass_hours(23.9)

    forecast, prices = client.get("/household/forecast").json, client.get("/prices").json

    assert forecast["unit"] == "W"
    assert forecast["slots"][0] == {
        "start_at": "2025-01-14T23:00:00.000Z",
        "duration_s": 3600,
        "load_w": 880,
        "pv_w": None,
    }
    assert prices["slots"][22]["price_per_kwh"] == 0.32
    assert {key: value for key, value in prices.items() if key != "slots"} == {
        "currency": "SEK",
        "unit": "SEK/kWh",
        "includes_vat": True,
        "source": "course default day",
    }
    assert len(forecast["slots"]) == len(prices["slots"]) == 72


def test_what_the_roof_gives_stands_beside_the_load_and_is_no_part_of_it(make_world, wall):
    client = create_app(make_world("solar-day")).test_client()
    wall.pass_hours(13.1)

    station, house = client.get("/stations/car1").json, client.get("/household").json
    slots = client.get("/household/forecast").json["slots"]

    [now] = [slot for slot in slots if slot["start_at"] == "2025-06-18T11:00:00.000Z"]
    assert house["pv_w"] == station["household_pv_w"] == now["pv_w"] > 5000
    assert house["load_w"] == station["household_load_w"] == now["load_w"] < 1000
    assert house["currents_a"][0] == pytest.approx(house["load_w"] / 230, abs=1e-6)
    # The course's API gives two decimals of a kW.
    told_kw = client.get("/info").json["base_current_load"]
    assert told_kw == pytest.approx(house["load_w"] / 1000, abs=0.0051)


def test_real_prices_may_be_negative(make_world):
    client = create_app(make_world("se3-week")).test_client()

    prices = client.get("/prices").json

    assert prices["includes_vat"] is False
    assert prices["slots"][0]["price_per_kwh"] == pytest.approx(-0.15 * 11.5 / 1000, abs=1e-6)


def test_plug_unplug_and_reset_work_with_and_without_a_body(client):
    away = client.post("/stations/car1/unplug").json
    back = client.post("/stations/car1/plug", json={"soc_percent": 33}).json
    reset = client.post("/stations/car1/reset").json

    assert (away["connector_status"], away["soc_percent"]) == ("Available", None)
    assert (back["soc_percent"], back["transaction_id"]) == (33, "car1-test-2")
    assert (reset["soc_percent"], reset["transaction_id"]) == (20, "car1-test-3")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"{}",
        b'{"limit_w": 1, "limit_a": 1}',
        b'{"limit_w": "7400"}',
        b'{"limit_w": true}',
        b'{"limit_w": null}',
        b'{"limit_w": -1}',
        b'{"limit_w": NaN}',
        b'{"limit_w": Infinity}',
        b'{"limit_w": 1e400}',
        b'{"limit_w": 7400, "unit": "W"}',
        b'{"limit_w": ' + b"9" * 5000 + b"}",
        b'{"a":' * 2000,
    ],
)
def test_a_wrong_limit_gets_400_and_changes_nothing(client, body):
    before = client.get("/stations/car1").json

    response = client.put("/stations/car1/limit", data=body, content_type="application/json")

    assert response.status_code == 400
    assert response.json["error"]
    assert client.get("/stations/car1").json == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/stations/car9", 404),
        ("PUT", "/stations/car9/limit", 404),
        ("POST", "/stations/car9/plug", 404),
        ("DELETE", "/charge", 405),
        ("GET", "/reset", 405),
        ("POST", "/stations/car1/plug", 409),
    ],
)
def test_other_mistakes_get_their_status_and_a_json_reason(client, method, path, status):
    response = client.open(path, method=method)

    assert response.status_code == status
    assert response.content_type == "application/json"
    assert response.json["error"]
    assert ("Allow" in response.headers) == (status == 405)


def test_a_body_of_another_type_gets_415(client):
    response = client.put("/stations/car1/limit", data="limit_w=1", content_type="text/plain")

    assert (response.status_code, "application/json" in response.json["error"]) == (415, True)


@pytest.mark.parametrize("path", ["/charge", "/stations/car1/plug"])
def test_a_huge_body_gets_413(client, path):
    response = client.post(path, data=b" " * 1_000_000, content_type="application/json")

    assert response.status_code == 413
    assert response.json["error"]


def test_a_fault_inside_gets_500_without_its_inside(client, world, monkeypatch):
    monkeypatch.setattr(world, "stations", lambda: 1 / 0)

    response = client.get("/stations")

    assert response.status_code == 500
    assert response.content_type == "application/json"
    assert "division" not in response.json["error"]
