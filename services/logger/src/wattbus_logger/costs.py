"""What charging cost: differences of the energy register, each at the price of its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattbus_logger.reading import RecordedRow

QUARTER_S = 900.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch between two rows in which price and house load are one figure each.

    `row` is the one whose price and load hold. `price_per_kwh` is None where no price was known.
    `charging_s` is how long of it the car drew.
    """

    row: RecordedRow
    duration_s: float
    energy_wh: float
    charging_s: float
    price_per_kwh: float | None
    house_load_w: float | None

    @property
    def cost(self) -> float:
        """In the site's currency; 0 where no price was known."""
        return self.energy_wh / 1000 * (self.price_per_kwh or 0.0)


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
            pieces.append(_piece(one, duration_s, energy_wh, two.power_w))
            continue
        before_wh = energy_before_wh(one.power_w, two.power_w, duration_s, energy_wh, boundary_s)
        pieces.append(_piece(one, boundary_s, before_wh, two.power_w))
        pieces.append(_piece(two, duration_s - boundary_s, energy_wh - before_wh, one.power_w))
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


def _piece(row: RecordedRow, duration_s: float, energy_wh: float, other_w: float) -> Piece:
    highest_w = max(row.power_w, other_w)
    charging_s = 0.0
    if energy_wh > 0:
        charging_s = min(duration_s, energy_wh * 3600 / highest_w) if highest_w > 0 else duration_s
    return Piece(row, duration_s, energy_wh, charging_s, row.price_per_kwh, row.house_load_w)
