"""A fake wall clock, and worlds and clients on top of it."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from wattbus_simulator.app import create_app
from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import load_scenario
from wattbus_simulator.world import World


class FakeWall:
    """Wall seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def __call__(self) -> float:
        return self.elapsed_s

    def pass_hours(self, simulated_hours: float) -> None:
        """Let simulated time pass at four wall seconds an hour."""
        self.elapsed_s += 4 * simulated_hours


@pytest.fixture
def wall() -> FakeWall:
    return FakeWall()


@pytest.fixture
def make_world(wall: FakeWall) -> Callable[[str], World]:
    return lambda name: World(build_household(load_scenario(name)), wall, boot_id="test")


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("course-day")


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world).test_client()
