"""What the bridge remembers over restarts: epoch, people's wishes, undated clocks, peaks."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from wattbus_contract.facts import Mode
from wattbus_contract.weekly import WeeklyDeparture
from wattbus_station_bridge import state_dir
from wattbus_station_bridge.goals import Wishes
from wattbus_station_bridge.peaks import Peaks
from wattbus_station_bridge.stations.course_state import CourseState


class Memory:
    """Files in the state folder; every write is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self._lease = folder / "lease.json"
        self._wishes = folder / "wishes.json"
        self._strategy = folder / "strategy.json"
        self._courses = folder / "course-stations.json"
        self._peaks = folder / "peaks.json"
        self._kept_peaks: object = None
        self._course_states: dict[str, Any] = state_dir.read(self._courses)

    def epoch(self) -> int:
        """Return the last epoch that was granted or announced; 0 at first."""
        return int(state_dir.read(self._lease).get("epoch", 0))

    def keep_epoch(self, epoch: int) -> None:
        """Write an epoch down, before anybody hears of it."""
        state_dir.write(self._lease, {"epoch": epoch})

    def wishes(self) -> dict[str, Wishes]:
        """Return people's wishes by station."""
        return {station: _wishes(kept) for station, kept in state_dir.read(self._wishes).items()}

    def keep_wishes(self, wishes: dict[str, Wishes]) -> None:
        """Write people's wishes down."""
        state_dir.write(
            self._wishes, {station: _document(wish) for station, wish in wishes.items()}
        )

    def strategy(self) -> str:
        """Return the strategy that people chose; empty without one."""
        return str(state_dir.read(self._strategy).get("strategy", ""))

    def keep_strategy(self, strategy: str) -> None:
        """Write the strategy that people chose down."""
        state_dir.write(self._strategy, {"strategy": strategy})

    def course_state(self, station: str) -> CourseState | None:
        """Return where a course station's clock and meter stood."""
        kept = self._course_states.get(station)
        return None if kept is None else CourseState.from_document(kept)

    def keep_course_states(self, states: dict[str, CourseState]) -> None:
        """Write down where the course stations' clocks and meters stand, if that is news."""
        documents = {station: state.to_document() for station, state in states.items()}
        if documents and documents != self._course_states:
            self._course_states = documents
            state_dir.write(self._courses, documents)

    def peaks(self) -> Peaks:
        """Return the highest hours of the month, as far as they were written down."""
        kept = state_dir.read(self._peaks)
        hour_at, month = kept.get("hour_at"), kept.get("month")
        return Peaks(
            month=None if month is None else date.fromisoformat(month),
            highest_w=tuple(kept.get("highest_w", ())),
            hour_at=_instant(hour_at),
            energy_wh=float(kept.get("energy_wh", 0.0)),
        )

    def keep_peaks(self, peaks: Peaks, *, is_end: bool = False) -> None:
        """Write the highest hours down when an hour is over, and at the end the running one."""
        news = peaks.month, peaks.highest_w, peaks.hour_at
        if (
            peaks.hour_at is None
            or peaks.month is None
            or (news == self._kept_peaks and not is_end)
        ):
            return
        self._kept_peaks = news
        state_dir.write(
            self._peaks,
            {
                "month": peaks.month.isoformat(),
                "highest_w": peaks.highest_w,
                "hour_at": peaks.hour_at.isoformat(),
                "energy_wh": round(peaks.energy_wh, 3),
            },
        )


def _document(wishes: Wishes) -> dict[str, Any]:
    document = {
        "mode": None if wishes.mode is None else wishes.mode.value,
        "target_soc_percent": wishes.target_soc_percent,
        "target_for_at": _text(wishes.target_for_at),
        "min_soc_percent": wishes.min_soc_percent,
        "departure_at": _text(wishes.departure_at),
        "weekly": (
            None
            if wishes.weekly is None
            else [each.model_dump(mode="json", exclude_none=True) for each in wishes.weekly]
        ),
        "price_cap_per_kwh": wishes.price_cap_per_kwh,
        "max_current_a": wishes.max_current_a,
    }
    return {key: value for key, value in document.items() if value is not None}


def _wishes(document: dict[str, Any]) -> Wishes:
    mode, weekly = document.get("mode"), document.get("weekly")
    return Wishes(
        mode=None if mode is None else Mode(mode),
        target_soc_percent=document.get("target_soc_percent"),
        target_for_at=_instant(document.get("target_for_at")),
        min_soc_percent=document.get("min_soc_percent"),
        departure_at=_instant(document.get("departure_at")),
        weekly=(
            None
            if weekly is None
            else tuple(WeeklyDeparture.model_validate(each, strict=False) for each in weekly)
        ),
        price_cap_per_kwh=document.get("price_cap_per_kwh"),
        max_current_a=document.get("max_current_a"),
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
