"""Hindsight is the least that was possible: exact for one car, a bound for several."""

import pytest

from unit.backtest.worlds import at, car, knowledge, session, world
from wattbus_scheduler.backtest.hindsight import hindsight
from wattbus_scheduler.backtest.stays import Played
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.situation import Site

PRICES = [1.0, 0.2, 0.3, 0.4, 5.0, 5.0]


def best(of: World) -> list[Played]:
    return hindsight(of, knowledge(of), of.sessions)


def test_one_car_takes_the_cheapest_parts_of_its_stay() -> None:
    of = world(PRICES, [session(at(0, 0.5), 3, 11.04)])

    (one,) = best(of)

    assert one.cost == pytest.approx(7.36 * 0.2 + 3.68 * 0.3)
    assert one.missing_wh == 0


def test_what_the_house_takes_is_not_there() -> None:
    of = world(PRICES, [session(at(0, 0), 3, 7.36)], loads_w=[0, 10_000, 0, 0, 0, 0])

    (one,) = best(of)

    assert one.cost == pytest.approx(7.36 * 0.3)


def test_cars_that_share_a_fuse_cannot_both_have_the_cheapest_hour() -> None:
    stays = [session(at(0, 0), 4, 7.36, 0, "a"), session(at(0, 0), 4, 7.36, 1, "b")]
    of = world(PRICES, stays, cars=[car("a"), car("b")], site=Site(max_power_w=7360))

    both = best(of)

    assert sum(one.cost for one in both) == pytest.approx(7.36 * (0.2 + 0.3))


def test_each_phase_is_a_limit_of_its_own() -> None:
    stays = [session(at(0, 1), 2, 7.36, 0, "a"), session(at(0, 1), 2, 7.36, 1, "b")]
    site = Site(max_power_w=None, fuse_current_a=32, phases=3)

    def cost(phase_of_b: int) -> float:
        cars = [car("a"), car("b", phases=(phase_of_b,))]
        return sum(one.cost for one in best(world(PRICES, stays, cars=cars, site=site)))

    assert cost(1) == pytest.approx(7.36 * (0.2 + 0.3))
    assert cost(2) == pytest.approx(7.36 * 2 * 0.2)


def test_what_cannot_arrive_is_missing_and_as_little_as_can_be() -> None:
    stays = [session(at(0, 1), 2, 10, 0, "a"), session(at(0, 1), 1, 5, 1, "b")]
    of = world(PRICES, stays, cars=[car("a"), car("b")], site=Site(max_power_w=6900))

    both = best(of)

    assert sum(one.energy_wh for one in both) == pytest.approx(13_800)
    assert sum(one.missing_wh for one in both) == pytest.approx(1200)
