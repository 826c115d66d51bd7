"""The judges of the chaos tests find what is broken in evidence made by hand."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chaos.control_promises import judge_calls, judge_leases, judge_power, judge_results
from chaos.data_promises import judge_data
from chaos.evidence import Evidence, LimitCall, PerPhase, Poll, PowerSample, Sighting
from chaos.logbook import Logbook, read_logbook
from chaos.verdict import Verdict

BRIDGE = "station-bridge"


def sighting(topic: str, at_s: float, *, is_outward: bool = True, **body: Any) -> Sighting:
    envelope = {"source": BRIDGE, "boot_id": "boot", "seq": round(at_s * 100)}
    return Sighting(BRIDGE, is_outward, f"wattbus/v1/chaos/{topic}", envelope | body, False, at_s)


def lease(at_s: float, epoch: int, holder: str | None, boot_id: str = "boot") -> Sighting:
    return sighting("lease/state", at_s, epoch=epoch, holder=holder, boot_id=boot_id)


def result(at_s: float, limit: Sighting, epoch: int, instance: str) -> Sighting:
    command = {"boot_id": limit.body["boot_id"], "seq": limit.body["seq"]}
    return sighting(
        "station/car1/limit/result",
        at_s,
        epoch=epoch,
        instance=instance,
        outcome="applied",
        command=command,
    )


def limit_in(at_s: float) -> Sighting:
    return sighting("station/car1/limit/set", at_s, is_outward=False)


def book(*numbers: int, instants: tuple[str, ...] = ()) -> Logbook:
    return Logbook(
        rows=Counter((BRIDGE, "boot", number) for number in numbers),
        instants=Counter(("car1", at) for at in instants),
    )


def evidence(*meters: Sighting, polls: tuple[Poll, ...] = ()) -> Evidence:
    return Evidence(sightings=list(meters), polls=list(polls))


def poll(at: str, *, is_taken: bool) -> Poll:
    return Poll(BRIDGE, 1, "car1", at, 1, 0.0, is_taken, is_taken)


def sample(at_s: float, house_a: float, stations_a: float) -> PowerSample:
    return PowerSample(at_s, per_phase(house_a), per_phase(stations_a), (True,))


def per_phase(current_a: float) -> PerPhase:
    return current_a, 0.0, 0.0


METER = sighting("station/car1/meter", 0.01)


def test_a_row_for_each_reading_keeps_all_promises_about_data() -> None:
    seen = evidence(METER, polls=(poll("10:00", is_taken=True),))

    verdict = judge_data(seen, book(1, instants=("10:00",)), BRIDGE)

    assert not verdict.broken


@pytest.mark.parametrize(
    ("rows", "instants", "promise"),
    [
        ((), ("10:00",), "0 missing"),
        ((1,), (), "0 missing"),
        ((1, 1), ("10:00",), "0 duplicate"),
        ((1, 2), ("10:00", "10:00"), "nothing that nobody sent"),
    ],
)
def test_lost_doubled_and_invented_rows_are_found(
    rows: tuple[int, ...], instants: tuple[str, ...], promise: str
) -> None:
    seen = evidence(METER, polls=(poll("10:00", is_taken=True),))

    verdict = judge_data(seen, book(*rows, instants=instants), BRIDGE)

    assert promise in verdict.broken


def test_a_reading_that_the_bridge_may_not_have_got_may_be_missing() -> None:
    polls = (poll("10:00", is_taken=True), poll("10:01", is_taken=False))

    verdict = judge_data(evidence(METER, polls=polls), book(1, instants=("10:00",)), BRIDGE)

    assert not verdict.broken


@pytest.mark.parametrize(("before_the_end_s", "is_owed"), [(0.5, False), (1.5, True)])
def test_only_what_was_read_right_before_a_kill_may_be_lost_with_the_bridge(
    before_the_end_s: float, is_owed: bool
) -> None:
    lost, last, next_life = (
        poll("10:00", is_taken=True),
        poll("10:01", is_taken=True),
        poll("10:02", is_taken=True),
    )
    lost.answered_s, last.answered_s = 10 - before_the_end_s, 10.0
    next_life.life, next_life.answered_s = 2, 20.0
    seen = evidence(METER, polls=(lost, last, next_life))

    verdict = judge_data(seen, book(1, instants=("10:01", "10:02")), BRIDGE)

    assert ("0 missing" in verdict.broken) == is_owed


def test_what_another_sender_is_owed_may_be_quarantined_but_not_missing() -> None:
    owed = {("flood", "boot", 1), ("flood", "boot", 2)}
    logged = book(1, instants=("10:00",))
    logged.quarantined["flood", "boot", 1] = 1
    seen = evidence(METER, polls=(poll("10:00", is_taken=True),))

    assert judge_data(seen, logged, BRIDGE, owed).figures["missing"] == 1
    logged.rows["flood", "boot", 2] = 1
    assert not judge_data(seen, logged, BRIDGE, owed).broken


def test_torn_lines_are_found(tmp_path: Path) -> None:
    (tmp_path / "battery_log.csv").write_text(
        "station,at,source,boot_id,seq\ncar1,10:00,b,boot,1\ncar1,10:01,b"
    )
    (tmp_path / "events.jsonl").write_text('{"topic": "a"}\n{"topic": \n')

    found = read_logbook(tmp_path)

    assert list(found.rows) == [("b", "boot", 1)]
    assert len(found.torn) == 3


def test_two_holders_of_one_epoch_are_found() -> None:
    verdict = Verdict()
    judge_leases([lease(1, 1, "a"), lease(2, 1, "b")], verdict)
    assert "one holder an epoch" in verdict.broken


@pytest.mark.parametrize(
    "leases",
    [
        [lease(1, 2, "a"), lease(2, 1, "b")],
        [lease(1, 2, "a"), lease(2, 2, None, "next-boot")],
    ],
)
def test_epochs_that_do_not_rise_are_found(leases: list[Sighting]) -> None:
    verdict = Verdict()
    judge_leases(leases, verdict)
    assert "epochs rise" in verdict.broken


@pytest.mark.parametrize(
    ("came_in_s", "epoch", "instance", "is_stale"),
    [
        (1.5, 1, "a", False),
        (2.5, 2, "b", False),
        (2.5, 1, "a", True),
        (2.5, 2, "a", True),
        (1.5, 2, "b", True),
    ],
)
def test_only_the_holders_limits_may_be_applied(
    came_in_s: float, epoch: int, instance: str, is_stale: bool
) -> None:
    verdict, limit = Verdict(), limit_in(came_in_s)

    judge_results(
        [lease(1, 1, "a"), lease(2, 2, "b")], [result(3, limit, epoch, instance)], [limit], verdict
    )

    assert ("0 stale limits applied" in verdict.broken) == is_stale


def test_a_limit_that_is_applied_twice_is_found() -> None:
    verdict, limit = Verdict(), limit_in(1.5)
    results = [result(2, limit, 1, "a"), result(3, limit, 1, "a")]

    judge_results([lease(1, 1, "a")], results, [limit], verdict)

    assert "no limit twice" in verdict.broken


@pytest.mark.parametrize(
    ("second", "is_broken"),
    [
        (LimitCall(BRIDGE, 1, "car1", 7400, (1, 2), 2.0, 200), False),
        (LimitCall(BRIDGE, 1, "car1", 0, (1, 1), 2.0, 200), False),
        (LimitCall(BRIDGE, 1, "car1", 7400, (1, 1), 2.0, 200), True),
    ],
)
def test_a_limit_that_is_sent_to_a_station_again_is_found(
    second: LimitCall, is_broken: bool
) -> None:
    verdict = Verdict()
    first = LimitCall(BRIDGE, 1, "car1", 7400, (1, 1), 1.0, 200)

    judge_calls([first, second], verdict, is_disturbed=False)

    assert bool(verdict.broken) == is_broken


def test_a_limit_that_a_later_process_sends_again_is_found() -> None:
    verdict = Verdict()
    calls = [
        LimitCall(BRIDGE, 1, "car1", 7400, (1, 1), 1.0, 200),
        LimitCall(BRIDGE, 1, "car1", 0, (1, 2), 2.0, 200),
        LimitCall(BRIDGE, 2, "car1", 7400, (1, 1), 3.0, 200),
    ]

    judge_calls(calls, verdict, is_disturbed=True)

    assert "no (epoch, seq) twice" in verdict.broken


def test_a_command_above_the_fuse_is_found_at_once() -> None:
    verdict = Verdict()
    judge_power([sample(1, 10, 0), sample(1.04, 10, 16)], [], verdict)
    assert verdict.figures["unanswered_over_fuse_a"] == 1.0
    assert "Σ power ≤ fuse" in verdict.broken


@pytest.mark.parametrize(("lasts_s", "is_broken"), [(0.3, False), (0.8, True)])
def test_a_load_that_rises_must_be_answered_within_a_poll(lasts_s: float, is_broken: bool) -> None:
    verdict = Verdict()
    rising = [sample(1, 5, 16), sample(2, 12, 16), sample(2 + lasts_s, 12, 16), sample(3.5, 12, 6)]

    judge_power(rising, [], verdict)

    assert bool(verdict.broken) == is_broken


def test_a_command_may_not_know_yet_of_a_load_that_has_just_risen() -> None:
    verdict = Verdict()
    judge_power([sample(1, 5, 8), sample(2, 12, 8), sample(2.1, 12, 16)], [], verdict)
    assert not verdict.broken


def test_nobody_answers_a_load_while_the_bridge_is_away() -> None:
    verdict = Verdict()
    judge_power([sample(1, 5, 16), sample(2, 12, 16), sample(9, 12, 16)], [(1.5, 10)], verdict)
    assert not verdict.broken
