"""What the browser tests ask of a page."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

OpenPage = Callable[..., Page]
"""`open(url, expects_trouble=False, **context)`."""
SERIOUS = {"serious", "critical"}


def card(page: Page, station: str) -> Locator:
    """Return the card of a station."""
    return page.locator(f'article[data-station="{station}"]')


def serious_findings(page: Page) -> list[str]:
    """Return what axe-core finds serious or worse, with the elements."""
    # What is just appearing is pale, and would be found hard to read.
    page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {[node['target'] for node in finding['nodes']]}"
        for finding in found
        if finding["impact"] in SERIOUS
    ]


def overflows(page: Page) -> bool:
    """Whether a person would have to scroll sideways."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )
