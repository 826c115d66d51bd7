"""The house behind the fuse: its newest load on each phase, its roof, and what it pays now."""

from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast, PriceSlot
from wattbus_station_bridge.control.guard import PhaseLoads
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.reading import SourceSlot, StationReading


class Household:
    """Knows the load without chargers, from the station that meters it or else as expected.

    `pv_power_w` is what the roof gives, None where nobody tells. It stands beside the load and is
    never taken off it: the fuse has to hold when a cloud comes.
    """

    def __init__(self, file: SiteFile) -> None:
        self._site = file.site
        self.load: PhaseLoads = (0.0, 0.0, 0.0)
        self.at: datetime | None = None
        self.is_metered = False
        source = file.base_load.station
        hosts = {station.id: urlsplit(station.url).netloc for station in file.station}
        self._meters = {
            station for station, host in hosts.items() if source is None or host == hosts[source]
        }
        self._expects_from_file = file.base_load.file is not None
        self._expected: tuple[SourceSlot, ...] = ()
        self.pv_power_w: float | None = None
        self._expects_solar_from_file = file.solar.file is not None
        self._expected_solar: tuple[SourceSlot, ...] = ()
        roof = file.solar.station
        self._roof_meters = {
            station for station, host in hosts.items() if roof and host == hosts[roof]
        }
        self._prices: tuple[PriceSlot, ...] = ()
        self._price: PriceSlot | None = None

    def take_reading(self, station: str, reading: StationReading) -> None:
        """Take over the time and, where this station meters the house, its load and roof."""
        self.at = reading.at
        if self._expects_from_file:
            slot = _slot_at(self._expected, reading.at)
            if slot is not None:
                self.load = self._spread(slot.value)
        elif station in self._meters and reading.house_load_w is not None:
            self.is_metered = True
            self.load = self._load_of(reading, reading.house_load_w)
        if self._expects_solar_from_file:
            roof = _slot_at(self._expected_solar, reading.at)
            self.pv_power_w = None if roof is None else roof.value
        elif station in self._roof_meters:
            self.pv_power_w = reading.pv_power_w

    def take_prices(self, prices: PriceForecast) -> None:
        """Take over the prices."""
        self._price = None
        self._prices = prices.slots

    def take_base_load(self, forecast: BaseLoadForecast) -> None:
        """Take over the expected load and production."""
        self._expected = tuple(
            SourceSlot(slot.start_at, slot.duration_s, slot.power_w) for slot in forecast.slots
        )
        self._expected_solar = tuple(
            SourceSlot(slot.start_at, slot.duration_s, slot.pv_power_w)
            for slot in forecast.slots
            if slot.pv_power_w is not None
        )

    def price(self, at: datetime) -> PriceSlot | None:
        """Return the price that holds at an instant, or None where none is known."""
        if self._price is None or not _holds(self._price, at):
            self._price = _slot_at(self._prices, at)
        return self._price

    def _load_of(self, reading: StationReading, load_w: float) -> PhaseLoads:
        currents_a = reading.house_currents_a
        if currents_a is None or self._site.phases == 1:
            return self._spread(load_w)
        one_w, two_w, three_w = (current_a * self._site.voltage_v for current_a in currents_a)
        return one_w, two_w, three_w

    def _spread(self, load_w: float) -> PhaseLoads:
        share_w = load_w / self._site.phases
        phases = self._site.phases
        return share_w, share_w if phases > 1 else 0.0, share_w if phases > 2 else 0.0


SlotT = TypeVar("SlotT", SourceSlot, PriceSlot)


def _holds(slot: SourceSlot | PriceSlot, at: datetime) -> bool:
    return 0 <= (at - slot.start_at).total_seconds() < slot.duration_s


def _slot_at(slots: tuple[SlotT, ...], at: datetime) -> SlotT | None:
    return next((slot for slot in slots if _holds(slot, at)), None)
