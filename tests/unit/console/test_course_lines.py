"""The course as lines, for terminals without a cursor and for the last events."""

from unit.console import pictures
from unit.console.pictures import HOUR, MIDNIGHT, default_day, message, reading
from wattbus_console.course_lines import CourseLines
from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.facts import StationEvent, StationEventKind


def _told(*messages: Decoded, is_full: bool) -> list[str]:
    picture, lines = default_day(), CourseLines(is_full)
    told = []
    for each in messages:
        picture.apply(each)
        told += lines.lines(each, picture)
    return told


ON = reading(MIDNIGHT + 22 * HOUR, soc_percent=48.1, power_w=7400)


def test_charging_on_is_a_line_with_price_and_load() -> None:
    told = _told(pictures.limit("charging: cheap"), ON, is_full=False)

    (line,) = told
    assert line == (
        "[Wed 22:00] car1 charging 7.40 kW | SoC 48.10 % | price 32.00 öre/kWh | "
        "house 1.87 kW | charging: cheap"
    )


def test_the_short_form_tells_only_on_and_off() -> None:
    off = reading(MIDNIGHT + 23.9 * HOUR)
    told = _told(
        reading(MIDNIGHT), ON, reading(MIDNIGHT + 23 * HOUR, power_w=7400), off, is_full=False
    )

    assert [line.split(" | ")[0] for line in told] == [
        "[Wed 22:00] car1 charging 7.40 kW",
        "[Wed 23:54] car1 not charging",
    ]


def test_the_full_form_tells_every_hour_and_every_reason_once() -> None:
    told = _told(
        reading(MIDNIGHT),
        reading(MIDNIGHT + 0.1 * HOUR),
        pictures.limit("waiting: something else"),
        reading(MIDNIGHT + 0.2 * HOUR),
        reading(MIDNIGHT + 1 * HOUR),
        pictures.limit("waiting: what holds from one o'clock on"),
        reading(MIDNIGHT + 1.05 * HOUR),
        reading(MIDNIGHT + 1.1 * HOUR),
        reading(MIDNIGHT + 2 * HOUR),
        reading(MIDNIGHT + 2.05 * HOUR),
        is_full=True,
    )

    assert [line[:11] for line in told] == [
        "[Wed 00:00]", "[Wed 00:12]", "[Wed 01:03]", "[Wed 02:03]",
    ]  # fmt: skip


def test_events_are_told_but_for_limits_that_were_applied() -> None:
    def event(kind: StationEventKind) -> Decoded:
        body = StationEvent(at=MIDNIGHT, kind=kind, text="the car has 80 %")
        return message(topics.STATION_EVENT, body, station="car1")

    told = _told(
        event(StationEventKind.TARGET_REACHED), event(StationEventKind.LIMIT_APPLIED), is_full=False
    )

    assert told == ["[Wed 00:00] car1: the car has 80 %"]
