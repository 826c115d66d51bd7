"""What has to be known of a site to describe its devices: pure, built from messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wattbus_contract.codec import Decoded
from wattbus_contract.control import Plan
from wattbus_contract.facts import SiteInfo, StationInfo
from wattbus_contract.forecasts import BaseLoadForecast
from wattbus_contract.room import make_room


@dataclass(frozen=True)
class Facts:
    """One site; `bridge` is the client id of the station-bridge, whose status tells whether data
    come. `strategies` are what the scheduler can be asked for, the one in use among them.
    `has_solar` tells whether own production is forecast.
    """

    site_id: str
    site: SiteInfo | None = None
    bridge: str = ""
    stations: Mapping[str, StationInfo] = field(default_factory=dict)
    strategies: tuple[str, ...] = ()
    has_solar: bool = False

    @property
    def known_stations(self) -> dict[str, StationInfo]:
        """The stations that the site names and that have described themselves."""
        names = () if self.site is None else self.site.stations
        return {name: self.stations[name] for name in names if name in self.stations}


def with_message(facts: Facts, message: Decoded) -> Facts:
    """Return what is known after a message; the same facts if it changes nothing."""
    match message.body:
        case SiteInfo() as site:
            bridge = facts.bridge if message.envelope is None else message.envelope.source
            return replace(facts, site=site, bridge=bridge)
        case StationInfo() as info:
            return replace(facts, stations=_with_station(facts, message.topic.station, info))
        case Plan() as plan:
            return replace(facts, strategies=_strategies(plan))
        case BaseLoadForecast() as forecast:
            has_solar = any(slot.pv_power_w is not None for slot in forecast.slots)
            return replace(facts, has_solar=has_solar)
        case _:
            return facts


def _with_station(facts: Facts, name: str, info: StationInfo) -> dict[str, StationInfo]:
    stations = dict(facts.stations)
    make_room(stations, name, () if facts.site is None else facts.site.stations)
    stations[name] = info
    return stations


def _strategies(plan: Plan) -> tuple[str, ...]:
    offered = plan.strategies or ()
    if not offered or plan.strategy in offered:
        return offered
    return (*offered, plan.strategy)
