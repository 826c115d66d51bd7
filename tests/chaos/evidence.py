"""What independent observers have seen of a run: messages and requests on the wire, power drawn."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

PerPhase = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One MQTT message on the wire of the service `who`; `at_s` on the monotonic clock."""

    who: str
    is_outward: bool
    topic: str
    body: dict[str, Any]
    is_retained: bool
    at_s: float

    @property
    def message_id(self) -> tuple[str, str, int]:
        """Source, boot_id and seq of its envelope."""
        return self.body["source"], self.body["boot_id"], self.body["seq"]


@dataclass(slots=True)
class Poll:
    """One answer of a station to process number `life` of a bridge; `at` is the station's clock.

    It was taken for certain if that process used the connection again, and asked again.
    """

    bridge: str
    life: int
    station: str
    at: str
    connection: int
    answered_s: float
    is_asked_again: bool = False
    is_connection_used_again: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the bridge has read this answer for certain."""
        return self.is_asked_again and self.is_connection_used_again


@dataclass(slots=True)
class LimitCall:
    """One request to a station to take a limit; `command` is what the journal held by then."""

    bridge: str
    life: int
    station: str
    limit_w: float
    command: tuple[int, int] | None
    asked_s: float
    status: int | None = None


@dataclass(frozen=True, slots=True)
class PowerSample:
    """House and stations at one instant in A per phase; `is_after_call`: a limit was just taken."""

    at_s: float
    house_a: PerPhase
    stations_a: PerPhase
    plugged: tuple[bool, ...]
    is_after_call: bool = False

    @property
    def site_a(self) -> PerPhase:
        """House and stations together."""
        one, two, three = (h + s for h, s in zip(self.house_a, self.stations_a, strict=True))
        return one, two, three


@dataclass(slots=True)
class Evidence:
    """Grows while the system runs; lists are only appended to, so any thread may read them."""

    sightings: list[Sighting] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    calls: list[LimitCall] = field(default_factory=list)
    samples: list[PowerSample] = field(default_factory=list)

    def so_far(self) -> "Evidence":
        """Return a copy that does not grow."""
        polls = [replace(poll) for poll in list(self.polls)]
        return Evidence(list(self.sightings), polls, list(self.calls), list(self.samples))

    def write(self, path: Path) -> None:
        """Write messages and limit calls to a file, a JSON object a line, in the order seen."""
        seen: list[Sighting | LimitCall] = [*self.sightings, *self.calls]
        seen.sort(key=lambda one: one.at_s if isinstance(one, Sighting) else one.asked_s)
        with path.open("w") as file:
            file.writelines(json.dumps(asdict(one)) + "\n" for one in seen)

    def sent(self, who: str, suffix: str, since_s: float = 0.0) -> list[Sighting]:
        """Return what a service has sent on topics with this ending, the first sight of each."""
        found: dict[tuple[str, str, int], Sighting] = {}
        for sighting in list(self.sightings):
            if sighting.who == who and sighting.is_outward and sighting.topic.endswith(suffix):
                found.setdefault(sighting.message_id, sighting)
        return [sighting for sighting in found.values() if sighting.at_s >= since_s]

    def meters(self, who: str, since_s: float = 0.0) -> list[Sighting]:
        """Return the stations' meter values that a bridge has sent."""
        return [s for s in self.sent(who, "/meter", since_s) if "/station/" in s.topic]

    def received(self, who: str, suffix: str, since_s: float = 0.0) -> list[Sighting]:
        """Return what a service has got on topics with this ending."""
        return [
            s
            for s in list(self.sightings)
            if s.who == who and not s.is_outward and s.topic.endswith(suffix) and s.at_s >= since_s
        ]
