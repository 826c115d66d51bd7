"""The planning problem as arrays: cars by pieces of time, and the rows that bound their power."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

EPSILON_KW = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Wear:
    """What charging wears of the batteries, by car: weighed against money, never paid.

    A kWh drawn above `soft_kw` counts `soft_price`; each of the last `top_kwh` of what a car needs
    counts `top_price` in an hour, for the `hold_h[n, t]` that it is held if charged in piece t.
    """

    soft_kw: Floats
    soft_price: Floats
    top_kwh: Floats
    top_price: Floats
    hold_h: Floats

    def subset(self, cars: Sequence[int] | Ints) -> "Wear":
        """Return the wear of some cars."""
        return Wear(*(getattr(self, name)[cars] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """N cars, T pieces, K rows that bound power. Power in kW, energy in kWh, time in hours.

    All prices are in a unit of which one is `money_unit` in the site's currency.

    `price` is what a kWh counts in each piece, and may be weighted; `is_usable[n, t]` tells where
    car n is present and may charge. Row k bounds the sum over cars of `share[k, n]` times power by
    `cap_kw[k, t]`. When on, car n draws between `min_kw[n, t]` and `max_kw[n, t]`. `overhead_kw`
    is lost per hour of charging, whatever the power, and `need_kwh` comes on top of it, of which
    `reserve_kwh` is wished for only. `surplus_kwh[t]` is cheaper by `surplus_gain[t]` per kWh.
    `peak_of[t]` numbers the hour of a piece, `peak_base_kw` is the house's mean power in each of
    them; the highest hour above `peak_floor_kw` costs `peak_price` per kW. With a `peak_count`
    above 1 it is the mean of so many highest hours, of which `peaks_so_far_kw` were. Every kW by
    which power changes within a block counts `change_price`. Beginning in a piece where
    `is_free_start[n, t]` is no start: the car is charging already. `is_joined[t]` tells whether
    piece t follows the one before it without a gap.
    """

    hours: Floats
    price: Floats
    is_usable: Bools
    share: Floats
    cap_kw: Floats
    min_kw: Floats
    max_kw: Floats
    need_kwh: Floats
    reserve_kwh: Floats
    overhead_kw: Floats
    is_free_start: Bools
    is_joined: Bools
    start_price: float
    unmet_price: float
    reserve_price: float
    surplus_kwh: Floats
    surplus_gain: Floats
    peak_of: Ints
    peak_base_kw: Floats
    peak_floor_kw: float
    peak_price: float
    peak_count: int = 1
    peaks_so_far_kw: Floats = field(default_factory=lambda: np.zeros(0))
    wear: Wear | None = None
    change_price: float = 0.0
    money_unit: float = 1.0

    @property
    def cars(self) -> int:
        """Number of cars."""
        return len(self.is_usable)

    @property
    def pieces(self) -> int:
        """Number of pieces of time."""
        return len(self.hours)

    @property
    def low_kwh(self) -> Floats:
        """The least energy of a whole piece when on, by car and piece."""
        return self.min_kw * self.hours

    @property
    def high_kwh(self) -> Floats:
        """The most energy of a piece, by car and piece."""
        return self.max_kw * self.hours

    def room_kw(self, used_kw: Floats, car: int) -> Floats:
        """Return what the rows leave for one car in each piece; `used_kw` is by row and piece."""
        rows = self.share[:, car] > 0
        if not rows.any():
            return np.full(self.pieces, np.inf)
        left = (self.cap_kw[rows] - used_kw[rows]) / self.share[rows, car][:, None]
        room: Floats = left.min(axis=0)
        return room

    def used_kw(self, power_kw: Floats) -> Floats:
        """Return the use of each row in each piece, for powers by car and piece."""
        used: Floats = self.share @ power_kw
        return used

    def peak_cost(self, drawn_kwh: Floats) -> float:
        """Return what the peaks cost more than so far, for the energy of all cars by piece."""
        if self.peak_price <= 0:
            return 0.0
        inside = self.peak_of >= 0
        hourly_kw = self.peak_base_kw + np.bincount(
            self.peak_of[inside], weights=drawn_kwh[inside], minlength=len(self.peak_base_kw)
        )
        if self.peak_count == 1:
            return self.peak_price * max(0.0, float(hourly_kw.max()) - self.peak_floor_kw)
        return self.peak_price * (self.mean_peak_kw(hourly_kw) - self.mean_peak_kw(np.zeros(0)))

    def mean_peak_kw(self, hourly_kw: Floats) -> float:
        """Return the mean of the highest hours, those so far among them."""
        every = np.concatenate([self.peaks_so_far_kw, hourly_kw])
        return float(np.sort(every)[-self.peak_count :].sum()) / self.peak_count

    def starts(self, on: Bools) -> Ints:
        """Return how often each car starts; a gap in the grid of pieces ends a block, too."""
        return count_starts(on, self.is_joined, self.is_free_start)

    def subset(self, cars: Sequence[int] | Ints, cap_kw: Floats) -> "Problem":
        """Return the problem of some cars, with what is left for them."""
        changes: dict[str, Any] = {
            name: getattr(self, name)[cars]
            for name in (
                "is_usable", "min_kw", "max_kw", "need_kwh", "reserve_kwh", "overhead_kw",
                "is_free_start",
            )
        }  # fmt: skip
        changes["share"] = self.share[:, cars]
        changes["cap_kw"] = cap_kw
        changes["wear"] = self.wear.subset(cars) if self.wear is not None else None
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Problem(**{**fields, **changes})


def count_starts(on: Bools, is_joined: Bools, is_free_start: Bools) -> Ints:
    """Return the number of starts for each row of patterns by piece."""
    goes_on = np.zeros_like(on)
    goes_on[..., 1:] = on[..., :-1] & is_joined[1:]
    starts: Ints = (on & ~goes_on & ~is_free_start).sum(axis=-1).astype(np.int32)
    return starts


def keys_of(rows: NDArray[np.uint8]) -> NDArray[np.void]:
    """Return rows of bytes as a key each, of the same order: it is faster to sort than the rows."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()


def distinct(on: Bools) -> Bools:
    """Return each pattern once, in order."""
    _, first = np.unique(keys_of(np.packbits(on, axis=1)), return_index=True)
    return on[first]
