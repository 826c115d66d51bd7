"""What `wattbus doctor` thinks of a site: pure findings from picture, clocks and disk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wattbus_console.picture import Picture, Station
from wattbus_console.views import clock_text, zone_of
from wattbus_contract.facts import SiteInfo
from wattbus_contract.forecasts import BaseLoadSlot, PriceSlot
from wattbus_contract.service import Health, ServiceStatus, Status

NEEDED_SERVICES = ("station-bridge", "scheduler", "logger")
REMEDIES: Mapping[str, str] = {
    "station-bridge": "docker compose up -d station-bridge, or see its log",
    "scheduler": "docker compose up -d scheduler, or see its log",
    "logger": "docker compose up -d logger, or see its log",
}
MOST_SKEW_S = 5.0
MOST_SILENCE_S = 30.0
PRICES_AHEAD = timedelta(hours=8)
"""Day-ahead prices of tomorrow come at 13:00: before that, less than half a day may be known."""
LITTLE_DISK_BYTES = 500 * 2**20
NO_DISK_BYTES = 50 * 2**20


class Verdict(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do, "" when nothing is."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """How messages came in while somebody listened."""

    skews_s: Mapping[str, float]
    """By sender: our clock minus `sent_at` at receipt; the smallest seen, so without queueing."""
    silence_s: Mapping[str, float]
    """By station: seconds since its last meter value; absent while none has come."""


def diagnose(picture: Picture, heard: Heard) -> list[Finding]:
    """Return what there is to say of a running site, in the order in which to mend it."""
    return [
        *_services(picture),
        *_site(picture),
        *_stations(picture, heard),
        *_clocks(heard),
        *_forecasts(picture),
        *_command(picture),
    ]


def disk(folder: str, free_bytes: int) -> Finding:
    """Return what to think of the room that is left for the logger's files."""
    text = f"{free_bytes / 2**30:.1f} GiB free in {folder}"
    if free_bytes < NO_DISK_BYTES:
        remedy = "make room: nothing is acknowledged while nothing can be written"
        return Finding("disk", Verdict.FAILURE, text, remedy)
    if free_bytes < LITTLE_DISK_BYTES:
        return Finding("disk", Verdict.WARNING, text, "make room; a car takes some 100 MB a year")
    return Finding("disk", Verdict.OK, text)


def _services(picture: Picture) -> Iterator[Finding]:
    by_user: dict[str, list[tuple[str, ServiceStatus]]] = {user: [] for user in NEEDED_SERVICES}
    for (user, client), status in sorted(picture.services.items()):
        by_user.setdefault(user, []).append((client, status))
    for user, statuses in by_user.items():
        remedy = REMEDIES.get(user, f"see the log of {user}")
        up = [(client, status) for client, status in statuses if status.status is Status.UP]
        for client, status in up:
            name = user if client == user else f"{user} ({client})"
            if status.health is Health.OK:
                yield Finding(name, Verdict.OK, f"runs, version {status.version}")
            else:
                yield Finding(name, Verdict.WARNING, status.detail or "is not well", remedy)
        if not up and user in NEEDED_SERVICES:
            text = statuses[0][1].detail if statuses else ""
            said = f"does not run ({text})" if text else "does not run"
            yield Finding(user, Verdict.FAILURE, said, remedy)


def _site(picture: Picture) -> Iterator[Finding]:
    site = picture.site
    if site is None:
        remedy = "start the station-bridge with a site file; --site names another site"
        yield Finding("site", Verdict.FAILURE, "nobody has said what this site is", remedy)
        return
    pace = "" if site.time_scale == 1 else f", {site.time_scale:g} times as fast as real"
    text = f"{site.name}: {len(site.stations)} station(s), {site.max_power_w / 1000:g} kW{pace}"
    yield Finding("site", Verdict.OK, text)


def _stations(picture: Picture, heard: Heard) -> Iterator[Finding]:
    for station_id in picture.site.stations if picture.site is not None else ():
        yield _station(station_id, picture.station(station_id), heard)


def _station(station_id: str, station: Station, heard: Heard) -> Finding:
    state, info = station.state, station.info
    if state is None or not state.is_reachable:
        remedy = "is it switched on and on the network? Its url stands in the site file"
        why = state.reason.text if state is not None and state.reason is not None else ""
        return Finding(station_id, Verdict.FAILURE, why or "does not answer", remedy)
    silence_s = heard.silence_s.get(station_id, MOST_SILENCE_S + 1)
    if info is not None and silence_s > max(MOST_SILENCE_S, 3 * info.poll_interval_s):
        remedy = "see the log of the station-bridge"
        return Finding(
            station_id, Verdict.FAILURE, "is reachable, but no meter value comes", remedy
        )
    if state.is_failsafe:
        text = "is at its fail-safe limit: no valid command has come"
        return Finding(station_id, Verdict.WARNING, text, "see scheduler and lease below")
    if station.goal is None:
        remedy = f"wattbus goal {station_id} --target 80 --departure 07:00"
        return Finding(station_id, Verdict.WARNING, "has no goal", remedy)
    soc = f", {state.soc_percent:.0f} %" if state.soc_percent is not None else ""
    plugged = "plugged in" if state.is_plugged_in else "no car"
    return Finding(station_id, Verdict.OK, f"answers, {plugged}{soc}, mode {state.mode}")


def _clocks(heard: Heard) -> Iterator[Finding]:
    wrong = {who: s for who, s in heard.skews_s.items() if abs(s) > MOST_SKEW_S}
    for who, skew_s in sorted(wrong.items()):
        side = "behind" if skew_s > 0 else "ahead of"
        text = f"the clock of {who} is {abs(skew_s):.0f} s {side} this machine's"
        yield Finding("clocks", Verdict.WARNING, text, "let both machines follow NTP")
    if heard.skews_s and not wrong:
        worst_s = max(map(abs, heard.skews_s.values()))
        yield Finding("clocks", Verdict.OK, f"agree within {worst_s:.1f} s")


def _forecasts(picture: Picture) -> Iterator[Finding]:
    now, site = picture.now, picture.site
    if now is None or site is None:
        return
    prices = picture.price.slots if picture.price is not None else ()
    remedy = "see [prices] in the site file, and the log of what brings them"
    yield _forecast("prices", _end_of(prices), now, site, remedy)
    loads = picture.base_load.slots if picture.base_load is not None else ()
    remedy = "see [base_load] in the site file; without it plans assume an empty house"
    yield _forecast("house load", _end_of(loads), now, site, remedy)


def _end_of(slots: Iterable[PriceSlot | BaseLoadSlot]) -> datetime | None:
    ends = (slot.start_at + timedelta(seconds=slot.duration_s) for slot in slots)
    return max(ends, default=None)


def _forecast(
    subject: str, known_until: datetime | None, now: datetime, site: SiteInfo, remedy: str
) -> Finding:
    if known_until is None or known_until <= now:
        return Finding(subject, Verdict.FAILURE, "none is known for now", remedy)
    text = f"known until {clock_text(known_until, zone_of(Picture(site=site)))}"
    if known_until - now < PRICES_AHEAD:
        return Finding(subject, Verdict.WARNING, f"only {text}", remedy)
    return Finding(subject, Verdict.OK, text)


def _command(picture: Picture) -> Iterator[Finding]:
    remedy = "docker compose up -d scheduler, or see its log"
    holder = picture.lease.holder if picture.lease is not None else None
    if holder is None:
        yield Finding("command", Verdict.FAILURE, "no scheduler holds the lease", remedy)
    elif picture.plan is None:
        yield Finding("command", Verdict.FAILURE, f"{holder} commands without a plan", remedy)
    else:
        short = [s.station for s in picture.plan.stations if s.shortfall_wh > 0]
        text = f"{holder} commands, strategy {picture.plan.strategy}"
        if short:
            text += f"; will not reach its target: {', '.join(short)}"
            remedy = "a later departure, a lower target or mode now"
            yield Finding("command", Verdict.WARNING, text, remedy)
        else:
            yield Finding("command", Verdict.OK, text)
