"""The last and the next day cut into columns: price, house, roof, chargers; planned, measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattbus_dashboard.picture import BUCKET_S, Load, Picture
from wattbus_dashboard.slots import Slot, covering, end_of, planned_power_w

COLUMN_S = 900
SIDE = timedelta(hours=24)
LEAST_AHEAD = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Column:
    """A quarter of an hour; powers in W, None where nothing is known."""

    start_at: datetime
    price_per_kwh: float | None
    house_w: float | None
    expected_house_w: float | None
    actual_w: float | None
    planned_w: float | None
    pv_w: float | None = None
    expected_pv_w: float | None = None


@dataclass(frozen=True, slots=True)
class ChartData:
    """The columns around `now`, and the fuse in W."""

    columns: tuple[Column, ...]
    now: datetime
    fuse_w: float | None

    @property
    def has_solar(self) -> bool:
        """Whether the roof gives anything in that time."""
        return any(column.pv_w or column.expected_pv_w for column in self.columns)


def chart_data(picture: Picture) -> ChartData | None:
    """Return what to draw: at most a day to each side of now; None before there is anything."""
    now = picture.now or _first_of_price(picture)
    if now is None:
        return None
    start, end = _bounds(picture, now)
    count = round((end - start).total_seconds() / COLUMN_S)
    starts = [start + number * timedelta(seconds=COLUMN_S) for number in range(count)]
    columns = tuple(_column(picture, at, now) for at in starts)
    if not any(_says_something(column) for column in columns):
        return None
    fuse_w = picture.site.max_power_w if picture.site is not None else None
    return ChartData(columns, now, fuse_w)


def _first_of_price(picture: Picture) -> datetime | None:
    return picture.price.slots[0].start_at if picture.price and picture.price.slots else None


def _says_something(column: Column) -> bool:
    known = (column.price_per_kwh, column.house_w, column.expected_house_w, column.planned_w)
    return any(value is not None for value in known)


def _bounds(picture: Picture, now: datetime) -> tuple[datetime, datetime]:
    firsts, lasts = [now], [now + LEAST_AHEAD]
    if picture.loads:
        firsts.append(next(iter(picture.loads)))
    for slots in _rows_of_slots(picture):
        if slots:
            firsts.append(slots[0].start_at)
            lasts.append(end_of(slots[-1]))
    start, end = max(min(firsts), now - SIDE), min(max(lasts), now + SIDE)
    return _floor(start), _floor(end + timedelta(seconds=COLUMN_S - 1))


def _rows_of_slots(picture: Picture) -> list[Sequence[Slot]]:
    rows: list[Sequence[Slot]] = []
    if picture.price is not None:
        rows.append(picture.price.slots)
    if picture.plan is not None:
        rows.extend(station.slots for station in picture.plan.stations)
    return rows


def _floor(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // COLUMN_S * COLUMN_S, at.tzinfo)


def _column(picture: Picture, at: datetime, now: datetime) -> Column:
    middle = at + timedelta(seconds=COLUMN_S / 2)
    prices = picture.price.slots if picture.price is not None else ()
    expected = picture.base_load.slots if picture.base_load is not None else ()
    price, base = covering(prices, middle), covering(expected, middle)
    is_begun = at <= now
    measured = _measured(picture, at) if is_begun else None
    planned_w = measured.planned_w if measured is not None else None
    if planned_w is None and at + timedelta(seconds=COLUMN_S) > now:
        planned_w = planned_power_w(picture.plan, middle)
    return Column(
        start_at=at,
        price_per_kwh=price.price_per_kwh if price is not None else None,
        house_w=measured.house_w if measured is not None else None,
        expected_house_w=base.power_w if base is not None and measured is None else None,
        actual_w=measured.stations_w if measured is not None else None,
        planned_w=planned_w,
        pv_w=measured.pv_w if measured is not None else None,
        expected_pv_w=base.pv_power_w if base is not None and measured is None else None,
    )


def _measured(picture: Picture, at: datetime) -> Load | None:
    """Mean of what was measured within a column."""
    starts = [at + timedelta(seconds=part) for part in range(0, COLUMN_S, BUCKET_S)]
    found = [load for start in starts if (load := picture.loads.get(start)) is not None]
    if not found:
        return None
    return Load(
        sum(load.house_w for load in found) / len(found),
        sum(load.stations_w for load in found) / len(found),
        _mean([load.planned_w for load in found]),
        _mean([load.pv_w for load in found]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
