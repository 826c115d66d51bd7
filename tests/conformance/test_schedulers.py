"""Every scheduler that we show or ship holds every MUST point, on a real broker."""

import sys
from pathlib import Path

import pytest

from fixtures.conformance_suite import ROOT, CommandWithSettings, Suite, failures, untried

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STRATEGIES = ("cheapest", "load", "now", "price", "threshold")
OURS = {
    f"ours-{strategy}": CommandWithSettings(
        f"{sys.executable} -m wattbus_scheduler.main",
        {"WATTBUS_SCHEDULER_STRATEGY": strategy, "WATTBUS_HEALTH_FILE": "/dev/null"},
    )
    for strategy in STRATEGIES
}
MINIMAL = CommandWithSettings(f"{sys.executable} {ROOT}/docs/examples/scheduler-minimal.py")


@pytest.fixture(scope="module")
def played(suite: Suite, node_example: Path) -> Suite:
    suite.order("minimal", MINIMAL)
    suite.order("node", CommandWithSettings(f"node {node_example}/index.mjs"))
    for name, launcher in OURS.items():
        suite.order(name, launcher)
    return suite


@pytest.mark.parametrize("scheduler", ["minimal", "node", *OURS])
def test_scheduler_holds_every_must_point(played: Suite, scheduler: str) -> None:
    findings = played.findings(scheduler)

    assert failures(findings) == {}
    assert untried(findings) == {}
