import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.station_bridge.levels import CURRENT_1, CURRENT_3, SWITCH


@pytest.mark.parametrize(
    ("limit_w", "level_w"),
    [(0, 0), (1379.9, 0), (1380, 1380), (1609, 1380), (1610, 1610), (7360, 7360), (99_999, 7360)],
)
def test_a_limit_becomes_the_highest_level_below_it(limit_w: float, level_w: float) -> None:
    assert CURRENT_1.floor_w(limit_w) == pytest.approx(level_w)


def test_a_switch_is_on_only_with_its_full_power() -> None:
    assert SWITCH.floor_w(7399) == 0
    assert SWITCH.floor_w(7400) == 7400


def test_a_command_that_was_rounded_on_its_way_costs_no_step() -> None:
    assert CURRENT_3.level_w(None, 15.996) == pytest.approx(16 * 690)
    assert CURRENT_3.level_w(6 * 690 - 2, None) == pytest.approx(6 * 690)
    assert SWITCH.level_w(None, 32.17) == 7400


@given(st.floats(0, 1e5))
def test_no_level_is_above_its_limit_and_each_is_its_own_level(limit_w: float) -> None:
    for levels in (SWITCH, CURRENT_1, CURRENT_3):
        level_w = levels.floor_w(limit_w)
        assert level_w <= limit_w + 1e-5
        assert levels.floor_w(level_w) == level_w
