"""From a meter value on the bus to its figure on the screen, with 20 and 50 stations at 1 Hz each.

Also the first page on the loopback interface, in a browser that has never seen it, and the
dashboard's memory with pages open.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.results import broker_for_benchmark, emit, percentile
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import DashboardProcess, find_chromium
from fixtures.told_site import ToldSite
from wattbus_contract import topics

COUNTS = (20, 50)
ROUNDS = 15
FIRST_PAGES = 5
SEEN_WITHIN_S = 10.0
CARDS = "article.car"
# When each text has appeared on each card, on the clock that time.time() reads.
WATCH = """() => {
  window.seen = {};
  window.frames_ms = [];
  let last = performance.now();
  const draw = now => {
    window.frames_ms.push(now - last);
    last = now;
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  for (const card of document.querySelectorAll('article.car')) {
    const soc = card.querySelector('.soc');
    const note = () => {
      const key = card.dataset.station + ' ' + soc.textContent;
      window.seen[key] ??= (performance.timeOrigin + performance.now()) / 1000;
    };
    new MutationObserver(() => requestAnimationFrame(note)).observe(
      soc, {childList: true, characterData: true, subtree: true});
  }
}"""


def say_stations(site: ToldSite, stations: Sequence[str]) -> None:
    """Announce the site and its stations."""
    site.say_bridge_is("up")
    site.say_site(*stations)
    for station in stations:
        site.say_station(station)
        site.say_example(topics.GOAL, station=station)
        site.say_example(topics.STATION_STATE, station=station)
    for spec in (topics.PRICE, topics.BASE_LOAD, topics.PLAN, topics.HOUSEHOLD_METER):
        site.say_example(spec)


def first_page_s(browser: Browser, url: str, count: int) -> float:
    """Open the page with nothing in the cache; the time until every card is drawn."""
    context = browser.new_context()
    page = context.new_page()
    started = time.monotonic()
    page.goto(url)
    page.locator(CARDS).nth(count - 1).wait_for()
    took_s = time.monotonic() - started
    context.close()
    return took_s


def delays_s(site: ToldSite, page: Page, stations: Sequence[str]) -> list[float]:
    """Say a new state of charge of every station once a second; from saying to seeing, each."""
    page.evaluate(WATCH)
    said: dict[str, float] = {}
    started = time.monotonic()
    for turn in range(ROUNDS):
        for number, station in enumerate(stations):
            due = started + turn + number / len(stations)
            page.wait_for_timeout(max(0.0, 1000 * (due - time.monotonic())))
            soc_percent = round(10.1 + number + turn, 1)
            said[f"{station} {soc_percent:.1f}\N{NO-BREAK SPACE}%"] = time.time()
            site.say_example(topics.METER, station=station, instead={"soc_percent": soc_percent})
    page.wait_for_timeout(1000 * SEEN_WITHIN_S / 5)
    seen: dict[str, float] = page.evaluate("window.seen")
    missed = sorted(set(said) - set(seen))
    if missed:
        raise RuntimeError(f"never on the screen: {missed}")
    return [seen[key] - at for key, at in said.items()]


def measure(broker: BrokerProcess, folder: Path, chromium: str) -> dict[str, Any]:
    """Return all figures."""
    with (
        DashboardProcess(broker, "home", folder) as dashboard,
        ToldSite(broker, "home") as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        found = {str(count): of_count(browser, site, dashboard.url, count) for count in COUNTS}
        memory_mb = psutil.Process(dashboard.pid).memory_info().rss / 1e6
        browser.close()
    return {"stations": found, "memory_mb": memory_mb}


def of_count(browser: Browser, site: ToldSite, url: str, count: int) -> dict[str, Any]:
    """Return the figures of a site with so many stations."""
    stations = tuple(f"car{number}" for number in range(1, count + 1))
    say_stations(site, stations)
    pages_s = [first_page_s(browser, url, count) for _ in range(FIRST_PAGES)]
    page = browser.new_page()
    page.goto(url)
    page.locator(CARDS).nth(count - 1).wait_for()
    page.locator(".chart-frame svg").wait_for()
    found = delays_s(site, page, stations)
    frames_ms: list[float] = page.evaluate("window.frames_ms")
    page.close()
    return {
        "to_screen_p50_ms": 1000 * median(found),
        "to_screen_p95_ms": 1000 * percentile(found, 95),
        "to_screen_max_ms": 1000 * max(found),
        "frame_p50_ms": median(frames_ms),
        "frame_p95_ms": percentile(frames_ms, 95),
        "first_page_s": median(pages_s),
        "first_pages_s": pages_s,
    }


def main() -> None:
    """Measure and print the figures as JSON."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is missing; install it with: sudo apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, broker_for_benchmark(Path(name) / "broker") as it:
        emit("dashboard", measure(it, Path(name) / "dashboard", chromium))


if __name__ == "__main__":
    main()
