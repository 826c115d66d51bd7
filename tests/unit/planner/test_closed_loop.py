"""Planned anew as the day unfolds, with wrong forecasts and cars that come late and leave early."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.closed_loop import play, random_world
from wattbus_scheduler.strategies import StrategySettings


@pytest.mark.parametrize("seed", [0, 1])
def test_a_course_of_surprises_stays_near_hindsight_and_under_the_fuse(seed: int) -> None:
    course = play(random_world(2, seed, step_min=60), StrategySettings())

    assert course.over_w <= 0.5
    # A kWh may come in the last step, and that is cut to whole amperes.
    assert course.missing_wh <= course.hindsight_missing_wh + 5
    assert course.bound - 1e-6 <= course.cost <= course.bound * 1.1
    assert course.starts <= 4 * course.stays


def test_a_house_load_that_nobody_measures_breaks_the_fuse() -> None:
    """The control: planned on forecasts alone, the same course exceeds the limit."""
    world = random_world(2, 0, step_min=60)
    random = np.random.default_rng(1)
    louder = world.loads_w + random.uniform(0, 6000, len(world.loads_w))

    course = play(replace(world, measured_w=world.forecast_w, loads_w=louder), StrategySettings())

    assert course.over_w > 100
