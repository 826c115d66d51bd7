from pathlib import Path

import pytest

from unit.station_bridge.spool_parts import (
    EARLIER,
    EVENT,
    OWN,
    Clock,
    NotingSession,
    confirmed,
    logger_is,
    open_spool,
    payload,
    records,
    span,
)
from wattbus_contract import topics
from wattbus_contract.facts import Goal, Mode
from wattbus_contract.service import Status
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.spool.replay import MAX_IN_FLIGHT, MAX_UNSENT, PER_ROUND, Replayer
from wattbus_station_bridge.spool.sending import MAX_UNCONFIRMED, Said, SpooledSending
from wattbus_station_bridge.spool.store import Spool

EVENT_SAID: Said = (topics.STATION_EVENT, EVENT, None, {"station": "car1"})
GOAL_SAID: Said = (
    topics.GOAL, Goal(mode=Mode.SMART, target_soc_percent=80), None, {"station": "car1"}
)  # fmt: skip


class Desk:
    """A spool with the one who sends again, both on a clock that the test sets."""

    def __init__(self, folder: Path, max_bytes: int = 10**6) -> None:
        self.clock = Clock()
        self.session = NotingSession()
        self.alarms = Alarms()
        open_spool(folder, self.clock, EARLIER)
        self.spool: Spool = open_spool(folder, self.clock, OWN, max_bytes)
        self.replayer = Replayer(
            self.session, OWN, self.spool, self.alarms, replay_after_s=3.0,
            monotonic_s=self.clock,
        )  # fmt: skip
        self.replayer.note(logger_is(Status.UP))
        self.replayer.step()

    def after(self, seconds: float) -> list[bytes]:
        """Return what is sent again by the end of a time in which nothing else happens."""
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s = min(end_s, self.clock.now_s + 0.05)
            self.replayer.step()
        return self.session.take()

    def confirm(self, first: int, last: int) -> None:
        self.replayer.note(confirmed(span(first, last)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_was_overtaken_is_sent_again_with_the_same_bytes(desk: Desk) -> None:
    desk.spool.append(records(range(1, 6)))
    desk.after(1)

    desk.confirm(1, 2)
    desk.confirm(5, 5)

    assert desk.after(1.5) == []
    assert desk.after(1.0) == [payload(3), payload(4)]
    desk.confirm(3, 4)
    assert desk.after(100) == []


def test_what_is_confirmed_of_other_kinds_overtakes_too(desk: Desk) -> None:
    desk.spool.append(records([4]))
    desk.confirm(5, 5)

    assert desk.after(3.1) == [payload(4)]


def test_a_logger_that_works_through_a_queue_is_left_in_peace(desk: Desk) -> None:
    desk.spool.append(records(range(1, 101)))

    for seq in range(1, 101):
        desk.confirm(seq, seq)
        assert desk.after(2.9) == []


def test_in_silence_the_oldest_are_tried_less_and_less_often(desk: Desk) -> None:
    desk.spool.append(records(range(1, 301)))

    counts = [len(desk.after(3.5)) for _ in range(20)]

    assert counts[0] == 200
    # In 70 s; every 3 s it would be thousands.
    assert 400 <= sum(counts) <= 800
    desk.confirm(301, 301)
    assert desk.after(4)[0] == payload(1)


def test_nothing_is_sent_again_while_no_logger_is_up(desk: Desk) -> None:
    desk.replayer.note(logger_is(Status.DOWN))
    desk.spool.append(records([1]))

    assert desk.after(60) == []
    desk.replayer.note(logger_is(Status.UP, connection=2))
    assert desk.after(2.9) == [], "the broker may have kept them"
    assert desk.after(0.3) == [payload(1)]


def test_a_will_that_comes_late_does_not_count(desk: Desk) -> None:
    desk.replayer.note(logger_is(Status.UP, connection=3))
    desk.replayer.note(logger_is(Status.DOWN, connection=2))
    desk.spool.append(records([1]))

    assert desk.after(4) == [payload(1)]


def test_only_a_logger_counts(desk: Desk) -> None:
    desk.replayer.note(logger_is(Status.DOWN))
    desk.replayer.note(logger_is(Status.UP, user="scheduler"))
    desk.spool.append(records([1]))

    assert desk.after(60) == []


def test_who_confirms_is_there(desk: Desk) -> None:
    desk.replayer.note(logger_is(Status.DOWN))
    desk.spool.append(records([1]))

    desk.confirm(2, 2)

    assert desk.after(4) == [payload(1)]


def test_time_without_a_broker_is_no_silence(desk: Desk) -> None:
    desk.spool.append(records([1]))
    desk.session.is_connected = False
    assert desk.after(60) == []

    desk.session.is_connected, desk.session.connection = True, 2

    assert desk.after(2.9) == []
    assert desk.after(0.3) == [payload(1)]


def test_what_an_earlier_process_left_comes_first_and_at_a_measured_pace(tmp_path: Path) -> None:
    open_spool(tmp_path, Clock(), EARLIER).append(records(range(1, 1001)))
    desk = Desk(tmp_path)
    sent = desk.session.take()
    assert len(sent) == PER_ROUND
    desk.spool.append(records([1]))
    desk.spool.hold([1])

    sent += desk.after(0.05)
    assert len(sent) == 2 * PER_ROUND
    sent += desk.after(2)
    assert len(sent) == MAX_IN_FLIGHT, "no more before something is confirmed"
    for seq in range(1, 1001, 100):
        desk.replayer.note(confirmed(span(seq, seq + 99, EARLIER)))
        sent += desk.after(0.5)

    assert sent == [*(payload(seq) for seq in range(1, 1001)), payload(1)]


def test_the_present_goes_before_the_past(tmp_path: Path) -> None:
    open_spool(tmp_path, Clock(), EARLIER).append(records([1]))
    desk = Desk(tmp_path)
    desk.session.take()
    desk.spool.append(records([2]))
    desk.spool.hold([2])
    desk.session.unconfirmed = MAX_UNSENT

    assert desk.after(2) == []
    desk.session.unconfirmed = 0
    assert desk.after(0.1) == [payload(2)]


def test_a_replay_that_is_lost_is_sent_once_more(desk: Desk) -> None:
    desk.spool.append(records([1]))
    desk.confirm(2, 2)
    assert desk.after(3.1) == [payload(1)]

    for _ in range(12):
        desk.confirm(2, 2)
        sent = desk.after(1)
    assert sent == [] or sent == [payload(1)]
    desk.confirm(2, 2)
    assert desk.spool.figures.unconfirmed == 1
    desk.confirm(1, 1)
    assert desk.spool.figures.unconfirmed == 0


def test_a_full_spool_is_told_with_its_number(tmp_path: Path) -> None:
    desk = Desk(tmp_path, max_bytes=16_000)
    desk.replayer.note(logger_is(Status.DOWN))
    for seq in range(1, 301):
        desk.spool.append(records([seq], size=100))

    desk.after(0.1)

    assert f"{desk.spool.figures.dropped} unconfirmed message(s) were dropped" in desk.alarms.text
    desk.confirm(1, 300)
    desk.after(0.1)
    assert desk.alarms.text == ""


def test_a_disk_that_refuses_is_told_until_it_obeys(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").touch()
    desk = Desk(tmp_path / "in-the-way")
    desk.spool.append(records([1]))
    desk.after(0.1)
    assert "cannot be written" in desk.alarms.text
    assert "1 message(s) were sent without" in desk.alarms.text

    (tmp_path / "in-the-way").unlink()
    desk.after(2)
    desk.spool.append(records([2]))
    desk.after(0.1)

    assert desk.alarms.text == ""


# --- sending ------------------------------------------------------------------------------------


def test_all_is_sent_in_order_and_only_the_durable_is_kept(desk: Desk) -> None:
    sending = SpooledSending(desk.session, desk.spool)

    sending.send([EVENT_SAID, GOAL_SAID, EVENT_SAID])

    assert [topic for topic, _ in desk.session.sent] == [
        said[0].topic("home", station="car1") for said in (EVENT_SAID, GOAL_SAID, EVENT_SAID)
    ]
    assert desk.spool.figures.unconfirmed == 2


def test_without_a_broker_memory_does_not_fill(desk: Desk) -> None:
    sending = SpooledSending(desk.session, desk.spool)
    desk.session.is_connected, desk.session.unconfirmed = False, MAX_UNCONFIRMED + 1

    sending.send([EVENT_SAID, GOAL_SAID, EVENT_SAID])

    assert [topic for topic, _ in desk.session.sent] == [topics.GOAL.topic("home", station="car1")]
    desk.session.take()
    desk.session.is_connected, desk.session.unconfirmed = True, 0
    assert len(desk.after(0.1)) == 2


def test_what_the_disk_refuses_is_sent_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").touch()
    desk = Desk(tmp_path / "in-the-way")
    desk.session.is_connected, desk.session.unconfirmed = False, MAX_UNCONFIRMED + 1

    SpooledSending(desk.session, desk.spool).send([EVENT_SAID])

    assert len(desk.session.sent) == 1
