"""Fifty stations on one page: every card has the newest value, and the page goes on drawing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.looks import OpenPage, card, overflows
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import DashboardProcess
from fixtures.told_site import ToldSite
from wattbus_contract import topics

STATIONS = tuple(f"car{number}" for number in range(1, 51))
ROUNDS = 3
COUNT_FRAMES = """() => {
  window.frames_drawn = 0;
  const draw = () => { window.frames_drawn += 1; requestAnimationFrame(draw); };
  requestAnimationFrame(draw);
}"""


@pytest.fixture
def site(module_broker: BrokerProcess) -> Iterator[ToldSite]:
    with ToldSite(module_broker, "home") as told:
        told.say_bridge_is("up")
        told.say_site(*STATIONS)
        for station in STATIONS:
            told.say_station(station)
            told.say_example(topics.GOAL, station=station)
            told.say_example(topics.STATION_STATE, station=station)
        yield told


def test_every_card_gets_the_newest_value_while_the_page_goes_on_drawing(
    module_broker: BrokerProcess, site: ToldSite, tmp_path: Path, open_page: OpenPage
) -> None:
    with DashboardProcess(module_broker, "home", tmp_path) as dashboard:
        page = open_page(dashboard.url)
        expect(page.get_by_role("article")).to_have_count(len(STATIONS))
        page.evaluate(COUNT_FRAMES)

        for turn in range(ROUNDS):
            for number, station in enumerate(STATIONS):
                soc_percent = 10.1 + number + turn
                site.say_example(
                    topics.METER, station=station, instead={"soc_percent": soc_percent}
                )
            page.wait_for_timeout(200)

        for number, station in enumerate(STATIONS):
            expect(card(page, station)).to_contain_text(f"{10.1 + number + ROUNDS - 1:.1f} %")
        assert page.evaluate("window.frames_drawn") > ROUNDS
        assert not overflows(page)
        card(page, "car50").get_by_role("button", name="Now").click()
        asked = site.bridge.wait_for(lambda m: m.topic.endswith("request/station/car50/mode"))
        assert asked.json["mode"] == "now"
