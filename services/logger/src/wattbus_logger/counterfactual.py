"""What the same energy would have cost if the car had charged at full power from plug-in on."""

from collections.abc import Iterable
from dataclasses import dataclass

from wattbus_logger.quarters import Quarter


@dataclass(frozen=True, slots=True)
class Uncontrolled:
    """`missing_wh` is what the recorded time was too short for; it has the last price."""

    cost: float
    missing_wh: float


def uncontrolled(quarters: Iterable[Quarter], energy_wh: float) -> Uncontrolled:
    """Charge `energy_wh` from the first quarter on, under the recorded house load, roof and prices.

    What was really charged is never in doubt, so energy that does not fit into the record (a fuse
    that was full, a record that begins late) is priced like the last of it.
    """
    left_wh, cost, last_price = energy_wh, 0.0, 0.0
    for quarter in quarters:
        if left_wh <= 0:
            break
        last_price = quarter.price_per_kwh or 0.0
        # Where the car really drew more, the fuse has evidently carried it.
        taken_wh = min(left_wh, max(quarter.room_wh, quarter.energy_wh))
        left_wh -= taken_wh
        surplus_wh = min(taken_wh, max(quarter.surplus_room_wh, quarter.surplus_wh))
        if taken_wh == quarter.energy_wh:
            surplus_wh = quarter.surplus_wh
        cost += quarter.cost_of(taken_wh, surplus_wh)
    left_wh = max(0.0, left_wh)
    return Uncontrolled(cost + left_wh / 1000 * last_price, left_wh)
