"""What the page says of a picture, in both languages."""

from datetime import time

import pytest

from unit.dashboard.scene import example, message, picture
from wattbus_contract import topics
from wattbus_contract.base import MessageId, Reason
from wattbus_contract.control import RequestOutcome, Response
from wattbus_contract.facts import ConnectorStatus, Mode
from wattbus_contract.service import Status
from wattbus_contract.weekly import Weekday, WeeklyDeparture
from wattbus_dashboard.car_view import WishView, weekly_text
from wattbus_dashboard.picture import Picture
from wattbus_dashboard.views import page_view
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV

DAYS = tuple(Weekday)


def test_an_empty_picture_says_that_the_broker_is_away_and_what_to_do() -> None:
    view = page_view(Picture(), EN, 0.0)

    assert [notice.text for notice in view.notices] == ["The broker does not answer."]
    assert "docker compose up -d broker" in view.notices[0].remedy
    assert view.cars == ()


def test_a_connected_but_empty_site_names_every_service_that_is_missing() -> None:
    empty = Picture()
    empty.set_connected(is_connected=True)

    view = page_view(empty, EN, 0.0)

    texts = " ".join(notice.text for notice in view.notices)
    assert all(name in texts for name in ("station-bridge", "scheduler", "logger"))
    assert {service.state for service in view.services} == {"not heard of"}


def test_a_whole_site_misses_nothing() -> None:
    assert page_view(picture(), EN, 0.0).notices == ()


def test_a_service_that_went_down_is_missed_and_said_to_be_down() -> None:
    gone = example(
        topics.SERVICE_STATUS, user="scheduler", client="scheduler",
        instead={"status": Status.DOWN},
    )  # fmt: skip

    view = page_view(picture(gone), EN, 0.0)

    assert "No scheduler is running" in view.notices[0].text
    assert {s.name: s.tone for s in view.services}["scheduler"] == "bad"


def test_a_will_of_an_earlier_connection_that_comes_late_changes_nothing() -> None:
    again = example(
        topics.SERVICE_STATUS, user="scheduler", client="scheduler", instead={"connection": 2}
    )
    late = example(
        topics.SERVICE_STATUS, user="scheduler", client="scheduler",
        instead={"connection": 1, "status": Status.DOWN},
    )  # fmt: skip

    assert page_view(picture(again, late), EN, 0.0).notices == ()


def test_the_roof_has_a_figure_where_there_is_one() -> None:
    seen = picture()
    assert seen.household is not None
    seen.household = seen.household.model_copy(update={"pv_power_w": None})
    without = [figure.label for figure in page_view(seen, EN, 0.0).figures]
    seen.household = seen.household.model_copy(update={"pv_power_w": 4200.0})
    found = {figure.label: figure.value for figure in page_view(seen, EN, 0.0).figures}

    assert "Solar" not in without
    assert list(found) == [*without[:-1], "Solar", without[-1]]
    assert found["Solar"].startswith("4.20")


def test_figures_are_in_the_sites_money_and_the_pages_language() -> None:
    english = {figure.label: figure for figure in page_view(picture(), EN, 0.0).figures}
    swedish = {figure.label: figure for figure in page_view(picture(), SV, 0.0).figures}

    assert english["Price now"].value == "34.29\N{NO-BREAK SPACE}öre/kWh"
    assert swedish["Pris nu"].value == "34,29\N{NO-BREAK SPACE}öre/kWh"
    assert english["Main fuse"].share == pytest.approx(8390 / 11_000)


def test_a_car_says_how_it_stands_and_why() -> None:
    (car,) = page_view(picture(example(topics.SET_LIMIT, station="car1")), EN, 0.0).cars

    assert (car.status, car.tone) == ("Charging", "charging")
    assert car.title == "Citroen e-Berlingo M"
    assert car.soc_percent == 35.98
    assert car.mode == "smart"
    assert car.reason == "22:00 is among the 4 cheapest hours before departure"


@pytest.mark.parametrize(
    ("instead", "status", "tone"),
    [
        ({"is_reachable": False, "is_failsafe": True}, "Station lost", "alarm"),
        ({"is_failsafe": True}, "Fail-safe", "alarm"),
        ({"is_guarded": True}, "Held back by the fuse", "alarm"),
        ({"connector_status": ConnectorStatus.FAULTED}, "Faulted", "alarm"),
    ],
)
def test_what_is_wrong_with_a_station_comes_before_what_it_does(
    instead: dict[str, object], status: str, tone: str
) -> None:
    state = example(topics.STATION_STATE, station="car1", instead=instead)

    (car,) = page_view(picture(state), EN, 0.0).cars

    assert (car.status, car.tone) == (status, tone)


def test_a_station_that_says_nothing_for_half_a_minute_is_shown_as_silent() -> None:
    assert page_view(picture(), EN, 29.0).cars[0].tone == "charging"
    assert page_view(picture(), EN, 31.0).cars[0].tone == "silent"


def test_who_decides_gives_the_reason() -> None:
    said = Reason(code="mode-off", text="somebody has switched charging off")
    off = example(topics.GOAL, station="car1", instead={"mode": Mode.OFF})
    state = example(topics.STATION_STATE, station="car1", instead={"reason": said})
    limit = example(topics.SET_LIMIT, station="car1")

    (english,) = page_view(picture(limit, off, state), EN, 0.0).cars
    (swedish,) = page_view(picture(limit, off, state), SV, 0.0).cars

    assert english.reason == said.text
    assert (swedish.reason, swedish.reason_language) == ("någon har stängt av laddningen", "sv")


def test_a_weekly_plan_is_told_in_spans() -> None:
    weekly = (
        WeeklyDeparture(days=DAYS[:5], departure_time=time(7)),
        WeeklyDeparture(days=(DAYS[6],), departure_time=time(9, 30), target_soc_percent=100.0),
    )

    told = weekly_text(weekly, EN).replace("\N{EN DASH}", "-").replace("\N{NO-BREAK SPACE}", " ")

    assert told == "Mon-Fri 07:00, Sun 09:30 (100 %)"
    assert weekly_text((), EN) == "no plan"


def test_a_wish_is_asked_then_answered_then_forgotten() -> None:
    site = picture()
    site.note_wish("car1", MessageId(source="dashboard", boot_id="b", seq=7), 100.0)

    def wish(now_s: float) -> WishView:
        return page_view(site, EN, now_s).cars[0].wish

    assert wish(101.0) == WishView("Asked …", "waiting")
    assert wish(106.0).tone == "bad"
    answer = Response(
        request="mode", station="car1", outcome=RequestOutcome.REFUSED,
        reason=Reason(code="no", text="not this one"), request_source="dashboard", request_seq=7,
    )  # fmt: skip
    site.apply(message(topics.RESPONSE, answer, station="car1"), 101.5)
    assert wish(102.0) == WishView("Refused: not this one", "bad")
    assert wish(120.0) == WishView()


def test_an_answer_to_somebody_else_is_not_shown() -> None:
    site = picture()
    site.note_wish("car1", MessageId(source="dashboard", boot_id="b", seq=7), 100.0)

    site.apply(
        example(topics.RESPONSE, station="car1", instead={"request_source": "console"}), 100.5
    )

    assert page_view(site, EN, 101.0).cars[0].wish.tone == "waiting"


def test_a_wish_for_a_station_that_is_not_there_makes_no_card() -> None:
    site = picture(example(topics.MODE_REQUEST, station="car9"))

    assert [car.station for car in page_view(site, EN, 0.0).cars] == ["car1"]


def test_a_station_that_leaves_the_site_leaves_the_page() -> None:
    other = example(topics.STATION_STATE, station="car2")
    both = example(topics.SITE_INFO, instead={"stations": ("car1", "car2")})
    one = example(topics.SITE_INFO, instead={"stations": ("car1",)})

    assert len(page_view(picture(both, other), EN, 0.0).cars) == 2
    assert len(page_view(picture(both, other, one), EN, 0.0).cars) == 1


def test_savings_of_all_stations_are_added() -> None:
    labels = [saving.label for saving in page_view(picture(), EN, 0.0).savings]

    assert labels[-2:] == ["This month", "This year"]


def test_the_scheduler_that_commands_stands_first() -> None:
    other = example(topics.SERVICE_STATUS, user="scheduler", client="a-shadow")
    plan = example(topics.SHADOW_PLAN, client="a-shadow", instead={"instance": "a-shadow"})

    view = page_view(picture(other, plan), EN, 0.0)

    assert [(s.instance, s.role) for s in view.schedulers] == [
        ("scheduler", "commands"),
        ("a-shadow", "in the shadow"),
    ]
    assert view.schedulers[1].strategy == "load"


def test_that_nobody_commands_is_said() -> None:
    free = example(topics.LEASE_STATE, instead={"holder": None, "nonce": None})

    assert page_view(picture(free), EN, 0.0).command_note == EN.nobody_commands
