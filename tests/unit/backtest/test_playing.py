"""What strategies make of sessions: they know what was known then, and the fuse holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.backtest.worlds import ZONE, at, car, knowledge, session, world
from wattbus_scheduler.backtest.hindsight import hindsight
from wattbus_scheduler.backtest.playing import play
from wattbus_scheduler.backtest.running import HINDSIGHT, run
from wattbus_scheduler.backtest.stays import Played, Session, components
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import CarControl, Site, Situation
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings, strategy_named

NIGHT = [0.9] * 18 + [1.0, 1.0, 0.8, 0.6, 0.4, 0.3] + [0.2, 0.1, 0.1, 0.3] + [0.9] * 20


def played(of: World, strategy: str) -> list[Played]:
    planner = strategy_named(strategy)
    return play(
        of,
        knowledge(of),
        of.sessions,
        lambda situation, now: planner(situation, now, of.settings),
    )


class Listening:
    """A strategy that remembers what it was shown."""

    def __init__(self, strategy: str = "cheapest") -> None:
        self.strategy = strategy
        self.heard: list[tuple[datetime, Situation]] = []

    def __call__(self, situation: Situation, now: datetime) -> Plan:
        self.heard.append((now, situation))
        return strategy_named(self.strategy)(situation, now, StrategySettings())


def test_at_once_pays_what_the_arrival_costs() -> None:
    of = world(NIGHT, [session(at(0, 18), 13, 7.36)])

    (one,) = played(of, "now")

    assert one.energy_wh == pytest.approx(7360, abs=1)
    assert one.cost == pytest.approx(7.36 * 1.0, abs=0.01)
    assert one.spans[0].start_s == at(0, 18).timestamp()


def test_the_cheapest_hours_of_the_stay_are_taken() -> None:
    of = world(NIGHT, [session(at(0, 18), 13, 14.72)])

    (one,) = played(of, "cheapest")

    assert one.cost == pytest.approx(14.72 * 0.1, abs=0.01)
    assert one.missing_wh == 0
    assert one.starts == 1


def test_tomorrows_prices_are_unknown_until_they_are_published() -> None:
    listening = Listening()
    prices = [0.5] * 24 + [0.1] * 24 + [0.7] * 24
    of = world(prices, [session(at(0, 10), 36, 60.0)], cars=[car(battery_capacity_wh=80_000.0)])

    play(of, knowledge(of), of.sessions, listening)

    (first_at, first), (second_at, second) = listening.heard[:2]
    assert (first_at, second_at) == (at(0, 10), at(0, 13))
    tomorrow_before = [slot for slot in first.slots if slot.start_at >= at(1, 0)]
    tomorrow_after = [slot for slot in second.slots if slot.start_at >= at(1, 0)]
    assert {slot.price_per_kwh for slot in tomorrow_before} == {0.5}
    assert all(slot.is_estimate for slot in tomorrow_before)
    assert {slot.price_per_kwh for slot in tomorrow_after} == {0.1}
    assert not any(slot.is_estimate for slot in tomorrow_after)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_what_nobody_could_know_changes_nothing_before_it_is_published(strategy: str) -> None:
    today = [0.5, 0.4, 0.6, 0.3] * 6
    stay = session(at(0, 6), 40, 70.0)
    cars = [car(battery_capacity_wh=90_000.0)]
    mild, wild = (
        world([*today, *tomorrow, *[0.5] * 24], [stay], cars=cars)
        for tomorrow in ([0.5] * 24, [-1.0, 2.0] * 12)
    )

    until_s = at(0, 13).timestamp()
    mild_spans, wild_spans = (
        [
            (span.start_s, min(span.end_s, until_s), span.power_w)
            for span in played(of, strategy)[0].spans
            if span.start_s < until_s
        ]
        for of in (mild, wild)
    )

    assert mild_spans == wild_spans


def test_a_car_that_leaves_early_lacks_what_was_planned_for_later() -> None:
    stay = session(at(0, 18), 13, 14.72)
    early = replace(stay, departure_s=at(1, 1).timestamp())
    of = world(NIGHT, [early])

    (one,) = played(of, "cheapest")

    assert one.missing_wh == pytest.approx(14_720 - one.energy_wh)
    assert one.missing_wh > 7000


def test_a_car_that_stays_after_its_departure_charges_at_once() -> None:
    prices = [0.1] * 8 + [2.0] * 40
    loads = [10_900.0] * 8 + [0.0] * 40
    stay = replace(session(at(0, 0), 20, 7.36), stated_departure_s=at(0, 8).timestamp())
    of = world(prices, [stay], loads_w=loads, perfect=True)

    (one,) = played(of, "cheapest")

    assert one.missing_wh == 0
    assert one.spans[0].start_s == pytest.approx(at(0, 8).timestamp(), abs=1)


def test_a_house_that_needs_more_than_expected_breaks_the_plan_and_never_the_fuse() -> None:
    week = [0.5] * 24 * 7
    prices = [*week, *NIGHT]
    loads = [1000.0] * 24 * 7 + [1000.0] * 25 + [9000.0] * 2 + [1000.0] * 21
    stay = session(at(7, 18), 13, 14.72)
    of = world(prices, [stay], loads_w=loads)
    listening = Listening()

    (one,) = play(of, knowledge(of), of.sessions, listening)

    assert one.missing_wh == 0
    assert at(8, 1) in [now for now, _ in listening.heard]
    assert_fuse_holds(of, [one])


def test_a_car_that_waits_for_the_fuse_goes_on_when_the_house_needs_less() -> None:
    week = [0.5] * 24 * 7
    loads = [10_500.0] * 24 * 7 + [10_500.0] * 20 + [500.0] * 28
    of = world([*week, *[0.5] * 48], [session(at(7, 18), 13, 7.36)], loads_w=loads)

    (one,) = played(of, "now")

    assert one.spans[0].start_s == at(7, 20).timestamp()
    assert one.missing_wh == 0


def test_cars_of_one_site_share_its_fuse() -> None:
    cars = [car("a"), car("b")]
    stays = [session(at(0, 20), 8, 14.72, 0, "a"), session(at(0, 21), 8, 14.72, 1, "b")]
    of = world(NIGHT, stays, cars=cars, loads_w=[3000.0] * len(NIGHT), perfect=True)

    for strategy in ("now", "cheapest", "optimal"):
        both = played(of, strategy)

        assert_fuse_holds(of, both)
        assert sum(one.missing_wh for one in both) == 0


def test_a_switched_station_takes_all_or_nothing() -> None:
    of = world(NIGHT, [session(at(0, 18), 13, 10.0)], cars=[car(control=CarControl.SWITCH)])

    (one,) = played(of, "cheapest")

    assert {round(span.power_w) for span in one.spans} == {7360}


def test_negative_prices_earn_money() -> None:
    prices = [0.5] * 22 + [-0.4] * 2 + [0.5] * 24
    of = world(prices, [session(at(0, 18), 13, 10.0)])

    (one,) = played(of, "cheapest")

    assert one.cost == pytest.approx(-4.0, abs=0.01)


@pytest.mark.parametrize(("day", "hours"), [((2024, 3, 30), 23), ((2024, 10, 26), 25)])
def test_a_night_in_which_clocks_change_has_the_hours_it_has(
    day: tuple[int, int, int], hours: int
) -> None:
    start = datetime(*day, tzinfo=ZONE)
    prices = [1.0] * 24 + [0.1] * hours + [1.0] * 24
    of = world(prices, [], start=start)
    second = date(*day) + timedelta(days=1)
    first, after = (of.timeline.day_start(second + timedelta(days=n)) for n in (0, 1))
    arrival = datetime(*day, 18, tzinfo=ZONE)
    departure = datetime(*day[:2], day[2] + 1, 23, tzinfo=ZONE)
    cheap_hours = hours - 1
    wanted_wh = (cheap_hours + 1) * 7360
    stay = Session(0, "car1", arrival.timestamp(), *[departure.timestamp()] * 2, wanted_wh)
    of = replace(of, sessions=(stay,), cars={"car1": car(battery_capacity_wh=190_000.0)})

    (one,) = played(of, "cheapest")

    assert after - first == hours
    assert one.energy_wh == pytest.approx(wanted_wh)
    assert one.cost == pytest.approx(cheap_hours * 0.736 + 7.36, abs=0.01)


def test_sessions_that_cannot_touch_each_other_are_played_apart() -> None:
    stays = [
        session(at(0, 1), 3, 5, 0, "a"),
        session(at(0, 3), 3, 5, 1, "b"),
        session(at(0, 6), 3, 5, 2, "a"),
    ]

    groups = components(stays)

    assert [[one.number for one in group] for group in groups] == [[0, 1], [2]]


def test_the_number_of_processes_changes_nothing() -> None:
    stays = [session(at(day, 18), 13, 9.0 + day, day) for day in range(6)]
    of = world(NIGHT * 4, stays, loads_w=[1500.0 + 40 * (i % 24) for i in range(4 * len(NIGHT))])
    names = [HINDSIGHT, "cheapest", "now"]

    alone, together = (run(of, names, processes) for processes in (1, 2))

    assert [one.played for one in alone] == [one.played for one in together]
    assert [len(one.played) for one in alone] == [6, 6, 6]


worlds_of_sessions = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(1, 40)), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(
    data=worlds_of_sessions,
    prices=st.lists(st.integers(-20, 200), min_size=120, max_size=120),
    loads=st.lists(st.integers(0, 9000), min_size=120, max_size=120),
    strategy=st.sampled_from(sorted(set(STRATEGIES) - {"optimal"})),
)
def test_whatever_happens_the_fuse_holds_and_hindsight_is_cheaper(
    data: list[tuple[int, int, int]], prices: list[int], loads: list[int], strategy: str
) -> None:
    names = [f"c{number}" for number in range(len(data))]
    stays = [
        session(at(0, start + 0.3), hours, kwh, number, name)
        for number, ((start, hours, kwh), name) in enumerate(zip(data, names, strict=True))
    ]
    stays = sorted(stays, key=lambda one: one.arrival_s)
    stays = [replace(one, number=number) for number, one in enumerate(stays)]
    of = world(
        [price / 100 for price in prices],
        stays,
        loads_w=[float(load) for load in loads],
        cars=[car(name) for name in names],
        site=Site(max_power_w=11_000, fuse_current_a=40, phases=1),
    )

    results = played(of, strategy)
    best = hindsight(of, knowledge(of), of.sessions)

    assert_fuse_holds(of, results)
    for stay, one in zip(of.sessions, results, strict=True):
        assert one.energy_wh <= stay.energy_wh + 1
        assert one.energy_wh + one.missing_wh == pytest.approx(stay.energy_wh, abs=2)
        assert all(stay.arrival_s <= span.start_s < span.end_s <= stay.departure_s + 0.01
                   for span in one.spans)  # fmt: skip
        assert all(a.end_s <= b.start_s + 0.01 for a, b in pairwise(one.spans))
    if sum(one.missing_wh for one in results) < 1:
        assert sum(one.missing_wh for one in best) < 1
        assert sum(one.cost for one in best) <= sum(one.cost for one in results) + 0.02


def assert_fuse_holds(of: World, results: Sequence[Played]) -> None:
    edges = sorted({edge for one in results for s in one.spans for edge in (s.start_s, s.end_s)})
    for from_s, to_s in pairwise(edges):
        if to_s - from_s < 0.01:
            continue
        middle_s = (from_s + to_s) / 2
        drawn_w = sum(
            span.power_w
            for one in results
            for span in one.spans
            if span.start_s <= middle_s < span.end_s
        )
        first, last = of.timeline.index_at(from_s), of.timeline.index_at(to_s - 0.01)
        load_w = max(of.timeline.loads_w[i] or 0.0 for i in range(first, last + 1))
        assert not drawn_w or drawn_w + load_w <= (of.site.max_power_w or 1e9) + 1, (
            datetime.fromtimestamp(from_s, UTC)
        )


def test_without_the_guard_the_fuse_would_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    week = [0.5] * 24 * 7
    loads = [1000.0] * 24 * 7 + [1000.0] * 25 + [9000.0] * 2 + [1000.0] * 21
    of = world([*week, *NIGHT], [session(at(7, 18), 13, 14.72)], loads_w=loads)
    monkeypatch.setattr("wattbus_scheduler.backtest.playing._Course._is_too_much", lambda *_: False)

    results = played(of, "cheapest")

    with pytest.raises(AssertionError):
        assert_fuse_holds(of, results)


def test_a_car_that_takes_less_near_full_is_charged_to_the_end() -> None:
    taper = ((0.0, 7360.0), (80.0, 7360.0), (100.0, 1000.0))
    stays = [session(at(0, 18), 13, 20.0)]
    cars = [car(battery_capacity_wh=40_000.0, taper=taper)]
    of = world(NIGHT, stays, cars=cars)

    for strategy in ("now", "cheapest", "optimal"):
        (one,) = played(of, strategy)

        assert one.missing_wh == 0, strategy
        assert min(span.power_w for span in one.spans) < 3000
        assert one.spans[-1].end_s - one.spans[0].start_s > 20_000 / 7360 * 3600 + 600


def test_the_plan_that_runs_is_known_to_the_next_one() -> None:
    listening = Listening()
    of = world([0.5] * 72, [session(at(0, 10), 36, 60.0)], cars=[car(battery_capacity_wh=8e4)])

    play(of, knowledge(of), of.sessions, listening)

    (_, first), (_, second) = listening.heard[:2]
    assert first.running_plan is None
    assert second.running_plan is not None
    assert second.running_plan.planned_at == at(0, 10)
