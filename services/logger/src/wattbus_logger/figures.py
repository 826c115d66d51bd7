"""What charging came to, in energy and money: of a session, and of days, months and years.

What a session would have cost at once on arrival is shared out to its days by what was charged in
them, so days add up to months, months to years, and all of them to the sessions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby

from wattbus_logger.counterfactual import uncontrolled
from wattbus_logger.quarters import Quarter, highest
from wattbus_logger.sessions import Session


class By(StrEnum):
    """What a line of a report is about."""

    SESSION = "session"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums of quarters. Costs are in the site's currency; `reference_cost` is charging at once.

    `unpriced_wh` was charged while no price was known, and is left out of the costs. `surplus_wh`
    came from the roof. `co2_kg` is that of `co2_known_wh` from the grid.
    """

    energy_wh: float = 0.0
    charging_s: float = 0.0
    cost: float = 0.0
    reference_cost: float = 0.0
    unpriced_wh: float = 0.0
    peak_w: float = 0.0
    site_peak_w: float | None = None
    surplus_wh: float = 0.0
    co2_kg: float = 0.0
    co2_known_wh: float = 0.0

    def co2_with(self, g_per_kwh: float | None) -> float | None:
        """Return the emissions in kg, `g_per_kwh` where the record has no figure.

        None if nothing is known at all.
        """
        if g_per_kwh is not None:
            unknown_wh = self.energy_wh - self.surplus_wh - self.co2_known_wh
            return self.co2_kg + unknown_wh * g_per_kwh / 1e6
        return self.co2_kg if self.co2_known_wh > 0 else None

    @property
    def saving(self) -> float:
        """What control has saved; negative if it cost more."""
        return self.reference_cost - self.cost

    @property
    def price_per_kwh(self) -> float | None:
        """What a kWh cost on average; None without energy that had a price."""
        priced_wh = self.energy_wh - self.unpriced_wh
        return self.cost / priced_wh * 1000 if priced_wh >= 1 else None

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.energy_wh + other.energy_wh,
            self.charging_s + other.charging_s,
            self.cost + other.cost,
            self.reference_cost + other.reference_cost,
            self.unpriced_wh + other.unpriced_wh,
            max(self.peak_w, other.peak_w),
            highest(self.site_peak_w, other.site_peak_w),
            self.surplus_wh + other.surplus_wh,
            self.co2_kg + other.co2_kg,
            self.co2_known_wh + other.co2_known_wh,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """A session, or a station's or user's share of a period, with what it came to. Times are local.

    `first_day` begins the period; a session has None. Meter readings are the station's register;
    its difference is the energy, unless the register was set back in between.
    """

    station: str
    first_day: date | None
    began_at: datetime
    ended_at: datetime
    is_open: bool
    session_count: int
    currency: str
    figures: Figures
    soc_start_percent: float | None = None
    soc_end_percent: float | None = None
    target_soc_percent: float | None = None
    shortfall_wh: float | None = None
    register_start_wh: float | None = None
    register_end_wh: float | None = None
    user: str = ""

    @property
    def who(self) -> str:
        """Whose line this is: the user's, where one is known, else the station's."""
        return self.user or self.station


def summarise_session(session: Session) -> Summary:
    """Return what a session came to."""
    figures = figures_of(session.quarters, reference_price(session))
    register_wh = session.quarters[0].register_wh if session.quarters else None
    return Summary(
        station=session.station,
        first_day=None,
        began_at=session.began_at,
        ended_at=session.ended_at,
        is_open=session.is_open,
        session_count=1,
        currency=session.currency,
        figures=figures,
        soc_start_percent=session.soc_start_percent,
        soc_end_percent=session.soc_end_percent,
        target_soc_percent=session.target_soc_percent,
        shortfall_wh=session.shortfall_wh,
        register_start_wh=register_wh,
        register_end_wh=None if register_wh is None else register_wh + figures.energy_wh,
    )


def summarise_days(session: Session) -> list[Summary]:
    """Return a session's share in each local day on which it was there."""
    reference_per_kwh = reference_price(session)
    shares = []
    for day, group in groupby(session.quarters, key=lambda quarter: quarter.day):
        quarters = list(group)
        figures = figures_of(quarters, reference_per_kwh)
        shares.append(
            Summary(
                station=session.station,
                first_day=day,
                began_at=quarters[0].began_at,
                ended_at=quarters[-1].ended_at,
                is_open=session.is_open and quarters[-1] is session.quarters[-1],
                session_count=1,
                currency=session.currency,
                figures=figures,
                soc_start_percent=quarters[0].soc_start_percent,
                soc_end_percent=quarters[-1].soc_end_percent,
                register_start_wh=quarters[0].register_wh,
                register_end_wh=quarters[0].register_wh + figures.energy_wh,
            )
        )
    return shares


def gather(shares: Iterable[Summary], by: By) -> list[Summary]:
    """Add up the shares of days to days, months or years of each user or station, oldest first."""
    found: dict[tuple[date, str], list[Summary]] = {}
    for share in shares:
        day = share.first_day or share.began_at.date()
        found.setdefault((begin_of(day, by), share.who), []).append(share)
    return [_gathered(day, parts) for (day, _), parts in sorted(found.items())]


def total(summaries: Iterable[Summary]) -> Figures:
    """Return the sum."""
    return sum((summary.figures for summary in summaries), Figures())


def begin_of(day: date, by: By) -> date:
    """Return the first day of the period that holds a day."""
    match by:
        case By.MONTH:
            return day.replace(day=1)
        case By.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def reference_price(session: Session) -> float:
    """Return what a kWh of the session would have cost on average, charged at once on arrival."""
    priced = [quarter for quarter in session.quarters if quarter.price_per_kwh is not None]
    priced_wh = sum(quarter.energy_wh for quarter in priced)
    return uncontrolled(priced, priced_wh).cost / priced_wh * 1000 if priced_wh > 0 else 0.0


def figures_of(quarters: Sequence[Quarter], reference_per_kwh: float) -> Figures:
    """Return the sums of some quarters of a session."""
    energy_wh = sum(quarter.energy_wh for quarter in quarters)
    unpriced_wh = sum(one.energy_wh for one in quarters if one.price_per_kwh is None)
    return Figures(
        energy_wh=energy_wh,
        charging_s=sum(quarter.charging_s for quarter in quarters),
        cost=sum(quarter.cost for quarter in quarters),
        reference_cost=(energy_wh - unpriced_wh) / 1000 * reference_per_kwh,
        unpriced_wh=unpriced_wh,
        peak_w=max((quarter.peak_w for quarter in quarters), default=0.0),
        site_peak_w=highest(*(quarter.site_peak_w for quarter in quarters)),
        surplus_wh=sum(quarter.surplus_wh for quarter in quarters),
        co2_kg=sum(quarter.co2_kg for quarter in quarters),
        co2_known_wh=sum(quarter.co2_known_wh for quarter in quarters),
    )


def _gathered(day: date, parts: Sequence[Summary]) -> Summary:
    # The share that a night's session has in a day is not a session more in a month.
    starts = {part.began_at for part in parts} - {part.ended_at for part in parts}
    first, last = parts[0], parts[-1]
    stations = sorted({part.station for part in parts})
    # Two stations have two registers, and two cars two states of charge.
    is_one = len(stations) == 1
    return Summary(
        station=", ".join(stations),
        first_day=day,
        began_at=first.began_at,
        ended_at=last.ended_at,
        is_open=last.is_open,
        session_count=len(starts),
        currency=last.currency or first.currency,
        figures=total(parts),
        soc_start_percent=first.soc_start_percent if is_one else None,
        soc_end_percent=last.soc_end_percent if is_one else None,
        register_start_wh=first.register_start_wh if is_one else None,
        register_end_wh=last.register_end_wh if is_one else None,
        user=first.user,
    )
