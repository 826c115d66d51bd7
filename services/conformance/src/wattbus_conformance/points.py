"""The points that a scheduler is held against: id, level and one sentence each."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """RFC 2119: what safe operation needs, and what a good scheduler does besides."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that holds or not."""

    id: str
    level: Level
    sentence: str


def _must(name: str, sentence: str) -> Point:
    return Point(name, Level.MUST, sentence)


def _should(name: str, sentence: str) -> Point:
    return Point(name, Level.SHOULD, sentence)


POINTS = (
    _must("lease-acquire", "asks for the lease, and takes it as soon as it is free"),
    _must("lease-renew", "renews the lease before it runs out"),
    _must("lease-needed", "sends no limit before it holds the lease"),
    _must("lease-handed-over", "commands once the lease is handed over to it"),
    _must("lease-fenced", "stops when the lease is given to somebody else"),
    _must("lease-self-stop", "stops by itself when its renewals are not answered"),
    _must("lease-bridge-restart", "takes the lease anew, in the new epoch, after a bridge restart"),
    _must("lease-release", "releases or hands over the lease on SIGTERM, and ends"),
    _should("lease-waiting", "repeats its acquire while it waits, so that the holder knows of it"),
    _must("instances-one", "of several instances only the holder commands"),
    _must("instances-crash", "a waiting instance takes over when the holder dies"),
    _must("instances-swap", "a waiting instance takes over when the holder is asked to end"),
    _must("limit-valid", "every limit is a valid message of the contract"),
    _must("limit-all", "sends a limit to every station, also 0, once it has the lease"),
    _must("limit-refresh", "repeats each limit before it expires"),
    _must("limit-epoch", "every limit carries the current epoch and the instance's own name"),
    _must("limit-sequence", "the sequence of its messages rises"),
    _must("limit-not-retained", "limits are never retained"),
    _must("limit-reason", "gives a reason, code and text, with each limit"),
    _should("limit-expiry", "limits carry an MQTT message expiry of at most valid_for_s"),
    _must("fuse-house", "house and charger stay within the fuse when the house's load rises"),
    _must("fuse-freed", "charges again when the house's load has fallen"),
    _must("fuse-two", "two stations together stay within the fuse, and one may charge"),
    _should("fuse-order", "lowers one limit before it raises another that needs the room"),
    _should("fuse-phase", "each phase stays within its fuse"),
    _must("fuse-forecast", "does not charge in a cheap hour in which it would not fit"),
    _should("fuse-modulate", "lowers a current rather than pausing, where that fits"),
    _must("station-switch", "tells a switched station all or nothing"),
    _should("station-current", "tells a station with a current 0 or what it can do"),
    _must("mode-now", "charges at once in mode now, at any price"),
    _must("mode-off", "never charges in mode off, and goes on afterwards"),
    _must("goal-target", "stops at a target that is lowered, and goes on at one that is raised"),
    _must("goal-reached", "the car has its target at departure"),
    _must("goal-stop", "stops at the target"),
    _must("goal-cost", "pays no more than charging at once would have cost"),
    _should("goal-departure", "charges at a high price where the departure leaves no choice"),
    _should("goal-min-soc", "charges at once up to the minimum state of charge"),
    _should("goal-price-cap", "does not charge above the price cap"),
    _should("price-change", "waits when the hour turns dear, charges when it turns cheap"),
    _must("car-leaves", "gives limit 0 to a station whose car has left"),
    _must("car-returns", "charges a car that is plugged in again"),
    _must("clock-back", "follows the site's clock when it jumps back"),
    _must("late-readings", "heeds no meter value that comes late or twice, also over a restart"),
    _must("unknown-fields", "reads messages that have fields it does not know"),
    _must("garbage", "goes on, undisturbed, after garbage on its topics"),
    _must("broker-restart", "comes back after a restart of the broker"),
    _should("plan-valid", "publishes a valid, retained plan for every station"),
    _should("plan-fits", "its plan keeps every slot within the fuse"),
    _should("plan-shadow", "while it waits, its plan goes to the shadow topic only"),
    _should("status", "says up on its status topic, and down when it ends or dies"),
    _should("exit-status", "ends with status 0 on SIGTERM"),
)

BY_ID = {point.id: point for point in POINTS}
