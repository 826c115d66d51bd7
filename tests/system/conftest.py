"""The real compose stack, built from this tree, under a project name of its own."""

import os
from pathlib import Path
from typing import Any

import pytest

from fixtures.broker_process import ROOT, free_port
from fixtures.compose_stack import ComposeStack
from fixtures.docker_engine import require_engine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine that answers, with compose."""
    require_engine()


@pytest.fixture(scope="session")
def docker_compose_file(engine: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    # Ports and a data folder of its own: a stack that runs on this machine is not disturbed. The
    # ports stay when containers are replaced, so that clients can come back.
    os.environ["BROKER_PORT"] = f"127.0.0.1:{free_port()}"
    os.environ["SIMULATOR_PORT"] = f"127.0.0.1:{free_port()}"
    os.environ["DASHBOARD_PORT"] = f"127.0.0.1:{free_port()}"
    os.environ["DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    return str(ROOT / "docker-compose.yml")


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """Nothing: what fails in here would be left behind. The fixtures below start what they need."""
    return []


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["down --volumes --timeout 5"]


@pytest.fixture(scope="session")
def broker_stack(
    docker_services: Any, docker_compose_project_name: str, docker_compose_file: str, docker_ip: str
) -> ComposeStack:
    """The stack with nothing but its broker, so that tests of the broker start quickly."""
    found = ComposeStack(
        docker_compose_project_name,
        Path(docker_compose_file),
        Path(os.environ["DATA_DIR"]),
        docker_ip,
        docker_services.port_for,
    )
    found.up("broker")
    return found


@pytest.fixture(scope="session")
def stack(broker_stack: ComposeStack) -> ComposeStack:
    """The whole stack, built from this tree, every service healthy."""
    broker_stack.compose("build", timeout_s=900)
    broker_stack.up()
    return broker_stack
