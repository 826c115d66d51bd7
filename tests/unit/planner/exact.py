"""The exact optimum of small cases by HiGHS' integer solver, written without the planner's code."""

from dataclasses import dataclass

import highspy
import numpy as np

from wattbus_scheduler.situation import Situation

INFINITY = highspy.kHighsInf
UNMET_PRICE = 1000.0


@dataclass(frozen=True)
class Exact:
    """Cost of the energy, energy that cannot arrive, and starts of an optimum."""

    cost: float
    unmet_kwh: float
    starts: int


def exact_optimum(situation: Situation, start_price: float) -> Exact:
    """Solve a case of equal slots and currents without steps, whole slots on or off.

    Cars are there from arrival to departure in whole slots; no reserve, no price cap.
    """
    slots, site = situation.slots, situation.site
    count, hours = len(slots), slots[0].duration_s / 3600
    programme = _Programme()
    on_of: dict[tuple[int, int], int] = {}
    energy_of: dict[tuple[int, int], int] = {}
    starts, unmet = [], []
    for number, car in enumerate(situation.cars):
        watts = car.voltage_v * len(car.phases)
        least = min(car.min_current_a * watts, car.max_power_w) / 1000 * hours
        most = min(car.max_current_a * watts, car.max_power_w) / 1000 * hours
        need = car.grid_energy_to_wh(car.target_soc_percent) / 1000
        begin = slots[0].start_at if car.is_plugged_in else car.arrival_at
        energies = []
        for t, slot in enumerate(slots):
            is_there = begin is not None and slot.start_at >= begin
            if car.departure_at is not None:
                is_there = is_there and slot.end_at <= car.departure_at
            if not is_there:
                continue
            assert slot.price_per_kwh is not None
            energy = programme.column(0, most, slot.price_per_kwh)
            on = programme.column(0, 1, 0.0, is_whole=True)
            start = programme.column(0, 1, start_price)
            programme.row(-INFINITY, 0, [(energy, 1), (on, -most)])
            programme.row(0, INFINITY, [(energy, 1), (on, -least)])
            before = on_of.get((number, t - 1))
            # A start wherever it is on and was not before: start >= on - before.
            terms = [(start, 1.0), (on, -1.0)] + ([(before, 1.0)] if before is not None else [])
            programme.row(0, INFINITY, terms)
            on_of[number, t], energy_of[number, t] = on, energy
            starts.append(start)
            energies.append(energy)
        missing = programme.column(0, need, UNMET_PRICE)
        unmet.append(missing)
        programme.row(need, need, [(e, 1) for e in energies] + [(missing, 1)])
    for t in range(count):
        mine = {n: energy_of[n, t] for n in range(len(situation.cars)) if (n, t) in energy_of}
        if site.max_power_w is not None and mine:
            room = max(0.0, site.max_power_w - slots[t].house_load_w) / 1000 * hours
            programme.row(-INFINITY, room, [(column, 1) for column in mine.values()])
        if site.fuse_current_a is not None:
            fuse_w = site.fuse_current_a * site.voltage_v - slots[t].house_load_w / site.phases
            for phase in range(1, site.phases + 1):
                terms = [
                    (column, 1 / len(situation.cars[n].phases))
                    for n, column in mine.items()
                    if phase in situation.cars[n].phases
                ]
                if terms:
                    programme.row(-INFINITY, max(0.0, fuse_w) / 1000 * hours, terms)
    values = programme.solved()
    cost = sum(
        values[column] * (slots[t].price_per_kwh or 0.0) for (_, t), column in energy_of.items()
    )
    return Exact(cost, float(sum(values[c] for c in unmet)), round(sum(values[c] for c in starts)))


class _Programme:
    def __init__(self) -> None:
        self.highs = highspy.Highs()
        self.highs.setOptionValue("output_flag", False)
        self.highs.setOptionValue("mip_rel_gap", 1e-7)
        self.columns = 0

    def column(self, low: float, high: float, cost: float, *, is_whole: bool = False) -> int:
        self.highs.addVar(low, high)
        self.highs.changeColCost(self.columns, cost)
        if is_whole:
            self.highs.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def row(self, low: float, high: float, terms: list[tuple[int, float]]) -> None:
        columns = np.array([column for column, _ in terms], dtype=np.int32)
        self.highs.addRow(low, high, len(terms), columns, np.array([value for _, value in terms]))

    def solved(self) -> list[float]:
        self.highs.run()
        assert self.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return list(self.highs.getSolution().col_value)
