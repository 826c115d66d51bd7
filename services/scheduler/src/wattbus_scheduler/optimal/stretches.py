"""From a solution to stretches and what they count, and from the running plan to patterns."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.optimal.grid import Task, patterns_from
from wattbus_scheduler.optimal.legal import legalised
from wattbus_scheduler.optimal.power import power_of
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.optimal.solution import Solution
from wattbus_scheduler.selection import Stretch
from wattbus_scheduler.situation import Situation


def stretches_of(
    problem: Problem, pieces: Sequence[Piece], tasks: Sequence[Task], solution: Solution
) -> dict[str, list[Stretch]]:
    """Return every car's stretches, at powers that its station can be told."""
    powers = [power_of(task.car) for task in tasks]
    legal = legalised(problem, solution.on, solution.energy_kwh, powers)
    chosen: dict[str, list[Stretch]] = {}
    for number, task in enumerate(tasks):
        mine = []
        for at in np.flatnonzero(legal.part[number] > 0).tolist():
            piece, part = pieces[at], float(legal.part[number, at])
            start_s, end_s = piece.start_s, piece.end_s
            if part < 1 and legal.from_back[number, at]:
                start_s = end_s - part * piece.duration_s
            elif part < 1:
                end_s = start_s + part * piece.duration_s
            mine.append(
                Stretch(
                    start_s,
                    end_s,
                    float(legal.power_kw[number, at]) * 1000,
                    piece.price_per_kwh,
                    piece.house_load_w,
                    piece.slot_index,
                )
            )
        chosen[task.car.station_id] = mine
    return chosen


def counted_cost(
    whole: Problem, tasks: Sequence[Task], chosen: dict[str, list[Stretch]], starts_s: Floats
) -> float:
    """Return what the chosen stretches cost in the relaxed problem's terms, unmet included."""
    drawn_kwh, unmet_cost = np.zeros(whole.pieces), 0.0
    for number, task in enumerate(tasks):
        stretches = chosen[task.car.station_id]
        middles = np.array([(stretch.start_s + stretch.end_s) / 2 for stretch in stretches])
        energies = np.array([stretch.energy_wh / 1000 for stretch in stretches])
        np.add.at(drawn_kwh, np.searchsorted(starts_s, middles, side="right") - 1, energies)
        hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
        lost = float(whole.overhead_kw[number]) * hours
        unmet = max(0.0, float(whole.need_kwh[number]) + lost - float(energies.sum()))
        reserve = min(unmet, float(whole.reserve_kwh[number]))
        unmet_cost += reserve * whole.reserve_price + (unmet - reserve) * whole.unmet_price
    spared = np.maximum(0.0, whole.surplus_gain) * np.minimum(drawn_kwh, whole.surplus_kwh)
    return float((whole.price * drawn_kwh - spared).sum()) + unmet_cost + whole.peak_cost(drawn_kwh)


def count_blocks(stretches: Sequence[Stretch]) -> int:
    """Return how many blocks without a break the stretches are."""
    breaks = sum(b.start_s - a.end_s > TIME_EPSILON_S for a, b in pairwise(stretches))
    return breaks + bool(stretches)


def running_patterns(situation: Situation, pieces: Sequence[Piece], tasks: Sequence[Task]) -> Bools:
    """Return when the running plan lets the cars charge."""
    start_s = np.array([piece.start_s for piece in pieces])
    end_s = np.array([piece.end_s for piece in pieces])
    patterns = np.zeros((len(tasks), len(pieces)), dtype=bool)
    if situation.running_plan is None:
        return patterns
    for number, task in enumerate(tasks):
        station = situation.running_plan.station(task.car.station_id)
        slots = station.charging_slots if station is not None else ()
        spans = [(slot.start_at.timestamp(), slot.end_at.timestamp()) for slot in slots]
        patterns[number] = patterns_from(spans, start_s, end_s)
    return patterns
