"""Clients written for the well-known Flask charging station run unchanged, without its faults."""

import pytest

PRICES = [
    *(85.28, 70.86, 68.01, 67.95, 68.01, 85.04, 87.86, 100.26, 118.45, 116.61, 105.93, 91.95),
    *(90.51, 90.34, 90.80, 88.85, 90.39, 99.03, 87.11, 82.90, 80.45, 76.48, 32.00, 34.29),
]
LOADS_KW = [
    *(0.88, 0.77, 2.2, 1.98, 2.75, 3.85, 4.51, 3.74, 3.85, 4.4, 4.73, 6.16),
    *(4.62, 3.74, 3.52, 3.63, 5.83, 11.0, 8.91, 6.05, 4.29, 2.64, 1.87, 0.99),
]


def test_info_has_the_fields_and_defaults_of_the_well_known_server(client):
    info = client.get("/info")

    assert info.content_type == "application/json"
    assert info.json == {
        "sim_time_hour": 0,
        "sim_time_min": 0,
        "base_current_load": 0.88,
        "battery_capacity_kWh": 9.26,
        "ev_battery_charge_start_stopp": False,
    }


def test_the_lists_and_bare_numbers_are_those_of_the_well_known_server(client):
    assert client.get("/baseload").json == LOADS_KW
    assert client.get("/priceperhour").json == PRICES
    assert client.get("/charge").json == 20
    assert client.get("/").json == 9.26
    assert "message" in client.get("/discharge").json


def test_every_answer_is_json_that_any_origin_may_read(client):
    for path in ("/", "/info", "/baseload", "/priceperhour", "/charge", "/discharge", "/nowhere"):
        response = client.get(path)

        assert response.content_type == "application/json", path
        assert response.headers["Access-Control-Allow-Origin"] == "*", path
    preflight = client.options("/charge")
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"


def test_the_load_is_the_true_sum_of_house_and_charger(client, wall):
    for hour, load_kw in enumerate(LOADS_KW[:6]):
        client.post("/charge", json={"charging": "off"})
        assert client.get("/info").json["base_current_load"] == load_kw

        client.post("/charge", json={"charging": "on"})
        for _quarter in range(4):
            # After hour 5 the car is full; before, the sum stays put within the hour.
            charger_kw = 7.4 if client.get("/charge").json < 100 else 0
            info = client.get("/info").json
            assert info["base_current_load"] == pytest.approx(load_kw + charger_kw)
            assert info["sim_time_hour"] == hour
            wall.pass_hours(0.25)


def test_charging_ends_at_100_percent_and_the_flag_tells_so(client, wall):
    client.post("/charge", json={"charging": "on"})
    assert client.get("/info").json["ev_battery_charge_start_stopp"] is True
    wall.pass_hours(30)

    info = client.get("/info").json

    assert client.get("/charge").json == 100
    assert info["battery_capacity_kWh"] == 46.3
    assert info["ev_battery_charge_start_stopp"] is False
    assert info["base_current_load"] == LOADS_KW[6]


def test_discharge_sets_clock_car_and_charging_back(client, wall):
    client.post("/charge", json={"charging": "on"})
    wall.pass_hours(5.3)

    reset = client.post("/discharge", json={"discharging": "on"})

    assert reset.json == {"discharging": "on"}
    assert client.get("/info").json["sim_time_hour"] == 0
    assert client.get("/info").json["ev_battery_charge_start_stopp"] is False
    assert client.get("/charge").json == 20
    wall.pass_hours(0.99)
    assert client.get("/info").json["sim_time_hour"] == 0


def test_minutes_count_in_quarters_and_the_hour_wraps_at_midnight(client, wall):
    minutes = []
    for _ in range(6):
        minutes.append(client.get("/info").json["sim_time_min"])
        wall.pass_hours(0.2)
    wall.pass_hours(23)

    assert minutes == [0, 0, 15, 30, 45, 0]
    assert client.get("/info").json["sim_time_hour"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"on"',
        b"{}",
        b'{"charging": "maybe"}',
        b'{"charging": true}',
        b'{"charging": null}',
        b'{"charging": "on"',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"charging": NaN}',
    ],
)
@pytest.mark.parametrize("path", ["/charge", "/discharge"])
def test_a_wrong_body_gets_400_and_a_reason(client, path, body):
    response = client.post(path, data=body, content_type="application/json")

    assert response.status_code == 400
    assert response.content_type == "application/json"
    assert response.json["error"]
    assert client.get("/info").json["ev_battery_charge_start_stopp"] is False


def test_a_body_without_declared_type_is_understood(client):
    response = client.post("/charge", data='{"charging": "on"}', content_type="text/plain")

    assert response.json == {"charging": "on"}


def test_a_typical_student_client_charges_to_80_percent_below_the_fuse(client, wall):
    """The usual loop: on while base + 7.4 <= 11 and SoC < 80, off otherwise."""
    base_loads_kw = client.get("/baseload").json
    hours_charged = set()
    highest_kw = 0.0
    client.post("/discharge", json={"discharging": "on"})
    for _poll in range(24 * 60):
        info = client.get("/info").json
        highest_kw = max(highest_kw, info["base_current_load"])
        fits = base_loads_kw[info["sim_time_hour"]] + 7.4 <= 11
        wants = client.get("/charge").json < 80
        if fits and wants and not info["ev_battery_charge_start_stopp"]:
            client.post("/charge", json={"charging": "on"})
        if not (fits and wants) and info["ev_battery_charge_start_stopp"]:
            client.post("/charge", json={"charging": "off"})
        if client.get("/info").json["ev_battery_charge_start_stopp"]:
            hours_charged.add(info["sim_time_hour"])
        wall.pass_hours(1 / 60)

    assert hours_charged == {0, 1, 2, 3}
    assert client.get("/charge").json == pytest.approx(80, abs=0.3)
    assert highest_kw == 11.0  # hour 17: the house alone
