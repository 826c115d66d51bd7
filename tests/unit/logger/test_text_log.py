"""The text log tells what happens as a person would."""

from datetime import timedelta

from unit.logger.course_day import MIDNIGHT, Bridge, day_messages, reading, site_info
from wattbus_contract import facts, topics
from wattbus_contract.base import Body, Reason
from wattbus_contract.control import LimitOutcome, LimitResult
from wattbus_logger.intake import Batch, Intake

AT = "2026-11-21T06:00:00.000Z"


def told(*messages: tuple[str, bytes], intake: Intake | None = None) -> list[str]:
    batch, intake = Batch(), intake or Intake()
    for topic, payload in messages:
        intake.take(topic, payload, AT, batch, is_retained=False)
    assert not batch.quarantine
    return batch.text


def test_the_courses_day_reads_as_a_story() -> None:
    assert told(*day_messages(Bridge(), poll_h=0.05)) == [
        "--- Wednesday 2025-01-15 ---",
        "[00:00] Recording begins: plugged in | SoC 20.00 % | price 85.28 öre/kWh | load 0.88 kW",
        (
            "[02:15] Charging ON (scheduled) | SoC 20.06 % | price 68.01 öre/kWh | load 2.20 kW"
            " | charging: among the cheapest hours"
        ),
        (
            "[04:00] Charging OFF (waiting: 22:00 to 24:00 is cheaper) | SoC 48.03 %"
            " | price 68.01 öre/kWh | load 2.75 kW | 12.95 kWh in 1 h 45 min"
        ),
        (
            "[22:00] Charging ON (scheduled) | SoC 48.03 % | price 32.00 öre/kWh | load 1.87 kW"
            " | charging: among the cheapest hours"
        ),
        "--- Thursday 2025-01-16 ---",
        (
            "[00:00] Charging OFF (done: target 80 % reached) | SoC 80.00 % | price 85.28 öre/kWh"
            " | load 0.88 kW | 14.80 kWh in 2 h 00 min"
        ),
    ]


def event(kind: facts.StationEventKind, text: str, **more: object) -> Body:
    return facts.StationEvent(at=MIDNIGHT, kind=kind, text=text, **more)  # type: ignore[arg-type]  # as the test gives it


def test_what_happens_to_a_station_is_told_with_its_name_where_there_are_several() -> None:
    bridge = Bridge()

    lines = told(
        bridge.say(topics.SITE_INFO, site_info("car1", "car2")),
        bridge.say(
            topics.STATION_EVENT,
            event(facts.StationEventKind.FAILSAFE_ENTERED, "no valid limit\nfor 60 s"),
            station="car2",
        ),
    )

    assert lines[1:] == ["[00:00] car2: Fail-safe entered | no valid limit for 60 s"]


def test_a_charge_without_a_schedulers_wish_is_not_called_scheduled() -> None:
    bridge = Bridge()

    def on(**changes: object) -> list[str]:
        return told(bridge.say(topics.METER, reading(MIDNIGHT, 7400, **changes), station="car1"))

    assert "Charging ON (by the station itself)" in on()[2]
    assert "Charging ON (fail-safe)" in on(is_failsafe=True)[2]
    assert "Charging ON (mode now)" in on(mode=facts.Mode.NOW)[2]


def test_a_refusal_is_told_once_until_a_limit_is_applied_again() -> None:
    bridge, intake = Bridge(), Intake()

    def result(outcome: LimitOutcome) -> tuple[str, bytes]:
        body = LimitResult(
            at=MIDNIGHT, command={"source": "zombie", "boot_id": "z", "seq": bridge.seq + 1},  # type: ignore[arg-type]  # pydantic makes a MessageId of it
            epoch=1, instance="zombie", outcome=outcome,
            reason=Reason(code="wrong-epoch", text="epoch 1 is not the current 2"),
        )  # fmt: skip
        return bridge.say(topics.LIMIT_RESULT, body, station="car1")

    refused, applied = LimitOutcome.REFUSED, LimitOutcome.APPLIED
    lines = told(*(result(o) for o in (refused, refused, applied, refused)), intake=intake)

    assert [line for line in lines if "zombie refused" in line] == [
        "[23:00] Limit of zombie refused | epoch 1 is not the current 2"
    ] * 2


def test_a_reset_of_the_station_does_not_invent_negative_energy() -> None:
    bridge = Bridge()

    lines = told(
        bridge.say(
            topics.METER,
            reading(MIDNIGHT, 7400, energy_active_import_register_wh=5000.0),
            station="car1",
        ),
        bridge.say(topics.METER, reading(MIDNIGHT + timedelta(hours=1)), station="car1"),
    )

    assert "kWh in" not in lines[-1]
