"""The real Prometheus reads every service, and answers what the dashboard of Grafana asks."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from fixtures.availability import missing
from fixtures.broker_process import ROOT, free_port
from fixtures.figures import Scrape
from fixtures.sessions import wait_until

DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
{jobs}
"""
JOB = """
  - job_name: wattbus-{service}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.fixture(scope="module")
def prometheus(
    ports: dict[str, int], figures: Scrape, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a Prometheus that reads the services."""
    program = shutil.which("prometheus")
    if program is None:
        missing("Prometheus is not installed", "sudo apt-get install prometheus")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    jobs = "".join(JOB.format(service=name, port=at) for name, at in ports.items())
    (folder / "prometheus.yml").write_text(CONFIG.format(jobs=jobs))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program, f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait(timeout=30)


def asked(address: str, expression: str) -> list[dict[str, object]]:
    """The series that an expression gives now; none before Prometheus answers."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{address}/api/v1/query?{query}", timeout=10) as answer:
            found: list[dict[str, object]] = json.load(answer)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            return []
        raise AssertionError(f"{expression}: {error.read().decode()}") from error
    except OSError:
        return []


def test_every_service_is_read(prometheus: str, ports: dict[str, int]) -> None:
    wait_until(lambda: len(asked(prometheus, "up == 1")) == len(ports), "all are read", 60)


def panels() -> list[tuple[str, str]]:
    """Each panel of the dashboard with an expression, its variables replaced by all there is."""
    document = json.loads(DASHBOARD.read_text())
    return [
        (f"{panel['title']}: {target['refId']}", re.sub(r"\$\w+", ".*", target["expr"]))
        for panel in document["panels"]
        for target in panel.get("targets", [])
    ]


@pytest.mark.parametrize(("name", "expression"), panels(), ids=[name for name, _ in panels()])
def test_every_panel_has_something_to_draw(prometheus: str, name: str, expression: str) -> None:
    wait_until(lambda: bool(asked(prometheus, expression)), name, 60)


def test_an_expression_that_is_wrong_is_noticed(prometheus: str) -> None:
    """The negative control."""
    wait_until(lambda: bool(asked(prometheus, "up")), "Prometheus answers", 60)

    with pytest.raises(AssertionError, match="parse error"):
        asked(prometheus, "wattbus_house_power_watts{")
    assert asked(prometheus, "wattbus_no_such_figure") == []
