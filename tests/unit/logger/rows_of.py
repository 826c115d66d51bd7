"""Recorded rows for tests that begin where reading has ended."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from unit.logger.course_day import CAPACITY_WH, CHEAPEST, FULL_W, MIDNIGHT, ZONE, readings
from wattbus_contract.facts import MeterReading
from wattbus_logger.reading import RecordedRow

SENT_AT = datetime(2026, 11, 21, 6)  # noqa: DTZ001 - only a text to sort by


def row_of(
    value: MeterReading, number: int, station: str = "car1", zone: ZoneInfo = ZONE
) -> RecordedRow:
    """Return a reading as it is read back; rows are sent one after the other by their number."""
    return RecordedRow(
        at=value.at,
        local_time=value.at.astimezone(zone).replace(tzinfo=None),
        station=station,
        power_w=value.power_active_import_w,
        energy_register_wh=value.energy_active_import_register_wh,
        is_plugged_in=value.is_plugged_in,
        soc_percent=value.soc_percent,
        target_soc_percent=80.0,
        house_load_w=value.house_load_w,
        site_load_w=(value.house_load_w or 0) + value.power_active_import_w,
        fuse_power_w=11_000,
        price_per_kwh=value.price_per_kwh,
        currency="SEK",
        station_min_power_w=FULL_W,
        station_max_power_w=FULL_W,
        battery_capacity_wh=CAPACITY_WH,
        charging_efficiency=1.0,
        sent_at=(SENT_AT + timedelta(seconds=number)).isoformat(),
    )


def course_rows(
    stretches: tuple[tuple[float, float], ...] = CHEAPEST,
    poll_h: float = 0.07,
    start_at: datetime = MIDNIGHT,
    station: str = "car1",
) -> list[RecordedRow]:
    """Return the course's day, charged in the given hours."""
    return rows_from(value for _, value in readings(station, stretches, poll_h, start_at))


def rows_from(values: Iterable[MeterReading], zone: ZoneInfo = ZONE) -> list[RecordedRow]:
    """Return readings as they are read back, in the order in which they were sent."""
    return [row_of(value, number, zone=zone) for number, value in enumerate(values)]


def append_rows(path: Path, rows: Sequence[RecordedRow]) -> None:
    """Write rows as the logger does, with the columns that reports read."""
    names = [one.name for one in fields(RecordedRow)]
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(names)
        for row in rows:
            cells = {name: getattr(row, name) for name in names}
            cells["is_plugged_in"] = "true" if row.is_plugged_in else "false"
            writer.writerow(cells.values())
