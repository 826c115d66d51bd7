"""Takes the pictures of the README from a running system: `make pictures`.

Three simulated cars, an hour in twelve seconds, in the evening when the price has fallen.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from fixtures.broker_process import ROOT
from fixtures.dashboard_process import find_chromium

PROGRAM = Path(sys.executable).parent / "wattbus"
PICTURES = ROOT / "docs" / "pictures"
SECONDS_PER_HOUR = "12"
EVENING = """() => /2[23]:[0-5]/.test(document.querySelector('.top-clock').textContent)
  && document.querySelectorAll('.car[data-tone="charging"]').length >= 1
  && !document.querySelector('.car[data-tone="alarm"]')"""
UNTIL_EVENING_S = 480
SHOTS: dict[str, dict[str, Any]] = {
    "dashboard": {"viewport": {"width": 1200, "height": 900}},
    "dashboard-dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "dashboard-phone": {
        "viewport": {"width": 390, "height": 1200}, "device_scale_factor": 1.5, "is_mobile": True,
    },
}  # fmt: skip


@contextmanager
def running_system(folder: Path) -> Iterator[str]:
    """Run `wattbus up`; gives the dashboard's address."""
    process = subprocess.Popen(
        [
            PROGRAM, "up", "--scenario", "three-cars", "--strategy", "cheapest",
            "--seconds-per-hour", SECONDS_PER_HOUR,
            "--data-dir", folder / "data", "--run-dir", folder / "run",
        ],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"open it +(http\S+)", line):
                yield found[1]
                return
        raise RuntimeError("the system did not start")
    finally:
        process.terminate()
        process.wait(30)


def take(browser: Browser, url: str) -> None:
    """Wait for the evening, then take every picture."""
    pages = {
        name: browser.new_context(locale="en-GB", **how).new_page() for name, how in SHOTS.items()
    }
    for page in pages.values():
        page.goto(url)
    first = pages["dashboard"]
    wish_for_weekdays(first)
    first.wait_for_function(EVENING, timeout=1000 * UNTIL_EVENING_S)
    for name, page in pages.items():
        page.locator(".chart-frame svg").wait_for()
        path = PICTURES / f"{name}.png"
        page.screenshot(path=path, full_page="phone" not in name)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")


def wish_for_weekdays(page: Page) -> None:
    """Give the first car a weekly plan, as a person would."""
    page.get_by_role("button", name="Change goal of").first.click()
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        page.get_by_label(f"Departure on {day}").fill("07:00")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="hidden")


def main() -> None:
    """Take the pictures into docs/pictures."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is missing; install it with: sudo apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_system(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
