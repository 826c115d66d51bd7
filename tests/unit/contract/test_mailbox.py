"""What is put is got, in order; and a signal ends a wait that is over."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from wattbus_contract.mailbox import Mailbox

ROUNDS = 250
WAIT_S = 0.005
HANGS_AFTER_S = 5.0


def test_what_is_put_is_got_in_order() -> None:
    box: Mailbox[int] = Mailbox()
    for number in range(3):
        box.put(number)

    assert box.qsize() == 3
    assert [box.get(), box.get(1.0), box.get()] == [0, 1, 2]
    assert box.get() is None
    assert box.get(0.01) is None


def test_nothing_is_missed_between_two_threads() -> None:
    box: Mailbox[int] = Mailbox()
    count = 20_000

    def fill() -> None:
        for number in range(count):
            box.put(number)
            if number % 100 == 0:
                time.sleep(0.0005)  # Lets the reader run dry, so that it waits.

    writer = threading.Thread(target=fill)
    writer.start()
    got = []
    while len(got) < count:
        number = box.get(30.0)
        assert number is not None, f"waited in vain after {len(got)}"
        got.append(number)
    writer.join()

    assert got == list(range(count))


@pytest.fixture
def stopped() -> Iterator[threading.Event]:
    """Set by SIGUSR1."""
    event = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: event.set())
    yield event
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_always_ends_a_loop_that_reads(stopped: threading.Event) -> None:
    """With a SimpleQueue's own wait, one in a hundred rounds hangs until something is put."""
    box: Mailbox[str] = Mailbox()
    chance = random.Random(1)

    def disturb(is_over: threading.Event) -> None:
        time.sleep(WAIT_S * (2 + chance.random()))
        os.kill(os.getpid(), signal.SIGUSR1)
        if not is_over.wait(HANGS_AFTER_S):
            box.put("woken")

    for _ in range(ROUNDS):
        stopped.clear()
        is_over = threading.Event()
        other = threading.Thread(target=disturb, args=(is_over,))
        other.start()
        while not stopped.is_set():
            assert box.get(WAIT_S) is None
        is_over.set()
        other.join()
