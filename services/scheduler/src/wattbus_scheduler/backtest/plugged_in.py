"""A car at its station while it is plugged in: what it lacks, what it draws and what that costs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from wattbus_scheduler.backtest.stays import Played, Session, Span
from wattbus_scheduler.situation import Car

DONE_WH = 1.0
TIME_EPSILON_S = 2e-3
TAPER_STEP_S = 60.0


@dataclass(slots=True)
class Stay:
    """A car at its station: what it still lacks (grid Wh) and what it has drawn so far."""

    session: Session
    pattern: Car
    left_wh: float
    energy_wh: float = 0.0
    cost: float = 0.0
    plans: int = 0
    starts: int = 0
    is_charging: bool = False
    spans: list[Span] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether the car has what it came for."""
        return self.left_wh <= DONE_WH

    def car(self) -> Car:
        """Return the car as the scheduler sees it: full is its target."""
        missing = self.left_wh * self.pattern.efficiency / self.pattern.battery_capacity_wh * 100
        return replace(
            self.pattern,
            soc_percent=max(0.0, 100.0 - missing),
            target_soc_percent=100.0,
            is_plugged_in=True,
            is_charging=self.is_charging,
            departure_at=datetime.fromtimestamp(self.session.stated_departure_s, UTC),
        )

    def draw(self, start_s: float, end_s: float, power_w: float, price_per_kwh: float) -> None:
        """Draw a power for a while, until the car is full."""
        if power_w <= 0:
            self.is_charging = False
            return
        energy_wh = min(self.left_wh, self._accepted_wh(power_w, end_s - start_s))
        if energy_wh <= 0:
            return
        last = self.spans[-1] if self.spans else None
        follows = last is not None and start_s - last.end_s <= 2 * TIME_EPSILON_S
        self.starts += not follows
        mean_w = energy_wh * 3600 / (end_s - start_s)
        if follows and last is not None and abs(last.power_w - mean_w) < 1e-6:
            self.spans[-1] = replace(last, end_s=end_s)
        else:
            self.spans.append(Span(start_s, end_s, mean_w))
        self.left_wh -= energy_wh
        self.energy_wh += energy_wh
        self.cost += energy_wh / 1000 * price_per_kwh
        self.is_charging = True

    def _accepted_wh(self, offered_w: float, seconds: float) -> float:
        """Return the grid energy that the car takes; minute by minute where it tapers."""
        if not self.pattern.taper:
            return offered_w * seconds / 3600
        percent_per_wh = self.pattern.efficiency / self.pattern.battery_capacity_wh * 100
        soc_percents, powers_w = zip(*self.pattern.taper, strict=True)
        energy_wh = 0.0
        while seconds > 0:
            soc_percent = 100.0 - (self.left_wh - energy_wh) * percent_per_wh
            power_w = min(offered_w, _straight(soc_percent, soc_percents, powers_w))
            energy_wh += power_w * min(seconds, TAPER_STEP_S) / 3600
            seconds -= TAPER_STEP_S
        return energy_wh

    def result(self) -> Played:
        """Return what became of the session."""
        missing_wh = 0.0 if self.is_done else self.left_wh
        return Played(
            self.session.number,
            self.energy_wh,
            missing_wh,
            self.cost,
            self.starts,
            self.plans,
            tuple(self.spans),
        )


def _straight(at: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return what lines through the corners have at a place; flat beyond them."""
    number = bisect_right(xs, at)
    if number in {0, len(xs)}:
        return ys[min(number, len(xs) - 1)]
    share = (at - xs[number - 1]) / (xs[number] - xs[number - 1])
    return ys[number - 1] + share * (ys[number] - ys[number - 1])
