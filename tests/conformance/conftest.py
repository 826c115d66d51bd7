"""One suite for all conformance tests: schedulers are played side by side while tests wait."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.availability import missing
from fixtures.conformance_suite import ROOT, Suite

EXAMPLE = ROOT / "docs" / "examples" / "scheduler-node"


@pytest.fixture(scope="session")
def suite(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite with a broker of its own."""
    suite = Suite(tmp_path_factory.mktemp("conformance"))
    yield suite
    suite.close()


@pytest.fixture(scope="session")
def node_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the JavaScript example with its dependencies, as its Dockerfile installs them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("Node.js with npm is not installed", "sudo apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node") / "scheduler-node"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(
        [npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode != 0:
        missing("npm ci failed", done.stderr[-500:])
    return folder
