"""What happens, as lines: for terminals without a cursor, and for the live view's last events."""

from dataclasses import dataclass, field
from datetime import datetime

from wattbus_console.picture import Picture
from wattbus_console.views import CarView, car_view, kw, plain, site_view, zone_of
from wattbus_contract.codec import Decoded
from wattbus_contract.facts import MeterReading, StationEvent, StationEventKind
from wattbus_contract.room import make_room

QUIET_KINDS = (StationEventKind.LIMIT_APPLIED,)
"""Whether a limit took effect shows in the meter value that follows."""


def event_line(message: Decoded, picture: Picture) -> str | None:
    """Return a line for an event that people want to know of, else None."""
    body = message.body
    if not isinstance(body, StationEvent) or body.kind in QUIET_KINDS:
        return None
    return f"[{_clock(body.at, picture)}] {message.topic.station}: {plain(body.text)}"


@dataclass(slots=True)
class CourseLines:
    """Turns messages into lines: charging on and off; with `is_full` also each new reason and each
    full hour.
    """

    is_full: bool
    _told: dict[str, CarView] = field(default_factory=dict)
    _hours: dict[str, datetime] = field(default_factory=dict)
    _is_hour_due: dict[str, bool] = field(default_factory=dict)

    def lines(self, message: Decoded, picture: Picture) -> list[str]:
        """Return the lines that a message is worth; the picture has taken it already."""
        event = event_line(message, picture)
        if event is not None:
            return [event]
        if not isinstance(message.body, MeterReading):
            return []
        station_id, reading = message.topic.station, message.body
        own = () if picture.site is None else picture.site.stations
        make_room(self._told, station_id, own)
        make_room(self._hours, station_id, own)
        make_room(self._is_hour_due, station_id, own)
        view = car_view(picture, station_id)
        if not self._is_news(station_id, view, reading.at):
            return []
        self._is_hour_due[station_id] = False
        return [reading_line(reading, station_id, picture)]

    def _is_news(self, station_id: str, view: CarView, at: datetime) -> bool:
        told, self._told[station_id] = self._told.get(station_id), view
        hour = at.replace(minute=0, second=0, microsecond=0)
        is_new_hour = self._hours.get(station_id) != hour
        self._hours[station_id] = hour
        is_turned = (told is not None and told.is_charging) != view.is_charging
        is_new_reason = told is None or told.reason != view.reason
        # The limit of the new hour answers its first value: one value later the reason is right.
        is_due, self._is_hour_due[station_id] = self._is_hour_due.get(station_id), is_new_hour
        return is_turned or (self.is_full and bool(is_due or is_new_reason))


def reading_line(reading: MeterReading, station_id: str, picture: Picture) -> str:
    """Return a meter value with what stands around it."""
    site, view = site_view(picture), car_view(picture, station_id)
    soc = f"{reading.soc_percent:.2f} %" if reading.soc_percent is not None else "unknown"
    house = kw(reading.house_load_w) if reading.house_load_w is not None else "unknown"
    power = f"charging {kw(view.power_w)}" if view.is_charging else "not charging"
    return (
        f"[{_clock(reading.at, picture)}] {station_id} {power} | SoC {soc} | "
        f"price {site.price} | house {house} | {view.reason}"
    )


def _clock(at: datetime, picture: Picture) -> str:
    return f"{at.astimezone(zone_of(picture)):%a %H:%M}"
