"""Recorded rows of one station become charging sessions, from plug-in to unplugging, and days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from wattbus_logger.costs import Piece, pieces_of
from wattbus_logger.counterfactual import FullPower, uncontrolled
from wattbus_logger.reading import RecordedRow

LONGEST_GAP = timedelta(days=1)
"""After a longer silence nobody knows whether it is the same visit of the car."""


@dataclass(frozen=True, slots=True)
class Session:
    """One visit of a car. `rows` include the first one after it, if its register goes on."""

    station: str
    rows: tuple[RecordedRow, ...]
    is_open: bool

    @property
    def began_at(self) -> datetime:
        """The site's local time of the first row."""
        return self.rows[0].local_time

    @property
    def ended_at(self) -> datetime:
        """The site's local time of the last row."""
        return self.rows[-1].local_time


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session, or one day of a station, came to. Costs in `currency`, times local.

    `shortfall_wh` is what the goal still lacked at the end, from the grid; None without a goal.
    `unpriced_wh` was charged while no price was known, and is left out of the costs.
    """

    station: str
    began_at: datetime
    ended_at: datetime
    is_open: bool
    energy_wh: float
    charging_s: float
    cost: float
    uncontrolled_cost: float
    currency: str
    soc_start_percent: float | None
    soc_end_percent: float | None
    target_soc_percent: float | None
    shortfall_wh: float | None
    unpriced_wh: float

    @property
    def saving(self) -> float:
        """What control has saved; negative if it cost more."""
        return self.uncontrolled_cost - self.cost


def sessions_of(rows: Sequence[RecordedRow]) -> list[Session]:
    """Divide a station's timeline where the car is unplugged or the energy register starts anew."""
    sessions: list[Session] = []
    current: list[RecordedRow] = []
    for row in rows:
        if current and _begins_anew(current[-1], row):
            sessions.append(Session(row.station, tuple(current), is_open=False))
            current = []
        if row.is_plugged_in:
            current.append(row)
        elif current:
            # The register of the first row without car tells the last energy of the visit.
            sessions.append(Session(row.station, (*current, row), is_open=False))
            current = []
    if current:
        sessions.append(Session(current[0].station, tuple(current), is_open=True))
    return sessions


def summarise_session(session: Session) -> Summary:
    """Return what a session came to."""
    return _summarise(session, pieces_of(session.rows), session.rows, is_open=session.is_open)


def summarise_days(session: Session) -> list[tuple[date, Summary]]:
    """Return a session's share in each local day; at-once charging begins anew at midnight."""
    shares = []
    pieces = pieces_of(session.rows)
    last_day = session.ended_at.date()
    for day, group in groupby(pieces, key=lambda piece: piece.row.local_time.date()):
        rows = [row for row in session.rows if row.local_time.date() == day]
        following = next((row for row in session.rows if row.local_time.date() > day), None)
        is_open = session.is_open and day == last_day
        covered = [*rows, following] if following is not None else rows
        shares.append((day, _summarise(session, list(group), covered, is_open=is_open)))
    return shares


def _begins_anew(before: RecordedRow, row: RecordedRow) -> bool:
    return (
        row.energy_register_wh < before.energy_register_wh - 1 or row.at - before.at > LONGEST_GAP
    )


def _summarise(
    session: Session, pieces: Sequence[Piece], rows: Sequence[RecordedRow], *, is_open: bool
) -> Summary:
    priced = [piece for piece in pieces if piece.price_per_kwh is not None]
    energy_wh = sum(piece.energy_wh for piece in pieces)
    priced_wh = sum(piece.energy_wh for piece in priced)
    at_once = uncontrolled(priced, priced_wh, _full_power(session.rows))
    socs = [row.soc_percent for row in rows if row.soc_percent is not None]
    return Summary(
        station=session.station,
        began_at=rows[0].local_time,
        ended_at=rows[-1].local_time,
        is_open=is_open,
        energy_wh=energy_wh,
        charging_s=sum(piece.charging_s for piece in pieces),
        cost=sum(piece.cost for piece in priced),
        uncontrolled_cost=at_once.cost,
        currency=next((row.currency for row in reversed(rows) if row.currency), ""),
        soc_start_percent=socs[0] if socs else None,
        soc_end_percent=socs[-1] if socs else None,
        target_soc_percent=_last_target(rows),
        shortfall_wh=_shortfall_wh(rows),
        unpriced_wh=energy_wh - priced_wh,
    )


def _full_power(rows: Sequence[RecordedRow]) -> FullPower:
    """Return what the station could draw; without its own word, the most that it ever drew."""
    seen_w = max(row.power_w for row in rows)
    for row in reversed(rows):
        if row.station_max_power_w:
            least_w = row.station_min_power_w or row.station_max_power_w
            return FullPower(least_w, row.station_max_power_w, row.fuse_power_w)
    return FullPower(seen_w, seen_w, next((row.fuse_power_w for row in reversed(rows)), None))


def _last_target(rows: Sequence[RecordedRow]) -> float | None:
    targets = (row.target_soc_percent for row in reversed(rows))
    return next((target for target in targets if target is not None), None)


def _shortfall_wh(rows: Sequence[RecordedRow]) -> float | None:
    for row in reversed(rows):
        if row.soc_percent is None or row.target_soc_percent is None:
            continue
        if row.battery_capacity_wh is None:
            return None
        missing = max(0.0, row.target_soc_percent - row.soc_percent) / 100
        return missing * row.battery_capacity_wh / (row.charging_efficiency or 1.0)
    return None
