"""The page in a real browser: live, asked by mouse and keyboard, on every kind of screen."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.looks import OpenPage, card, overflows, serious_findings
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import DashboardProcess
from fixtures.told_site import ToldSite
from wattbus_contract import topics
from wattbus_contract.base import Body, Reason
from wattbus_contract.codec import decode
from wattbus_contract.control import RequestOutcome, Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def dashboard(
    module_broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DashboardProcess]:
    with DashboardProcess(module_broker, "home", tmp_path_factory.mktemp("dashboard")) as process:
        yield process


@pytest.fixture
def site(module_broker: BrokerProcess) -> Iterator[ToldSite]:
    """A whole site as the contract's examples have it."""
    with ToldSite(module_broker, "home") as told:
        told.say_all()
        for spec in (topics.PRICE, topics.BASE_LOAD, topics.LEAGUE):
            told.say_example(spec)
        told.say_example(
            topics.PLAN, instead={"strategies": ("cheapest", "load", "optimal", "threshold")}
        )
        yield told


def answer(site: ToldSite, topic: str, station: str | None, text: str) -> Body:
    """Wait for a wish as the bridge does, accept it, and return what was asked."""
    message = site.bridge.wait_for(lambda m: m.topic == f"wattbus/v1/home/request/{topic}")
    decoded = decode(message.topic, message.payload)
    site.bridge.forget(lambda _: True)
    spec = topics.RESPONSE if station is not None else topics.SITE_RESPONSE
    response = Response(
        request="mode",
        station=station,
        outcome=RequestOutcome.ACCEPTED,
        reason=Reason(code="accepted", text=text),
        request_source=decoded.message_id.source,
        request_seq=decoded.message_id.seq,
    )
    site.say(spec, response, **({"station": station} if station is not None else {}))
    return decoded.body


def test_values_change_on_the_open_page(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)
    expect(card(page, "car1")).to_contain_text("36 %")

    site.say_example(
        topics.METER,
        station="car1",
        instead={"soc_percent": 64.2, "power_active_import_w": 3680.0},
    )

    expect(card(page, "car1")).to_contain_text("64.2 %")
    expect(card(page, "car1")).to_contain_text("3.68 kW")
    expect(card(page, "car1").get_by_role("progressbar")).to_have_attribute("aria-valuenow", "64")


def test_a_car_shows_goal_week_limit_and_the_reason(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    site.say_example(topics.SET_LIMIT, station="car1")

    page = open_page(dashboard.url)

    car = card(page, "car1")
    expect(car).to_contain_text("Target 80 %")
    expect(car).to_contain_text("22:00 is among the 4 cheapest hours before departure")
    expect(car).to_contain_text("Departure")
    expect(car).to_contain_text("Current limit")
    expect(car.get_by_role("button", name="Smart")).to_have_attribute("aria-pressed", "true")


def test_site_saving_league_and_services_are_shown(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    expect(page.locator(".figures")).to_contain_text("34.29 öre/kWh")
    expect(page.locator(".figures")).to_contain_text("8.39 kW of 11.00 kW")
    expect(page.get_by_role("region", name="Saved against charging at once")).to_contain_text("kr")
    expect(page.get_by_role("region", name="Schedulers")).to_contain_text("League")
    expect(page.get_by_role("region", name="Services")).to_contain_text("station-bridge")


def test_a_mode_goes_to_the_bridge_and_its_answer_comes_back(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)
    car = card(page, "car1")

    car.get_by_role("button", name="Now").click()

    expect(car.get_by_role("status")).to_have_text("Asked …")
    asked = answer(site, "station/car1/mode", "car1", "charging at once")
    assert asked == ModeRequest(mode=Mode.NOW)
    expect(car.get_by_role("status")).to_have_text("Done: charging at once")
    site.say_example(topics.GOAL, station="car1", instead={"mode": Mode.NOW})
    expect(car.get_by_role("button", name="Now")).to_have_attribute("aria-pressed", "true")


def test_a_wish_that_nobody_answers_says_so(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)

    card(page, "car2").get_by_role("button", name="Off").click()

    expect(card(page, "car2").get_by_role("status")).to_contain_text("No answer within 5 s")


def test_a_goal_asks_only_for_what_was_changed(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    instead = {"target_soc_percent": 80.0, "weekly": None, "max_current_a": None}
    site.say_example(topics.GOAL, station="car1", instead=instead)
    page = open_page(dashboard.url)
    expect(card(page, "car1")).to_contain_text("no plan")
    card(page, "car1").get_by_role("button", name="Change goal").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert serious_findings(page) == []

    dialog.get_by_label("Target state of charge").fill("95")
    # What arrives meanwhile does not overwrite what is typed.
    site.say_example(topics.METER, station="car1", instead={"soc_percent": 66.6})
    expect(card(page, "car1")).to_contain_text("66.6 %")
    dialog.get_by_label("Next departure").fill("2025-01-16T06:30")
    dialog.get_by_label("Highest current").fill("10")
    dialog.get_by_label("Departure on Mon").fill("07:00")
    dialog.get_by_label("Departure on Tue").fill("07:00")
    dialog.get_by_label("Departure on Sat").fill("09:30")
    dialog.get_by_label("Target on Sat").fill("100")
    dialog.get_by_role("button", name="Save").click()

    asked = answer(site, "station/car1/goal", "car1", "95 % by 06:30")
    assert isinstance(asked, GoalRequest)
    assert asked.target_soc_percent == 95
    assert asked.departure_at == datetime(2025, 1, 16, 5, 30, tzinfo=UTC)
    assert asked.max_current_a == 10
    assert asked.min_soc_percent is None
    assert [(*item.days, f"{item.departure_time:%H:%M}") for item in asked.weekly or ()] == [
        ("mon", "tue", "07:00"),
        ("sat", "09:30"),
    ]
    expect(card(page, "car1").get_by_role("status")).to_have_text("Done: 95 % by 06:30")
    expect(dialog).not_to_be_visible()


def test_a_strategy_is_asked_for(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)

    page.get_by_label("Choose a strategy").select_option("load")
    page.get_by_role("button", name="Use it").click()

    assert answer(site, "strategy", None, "strategy load") == StrategyRequest(strategy="load")
    schedulers = page.get_by_role("region", name="Schedulers")
    expect(schedulers.get_by_role("status")).to_have_text("Done: strategy load")


def test_everything_works_by_keyboard_alone(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)
    expect(card(page, "car1")).to_contain_text("%")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the cars")).to_be_focused()
    page.keyboard.press("Enter")
    reach(page, card(page, "car1").get_by_role("button", name="Off"))
    page.keyboard.press("Space")
    assert answer(site, "station/car1/mode", "car1", "off") == ModeRequest(mode=Mode.OFF)

    reach(page, card(page, "car1").get_by_role("button", name="Change goal"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_label("Target state of charge")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()

    reach(page, page.get_by_text("The chart as a table"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Price, öre/kWh")).to_be_visible()


def reach(page: Page, wanted: Locator, steps: int = 40) -> None:
    """Press Tab until something has the focus."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not get to {wanted}")


def test_the_chart_is_told_in_words_and_as_a_table(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url)

    chart = page.get_by_role("img", name="Price")
    expect(chart.locator("svg")).to_be_visible()
    assert "The price is" in (chart.get_attribute("aria-label") or "")
    page.get_by_text("The chart as a table").click()
    expect(page.get_by_role("table").first).to_contain_text("34.3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_no_serious_finding_and_no_sideways_scrolling(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage, scheme: str, screen: str
) -> None:
    page = open_page(dashboard.url, color_scheme=scheme, **(PHONE if screen == "phone" else {}))
    expect(page.get_by_role("img", name="Price").locator("svg")).to_be_visible()

    assert serious_findings(page) == []
    assert not overflows(page)


def test_dark_mode_follows_the_system_while_the_page_is_open(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    def paper() -> list[int]:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]

    page = open_page(dashboard.url, color_scheme="light")
    assert min(paper()) > 200

    page.emulate_media(color_scheme="dark")

    assert max(paper()) < 60


def test_swedish_by_the_browser_and_by_the_link(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url, locale="sv-SE")

    expect(page.locator("html")).to_have_attribute("lang", "sv")
    expect(page.get_by_role("heading", name="Bilar")).to_be_visible()
    expect(page.locator(".figures")).to_contain_text("34,29 öre/kWh")

    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Cars")).to_be_visible()
    page.goto(dashboard.url)
    expect(page.get_by_role("heading", name="Cars")).to_be_visible()


def test_a_name_that_looks_like_html_is_only_text(
    dashboard: DashboardProcess, site: ToldSite, open_page: OpenPage
) -> None:
    name = "<img src=x onerror=alert(1)>"
    site.say_example(topics.STATION_INFO, station="car2", instead={"car_name": name})

    page = open_page(dashboard.url)

    expect(card(page, "car2").get_by_role("heading")).to_have_text(name)
