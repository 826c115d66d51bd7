"""A system that is empty or broken shows what is missing, and the open page heals with it."""

from pathlib import Path

from playwright.sync_api import expect

from browser.looks import OpenPage, card, serious_findings
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import DashboardProcess
from fixtures.told_site import ToldSite
from wattbus_contract import topics


def test_an_empty_system_says_what_is_missing_and_what_to_do(
    own_broker: BrokerProcess, tmp_path: Path, open_page: OpenPage
) -> None:
    with DashboardProcess(own_broker, "home", tmp_path) as dashboard:
        page = open_page(dashboard.url)

        notices = page.locator(".notices")
        expect(notices).to_contain_text("No station-bridge is running")
        expect(notices).to_contain_text("docker compose up -d station-bridge")
        expect(notices).to_contain_text("No scheduler is running")
        expect(notices).to_contain_text("No logger is running")
        expect(page.locator(".services")).to_contain_text("not heard of")
        expect(page.get_by_text("Nothing to draw yet")).to_be_visible()
        assert serious_findings(page) == []

        with ToldSite(own_broker, "home") as site:
            site.say_all()

            expect(card(page, "car1")).to_contain_text("Citroen e-Berlingo M")
            expect(notices).not_to_contain_text("No station-bridge is running")
            # The browser fetches what draws it only now, from the dashboard that is about to end.
            expect(page.locator(".chart canvas, .chart svg").first).to_be_visible()


def test_the_page_says_that_the_broker_is_away_and_goes_on_when_it_is_back(
    own_broker: BrokerProcess, tmp_path: Path, open_page: OpenPage
) -> None:
    with (
        DashboardProcess(own_broker, "home", tmp_path) as dashboard,
        ToldSite(own_broker, "home") as site,
    ):
        site.say_all()
        page = open_page(dashboard.url)
        expect(card(page, "car1")).to_contain_text("36 %")

        own_broker.stop()

        notices = page.locator(".notices")
        expect(notices).to_contain_text("The broker does not answer")
        expect(card(page, "car1")).to_contain_text("36 %")

        own_broker.start()

        expect(notices).not_to_contain_text("The broker does not answer")
        with ToldSite(own_broker, "home") as again:
            again.say_example(topics.METER, station="car1", instead={"soc_percent": 41.5})
            expect(card(page, "car1")).to_contain_text("41.5 %")


def test_a_dashboard_that_starts_before_the_broker_waits_for_it(
    own_broker: BrokerProcess, tmp_path: Path, open_page: OpenPage
) -> None:
    own_broker.stop()
    with DashboardProcess(own_broker, "home", tmp_path) as dashboard:
        page = open_page(dashboard.url)
        expect(page.locator(".notices")).to_contain_text("The broker does not answer")

        own_broker.start()

        expect(page.locator(".notices")).to_contain_text("No station-bridge is running")
