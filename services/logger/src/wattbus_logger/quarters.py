"""Condenses the pieces of a car's visit to quarters of an hour: all that reports need, and little.

A quarter has one price, so whatever is summed over one costs the same as it did piece by piece.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wattbus_logger.costs import QUARTER_S, Piece, pieces_of
from wattbus_logger.reading import RecordedRow


@dataclass(frozen=True, slots=True)
class FullPower:
    """What a station draws when nobody controls it: between a least and a highest power, in W."""

    least_w: float
    highest_w: float
    fuse_w: float | None

    def beside(self, house_load_w: float | None) -> float:
        """Return the power that the fuse leaves room for; 0 below the least power."""
        if self.fuse_w is None or house_load_w is None:
            return self.highest_w
        room_w = self.fuse_w - house_load_w
        return min(self.highest_w, room_w) if room_w >= self.least_w else 0.0


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour with a car plugged in, or what of it has one price.

    `at_s` is Unix time; `began_at` and `ended_at` are the site's local times without zone.
    `room_wh` is what the station could have drawn, as far as the fuse left room beside the
    recorded house load. `register_wh` is the meter's reading at its begin. `surplus_wh` of the
    energy came from the roof and cost what selling it would have brought; `surplus_room_wh` is what
    the roof had to give. `co2_kg` is that of `co2_known_wh`, the grid's share with a figure.
    """

    at_s: float
    began_at: datetime
    ended_at: datetime
    energy_wh: float
    charging_s: float
    room_wh: float
    price_per_kwh: float | None
    register_wh: float
    peak_w: float
    site_peak_w: float | None
    soc_start_percent: float | None
    soc_end_percent: float | None
    feed_in_price_per_kwh: float | None = None
    surplus_wh: float = 0.0
    surplus_room_wh: float = 0.0
    co2_kg: float = 0.0
    co2_known_wh: float = 0.0

    @property
    def day(self) -> date:
        """The site's local day."""
        return self.began_at.date()

    @property
    def cost(self) -> float:
        """In the site's currency; 0 where no price was known."""
        return self.cost_of(self.energy_wh, self.surplus_wh)

    def cost_of(self, energy_wh: float, surplus_wh: float) -> float:
        """Return what so much energy costs, some of it from the roof; 0 without a price."""
        if self.price_per_kwh is None:
            return 0.0
        bought = (energy_wh - surplus_wh) / 1000 * self.price_per_kwh
        return bought + surplus_wh / 1000 * (self.feed_in_price_per_kwh or 0.0)

    def holds(self, other: "Quarter") -> bool:
        """Tell whether both are parts of the same one."""
        return (
            self.at_s // QUARTER_S == other.at_s // QUARTER_S
            and self.price_per_kwh == other.price_per_kwh
            and self.feed_in_price_per_kwh == other.feed_in_price_per_kwh
            and self.day == other.day
        )

    def followed_by(self, later: "Quarter") -> "Quarter":
        """Return it with what follows in the same quarter."""
        return Quarter(
            at_s=self.at_s,
            began_at=self.began_at,
            ended_at=later.ended_at,
            energy_wh=self.energy_wh + later.energy_wh,
            charging_s=self.charging_s + later.charging_s,
            room_wh=self.room_wh + later.room_wh,
            price_per_kwh=self.price_per_kwh,
            register_wh=self.register_wh,
            peak_w=max(self.peak_w, later.peak_w),
            site_peak_w=highest(self.site_peak_w, later.site_peak_w),
            soc_start_percent=newest(self.soc_start_percent, later.soc_start_percent),
            soc_end_percent=newest(later.soc_end_percent, self.soc_end_percent),
            feed_in_price_per_kwh=self.feed_in_price_per_kwh,
            surplus_wh=self.surplus_wh + later.surplus_wh,
            surplus_room_wh=self.surplus_room_wh + later.surplus_room_wh,
            co2_kg=self.co2_kg + later.co2_kg,
            co2_known_wh=self.co2_known_wh + later.co2_known_wh,
        )


def quarters_of(rows: Sequence[RecordedRow]) -> list[Quarter]:
    """Return the quarters between rows of one station, by rising time."""
    seen_w = max((row.power_w for row in rows), default=0.0)
    return put_together(_quarter(piece, seen_w) for piece in pieces_of(rows))


def put_together(parts: Iterable[Quarter]) -> list[Quarter]:
    """Return the parts with neighbours of one quarter made one."""
    quarters: list[Quarter] = []
    for part in parts:
        if quarters and quarters[-1].holds(part):
            quarters[-1] = quarters[-1].followed_by(part)
        else:
            quarters.append(part)
    return quarters


def highest(*values: float | None) -> float | None:
    """Return the highest of what is known."""
    return max((value for value in values if value is not None), default=None)


def newest(value: float | None, other: float | None) -> float | None:
    """Return the value, or the other one where it is not known."""
    return other if value is None else value


def _quarter(piece: Piece, seen_w: float) -> Quarter:
    row = piece.row
    # A station that has not told its power could draw, as far as is known, the most it ever drew.
    most_w = row.station_max_power_w or seen_w
    power = FullPower(row.station_min_power_w or most_w, most_w, row.fuse_power_w)
    surplus_wh = piece.surplus_wh
    bought_wh = piece.energy_wh - surplus_wh
    return Quarter(
        at_s=piece.at_s,
        began_at=piece.began_at,
        ended_at=piece.ended_at,
        energy_wh=piece.energy_wh,
        charging_s=piece.charging_s,
        room_wh=power.beside(row.house_load_w) * piece.duration_s / 3600,
        price_per_kwh=row.price_per_kwh,
        register_wh=piece.register_wh,
        peak_w=row.power_w,
        site_peak_w=row.site_load_w,
        soc_start_percent=piece.soc_start_percent,
        soc_end_percent=piece.soc_end_percent,
        feed_in_price_per_kwh=row.feed_in_price_per_kwh,
        surplus_wh=surplus_wh,
        surplus_room_wh=piece.surplus_room_w * piece.duration_s / 3600,
        co2_kg=bought_wh * (row.co2_g_per_kwh or 0.0) / 1e6,
        co2_known_wh=0.0 if row.co2_g_per_kwh is None else bought_wh,
    )
