"""What the bridge remembers over restarts: the epoch, people's wishes, undated clocks."""

from datetime import datetime
from pathlib import Path
from typing import Any

from wattbus_contract.facts import Mode
from wattbus_station_bridge import state_dir
from wattbus_station_bridge.goals import Wishes
from wattbus_station_bridge.stations.course_state import CourseState


class Memory:
    """Files in the state folder; every write is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self._lease = folder / "lease.json"
        self._wishes = folder / "wishes.json"
        self._courses = folder / "course-stations.json"
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


def _document(wishes: Wishes) -> dict[str, Any]:
    document = {
        "mode": None if wishes.mode is None else wishes.mode.value,
        "target_soc_percent": wishes.target_soc_percent,
        "min_soc_percent": wishes.min_soc_percent,
        "departure_at": None if wishes.departure_at is None else wishes.departure_at.isoformat(),
        "price_cap_per_kwh": wishes.price_cap_per_kwh,
    }
    return {key: value for key, value in document.items() if value is not None}


def _wishes(document: dict[str, Any]) -> Wishes:
    departure_at = document.get("departure_at")
    mode = document.get("mode")
    return Wishes(
        mode=None if mode is None else Mode(mode),
        target_soc_percent=document.get("target_soc_percent"),
        min_soc_percent=document.get("min_soc_percent"),
        departure_at=None if departure_at is None else datetime.fromisoformat(departure_at),
        price_cap_per_kwh=document.get("price_cap_per_kwh"),
    )
