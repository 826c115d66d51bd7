"""`wattbus doctor`: looks at everything that must hold, and says what to do where it does not."""

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from wattbus_console import where
from wattbus_console.bus import Bus, connected
from wattbus_console.commands import options
from wattbus_console.commands.output import terminal
from wattbus_console.commands.passing import found_data_dir
from wattbus_console.diagnosis import Finding, Heard, Verdict, diagnose, disk
from wattbus_console.mistakes import Mistake
from wattbus_console.views import plain
from wattbus_console.where import Given, Whereabouts
from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.facts import StationEvent, StationEventKind

EXAMPLES = """Examples:

wattbus doctor

wattbus doctor --json

wattbus doctor --host broker.local --password-file console.password
"""
LISTEN_S = 10.0
STEADY_S = 2.0
"""Once everybody has been heard, so long on: another clock shows best in the fastest message."""
REFUSAL_S = 5.0
PROBE_STATION = "doctor-probe"
SIGNS = {
    Verdict.OK: ("●", "green3"),
    Verdict.WARNING: ("▲", "yellow3"),
    Verdict.FAILURE: ("✖", "red3"),
}


@dataclass
class _Ear:
    """Notes how messages come in while we listen."""

    skews_s: dict[str, float] = field(default_factory=dict)
    last_s: dict[str, float] = field(default_factory=dict)

    def hear(self, message: Decoded, now: datetime) -> None:
        """Take note; retained messages are old and tell nothing of clocks."""
        if message.topic.spec.is_retained or message.envelope is None:
            return
        skew_s = (now - message.envelope.sent_at).total_seconds()
        who = message.envelope.source
        self.skews_s[who] = min(self.skews_s.get(who, skew_s), skew_s, key=abs)
        if message.topic.spec is topics.METER:
            self.last_s[message.topic.station] = time.monotonic()

    def heard(self) -> Heard:
        """Return what was noted."""
        now_s = time.monotonic()
        silence_s = {station: now_s - then_s for station, then_s in self.last_s.items()}
        return Heard(self.skews_s, silence_s)


def doctor(
    *,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    password_file: options.PasswordFile = None,
    site: options.Site = None,
    wait: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long to listen at most.")
    ] = LISTEN_S,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list instead, for other programs.")
    ] = False,
) -> None:
    """Check broker, users, services, stations, clocks, prices and disk; say what to do.

    Ends with 1 when something is broken, with 0 when there are warnings at most.
    """
    place = where.find(Given(host, port, user, password_file, site), os.environ)
    console = terminal()
    progress = Progress(
        SpinnerColumn(), TextColumn("listening to the site"), console=console, transient=True
    )
    with progress:
        progress.add_task("")
        findings = [*_on_the_bus(place, wait), _disk()]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(console, findings)
    if any(finding.verdict is Verdict.FAILURE for finding in findings):
        raise typer.Exit(1)


def _on_the_bus(place: Whereabouts, wait_s: float) -> list[Finding]:
    at = f"{place.broker.host}:{place.broker.port}"
    try:
        with connected(place.broker, place.site) as bus:
            let_in = Finding("broker", Verdict.OK, f"{at} lets user {bus.session.user} in")
            ear = _Ear()
            _listen(bus, ear, wait_s)
            findings = diagnose(bus.picture, ear.heard())
            return [let_in, _access_list(bus), *findings]
    except Mistake as mistake:
        return [Finding("broker", Verdict.FAILURE, str(mistake), "wattbus doctor --help")]


def _listen(bus: Bus, ear: _Ear, wait_s: float) -> None:
    deadline_s = time.monotonic() + wait_s
    is_shortened = False
    while time.monotonic() < deadline_s:
        for message in bus.pump(0.1):
            ear.hear(message, datetime.now(UTC))
        stations = bus.picture.site.stations if bus.picture.site is not None else None
        if stations and set(stations) <= set(ear.last_s) and not is_shortened:
            is_shortened = True
            deadline_s = min(deadline_s, time.monotonic() + STEADY_S)


def _access_list(bus: Bus) -> Finding:
    """Say something that only the bridge may say: the broker has to refuse it."""
    probe = StationEvent(
        at=datetime.now(UTC),
        kind=StationEventKind.STATION_LOST,
        text="a probe of wattbus doctor: only the station-bridge may say this",
    )
    bus.session.publish(topics.STATION_EVENT, probe, station=PROBE_STATION)
    deadline_s = time.monotonic() + REFUSAL_S
    while time.monotonic() < deadline_s:
        bus.pump(0.05)
        if bus.session.denied_topics:
            return Finding("access list", Verdict.OK, "the broker refuses what is not ours to say")
        if not bus.session.unconfirmed:
            break
    return Finding(
        "access list",
        Verdict.FAILURE,
        f"the broker lets user {bus.session.user} speak for the station-bridge",
        "broker/acl is not in force: see acl_file in the broker's settings",
    )


def _disk() -> Finding:
    folder = found_data_dir(None)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return disk(str(folder), shutil.disk_usage(Path(folder).resolve()).free)


def _show(console: Console, findings: list[Finding]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sign, style = SIGNS[finding.verdict]
        line = Text.assemble((sign, style), f" {finding.subject:<{width}}  {plain(finding.text)}")
        console.print(line, soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"  {'':<{width}}  → {finding.remedy}", style="bright_black"))
