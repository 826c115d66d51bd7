"""What people are told of, in which words, and what they are not told of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattbus_contract import topics
from wattbus_contract.codec import decode
from wattbus_contract.examples import EXAMPLES, example_payload, example_topic
from wattbus_contract.facts import Mode
from wattbus_contract.forecasts import PriceForecast, PriceSlot
from wattbus_notifier.facts import Facts, Station, with_message
from wattbus_notifier.occurrences import low_price_limit, occurrences
from wattbus_notifier.settings import NotifierSettings

NOW = datetime(2025, 1, 15, 21, tzinfo=UTC)
DEPARTURE = datetime(2025, 1, 15, 23, tzinfo=UTC)


def example(spec: topics.TopicSpec, **instead: object) -> Any:
    return EXAMPLES[spec].model_copy(update=instead)


def facts(**instead: Any) -> Facts:
    """A site whose one car charges as planned; `state`, `goal` and `plan` replace fields."""
    station = Station(
        info=example(topics.STATION_INFO),
        state=example(topics.STATION_STATE, **instead.pop("state", {})),
        goal=example(topics.GOAL, **instead.pop("goal", {})),
        finished_at=instead.pop("finished_at", None),
    )
    planned = example(topics.PLAN).stations[0].model_copy(update=instead.pop("plan", {}))
    found = Facts(
        site=example(topics.SITE_INFO), now=NOW, stations={"car1": station},
        plan=example(topics.PLAN, stations=(planned,)),
    )  # fmt: skip
    return replace(found, **instead)


def prices(*per_kwh: float, start_at: datetime = NOW) -> PriceForecast:
    """Hourly prices from the start on."""
    slots = tuple(
        PriceSlot(start_at=start_at + timedelta(hours=hour), duration_s=3600.0, price_per_kwh=price)
        for hour, price in enumerate(per_kwh)
    )
    return PriceForecast(currency="SEK", unit="SEK/kWh", provider="test", slots=slots)


SHORT = facts(plan={"shortfall_wh": 3200.0})
LOST = facts(state={"is_reachable": False})
FAILSAFE = facts(state={"is_failsafe": True})
FINISHED = facts(finished_at=NOW, state={"soc_percent": 80.2})
CHEAP = facts(price=prices(1.0, 1.2, 0.9, 0.2, 0.1, 1.0))
CASES = [
    ("shortfall", "shortfall/car1/2025-01-15T23:00", SHORT,
     ("Car 1 will not reach its target", "It will not have 80 % by 00:00: 3.2 kWh are missing."),
     ("Car 1 når inte målet", "Till 00:00 blir det inte 80 %: 3,2 kWh fattas.")),
    ("offline", "offline/car1", LOST,
     ("Car 1 does not answer", "The station can neither be read nor controlled."),
     ("Car 1 svarar inte", "Laddstationen kan varken läsas av eller styras.")),
    ("offline", "offline", facts(is_bridge_down=True),
     ("Home: no station is heard of", "station-bridge is not running, or not connected."),
     ("Home: ingen laddstation hörs", "station-bridge är inte igång eller inte ansluten.")),
    ("failsafe", "failsafe/car1", FAILSAFE,
     ("Car 1 is in fail-safe mode", "No scheduler commands it; it may draw 0.0 kW."),
     ("Car 1 är i felsäkert läge", "Ingen planerare styr den; den får ta 0,0 kW.")),
    ("finished", "finished/car1/2025-01-15T21:00:00", FINISHED,
     ("Car 1 has finished charging", "The car has 80 %."),
     ("Car 1 är färdigladdad", "Bilen har 80 %.")),
    ("low_price", "low-price/2025-01-16", CHEAP,
     ("Electricity is unusually cheap", "01:00-03:00: down to 10.00 öre/kWh."),
     ("Ovanligt billig el", "01:00-03:00: ner till 10,00 öre/kWh.")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "found", "english", "swedish"), CASES)
def test_each_occurrence_is_told_in_both_languages_and_can_be_switched_off(
    name: str, key: str, found: Facts, english: tuple[str, str], swedish: tuple[str, str]
) -> None:
    for language, words in (("en", english), ("sv", swedish)):
        notices = occurrences(found, NotifierSettings(language=language))  # type: ignore[arg-type]
        assert set(notices) == {key}
        assert (notices[key].title, notices[key].text) == words

    off = NotifierSettings.model_validate({f"tells_{name}": False})
    assert occurrences(found, off) == {}


def test_a_site_where_all_goes_well_gives_nothing_to_tell() -> None:
    assert occurrences(facts(price=prices(1.0, 1.1, 0.6)), NotifierSettings()) == {}


def test_nothing_is_told_before_the_site_is_known() -> None:
    assert occurrences(replace(SHORT, site=None), NotifierSettings()) == {}


@pytest.mark.parametrize(
    "instead",
    [
        {"plan": {"shortfall_wh": 400.0}},
        {"plan": {"shortfall_wh": 3200.0}, "goal": {"mode": Mode.OFF}},
        {"plan": {"shortfall_wh": 3200.0}, "goal": {"departure_at": None}},
        {"plan": {"shortfall_wh": 3200.0}, "state": {"is_plugged_in": False}},
    ],
)
def test_a_missing_charge_that_nobody_waits_for_is_not_told(instead: dict[str, Any]) -> None:
    assert occurrences(facts(**instead), NotifierSettings()) == {}


def test_another_departure_is_another_occurrence() -> None:
    later = facts(
        plan={"shortfall_wh": 3200.0}, goal={"departure_at": DEPARTURE + timedelta(days=1)}
    )

    assert set(occurrences(SHORT, NotifierSettings())) != set(
        occurrences(later, NotifierSettings())
    )
    assert "Thu 00:00" not in str(occurrences(SHORT, NotifierSettings()))
    assert "Fri 00:00" in str(occurrences(later, NotifierSettings()))


def test_low_prices_that_have_passed_are_not_told() -> None:
    past = facts(price=prices(0.1, 1.0, 1.0, 1.0, start_at=NOW - timedelta(hours=2)))

    assert occurrences(past, NotifierSettings()) == {}


def test_low_prices_are_told_once_a_day() -> None:
    twice = facts(price=prices(*[1.0, 0.1, 1.0, 0.1] * 10))

    assert set(occurrences(twice, NotifierSettings())) == {
        "low-price/2025-01-15", "low-price/2025-01-16", "low-price/2025-01-17",
    }  # fmt: skip


def test_a_price_is_low_by_its_limit_or_else_beside_the_usual_price() -> None:
    forecast = prices(1.0, 2.0, 3.0)

    assert low_price_limit(forecast, NotifierSettings()) == 0.5
    assert low_price_limit(forecast, NotifierSettings(low_price_per_kwh=0.3)) == 0.3
    assert low_price_limit(prices(-0.2, -0.1, 0.5), NotifierSettings()) == 0.0
    assert low_price_limit(prices(), NotifierSettings()) == 0.0


def test_a_finished_car_is_forgotten_when_it_is_unplugged() -> None:
    unplugged = example(topics.STATION_STATE, is_plugged_in=False)
    message = replace(
        decode(example_topic(topics.STATION_STATE), example_payload(topics.STATION_STATE)),
        body=unplugged,
    )

    assert with_message(FINISHED, message).stations["car1"].finished_at is None


def test_every_message_that_is_heard_becomes_a_fact() -> None:
    found = Facts()
    for spec in (
        topics.SITE_INFO, topics.STATION_INFO, topics.STATION_STATE, topics.GOAL, topics.PLAN,
        topics.PRICE,
    ):  # fmt: skip
        found = with_message(found, decode(example_topic(spec), example_payload(spec)))

    assert found == facts(price=EXAMPLES[topics.PRICE])
