"""The seven services without broker or process, under one face, and with two faults to have."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from fuzz.listeners import (
    ConsoleSubject,
    DashboardSubject,
    HealthySite,
    HomeAssistantSubject,
    NotifierSubject,
)
from fuzz.subjects import RECEIVED_MS, BridgeSubject, LoggerSubject, SchedulerSubject
from fuzz.test_in_process import OF_THE_LOGGER
from fuzz.test_listeners import OF_HOME_ASSISTANT, OF_NOTIFIER
from unit.scheduler.scripted_site import SITE, STATION
from wattbus_contract import topics
from wattbus_contract.codec import decode
from wattbus_contract.control import Plan
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.topics import TopicSpec
from wattbus_dashboard.picture import Picture
from wattbus_dashboard.words_en import EN
from wattbus_homeassistant.facts import Facts as HomeAssistantFacts
from wattbus_logger.intake import Intake
from wattbus_notifier.facts import Facts as NotifierFacts
from wattbus_scheduler.facts import Facts as SchedulerFacts
from wattbus_scheduler.shell import CONTROL, FACTS
from wattbus_station_bridge.goals import Wishes
from wattbus_station_bridge.inbox import HEARD

KEPT = "kept"
"""A station that no barrage names."""
NAME = "Kept Station"
BOTH = {"stations": (STATION, KEPT)}
BATCH = 100


class Subject(Protocol):
    """One service. `heard` is what it hears, `about_others` that of it which says nothing of what
    `tell` tells, unless it is that very station's.
    """

    heard: tuple[TopicSpec, ...]
    about_others: tuple[TopicSpec, ...]

    def take(self, topic: str, payload: bytes) -> object:
        """Take one message."""

    def works(self) -> bool:
        """Tell whether it does its work, for a site that says everything anew."""

    def tell(self) -> None:
        """Tell it something that it has to keep."""

    def knows(self) -> bool:
        """Tell whether it still knows what it was told."""

    def forget(self) -> None:
        """Be faulty: forget all."""

    def go_deaf(self) -> None:
        """Be faulty: hear nothing any more."""


class Dashboard(DashboardSubject):
    """Shows the station's card."""

    heard = topics.ALL
    about_others = tuple(spec for spec in topics.ALL if spec is not topics.SITE_INFO)
    works = DashboardSubject.shows_what_is_so

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message, without showing what came of it."""
        self.hear(topic, payload)

    def tell(self) -> None:
        """Tell it of the station."""
        tell_of_station(self.hear)

    def knows(self) -> bool:
        """Tell whether it knows the station once it hears that there is one."""
        self.hear(*HealthySite().example(topics.SITE_INFO, instead=BOTH))
        cards = {card.station: card for card in self.hub.page(EN).cars}
        return KEPT in cards and NAME in {cards[KEPT].title, cards[KEPT].subtitle}

    def forget(self) -> None:
        """Forget all."""
        self.hub.picture = Picture()
        self.hub._pages.clear()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.session.is_cut = True


class Console(ConsoleSubject):
    """Shows the station's line."""

    heard = about_others = topics.ALL
    works = ConsoleSubject.shows_what_is_so

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message, without showing what came of it."""
        self.hear(topic, payload)

    def tell(self) -> None:
        """Tell it of the station."""
        tell_of_station(self.hear)

    def knows(self) -> bool:
        """Tell whether it knows the station once it hears that there is one."""
        self.hear(*HealthySite().example(topics.SITE_INFO, instead=BOTH))
        with self.terminal.capture() as captured:
            self.live._draw()
        return NAME in captured.get()

    def forget(self) -> None:
        """Forget all."""
        self.bus.picture.stations.clear()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.session.is_cut = True


class HomeAssistant(HomeAssistantSubject):
    """Announces the station's device."""

    heard = about_others = OF_HOME_ASSISTANT
    works = HomeAssistantSubject.announces_what_is_so

    def tell(self) -> None:
        """Tell it of the station."""
        tell_of_station(self.take)

    def knows(self) -> bool:
        """Tell whether it announces the station once it hears that there is one."""
        self.take(*HealthySite().example(topics.SITE_INFO, instead=BOTH))
        names = [device["device"]["name"] for device in self.devices.values()]
        return NAME in names

    def forget(self) -> None:
        """Forget all."""
        self.announcer._facts = HomeAssistantFacts(SITE)
        self.session.said.clear()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.session.is_cut = True


class Notifier(NotifierSubject):
    """Tells of a station whose car will be short: name, goal and plug are known of before."""

    heard = about_others = OF_NOTIFIER
    works = NotifierSubject.tells_what_is_so

    def tell(self) -> None:
        """Tell it of the station."""
        tell_of_station(self.take)

    def knows(self) -> bool:
        """Tell whether the alarm comes, once."""
        before = self._alarms
        self.take(*HealthySite().example(topics.SITE_INFO, instead=BOTH))
        for shortfall_wh in (0.0, 20_000.0, 20_000.0):
            plan = (
                EXAMPLES[topics.PLAN]
                .stations[0]
                .model_copy(  # type: ignore[attr-defined]
                    update={"station": KEPT, "shortfall_wh": shortfall_wh}
                )
            )
            self.take(*HealthySite().example(topics.PLAN, instead={"stations": (plan,)}))
            self.rest()
        return self._alarms == before + 1

    @property
    def _alarms(self) -> int:
        return sum(NAME in title for title in self.letters.titles)

    def forget(self) -> None:
        """Forget all."""
        self.notifier._facts = NotifierFacts()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.session.is_cut = True


class Scheduler(SchedulerSubject):
    """Plans for the station."""

    heard = about_others = (*FACTS, *CONTROL)
    works = SchedulerSubject.acts_on_a_wish

    def tell(self) -> None:
        """Tell it of the station."""
        self._hear_site()
        self.hear(topics.STATION_INFO, self.bridge.station_info(), station=KEPT)
        self.hear(topics.GOAL, self.bridge.goal(), station=KEPT)
        self.hear(topics.STATION_STATE, self.bridge.state(), station=KEPT)

    def knows(self) -> bool:
        """Tell whether a bridge that begins anew, and says no more of it, gets a plan with it."""
        self.revive()
        self.session.said.clear()
        self._hear_site()
        self.hear(topics.METER, self.bridge.reading(), station=STATION)
        planned = [
            plan.station
            for topic, payload in self.session.said
            if topic.endswith("/plan") and isinstance(made := decode(topic, payload).body, Plan)
            for plan in made.stations
        ]
        return KEPT in planned

    def forget(self) -> None:
        """Forget all."""
        self.scheduler._controller.facts = SchedulerFacts()

    def _hear_site(self) -> None:
        self.hear(topics.SITE_INFO, self.bridge.site_info().model_copy(update=BOTH))

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.session.is_cut = True


class Bridge(BridgeSubject):
    """Keeps what people wish of its station. It knows its clock's pace and says all it reads."""

    heard = HEARD
    about_others = tuple(spec for spec in HEARD if not spec.pattern.startswith("request/"))
    works = BridgeSubject.acts_on_a_limit

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.site.reports.take_time_scale(1.0)

    def tell(self) -> None:
        """Wish something."""
        self._say(topics.MODE_REQUEST, b'{"mode":"off"}', station=STATION)
        self._say(topics.GOAL_REQUEST, b'{"target_soc_percent":63}', station=STATION)
        self._wished = self.desk.wishes

    def knows(self) -> bool:
        """Tell whether the next wish finds the ones before it."""
        self._say(topics.GOAL_REQUEST, b'{"target_soc_percent":63}', station=STATION)
        return self.desk.wishes == self._wished

    def forget(self) -> None:
        """Forget all."""
        self.desk.wishes = Wishes()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self.inbox.handle = lambda _: None  # type: ignore[method-assign]


class Logger(LoggerSubject):
    """Knows which messages it has recorded: one that comes again is no new event."""

    heard = about_others = OF_THE_LOGGER

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._taken = 0
        self._is_deaf = False
        self._message = ("", b"")

    def take(self, topic: str, payload: bytes) -> None:  # type: ignore[override]
        """Take one message; many get to the disk at once."""
        if self._is_deaf:
            return
        self.writer.take([(RECEIVED_MS, topic, payload, False)])
        self._taken += 1
        if self._taken % BATCH == 0:
            self.writer.commit()

    def works(self) -> bool:
        """Tell whether it records a message, and knows after a restart what it knew before."""
        message = HealthySite().example(topics.METER, station=STATION)
        self.take(*message)
        is_recorded = self._count(message) == 1
        before = self.writer.intake.site.stations.keys()
        self.restart()
        return is_recorded and self.writer.intake.site.stations.keys() == before

    def tell(self) -> None:
        """Have it record a message."""
        self._message = HealthySite().example(topics.METER, station=KEPT)
        self.take(*self._message)

    def knows(self) -> bool:
        """Tell whether it is not recorded again."""
        self.take(*self._message)
        return self._count(self._message) == 1

    def forget(self) -> None:
        """Forget all."""
        self.writer.intake = Intake()

    def go_deaf(self) -> None:
        """Hear nothing any more."""
        self._is_deaf = True

    def _count(self, message: tuple[str, bytes]) -> int:
        self.writer.commit()
        return (self.folder / "events.jsonl").read_bytes().count(message[1])


def tell_of_station(hear: Callable[[str, bytes], None]) -> None:
    """Say all that there is to say of one station."""
    site = HealthySite()
    for spec, instead in (
        (topics.STATION_INFO, {"name": NAME}),
        (topics.GOAL, {}),
        (topics.STATION_STATE, {"is_plugged_in": True}),
        (topics.METER, {}),
    ):
        hear(*site.example(spec, instead=instead, station=KEPT))


MAKERS: dict[str, Callable[[Path], Subject]] = {
    "dashboard": lambda _: Dashboard(),
    "console": lambda _: Console(),
    "homeassistant": lambda _: HomeAssistant(),
    "notifier": lambda folder: Notifier(folder / "told"),
    "scheduler": lambda _: Scheduler(),
    "station-bridge": Bridge,
    "logger": Logger,
}
