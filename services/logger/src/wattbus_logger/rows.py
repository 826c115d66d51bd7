"""The columns of `battery_log.csv` and how a meter value becomes a row."""

import re
from datetime import datetime

from wattbus_contract.base import Envelope
from wattbus_contract.facts import MeterReading
from wattbus_logger.known import KnownSite, KnownStation, full_power_w

COLUMNS = (
    "at",
    "local_time",
    "station",
    "connector_status",
    "is_plugged_in",
    "mode",
    "soc_percent",
    "target_soc_percent",
    "power_w",
    "energy_register_wh",
    "offered_limit_w",
    "planned_limit_w",
    "reason",
    "is_failsafe",
    "house_load_w",
    "site_load_w",
    "fuse_power_w",
    "price_per_kwh",
    "pv_power_w",
    "feed_in_price_per_kwh",
    "co2_g_per_kwh",
    "currency",
    "transaction_id",
    "current_l1_a",
    "current_l2_a",
    "current_l3_a",
    "station_min_power_w",
    "station_max_power_w",
    "battery_capacity_wh",
    "charging_efficiency",
    "departure_at",
    "reported_base_current_load_kw",
    "reported_battery_energy_kwh",
    "round_trip_s",
    "sent_at",
    "source",
    "boot_id",
    "seq",
)
HEADER = ",".join(COLUMNS)

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORMULA = re.compile(r"^[=+\-@](?![\d.]+$)")


def format_row(site: KnownSite, station_id: str, reading: MeterReading, envelope: Envelope) -> str:
    """Return one line without its newline; what is unknown is an empty cell.

    Call after `site.note` of the same message. Times are the station's; `at` is UTC, `local_time`
    the site's zone.
    """
    station = site.station(station_id)
    at = reading.at
    local = site.local(at)
    goal, reason, info = station.goal, station.reason, site.info
    house_w = reading.house_load_w
    site_load_w = None if house_w is None else house_w + site.stations_power_w
    transaction = reading.transaction_id
    return (
        f"{utc_text(at)},{local.isoformat(' ', 'seconds')[:19]},{station_id},"
        f"{reading.connector_status.value},{_flag(reading.is_plugged_in)},{reading.mode.value},"
        f"{number(reading.soc_percent)},{'' if goal is None else number(goal.target_soc_percent)},"
        f"{reading.power_active_import_w:.10g},"
        f"{reading.energy_active_import_register_wh:.3f},"
        f"{reading.offered_limit_w:.10g},{number(station.planned_limit_w(at))},"
        f"{'' if reason is None else reason.code},{_flag(reading.is_failsafe)},"
        f"{number(house_w)},{number(site_load_w)},"
        f"{'' if info is None else number(info.max_power_w)},"
        f"{number(reading.price_per_kwh)},{number(reading.pv_power_w)},"
        f"{number(reading.feed_in_price_per_kwh)},{number(reading.co2_g_per_kwh)},"
        f"{'' if info is None else info.currency},"
        f"{'' if transaction is None else cell(transaction)},"
        f"{number(reading.current_import_l1_a)},{number(reading.current_import_l2_a)},"
        f"{number(reading.current_import_l3_a)},{_station_cells(station)},"
        f"{unbounded(reading.reported_base_current_load_kw)},"
        f"{unbounded(reading.reported_battery_energy_kwh)},{unbounded(reading.round_trip_s)},"
        f"{utc_text(envelope.sent_at)},{envelope.source},{envelope.boot_id},{envelope.seq}"
    )


def utc_text(instant: datetime) -> str:
    """Return RFC 3339 with milliseconds and `Z`; `instant` is UTC, as in every message."""
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def number(value: float | None) -> str:
    """Return a number with ten significant digits, or nothing."""
    return "" if value is None else f"{value:.10g}"


def unbounded(value: float | None) -> str:
    """Return a number that the contract does not bound: rounded, the largest is infinity."""
    return "" if value is None else f"{value:.10g}" if abs(value) < 1e300 else repr(value)


def one_line(text: str) -> str:
    """Return free text without line breaks and other characters that steer terminals."""
    return _CONTROL_CHARACTERS.sub(" ", text).strip()


def cell(text: str) -> str:
    """Return free text as a cell: one line, quoted where needed, never a spreadsheet's formula."""
    text = one_line(text)
    if _FORMULA.match(text):
        text = "'" + text
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _station_cells(station: KnownStation) -> str:
    if station.fixed_cells is None:
        station.fixed_cells = _make_station_cells(station)
    return station.fixed_cells


def _make_station_cells(station: KnownStation) -> str:
    departure = station.goal.departure_at if station.goal is not None else None
    departure_text = "" if departure is None else utc_text(departure)
    if station.info is None:
        return f",,,,{departure_text}"
    low_w, high_w = full_power_w(station.info)
    return (
        f"{low_w:.10g},{high_w:.10g},{station.info.battery_capacity_wh:.10g},"
        f"{station.info.charging_efficiency:.10g},{departure_text}"
    )
