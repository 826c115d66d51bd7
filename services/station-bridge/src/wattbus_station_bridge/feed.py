"""Fetches prices, expected load and production in a thread of its own, and the clock's pace."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_station_bridge import series_file
from wattbus_station_bridge.forecast import base_load_forecast, price_forecast
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.site_file import SeriesTable, SiteFile
from wattbus_station_bridge.stations.reading import (
    InvalidAnswer,
    SourceLoad,
    SourcePrices,
    SourceSlot,
    Station,
)
from wattbus_station_bridge.tariff import Tariff

log = logging.getLogger(__name__)

REFRESH_EVERY_SITE_S = 900.0
SHORTEST_REFRESH_S = 1.0
LONGEST_REFRESH_S = 300.0
RETRY_S = 1.0
FIRST_RETRY_S = 0.1
REAL_TIME_S_PER_HOUR = 3600.0
PATIENCE_S = 5.0
"""How long the site waits for the pace of its clock, and then for its prices."""


class Feed:
    """Asks the configured sources every quarter of an hour of the site's time, and at its reset."""

    def __init__(
        self, file: SiteFile, folder: Path, stations: dict[str, Station], site: Site
    ) -> None:
        self._file = file
        self._stations = stations
        self._site = site
        prices = {field.name for field in fields(Tariff)}
        self._tariff = Tariff(**file.tariff.model_dump(include=prices))
        zone = file.site.zone
        self._price_series = _series(file.prices, folder, "price_per_kwh", zone_of=file)
        self._load_series = _series(file.base_load, folder, "power_w", zone_of=file)
        self._co2_series = _series(file.co2, folder, "co2_g_per_kwh", zone_of=file, least=0.0)
        self._solar_series = _series(file.solar, folder, "pv_w", zone_of=file, least=0.0)
        self._zone = zone
        self._complaints: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to fetch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the request that it is in."""
        self._stop.set()

    def _run(self) -> None:
        try:
            seconds_per_hour = self._find_pace()
            every_s = REFRESH_EVERY_SITE_S * seconds_per_hour / 3600
            every_s = min(LONGEST_REFRESH_S, max(SHORTEST_REFRESH_S, every_s))
            self._introduce(3600 / seconds_per_hour)
            while not self._stop.wait(every_s):
                while not self._refresh() and not self._stop.wait(RETRY_S):
                    pass
        except Exception as error:
            log.exception("the feed of prices and base load has failed")
            self._site.alarms.crashed(error)

    def _introduce(self, time_scale: float) -> None:
        """Publish the site once its prices are known, so that nobody plans without them.

        Where they do not come, the site is published all the same.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._refresh() and time.monotonic() < deadline_s:
            if self._stop.wait(FIRST_RETRY_S):
                return
        with self._site.lock:
            self._site.reports.take_time_scale(time_scale)

    def _find_pace(self) -> float:
        """Return the wall seconds of an hour on the site's clock."""
        deadline_s = time.monotonic() + PATIENCE_S
        pace = self._file.site.seconds_per_hour or self._asked_pace()
        while pace is None:
            if time.monotonic() > deadline_s:
                log.warning("no station tells the pace of its clock: taking it for real time")
                pace = REAL_TIME_S_PER_HOUR
            elif self._stop.wait(FIRST_RETRY_S):
                return REAL_TIME_S_PER_HOUR
            else:
                pace = self._asked_pace()
        return pace

    def _asked_pace(self) -> float | None:
        for station in self._stations.values():
            try:
                return station.read_seconds_per_hour()
            except (InvalidAnswer, OSError) as error:
                log.debug("pace: %s", error)
        return None

    def _refresh(self) -> bool:
        """Fetch both forecasts; returns whether all that is configured has come."""
        now = self._site.reports.household.at
        if now is None:
            return False
        has_prices = self._try("prices", lambda: self._take_prices(now))
        has_load = self._try("base load", lambda: self._take_load(now))
        return has_prices and has_load

    def _try(self, what: str, fetch: Callable[[], None]) -> bool:
        try:
            fetch()
        except (InvalidAnswer, OSError, ValueError) as error:
            if self._complaints.get(what) != str(error):
                log.warning("no %s: %s", what, error)
                self._complaints[what] = str(error)
            return False
        self._complaints.pop(what, None)
        return True

    def _take_prices(self, now: datetime) -> None:
        table = self._file.prices
        if self._price_series is not None:
            source = SourcePrices(
                Path(table.file or "").name, self._price_series.slots(now, self._zone)
            )
        elif table.station is not None:
            source = self._stations[table.station].read_prices(now)
        else:
            return
        co2 = () if self._co2_series is None else self._co2_series.slots(now, self._zone)
        currency = self._file.site.currency
        prices: PriceForecast = price_forecast(source, self._tariff, currency, co2)
        with self._site.lock:
            self._site.reports.take_prices(prices)

    def _take_load(self, now: datetime) -> None:
        table = self._file.base_load
        if self._load_series is not None:
            source = SourceLoad(
                Path(table.file or "").name, self._load_series.slots(now, self._zone)
            )
        elif table.station is not None:
            source = self._stations[table.station].read_base_load(now)
        else:
            return
        forecast: BaseLoadForecast = base_load_forecast(source, self._solar(source, now))
        with self._site.lock:
            self._site.reports.take_base_load(forecast)

    def _solar(self, load: SourceLoad, now: datetime) -> tuple[SourceSlot, ...] | None:
        """Return what the roof should give; None without one. `load` is of the base load."""
        table = self._file.solar
        if self._solar_series is not None:
            return self._solar_series.slots(now, self._zone)
        if table.station is None:
            return None
        if table.station != self._file.base_load.station:
            load = self._stations[table.station].read_base_load(now)
        return load.solar


def _series(
    table: SeriesTable,
    folder: Path,
    column: str,
    *,
    zone_of: SiteFile,
    least: float = float("-inf"),
) -> series_file.Series | None:
    if table.file is None:
        return None
    path = folder / table.file
    return series_file.read(
        path, table.column or column, table.factor or 1.0, zone_of.site.zone, least
    )
