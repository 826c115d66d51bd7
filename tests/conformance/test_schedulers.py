"""Every scheduler that we show or ship holds every MUST point, on a real broker."""

import sys
from pathlib import Path

import pytest

from fixtures.conformance_suite import ROOT, CommandWithSettings, Suite, failures, untried
from wattbus_scheduler.strategies import STRATEGIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OURS = {f"ours-{strategy}": strategy for strategy in STRATEGIES}
MINIMAL = CommandWithSettings(f"{sys.executable} {ROOT}/docs/examples/scheduler-minimal.py")


@pytest.mark.parametrize(
    ("example", "most"), [("scheduler-minimal.py", 60), ("scheduler-node/index.mjs", 80)]
)
def test_example_is_as_short_as_its_page_says(example: str, most: int) -> None:
    lines = (ROOT / "docs" / "examples" / example).read_text().splitlines()
    page = (ROOT / "docs" / "write-your-own-scheduler.md").read_text()

    assert len(lines) <= most
    assert any(
        f"({'examples/' + example})" in row and f"| {most} |" in row for row in page.split("\n")
    )


@pytest.fixture(scope="module")
def played(suite: Suite, node_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("health")
    suite.order("minimal", MINIMAL)
    suite.order("node", CommandWithSettings(f"node {node_example}/index.mjs"))
    for name, strategy in OURS.items():
        settings = {
            "WATTBUS_SCHEDULER_STRATEGY": strategy,
            "WATTBUS_HEALTH_FILE": str(folder / name),
        }
        command = f"{sys.executable} -m wattbus_scheduler.main"
        suite.order(name, CommandWithSettings(command, settings))
    return suite


@pytest.mark.parametrize("scheduler", ["minimal", "node", *OURS])
def test_scheduler_holds_every_must_point(played: Suite, scheduler: str) -> None:
    findings = played.findings(scheduler)

    assert failures(findings, {"fuse-order"}) == {}
    assert untried(findings) == {}
