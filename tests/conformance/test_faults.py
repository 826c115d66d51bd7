"""A scheduler with one fault fails on exactly the points that the fault is about."""

import sys

import pytest

from fixtures import broken_scheduler
from fixtures.conformance_suite import CommandWithSettings, Suite, failures
from wattbus_conformance.runner import scenes_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXPECTED = {
    "commands-without-lease": {"lease-needed", "lease-fenced", "lease-self-stop", "instances-one"},
    "commands-when-fenced": {"lease-fenced"},
    "never-stops-by-itself": {"lease-self-stop"},
    "never-renews": {"lease-renew"},
    "never-gives-back": {"lease-release", "instances-swap"},
    "ignores-the-fuse": {"fuse-house", "fuse-two", "fuse-forecast"},
    "counts-each-car-alone": {"fuse-two"},
    "makes-room-last": {"fuse-order"},
    "ignores-the-house": {"fuse-house", "fuse-two", "fuse-forecast"},
    "retains-limits": {"limit-not-retained"},
    "dies-on-garbage": {"garbage"},
    "takes-garbage": {"garbage"},
    "never-repeats": {"limit-refresh"},
    "ignores-mode-off": {"mode-off"},
    "ignores-mode-now": {"mode-now"},
    "ignores-the-target": {"goal-target", "goal-stop"},
    "ignores-the-price": {"goal-cost"},
    "ignores-unplugging": {"car-leaves", "unknown-fields", "garbage"},
    "follows-the-latest-clock": {"clock-back"},
    "takes-late-readings": {"late-readings"},
    "takes-readings-of-an-ended-bridge": {"late-readings"},
    "knows-one-run-of-the-bridge": {"late-readings"},
    "gives-no-reason": {"limit-reason"},
    "half-power-for-a-switch": {"station-switch"},
    "knows-its-fields-only": {"unknown-fields"},
    "wants-a-broker-that-stays": {"broker-restart"},
}


@pytest.fixture(scope="module")
def played(suite: Suite) -> Suite:
    for fault, points in EXPECTED.items():
        command = f"{sys.executable} {broken_scheduler.__file__} {fault}"
        suite.order(fault, CommandWithSettings(command), scenes_for(sorted(points)))
    return suite


def test_every_fault_is_expected_somewhere() -> None:
    assert EXPECTED.keys() == broken_scheduler.FAULTS.keys()


@pytest.mark.parametrize("fault", EXPECTED)
def test_fault_can_be_put_into_the_example(fault: str) -> None:
    assert broken_scheduler.source_with(fault) != broken_scheduler.EXAMPLE.read_text()


@pytest.mark.parametrize("fault", EXPECTED)
def test_fault_fails_on_exactly_its_points(played: Suite, fault: str) -> None:
    found = failures(played.findings(fault), EXPECTED[fault])

    assert found.keys() == EXPECTED[fault], found
