"""When a demonstration is over: the targets are reached, or its time is."""

from dataclasses import dataclass, field
from datetime import timedelta

from wattbus_console.picture import Picture
from wattbus_console.views import kwh

IDLE_W = 1.0


@dataclass(slots=True)
class Ending:
    """Ask it after each message. `most_h` are hours of the site's clock, from the full hour at or
    before the first value; with `ends_at_target` the targets end it earlier.
    """

    most_h: float
    ends_at_target: bool = True
    _reached: set[str] = field(default_factory=set)

    def is_reached(self, picture: Picture) -> bool:
        """Tell whether every car has had its target once and nobody charges any more."""
        for station_id, station in picture.stations.items():
            if station.target_reached_at is not None:
                self._reached.add(station_id)
        readings = [station.reading for station in picture.stations.values()]
        is_idle = all(r is not None and r.power_active_import_w <= IDLE_W for r in readings)
        return bool(readings) and is_idle and self._reached >= picture.stations.keys()

    def is_over(self, picture: Picture) -> bool:
        """Tell whether the demonstration ends now."""
        if self.is_reached(picture) and self.ends_at_target:
            return True
        if picture.first_at is None or picture.now is None:
            return False
        first = picture.first_at.replace(minute=0, second=0, microsecond=0)
        return picture.now >= first + timedelta(hours=self.most_h)

    def shortfalls(self, picture: Picture) -> list[str]:
        """Return a sentence for each car that has not had its target."""
        return [
            _shortfall(picture, station_id)
            for station_id in sorted(picture.stations)
            if station_id not in self._reached
        ]


def _shortfall(picture: Picture, station_id: str) -> str:
    station = picture.stations[station_id]
    reading, goal, info = station.reading, station.goal, station.info
    soc = reading.soc_percent if reading is not None else None
    if soc is None or goal is None or info is None:
        return f"{station_id} has not reached its target"
    missing_percent = goal.target_soc_percent - soc
    missing_wh = missing_percent / 100 * info.battery_capacity_wh / info.charging_efficiency
    return (
        f"{station_id} stands at {soc:.1f} % and is {kwh(missing_wh)} short of "
        f"{goal.target_soc_percent:g} %"
    )
