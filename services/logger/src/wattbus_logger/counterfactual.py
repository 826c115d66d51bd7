"""What the same energy would have cost if the car had charged at full power from plug-in on."""

from collections.abc import Iterable
from dataclasses import dataclass

from wattbus_logger.costs import Piece


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
class Uncontrolled:
    """`missing_wh` is what the recorded time was too short for; it has the last price."""

    cost: float
    charging_s: float
    missing_wh: float


def uncontrolled(pieces: Iterable[Piece], energy_wh: float, power: FullPower) -> Uncontrolled:
    """Charge `energy_wh` from the first piece on, under the recorded house load and prices.

    What was really charged is never in doubt, so energy that does not fit into the record (a fuse
    that was full, a record that begins late) is priced like the last of it.
    """
    left_wh, cost, charging_s, last_price = energy_wh, 0.0, 0.0, 0.0
    for piece in pieces:
        if left_wh <= 0:
            break
        last_price = piece.price_per_kwh or 0.0
        # Where the car really drew more, the fuse has evidently carried it.
        power_w = max(power.beside(piece.house_load_w), piece.energy_wh * 3600 / piece.duration_s)
        taken_wh = min(left_wh, power_w * piece.duration_s / 3600)
        left_wh -= taken_wh
        cost += taken_wh / 1000 * last_price
        if power_w > 0:
            charging_s += taken_wh * 3600 / power_w
    left_wh = max(0.0, left_wh)
    return Uncontrolled(cost + left_wh / 1000 * last_price, charging_s, left_wh)
