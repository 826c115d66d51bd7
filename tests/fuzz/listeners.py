"""Those who only listen, without a broker: each takes messages as its process does."""

import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count, cycle
from pathlib import Path
from typing import Any, cast

import apprise
from rich.console import Console, RenderableType
from rich.live import Live

from fuzz.deaf_session import DeafSession, arrived
from fuzz.mutations import FIRST_SENT_AT
from unit.scheduler.scripted_site import SITE, STATION
from wattbus_console import picture as console_picture
from wattbus_console.bus import Bus
from wattbus_console.commands.watch import Wishes
from wattbus_console.diagnosis import Heard, diagnose
from wattbus_console.plan_view import plan_views
from wattbus_console.rendering.plan_table import plan_table
from wattbus_console.screen import Screen
from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import encode
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.facts import StationEventKind
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec
from wattbus_dashboard.bus import BusReader
from wattbus_dashboard.goal_form import day_fields, departure_text
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.picture import zone_of
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV
from wattbus_homeassistant.discovery import BIRTH, BIRTH_TOPIC, is_of_site
from wattbus_homeassistant.settings import HomeAssistantSettings
from wattbus_homeassistant.shell import Announcer
from wattbus_notifier.settings import NotifierSettings
from wattbus_notifier.shell import Notifier
from wattbus_notifier.targets import Target

POWERS_W = cycle(range(1234, 9000, 10))
WIDTH, HEIGHT = 110, 45
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
NOTHING_HEARD = Heard({}, {})


class HealthySite:
    """A bridge, a scheduler and a logger that begin anew and say what is so."""

    def __init__(self) -> None:
        # Another one each time: who has not listened shows the one before.
        self.power_w = float(next(POWERS_W))
        self.shown_power = f"{self.power_w / 1000:.2f}"
        self._seq = count(1)
        self._boot = f"healthy-{id(self)}"

    def everything(self) -> list[tuple[str, bytes]]:
        """Return what they say at their start, with a car that draws `power_w`."""
        at = {"at": datetime(2025, 1, 15, 21, tzinfo=UTC)}
        power = {**at, "power_active_import_w": self.power_w}
        idle = {**at, "power_active_import_w": 0.0}
        # A bridge that begins with another clock says so first.
        reset = {**at, "kind": StationEventKind.CLOCK_RESET}
        return [
            self.example(topics.STATION_EVENT, instead=reset, station=STATION),
            self.example(topics.SITE_INFO),
            *(self.example(spec) for spec in (topics.PRICE, topics.BASE_LOAD, topics.PLAN)),
            self.example(topics.STATION_INFO, station=STATION),
            self.example(topics.GOAL, station=STATION),
            self.example(topics.STATION_STATE, instead=power, station=STATION),
            self.example(topics.METER, instead=idle, station=STATION),
            self.example(topics.METER, instead=power, station=STATION),
            self.example(topics.HOUSEHOLD_METER, instead=at),
            *(
                self.example(topics.SERVICE_STATUS, user=user, client=user)
                for user in ("station-bridge", "scheduler", "logger")
            ),
        ]

    def example(
        self, spec: TopicSpec, *, instead: dict[str, Any] | None = None, **ids: str
    ) -> tuple[str, bytes]:
        """Return topic and payload of the contract's example, with some fields replaced."""
        return self.message(spec, EXAMPLES[spec].model_copy(update=instead or {}), **ids)

    def message(self, spec: TopicSpec, body: Body, **ids: str) -> tuple[str, bytes]:
        """Return topic and payload of a message."""
        seq = next(self._seq)
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=FIRST_SENT_AT + timedelta(days=1),
            source=spec.publishers[0], boot_id=self._boot, seq=seq,
        )  # fmt: skip
        return spec.topic(SITE, **ids), encode(body, envelope)


def own_status(session: DeafSession) -> tuple[str, bytes]:
    """Return what a session says of itself once it has heard all that is retained."""
    body = ServiceStatus(
        status=Status.UP, health=Health.OK, version="1", connection=1,
        started_at=datetime(2025, 1, 15, tzinfo=UTC),
    )  # fmt: skip
    envelope = Envelope(
        schema_id=topics.SERVICE_STATUS.schema_id, sent_at=datetime.now(UTC),
        source=session.client_id, boot_id=session.boot_id, seq=1,
    )  # fmt: skip
    return session.status_topic, encode(body, envelope)


class DashboardSubject:
    """The bus's reader and the hub; every message is shown, in both languages."""

    def __init__(self) -> None:
        self.session = DeafSession("dashboard", SITE)
        self.hub = Hub()
        self.reader = BusReader(
            cast(MqttSession, self.session), self.hub.receive, lambda _fault: None
        )

    def take(self, topic: str, payload: bytes) -> None:
        """Have it take one message and make everything that a page asks for."""
        self.hear(topic, payload)
        self.show()

    def hear(self, topic: str, payload: bytes) -> None:
        """Have it take one message."""
        self.session.waiting.append(arrived(topic, payload))
        self.hub.receive(self.reader._take(), is_connected=True)

    def show(self) -> None:
        """Make what a page shows, sends to the browser and puts into its form."""
        picture = self.hub.picture
        for words in (EN, SV):
            self.hub.page(words)
            self.hub._drawings.clear()
            drawn = self.hub.drawing(words)
            if drawn is not None:
                json.dumps(drawn.options, allow_nan=False)
        for station in picture.stations.values():
            departure_text(station.goal, zone_of(picture))
            day_fields(station.goal)

    def shows_what_is_so(self) -> bool:
        """Tell whether a site that begins anew is on the page, with its clock and its chart."""
        site = HealthySite()
        for message in site.everything():
            self.hear(*message)
        self.show()
        page = self.hub.page(EN)
        drawn = self.hub.drawing(EN)
        cars = {car.station: car for car in page.cars}
        return (
            cars.keys() == {STATION}
            and cars[STATION].power.startswith(site.shown_power)
            and page.clock == "Wed 15 Jan 22:00"
            and page.figures[0].value.startswith("34.29")
            and drawn is not None
            and "34.29" in drawn.summary
        )


class HomeAssistantSubject:
    """The announcer; what it has announced is in `devices`, as the broker keeps it."""

    def __init__(self) -> None:
        self.session = DeafSession("homeassistant", SITE)
        self.announcer = Announcer(cast(MqttSession, self.session), "1", HomeAssistantSettings())
        self.take(*own_status(self.session))

    def take(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        """Have it take one message."""
        self.session.waiting.append(arrived(topic, payload, is_retained=is_retained))
        self.announcer.step()

    @property
    def devices(self) -> dict[str, dict[str, Any]]:
        """What is announced and not removed, by topic; AssertionError for what is no device."""
        kept = dict(self.session.said)
        assert all(is_of_site(topic, SITE) for topic in kept), kept.keys()
        return {topic: _read(payload) for topic, payload in kept.items() if payload}

    def announces_what_is_so(self) -> bool:
        """Tell whether Home Assistant, born anew, is told of the site that begins anew."""
        for message in HealthySite().everything():
            self.take(*message)
        self.session.said.clear()
        self.take(BIRTH_TOPIC, BIRTH)
        names = {topic.split("/")[2]: one["device"]["name"] for topic, one in self.devices.items()}
        return names == {f"wattbus_{SITE}": "Home", f"wattbus_{SITE}_{STATION}": "Car 1"}


def _read(payload: bytes) -> dict[str, Any]:
    """Read JSON as Home Assistant does, and check what it is strict about in numbers."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    device: dict[str, Any] = json.loads(payload, parse_constant=refuse)
    for entity in device["components"].values():
        if entity["platform"] == "number" and "command_topic" in entity:
            # homeassistant/components/mqtt/number.py: PLATFORM_SCHEMA_MODERN, validate_config
            assert entity["min"] < entity["max"], entity
            assert entity["step"] >= 0.001, entity
    return device


@dataclass
class Letters:
    """Stands in for Apprise's service: keeps what it is asked to send."""

    titles: list[str] = field(default_factory=list)

    def notify(self, title: str, body: str, notify_type: apprise.NotifyType) -> bool:
        """Keep a message."""
        assert title
        assert body
        assert isinstance(notify_type, apprise.NotifyType)
        self.titles.append(title)
        return True


class NotifierSubject:
    """The notifier, which tells at once and has a memory in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.session = DeafSession("notifier", SITE)
        self.letters = Letters()
        self.clock = count(1.0)
        target = Target("letters", cast(apprise.NotifyBase, self.letters))
        settings = NotifierSettings(settle_s=0, state_dir=folder)
        self.notifier = Notifier(
            cast(MqttSession, self.session), settings, [target], lambda: next(self.clock)
        )
        self.take(*own_status(self.session))

    def take(self, topic: str, payload: bytes) -> None:
        """Have it take one message."""
        self.session.waiting.append(arrived(topic, payload))
        self.notifier.step()

    def rest(self) -> None:
        """Let it send what waits."""
        while self.notifier._outgoing._waiting:
            self.notifier.step()

    def tells_what_is_so(self) -> bool:
        """Tell whether a station that is lost, back and lost again is told of both times."""
        site = HealthySite()
        for message in site.everything():
            self.take(*message)
        self.rest()
        before = self.letters.titles.count("Car 1 does not answer")
        for is_reachable in (False, True, False, True):
            state = {"is_reachable": is_reachable}
            self.take(*site.example(topics.STATION_STATE, instead=state, station=STATION))
            self.rest()
        return self.letters.titles.count("Car 1 does not answer") == before + 2


@dataclass
class Drawn:
    """Stands in for rich's live display, which would take the test's own output over."""

    console: Console

    def update(self, panel: RenderableType, *, refresh: bool) -> None:
        """Draw it, with all its colours."""
        assert refresh
        self.console.print(panel)


class ConsoleSubject:
    """The console's bus with a screen; every message is drawn, and asked for in all its views."""

    def __init__(self) -> None:
        self.session = DeafSession("console", SITE)
        self.bus = Bus(
            cast(MqttSession, self.session), console_picture.Picture(),
            console_picture.Confirmations(),
        )  # fmt: skip
        self.wishes = Wishes(self.bus)
        self.told = ""
        self.terminal = Console(
            file=StringIO(), force_terminal=True, width=WIDTH, height=HEIGHT, legacy_windows=False
        )
        self.live = Screen(self.terminal, self.bus.picture, "q ends")
        self.live._live = cast(Live, Drawn(self.terminal))
        self.lines = Screen(
            Console(file=StringIO(), width=WIDTH), self.bus.picture, "Ctrl-C ends the view"
        )

    def take(self, topic: str, payload: bytes) -> None:
        """Have it take one message and show what came of it."""
        self.hear(topic, payload)
        self.show()

    def hear(self, topic: str, payload: bytes) -> None:
        """Have it take one message."""
        self.session.waiting.append(arrived(topic, payload))
        messages = self.bus.pump(0.0)
        for screen in (self.live, self.lines):
            for line in self.wishes.answered(messages):
                screen.note(line)
            screen.tell(messages)
            screen._drawn_s = time.monotonic()

    def show(self) -> None:
        """Make all views of what is known."""
        self.live._draw()
        self._check_plain()
        diagnose(self.bus.picture, NOTHING_HEARD)
        for view in plan_views(self.bus.picture):
            Console(file=StringIO(), width=WIDTH).print(plan_table(view))

    def _check_plain(self) -> None:
        """Check that nothing reaches the terminal that it would obey, but our own colours."""
        for file in (self.terminal.file, self.lines._console.file):
            assert isinstance(file, StringIO)
            written = COLOUR.sub("", file.getvalue()).replace("\n", "")
            assert written.isprintable(), repr(written)
            self.told = written or self.told
            file.seek(0)
            file.truncate()

    def shows_what_is_so(self) -> bool:
        """Tell whether a site that begins anew is on the screen and in the lines."""
        site = HealthySite()
        for message in site.everything():
            self.hear(*message)
        self.show()
        with self.terminal.capture() as captured:
            self.live._draw()
        drawn = captured.get()
        return (
            f"{site.shown_power} kW" in drawn
            and "Wed 15 Jan 22:00" in drawn
            and f"[Wed 22:00] {STATION} charging {site.shown_power} kW" in self.told
        )
