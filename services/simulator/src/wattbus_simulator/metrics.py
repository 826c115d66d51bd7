"""The simulated world as figures for Prometheus, beside what its APIs tell."""

from collections.abc import Iterable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client import generate_latest as text_of
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from wattbus_simulator.world import World

JOULES_PER_WH = 3600.0


class WorldCollector:
    """Tells at each scrape how the world stands: polling never changes it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def collect(self) -> Iterable[Metric]:
        """Return the figures of this moment."""

        def station(name: str, text: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"wattbus_simulator_station_{name}", text, labels=["station"])

        power = station("power_watts", "Power that the station draws.")
        limit = station("limit_watts", "Limit in force.")
        soc = station("state_of_charge_ratio", "State of charge of the car, 0 to 1.")
        plugged_in = station("plugged_in", "1 while a car is plugged in.")
        energy = CounterMetricFamily(
            "wattbus_simulator_station_energy_joules",
            "Energy drawn since the simulator began.",
            labels=["station"],
        )
        reports, house = self._world.stations_with_house()
        for report in reports:
            name, view = [report.place.id], report.view
            power.add_metric(name, view.power_w)
            limit.add_metric(name, view.limit_w)
            soc.add_metric(name, view.soc_percent / 100)
            plugged_in.add_metric(name, float(view.state.is_plugged_in))
            energy.add_metric(name, view.state.energy_register_wh * JOULES_PER_WH)
        yield from (power, limit, soc, plugged_in, energy)
        load = GaugeMetricFamily(
            "wattbus_simulator_house_power_watts", "Power of the house without its chargers."
        )
        load.add_metric([], house.load_w)
        yield load
        clock = GaugeMetricFamily(
            "wattbus_simulator_clock_timestamp_seconds", "The simulated time."
        )
        clock.add_metric([], house.at.timestamp())
        yield clock


def metrics_page(world: World) -> Blueprint:
    """The route that Prometheus reads."""
    page = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(WorldCollector(world))

    @page.get("/metrics")
    def read_metrics() -> Response:
        return Response(text_of(registry), content_type=CONTENT_TYPE_LATEST)

    return page
