"""What charging cost: differences of the energy register, each at the price of its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from wattbus_logger.reading import RecordedRow

QUARTER_S = 900.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch between two rows in which price, house load and production are one figure each.

    `row` is the one whose price and load hold. `price_per_kwh` is None where no price was known.
    `charging_s` is how long of it the car drew. `began_at` and `ended_at` are the site's local
    times; register and state of charge are those at its begin and end.
    """

    row: RecordedRow
    at_s: float
    began_at: datetime
    ended_at: datetime
    duration_s: float
    energy_wh: float
    charging_s: float
    register_wh: float
    soc_start_percent: float | None
    soc_end_percent: float | None

    @property
    def price_per_kwh(self) -> float | None:
        """In the site's currency."""
        return self.row.price_per_kwh

    @property
    def surplus_room_w(self) -> float:
        """What the roof gives beyond the house and the other stations."""
        row = self.row
        house_w = row.house_load_w
        if row.pv_power_w is None or house_w is None:
            return 0.0
        others_w = (house_w if row.site_load_w is None else row.site_load_w) - house_w - row.power_w
        return max(0.0, row.pv_power_w - house_w - max(0.0, others_w))

    @property
    def surplus_wh(self) -> float:
        """How much of the energy came from the roof: of its surplus, a share by power."""
        row = self.row
        house_w = row.house_load_w
        if row.pv_power_w is None or house_w is None or self.energy_wh <= 0:
            return 0.0
        drawn_w = self.energy_wh * 3600 / self.duration_s
        others_w = (house_w if row.site_load_w is None else row.site_load_w) - house_w - row.power_w
        share = drawn_w / (drawn_w + max(0.0, others_w))
        spare_wh = max(0.0, row.pv_power_w - house_w) * share * self.duration_s / 3600
        return min(self.energy_wh, spare_wh)


def pieces_of(rows: Sequence[RecordedRow]) -> list[Piece]:
    """Return the pieces between rows of one station, by rising time.

    Energies are differences of the register, so nothing is lost between polls. Where the price
    changes between two rows, the energy is divided at the quarter of an hour between them.
    """
    pieces: list[Piece] = []
    for one, two in pairwise(rows):
        duration_s = (two.at - one.at).total_seconds()
        if duration_s <= 0:
            continue
        energy_wh = max(0.0, two.energy_register_wh - one.energy_register_wh)
        boundary_s = _boundary_s(one, two, duration_s)
        if boundary_s is None:
            pieces.append(_whole(one, two, duration_s, energy_wh))
        else:
            pieces += _divided(one, two, energy_wh, boundary_s)
    return pieces


def energy_before_wh(
    first_w: float, second_w: float, duration_s: float, energy_wh: float, boundary_s: float
) -> float:
    """Return how much of an interval's energy was drawn before `boundary_s` seconds of it.

    If power changed once from the first to the second figure, the energy tells when: at s with
    first·s + second·(duration - s) = energy. Otherwise the energy is spread evenly.
    """
    if abs(first_w - second_w) > 1:
        switch_s = (energy_wh * 3600 - second_w * duration_s) / (first_w - second_w)
        if -1e-6 <= switch_s <= duration_s + 1e-6:
            before_ws = first_w * min(switch_s, boundary_s)
            before_ws += second_w * max(0.0, boundary_s - switch_s)
            return min(energy_wh, max(0.0, before_ws / 3600))
    return energy_wh * boundary_s / duration_s


def _boundary_s(one: RecordedRow, two: RecordedRow, duration_s: float) -> float | None:
    """Return where price or day change between two rows, in seconds after the first one."""
    if one.price_per_kwh == two.price_per_kwh and (one.local_time.date() == two.local_time.date()):
        return None
    after_quarter_s = two.at.timestamp() % QUARTER_S
    boundary_s = duration_s - after_quarter_s
    return boundary_s if 0 < boundary_s < duration_s else None


def _whole(one: RecordedRow, two: RecordedRow, duration_s: float, energy_wh: float) -> Piece:
    return Piece(
        row=one,
        at_s=one.at.timestamp(),
        began_at=one.local_time,
        ended_at=two.local_time,
        duration_s=duration_s,
        energy_wh=energy_wh,
        charging_s=_charging_s(duration_s, energy_wh, max(one.power_w, two.power_w)),
        register_wh=one.energy_register_wh,
        soc_start_percent=one.soc_percent,
        soc_end_percent=two.soc_percent,
    )


def _divided(
    one: RecordedRow, two: RecordedRow, energy_wh: float, boundary_s: float
) -> tuple[Piece, Piece]:
    duration_s = (two.at - one.at).total_seconds()
    after_s = duration_s - boundary_s
    before_wh = energy_before_wh(one.power_w, two.power_w, duration_s, energy_wh, boundary_s)
    highest_w = max(one.power_w, two.power_w)
    boundary_at = two.local_time - timedelta(seconds=after_s)
    soc = one.soc_percent
    if soc is not None and two.soc_percent is not None and energy_wh > 0:
        soc += (two.soc_percent - soc) * before_wh / energy_wh
    before = Piece(
        row=one,
        at_s=one.at.timestamp(),
        began_at=one.local_time,
        ended_at=boundary_at,
        duration_s=boundary_s,
        energy_wh=before_wh,
        charging_s=_charging_s(boundary_s, before_wh, highest_w),
        register_wh=one.energy_register_wh,
        soc_start_percent=one.soc_percent,
        soc_end_percent=soc,
    )
    after = Piece(
        row=two,
        at_s=one.at.timestamp() + boundary_s,
        began_at=boundary_at,
        ended_at=two.local_time,
        duration_s=after_s,
        energy_wh=energy_wh - before_wh,
        charging_s=_charging_s(after_s, energy_wh - before_wh, highest_w),
        register_wh=one.energy_register_wh + before_wh,
        soc_start_percent=soc,
        soc_end_percent=two.soc_percent,
    )
    return before, after


def _charging_s(duration_s: float, energy_wh: float, highest_w: float) -> float:
    if energy_wh <= 0:
        return 0.0
    return min(duration_s, energy_wh * 3600 / highest_w) if highest_w > 0 else duration_s
