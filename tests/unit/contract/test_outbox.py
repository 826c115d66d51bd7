"""The outbox keeps order and bounds over connections, whenever the answers come."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from wattbus_contract.in_transit import Outgoing
from wattbus_contract.outbox import Outbox

TAKEN = ReasonCode(PacketTypes.PUBACK, "Success")
DENIED = ReasonCode(PacketTypes.PUBACK, "Not authorized")


class Wire:
    """What was transmitted, and refused; `answer_at_once` plays a broker faster than we are."""

    def __init__(self, limit: int = 5, answer_at_once: ReasonCode | None = None) -> None:
        self.now_s = 0.0
        self.sent: list[str] = []
        self.remaining_s: list[float | None] = []
        self.refused: list[str] = []
        self.outbox = Outbox(
            self._transmit, lambda m, _: self.refused.append(m.topic), limit, lambda: self.now_s
        )
        self._answer_at_once = answer_at_once

    def put(self, *topics: str, expires_s: float | None = None) -> list[bool]:
        return [self.outbox.put(Outgoing(topic, b"", False, expires_s)) for topic in topics]

    def _transmit(self, message: Outgoing, remaining_s: float | None) -> int | None:
        if message.topic == "too-large":
            return None
        self.sent.append(message.topic)
        self.remaining_s.append(remaining_s)
        if self._answer_at_once is not None:
            self.outbox.answered(len(self.sent), self._answer_at_once)
        return len(self.sent)


def test_a_closed_box_holds_and_an_opened_one_sends_in_order() -> None:
    wire = Wire()

    wire.put("a", "b")
    held = list(wire.sent)
    wire.outbox.open()
    wire.put("c")

    assert held == []
    assert wire.sent == ["a", "b", "c"]


def test_what_was_not_confirmed_is_sent_again_before_the_rest() -> None:
    wire = Wire()
    wire.outbox.open()
    wire.put("a", "b", "c")
    wire.outbox.answered(2, TAKEN)

    wire.outbox.close()
    wire.put("d")
    wire.outbox.open()

    assert wire.sent == ["a", "b", "c", "a", "c", "d"]
    assert len(wire.outbox) == 3


def test_an_answer_that_comes_before_its_id_is_known_counts() -> None:
    wire = Wire(answer_at_once=TAKEN)
    wire.outbox.open()

    wire.put("a", "b")

    assert len(wire.outbox) == 0
    assert wire.outbox.wait_until_empty(0)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_refusal_is_told_once_and_not_sent_again(at_once: bool) -> None:
    wire = Wire(answer_at_once=DENIED if at_once else None)
    wire.outbox.open()
    wire.put("a")
    if not at_once:
        wire.outbox.answered(1, DENIED)

    wire.outbox.close()
    wire.outbox.open()

    assert (wire.sent, wire.refused) == (["a"], ["a"])


def test_what_has_expired_is_not_sent_and_the_rest_says_what_remains() -> None:
    wire = Wire()
    wire.put("short", expires_s=5.0)
    wire.put("long", expires_s=60.0)
    wire.put("for-ever")

    wire.now_s = 5.0
    wire.outbox.open()

    assert wire.sent == ["long", "for-ever"]
    assert wire.remaining_s == [55.0, None]
    assert wire.outbox.expired == 1


def test_a_full_box_drops_the_oldest_that_it_holds() -> None:
    wire = Wire(limit=3)

    had_room = wire.put("a", "b", "c", "d", "e")
    wire.outbox.open()

    assert had_room == [True, True, True, False, False]
    assert wire.sent == ["c", "d", "e"]


def test_a_box_full_of_unconfirmed_messages_takes_no_more() -> None:
    wire = Wire(limit=2)
    wire.outbox.open()

    assert wire.put("a", "b", "c") == [True, True, False]
    assert wire.sent == ["a", "b"]


def test_what_can_never_be_sent_is_not_kept() -> None:
    wire = Wire()
    wire.put("too-large", "a")

    wire.outbox.open()

    assert wire.sent == ["a"]
    assert len(wire.outbox) == 1


def test_waiting_ends_without_the_answer_or_with_it() -> None:
    wire = Wire()
    wire.outbox.open()
    wire.put("a")

    assert not wire.outbox.wait_until_empty(0.02)
    threading.Timer(0.02, wire.outbox.answered, (1, TAKEN)).start()
    assert wire.outbox.wait_until_empty(5)


def test_nothing_is_done_for_a_connection_that_is_gone() -> None:
    wire = Wire()
    done: list[int] = []

    wire.outbox.if_open(lambda: done.append(1))
    wire.outbox.open()
    wire.outbox.if_open(lambda: done.append(2))

    assert done == [2]


@given(st.lists(st.sampled_from(["put", "open", "close", "answer"]), max_size=40))
def test_every_message_is_first_sent_in_the_order_of_putting(steps: list[str]) -> None:
    wire = Wire(limit=100)
    is_open, put, unanswered = False, 0, 0
    for step in steps:
        if step == "put":
            wire.put(f"{put:03}")
            put += 1
        elif step == "open" and not is_open:
            unanswered = len(wire.sent) + 1
            wire.outbox.open()
            is_open = True
        elif step == "close" and is_open:
            wire.outbox.close()
            is_open = False
        elif step == "answer" and is_open and unanswered <= len(wire.sent):
            wire.outbox.answered(unanswered, TAKEN)
            unanswered += 1
    if not is_open:
        wire.outbox.open()

    firsts = list(dict.fromkeys(wire.sent))
    assert firsts == [f"{number:03}" for number in range(put)]
