"""Delays before the next attempt grow, scatter and stay bounded; brief connections are counted."""

import random

from wattbus_contract.reconnecting import LONGEST_DELAY_S, Reconnecting


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_delays_double_up_to_a_bound() -> None:
    reconnecting = Reconnecting(2.0, Clock(), lambda _, high: high)

    assert [reconnecting.ended() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert all(reconnecting.ended() == LONGEST_DELAY_S for _ in range(2000))


def test_many_clients_do_not_come_back_at_once() -> None:
    draw = random.Random(1).uniform
    delays = []
    for _ in range(1000):
        reconnecting = Reconnecting(2.0, Clock(), draw)
        for _ in range(10):
            delay_s = reconnecting.ended()
        delays.append(delay_s)

    assert min(delays) < 0.51 * LONGEST_DELAY_S
    assert max(delays) > 0.99 * LONGEST_DELAY_S
    assert max(delays) <= LONGEST_DELAY_S
    share_of_the_busiest_second = max(
        sum(second <= delay < second + 1 for delay in delays) for second in range(10)
    )
    assert share_of_the_busiest_second < 300


def test_a_connection_starts_the_delays_afresh() -> None:
    reconnecting = Reconnecting(2.0, Clock(), lambda _, high: high)
    for _ in range(5):
        reconnecting.ended()

    reconnecting.accepted()

    assert reconnecting.ended() == 0.5


def test_brief_connections_in_a_row_are_counted() -> None:
    clock = Clock()
    reconnecting = Reconnecting(2.0, clock)

    counts = []
    for lasted_s in (0.1, 1.9, 0.0, 2.0, 0.5):
        reconnecting.accepted()
        clock.now_s += lasted_s
        reconnecting.ended()
        counts.append(reconnecting.brief_in_a_row)

    assert counts == [1, 2, 3, 0, 1]


def test_attempts_that_found_nobody_are_no_brief_connections() -> None:
    reconnecting = Reconnecting(2.0, Clock())

    for _ in range(10):
        reconnecting.ended()

    assert reconnecting.brief_in_a_row == 0
