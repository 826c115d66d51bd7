"""Polls are no faster than what they lead to; orders wait for nobody."""

import threading
import time
from dataclasses import dataclass, field

from wattbus_contract import examples, topics
from wattbus_contract.base import Body, MessageId
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.announcer import MAX_WAITING, Announcer
from wattbus_station_bridge.stations.reading import StationReading
from wattbus_station_bridge.stations.worker import Order, StationWorker
from wattbus_station_bridge.turnstile import Turnstile

DEADLINE_S = 30.0


def wait_until(condition: threading.Event) -> None:
    assert condition.wait(DEADLINE_S)


@dataclass
class Crowd:
    """A turnstile before a backlog that a test sets."""

    backlog: int = 0
    called: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turnstile = Turnstile(lambda: self.backlog, 10)

    def comes(self, who: str) -> bool:
        return self.turnstile.is_open_for(who, lambda: self.called.append(who))


def test_everybody_goes_through_while_little_waits() -> None:
    crowd = Crowd(backlog=10)

    assert crowd.comes("a")
    assert crowd.comes("b")


def test_as_many_are_called_as_there_is_room_for_and_the_first_come_first() -> None:
    crowd = Crowd(backlog=11)
    assert not any(crowd.comes(who) for who in "abcd")

    crowd.turnstile.let_through(2)
    assert crowd.called == []
    crowd.backlog = 9
    crowd.turnstile.let_through(2)
    assert crowd.called == ["a", "b"]
    assert not crowd.comes("e"), "those before it still wait"
    crowd.turnstile.let_through(5)

    assert crowd.called == ["a", "b", "c", "d", "e"]
    assert crowd.comes("f")


def test_who_was_not_called_in_time_goes_through_when_there_is_room() -> None:
    crowd = Crowd(backlog=11)
    assert not crowd.comes("a")
    assert not crowd.comes("b")
    assert not crowd.comes("b")

    crowd.backlog = 0

    assert crowd.comes("b")
    crowd.turnstile.let_through(9)
    assert crowd.called == ["a"]


class CountingStation:
    """A station that answers with whatever its site makes of it."""

    def __init__(self) -> None:
        self.polls = 0
        self.was_told = threading.Event()
        self.was_polled = threading.Event()

    def read(self) -> StationReading:
        self.polls += 1
        self.was_polled.set()
        return None  # type: ignore[return-value]  # nobody looks at it

    def apply(self, _: float) -> None:
        self.was_told.set()


class Listener:
    """Takes what a worker reports, and says a message for each reading."""

    def __init__(self, announcer: Announcer | None = None) -> None:
        self.announcer = announcer
        self.most_waiting = 0

    def before_apply(self, station: str, order: Order) -> None: ...

    def on_reading(self, station: str, *_: object) -> None:
        if self.announcer is not None:
            self.announcer.say(topics.METER, examples.EXAMPLES[topics.METER], station=station)
            self.most_waiting = max(self.most_waiting, self.announcer._waiting.qsize())

    def on_failure(self, station: str, error: Exception, failures: int) -> None: ...

    def on_applied(self, station: str, order: Order, error: Exception | None) -> None: ...

    def on_crash(self, station: str, error: BaseException) -> None:
        raise AssertionError(station) from error


def test_an_order_goes_out_while_polls_wait() -> None:
    crowd = Crowd(backlog=11)
    station = CountingStation()
    worker = StationWorker("car1", station, 0.01, Listener(), turnstile=crowd.turnstile)
    worker.start()
    try:
        assert not station.was_polled.wait(0.3)
        worker.order(Order(1380.0))
        wait_until(station.was_told)
        wait_until(station.was_polled)
        assert station.polls == 1, "the poll that follows an order, and no other"
        crowd.backlog = 0
        station.was_polled.clear()
        crowd.turnstile.let_through(1)
        wait_until(station.was_polled)
    finally:
        worker.stop()
        worker.join(DEADLINE_S)


class SlowPublisher:
    """A broker that takes a thousand messages a second at most."""

    is_connected = True
    unconfirmed = 0

    def __init__(self) -> None:
        self.by_station: dict[str, int] = {}

    def publish(
        self, _: TopicSpec, __: Body, *, expiry_s: float | None = None, **ids: str
    ) -> MessageId:
        time.sleep(0.001 if expiry_s is None else 0)  # The slowness itself.
        self.by_station[ids["station"]] = self.by_station.get(ids["station"], 0) + 1
        return MessageId(source="bridge", boot_id="x", seq=1)


def test_many_stations_that_are_faster_than_the_broker_all_get_their_turns() -> None:
    publisher = SlowPublisher()
    announcer = Announcer(publisher, lambda _: None)
    listener = Listener(announcer)
    names = [f"s{number}" for number in range(3 * MAX_WAITING)]
    workers = [
        StationWorker(name, CountingStation(), 0.0001, listener, turnstile=announcer.turnstile)
        for name in names
    ]
    announcer.start()
    for worker in workers:
        worker.start()
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and (
        len(publisher.by_station) < len(names) or min(publisher.by_station.values()) < 3
    ):
        time.sleep(0.01)
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.join(DEADLINE_S)
    announcer.stop()

    turns = sorted(publisher.by_station[name] for name in names)
    assert turns[0] >= 3
    # Those that were started first had the others' turns too, for a moment.
    assert turns[len(turns) // 2] <= 2 * turns[0]
    assert listener.most_waiting <= MAX_WAITING + len(names)
