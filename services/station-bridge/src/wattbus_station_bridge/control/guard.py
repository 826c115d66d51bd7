"""Keeps the fuse: shares what the house leaves among the stations, lowers first, raises later."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wattbus_contract.facts import Control
from wattbus_station_bridge.control.levels import Levels

PhaseLoads = tuple[float, float, float]
"""Power on L1, L2 and L3 in W."""

EPSILON_W = 1e-3


@dataclass(frozen=True, slots=True)
class FuseLimit:
    """What the main fuse carries, in W."""

    total_w: float
    per_phase_w: float

    def carries(self, load: PhaseLoads) -> bool:
        """Whether the fuse carries a load."""
        return sum(load) <= self.total_w + EPSILON_W and max(load) <= self.per_phase_w + EPSILON_W


@dataclass(frozen=True, slots=True)
class Demand:
    """One station: what it should draw, what it was granted, and what it may draw right now.

    `exposure_w` is the most that it can be drawing: the highest of what it was told, what it says
    that it offers, and what it is measured to draw. `is_urgent` puts it before the others.
    """

    station: str
    levels: Levels
    wanted_w: float
    granted_w: float
    exposure_w: float
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What a station may draw. `is_guarded`: the fuse leaves it less than it should have;
    `is_waiting`: it gets more as soon as others have gone down."""

    limit_w: float
    is_guarded: bool
    is_waiting: bool


@dataclass(slots=True)
class Guard:
    """Grants that keep the fuse. A station that was lowered is not raised for `hold_s`."""

    limit: FuseLimit
    hold_s: float
    is_on: bool = True
    _lowered_s: dict[str, float] = field(default_factory=dict)

    def settle(self, demands: Sequence[Demand], load: PhaseLoads, now_s: float) -> dict[str, Grant]:
        """Return each station's grant. `load` is the house and all that cannot be told anything.

        Lowering counts at once. Raising counts only as far as there is room while every other
        station still draws what it can: one that was told to go down has not yet done so.
        """
        if not self.is_on:
            return {d.station: Grant(d.wanted_w, False, False) for d in demands}
        shares = fair_shares(demands, load, self.limit)
        exposed = _plus(load, ((d.levels, max(d.exposure_w, d.granted_w)) for d in demands))
        grants: dict[str, Grant] = {}
        for demand in sorted(demands, key=_rank):
            share_w = shares[demand.station]
            is_guarded = share_w < demand.wanted_w - EPSILON_W
            granted_w = demand.granted_w
            if share_w < granted_w:
                granted_w = share_w
                if is_guarded:
                    self._lowered_s[demand.station] = now_s
            elif share_w > granted_w and self._may_rise(demand.station, now_s):
                own_w = max(demand.exposure_w, granted_w)
                others = _plus(exposed, [(demand.levels, -own_w)])
                room_w = _room_w(demand.levels, others, self.limit)
                granted_w = max(granted_w, demand.levels.floor_w(min(share_w, room_w)))
                exposed = _plus(others, [(demand.levels, max(own_w, granted_w))])
            grants[demand.station] = Grant(granted_w, is_guarded, granted_w < share_w - EPSILON_W)
        return grants

    def _may_rise(self, station: str, now_s: float) -> bool:
        return now_s - self._lowered_s.get(station, float("-inf")) >= self.hold_s


def phase_loads(levels: Levels, power_w: float) -> PhaseLoads:
    """Spread a station's power over the phases that it uses."""
    share_w = power_w / len(levels.phases)
    return (
        share_w if 1 in levels.phases else 0.0,
        share_w if 2 in levels.phases else 0.0,
        share_w if 3 in levels.phases else 0.0,
    )


def fair_shares(demands: Sequence[Demand], load: PhaseLoads, limit: FuseLimit) -> dict[str, float]:
    """Return levels that together with `load` keep the fuse, none above what is wanted.

    In order of rank each gets its minimum or nothing; then all grow by the same current until
    they have what they want or their fuse is full. Σ shares + load never exceeds the limit
    (if `load` alone does, all shares are 0).
    """
    shares = dict.fromkeys((demand.station for demand in demands), 0.0)
    growing: list[Demand] = []
    for demand in sorted(demands, key=_rank):
        minimum_w = demand.levels.minimum_w
        if demand.wanted_w < minimum_w - EPSILON_W or demand.wanted_w <= 0:
            continue
        if _room_w(demand.levels, load, limit) >= minimum_w - EPSILON_W:
            shares[demand.station] = minimum_w
            load = _plus(load, [(demand.levels, minimum_w)])
            if demand.levels.control is Control.CURRENT:
                growing.append(demand)
    grown = list(growing)
    while growing:
        step_a = _common_step_a(growing, shares, load, limit)
        for demand in growing:
            shares[demand.station] += step_a * demand.levels.watts_per_ampere
        load = _plus(load, ((d.levels, step_a * d.levels.watts_per_ampere) for d in growing))
        still = [d for d in growing if _can_grow(d, shares[d.station], load, limit)]
        growing = [] if len(still) == len(growing) else still
    for demand in grown:
        shares[demand.station] = demand.levels.floor_w(shares[demand.station])
    return shares


def _common_step_a(
    growing: Sequence[Demand], shares: dict[str, float], load: PhaseLoads, limit: FuseLimit
) -> float:
    steps_a = [(d.wanted_w - shares[d.station]) / d.levels.watts_per_ampere for d in growing]
    steps_a.append((limit.total_w - sum(load)) / sum(d.levels.watts_per_ampere for d in growing))
    for phase in (1, 2, 3):
        volts = sum(d.levels.voltage_v for d in growing if phase in d.levels.phases)
        if volts:
            steps_a.append((limit.per_phase_w - load[phase - 1]) / volts)
    return max(0.0, min(steps_a))


def _can_grow(demand: Demand, share_w: float, load: PhaseLoads, limit: FuseLimit) -> bool:
    # A tenth of an ampere is below every station's step.
    least_w = 0.1 * demand.levels.watts_per_ampere
    return demand.wanted_w - share_w > least_w and _room_w(demand.levels, load, limit) > least_w


def _room_w(levels: Levels, load: PhaseLoads, limit: FuseLimit) -> float:
    tightest_w = min(limit.per_phase_w - load[phase - 1] for phase in levels.phases)
    return min(limit.total_w - sum(load), tightest_w * len(levels.phases))


def _plus(load: PhaseLoads, more: Iterable[tuple[Levels, float]]) -> PhaseLoads:
    one, two, three = load
    for levels, power_w in more:
        more_one, more_two, more_three = phase_loads(levels, power_w)
        one, two, three = one + more_one, two + more_two, three + more_three
    return one, two, three


def _rank(demand: Demand) -> tuple[bool, bool, str]:
    """Urgent ones first, then those that charge already, so that nothing flaps."""
    return not demand.is_urgent, demand.granted_w <= 0, demand.station
