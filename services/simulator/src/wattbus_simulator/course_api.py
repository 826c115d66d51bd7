"""The course API: the well-known Flask charging station's paths, on the first station."""

from flask import Blueprint, Response, jsonify

from wattbus_simulator.answers import answer
from wattbus_simulator.orders import read_course_order
from wattbus_simulator.resources import ChargeOrder, CourseInfo, DischargeOrder
from wattbus_simulator.series import hourly_means
from wattbus_simulator.world import World


def course_api(world: World) -> Blueprint:
    """The routes at the root; figures have two decimals, as its clients know them."""
    api = Blueprint("course", __name__)
    zone = world.household.zone
    first_id = world.first_station_id

    @api.get("/")
    def stored_energy_kwh() -> Response:
        energy_wh = world.station(first_id).view.state.energy_wh
        return jsonify(round(energy_wh / 1000, 2))

    @api.get("/info")
    def info() -> Response:
        reports, house = world.stations_with_house()
        wall = house.at.astimezone(zone)
        total_w = house.load_w + sum(report.view.power_w for report in reports)
        return answer(
            CourseInfo(
                sim_time_hour=wall.hour,
                # The well-known server counts in quarters, and its clients wait for minute 0.
                sim_time_min=wall.minute // 15 * 15,
                base_current_load=round(total_w / 1000, 2),
                battery_capacity_kWh=round(reports[0].view.state.energy_wh / 1000, 2),
                ev_battery_charge_start_stopp=reports[0].view.power_w > 0,
            )
        )

    @api.get("/baseload")
    def base_load_kw() -> Response:
        loads_w = hourly_means(world.today(world.household.load), zone)
        return jsonify([round(load_w / 1000, 2) for load_w in loads_w])

    @api.get("/priceperhour")
    def price_per_hour() -> Response:
        prices = hourly_means(world.today(world.household.prices), zone)
        return jsonify([round(100 * price_per_kwh, 2) for price_per_kwh in prices])

    @api.get("/charge")
    def soc_percent() -> Response:
        return jsonify(round(world.station(first_id).view.soc_percent, 2))

    @api.post("/charge")
    def charge() -> Response:
        order = read_course_order(ChargeOrder)
        station = world.station(first_id).place.station
        world.set_limit_a(first_id, station.max_current_a if order.charging == "on" else 0.0)
        return answer(order)

    @api.get("/discharge")
    def how_to_reset() -> Response:
        return jsonify({"message": 'POST {"discharging": "on"} to set clock and car back.'})

    @api.post("/discharge")
    def discharge() -> Response:
        order = read_course_order(DischargeOrder)
        world.reset()
        return answer(order)

    return api
