"""Builds drivers, desks and workers from the site file."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from wattbus_contract.facts import Control
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession
from wattbus_contract.weekly import WEEKDAYS, WeeklyDeparture
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.desk import Desk
from wattbus_station_bridge.goals import RecurringGoal, Wishes
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.peaks import PeakBook
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.site_file import GoalTable, SiteFile, StationTable
from wattbus_station_bridge.stations.course import (
    DEFAULT_SECONDS_PER_HOUR,
    ORE,
    CourseSettings,
    CourseStation,
)
from wattbus_station_bridge.stations.reading import Station, StationTraits
from wattbus_station_bridge.stations.rest import RestClient
from wattbus_station_bridge.stations.wattbus import WattbusStation
from wattbus_station_bridge.stations.worker import StationWorker
from wattbus_station_bridge.turnstile import Turnstile

THREAD_STACK_BYTES = 512 * 1024
"""A worker needs little; a thousand of them should not ask for gigabytes."""
COURSE_POWER_W = 7400.0
COURSE_CAPACITY_KWH = 46.3


@dataclass(frozen=True)
class Workers:
    """The threads of all stations."""

    all: tuple[StationWorker, ...]

    def start(self) -> None:
        """Begin to poll, spread over the first interval."""
        before = threading.stack_size(THREAD_STACK_BYTES)
        for worker in self.all:
            worker.start()
        threading.stack_size(before)

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the threads; stations keep the limit that they have."""
        for worker in self.all:
            worker.stop()
        for worker in self.all:
            worker.join(timeout_s / len(self.all))


def show_figures(
    settings: MetricsSettings, session: MqttSession, announcer: Announcer
) -> Callable[[], object]:
    """Show figures to Prometheus if that is wanted; returns what ends it."""
    if not settings.port:
        return lambda: None
    from wattbus_station_bridge.metrics import show  # noqa: PLC0415 - memory only where it is wanted

    return show(settings, session, announcer)


def make_client(file: SiteFile) -> RestClient:
    """Return a client with a connection for each station and some for the feed."""
    hosts = Counter(urlsplit(station.url).netloc for station in file.station)
    return RestClient(max(hosts.values()) + 2)


def make_stations(file: SiteFile, client: RestClient, memory: Memory) -> dict[str, Station]:
    """Return a driver for each station."""
    return {table.id: _station(file, table, client, memory) for table in file.station}


def make_desks(file: SiteFile, wishes: dict[str, Wishes]) -> dict[str, Desk]:
    """Return a desk for each station, with what people wished before."""
    return {
        table.id: Desk(
            table, file.poll_interval_s(table), _recurring(table.goal),
            wishes.get(table.id, Wishes()),
        )
        for table in file.station
    }  # fmt: skip


def make_workers(site: Site, stations: dict[str, Station], turnstile: Turnstile) -> Workers:
    """Return a worker for each station, known to its desk."""
    workers = []
    for number, desk in enumerate(site.desks.values()):
        first_after_s = desk.poll_interval_s * number / len(site.desks)
        desk.worker = StationWorker(
            desk.id,
            stations[desk.id],
            desk.poll_interval_s,
            site,
            first_after_s,
            turnstile=turnstile,
        )
        workers.append(desk.worker)
    return Workers(tuple(workers))


def make_peaks(file: SiteFile, memory: Memory) -> PeakBook | None:
    """Return the account of the month's highest hours, where they are billed."""
    if file.tariff.peak_price_per_kw is None:
        return None
    return PeakBook(file.site.zone, file.tariff.peak_hours, memory.peaks())


def keep_state(
    stations: dict[str, Station], peaks: PeakBook | None, memory: Memory, *, is_end: bool = False
) -> None:
    """Write down where undated clocks and the month's highest hours stand."""
    keep_course_states(stations, memory)
    if peaks is not None:
        memory.keep_peaks(peaks.peaks, is_end=is_end)


def keep_course_states(stations: dict[str, Station], memory: Memory) -> None:
    """Write down where undated clocks stand."""
    memory.keep_course_states(
        {
            station_id: station.state
            for station_id, station in stations.items()
            if isinstance(station, CourseStation) and station.state is not None
        }
    )


def _station(file: SiteFile, table: StationTable, client: RestClient, memory: Memory) -> Station:
    if table.kind == "wattbus":
        return WattbusStation(client, table.url, table.id, table.timeout_s)
    settings = CourseSettings(
        traits=_course_traits(file, table),
        zone=file.site.zone,
        start_date=file.site.start_date,
        seconds_per_hour=file.site.seconds_per_hour or DEFAULT_SECONDS_PER_HOUR,
        timeout_s=table.timeout_s,
        off_request=table.course.off_request,
        price_factor=file.prices.factor or ORE,
    )
    return CourseStation(client, table.url, settings, memory.course_state(table.id))


def _course_traits(file: SiteFile, table: StationTable) -> StationTraits:
    """Return what a course station never tells: on/off with 7.4 kW unless said otherwise."""
    voltage_v = table.voltage_v or file.site.voltage_v
    phases = table.phases or (1,)
    max_power_w = table.max_power_w or COURSE_POWER_W
    max_current_a = table.max_current_a or max_power_w / (voltage_v * len(phases))
    return StationTraits(
        name=table.name or table.id,
        control=table.control or Control.SWITCH,
        phases=phases,
        voltage_v=voltage_v,
        min_current_a=table.min_current_a or max_current_a,
        max_current_a=max_current_a,
        current_step_a=table.current_step_a or max_current_a,
        max_power_w=max_power_w,
        battery_capacity_wh=1000 * (table.car.battery_capacity_kwh or COURSE_CAPACITY_KWH),
        charging_efficiency=table.car.charging_efficiency or 1.0,
        car_name=table.car.name,
    )


def _recurring(table: GoalTable) -> RecurringGoal:
    return RecurringGoal(
        mode=table.mode,
        target_soc_percent=table.target_soc_percent,
        min_soc_percent=table.min_soc_percent,
        departure_time=table.departure_time,
        departure_after_h=table.departure_after_h,
        arrival_time=table.arrival_time,
        weekdays=frozenset(WEEKDAYS.index(day) for day in table.weekdays),
        weekly=tuple(
            WeeklyDeparture(
                days=each.days,
                departure_time=each.departure_time,
                target_soc_percent=each.target_soc_percent,
            )
            for each in table.weekly
        ),
        price_cap_per_kwh=table.price_cap_per_kwh,
        max_current_a=table.max_current_a,
    )
