"""Both languages say the same, and a person gets the one that he speaks."""

import re
from dataclasses import fields

import pytest

from wattbus_dashboard.languages import choose
from wattbus_dashboard.sentences_sv import in_swedish
from wattbus_dashboard.words import Words
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV


@pytest.mark.parametrize("name", [field.name for field in fields(Words)])
def test_both_languages_have_every_text_with_the_same_places_to_fill(name: str) -> None:
    english, swedish = getattr(EN, name), getattr(SV, name)

    assert english
    assert swedish
    if isinstance(english, str):
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", swedish))
        assert re.findall("`[^`]+`", english) == re.findall("`[^`]+`", swedish)
    else:
        assert len(english) == len(swedish)


@pytest.mark.parametrize(
    ("wanted", "header", "expected"),
    [
        (None, "", "en"),
        (None, "sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        (None, "de,en;q=0.5,sv;q=0.7", "sv"),
        (None, "de, fr", "en"),
        (None, ";;;q=,,q=x", "en"),
        ("en", "sv", "en"),
        ("xx", "sv", "sv"),
    ],
)
def test_a_choice_counts_more_than_the_browser_and_the_browser_more_than_nothing(
    wanted: str | None, header: str, expected: str
) -> None:
    assert choose(wanted, header).code == expected


@pytest.mark.parametrize(
    ("english", "swedish"),
    [
        (
            "waiting: 22:00 to 24:00 is 34.87 öre/kWh cheaper",
            "väntar: 22:00 till 24:00 är 34,87 öre/kWh billigare",
        ),
        (
            (
                "charging: 68.01 öre/kWh is among the cheapest before Thu 07:00; at once would "
                "cost 2.10 kr more"
            ),
            (
                "laddar: 68,01 öre/kWh hör till det billigaste före tor 07:00; genast skulle kosta "
                "2,10 kr mer"
            ),
        ),
        (
            "charging: 32.00 öre/kWh is among the cheapest 3 h 45 min before 07:00",
            "laddar: 32,00 öre/kWh hör till de billigaste 3 h 45 min före 07:00",
        ),
        (
            (
                "charging: 50 % from the roof, so that it costs 65.00 öre/kWh; at once would "
                "cost 2.10 kr more"
            ),
            (
                "laddar: 50 % från taket, så att det kostar 65,00 öre/kWh; genast skulle kosta "
                "2,10 kr mer"
            ),
        ),
        (
            (
                "waiting: 22:00 to 24:00 is better, weighed with more than the price: "
                "other cars, the month's peak"
            ),
            (
                "väntar: 22:00 till 24:00 är bättre, vägt mot mer än priset: "
                "andra bilar, månadens effekttopp"
            ),
        ),
        (
            "somebody wants the car charged at once, but somebody allows at most 10 A",
            "någon vill ha bilen laddad genast, men någon tillåter högst 10 A",
        ),
        (
            "paused: house load 11 kW leaves 0 kW under the 11 kW fuse, the charger needs 7.4 kW",
            "pausad: husets last 11 kW lämnar 0 kW under säkringens 11 kW, laddaren behöver 7,4 kW",
        ),
        ("something nobody has heard of", None),
        ("", None),
    ],
)
def test_sentences_of_other_services_are_translated_where_they_are_known(
    english: str, swedish: str | None
) -> None:
    assert in_swedish(english) == swedish
