"""What the bridge says on the bus, as figures for Prometheus: the newest of each kind."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from wattbus_contract.base import Body
from wattbus_contract.control import LeaseState, LimitResult
from wattbus_contract.facts import Goal, HouseholdMeter, MeterReading, SiteInfo, StationState
from wattbus_contract.metrics import JOULES_PER_WH, expose, new_registry
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.announcer import Announcer

OF_STATION = ("site", "station")
OF_SITE = ("site",)


def show(
    settings: MetricsSettings, session: MqttSession, announcer: Announcer
) -> Callable[[], None]:
    """Begin to show the figures; returns what ends it. BadSetting if that is impossible."""
    registry = new_registry(session)
    announcer.observer = BridgeFigures(session.site, registry).note
    return expose(settings, registry)


class BridgeFigures:
    """Figures of a site and its stations; `note` is called with each message that is said."""

    def __init__(self, site: str, registry: CollectorRegistry) -> None:
        def station(name: str, text: str) -> Gauge:
            return Gauge(f"wattbus_station_{name}", text, OF_STATION, registry=registry)

        def whole(name: str, text: str) -> Gauge:
            return Gauge(f"wattbus_{name}", text, OF_SITE, registry=registry)

        self._site = site
        self._currency = ""
        self._registers_wh: dict[str, float] = {}
        self._power = station("power_watts", "Power that the station draws.")
        self._limit = station("offered_limit_watts", "Limit that the station holds.")
        self._soc = station("state_of_charge_ratio", "State of charge of the car, 0 to 1.")
        self._target = station("target_ratio", "State of charge that is wanted, 0 to 1.")
        self._plugged_in = station("plugged_in", "1 while a car is plugged in.")
        self._failsafe = station("failsafe", "1 while nobody commands the station.")
        self._guarded = station("guarded", "1 while the main fuse lowers the station's limit.")
        self._reachable = station("reachable", "1 while the station answers.")
        self._round_trip = station("round_trip_seconds", "How long the newest poll took.")
        self._energy = Counter(
            "wattbus_station_energy_joules",
            "Energy that the station has drawn since this process began.",
            OF_STATION,
            registry=registry,
        )
        self._polls = Counter(
            "wattbus_station_polls", "Answers of the station.", OF_STATION, registry=registry
        )
        self._limits = Counter(
            "wattbus_station_limits",
            "Limits that schedulers have set, by what became of them.",
            (*OF_STATION, "outcome"),
            registry=registry,
        )
        self._house = whole("house_power_watts", "Power of the house without its chargers.")
        self._site_power = whole("site_power_watts", "Power at the main fuse.")
        self._site_max = whole("site_max_power_watts", "What the main fuse carries.")
        self._epoch = whole("lease_epoch", "Epoch of the right to command.")
        self._held = whole("lease_held", "1 while a scheduler may command.")
        self._price = Gauge(
            "wattbus_price_per_kilowatt_hour",
            "Price now, VAT and fees included, in the site's currency.",
            ("site", "currency"),
            registry=registry,
        )

    def note(self, _: TopicSpec, body: Body, ids: Mapping[str, str]) -> None:
        """Take over what a message says."""
        station = ids.get("station", "")
        match body:
            case MeterReading():
                self._note_meter(station, body)
            case StationState():
                self._reachable.labels(self._site, station).set(body.is_reachable)
                self._guarded.labels(self._site, station).set(body.is_guarded)
            case Goal():
                self._target.labels(self._site, station).set(body.target_soc_percent / 100)
            case LimitResult():
                self._limits.labels(self._site, station, body.outcome.value).inc()
            case HouseholdMeter():
                self._note_house(body)
            case LeaseState():
                self._epoch.labels(self._site).set(body.epoch)
                self._held.labels(self._site).set(body.holder is not None)
            case SiteInfo():
                self._currency = body.currency
            case _:
                pass

    def _note_meter(self, station: str, reading: MeterReading) -> None:
        labels = self._site, station
        self._power.labels(*labels).set(reading.power_active_import_w)
        self._limit.labels(*labels).set(reading.offered_limit_w)
        self._plugged_in.labels(*labels).set(reading.is_plugged_in)
        self._failsafe.labels(*labels).set(reading.is_failsafe)
        self._polls.labels(*labels).inc()
        if reading.soc_percent is not None:
            self._soc.labels(*labels).set(reading.soc_percent / 100)
        if reading.round_trip_s is not None:
            self._round_trip.labels(*labels).set(reading.round_trip_s)
        register_wh = reading.energy_active_import_register_wh
        # A register that was set back begins anew; a counter only rises.
        risen_wh = register_wh - self._registers_wh.get(station, register_wh)
        self._registers_wh[station] = register_wh
        self._energy.labels(*labels).inc(max(0.0, risen_wh) * JOULES_PER_WH)

    def _note_house(self, meter: HouseholdMeter) -> None:
        self._house.labels(self._site).set(meter.house_load_w)
        self._site_power.labels(self._site).set(meter.site_power_w)
        self._site_max.labels(self._site).set(meter.max_power_w)
        if meter.price_per_kwh is not None and self._currency:
            self._price.labels(self._site, self._currency).set(meter.price_per_kwh)
