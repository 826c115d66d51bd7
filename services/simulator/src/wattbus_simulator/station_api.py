"""The proper API: every station, the household, its forecast and its prices."""

from flask import Blueprint, Response, jsonify

from wattbus_simulator.answers import answer
from wattbus_simulator.openapi import openapi_document
from wattbus_simulator.orders import read_limit, read_order
from wattbus_simulator.resources import (
    HealthAnswer,
    LimitInWatts,
    StateOfCharge,
    StationsAnswer,
    forecast_answer,
    household_answer,
    prices_answer,
    station_answer,
)
from wattbus_simulator.world import World


def station_api(world: World) -> Blueprint:
    """The routes beside the course API."""
    api = Blueprint("stations", __name__)
    document = openapi_document()

    def one(station_id: str) -> Response:
        return answer(station_answer(*world.station_with_house(station_id)))

    @api.get("/stations")
    def list_stations() -> Response:
        reports, house = world.stations_with_house()
        stations = tuple(station_answer(report, house) for report in reports)
        return answer(StationsAnswer(stations=stations))

    @api.get("/stations/<station_id>")
    def read_station(station_id: str) -> Response:
        return one(station_id)

    @api.put("/stations/<station_id>/limit")
    def limit_station(station_id: str) -> Response:
        world.station(station_id)
        limit = read_limit()
        if isinstance(limit, LimitInWatts):
            world.set_limit_w(station_id, limit.limit_w)
        else:
            world.set_limit_a(station_id, limit.limit_a)
        return one(station_id)

    @api.post("/stations/<station_id>/plug")
    def plug_car_in(station_id: str) -> Response:
        world.plug(station_id, read_order(StateOfCharge, is_optional=True).soc_percent)
        return one(station_id)

    @api.post("/stations/<station_id>/unplug")
    def unplug_car(station_id: str) -> Response:
        world.unplug(station_id)
        return one(station_id)

    @api.post("/stations/<station_id>/reset")
    def reset_car(station_id: str) -> Response:
        world.reset_station(station_id, read_order(StateOfCharge, is_optional=True).soc_percent)
        return one(station_id)

    @api.post("/reset")
    def reset_world() -> Response:
        world.reset()
        return answer(household_answer(world))

    @api.get("/household")
    def read_household() -> Response:
        return answer(household_answer(world))

    @api.get("/household/forecast")
    def read_forecast() -> Response:
        return answer(forecast_answer(world.forecast_slots()))

    @api.get("/prices")
    def read_prices() -> Response:
        return answer(prices_answer(world))

    @api.get("/health")
    def read_health() -> Response:
        return answer(HealthAnswer(scenario=world.household.name))

    @api.get("/openapi.json")
    def read_openapi() -> Response:
        return jsonify(document)

    return api
