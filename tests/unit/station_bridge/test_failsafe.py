import pytest

from unit.station_bridge.levels import CURRENT_1, CURRENT_3, SWITCH
from wattbus_contract.facts import Mode
from wattbus_station_bridge.control.failsafe import (
    Command,
    FailsafeLimits,
    command_until_s,
    intend,
    within,
)

COMMAND = Command(level_w=3680.0, until_s=100.0)


def test_a_limit_stands_until_it_expires_and_then_comes_the_fail_safe() -> None:
    before = intend(Mode.SMART, COMMAND, CURRENT_1, 1380.0, 99.9, is_full=False)
    after = intend(Mode.SMART, COMMAND, CURRENT_1, 1380.0, 100.0, is_full=False)

    assert (before.level_w, before.is_failsafe) == (3680.0, False)
    assert (after.level_w, after.is_failsafe) == (1380.0, True)


def test_without_any_limit_the_fail_safe_holds_from_the_start() -> None:
    assert intend(Mode.SMART, None, CURRENT_1, 1380.0, 0.0, is_full=False).is_failsafe


@pytest.mark.parametrize(
    ("received_s", "deadline_s", "until_s"), [(10.0, 70.0, 40.0), (10.0, 15.0, 15.0)]
)
def test_a_limit_stands_as_long_as_it_is_valid_but_not_beyond_the_fail_safe_time(
    received_s: float, deadline_s: float, until_s: float
) -> None:
    assert command_until_s(received_s, deadline_s, failsafe_after_s=30.0) == until_s


def test_modes_need_no_scheduler() -> None:
    now = intend(Mode.NOW, None, CURRENT_3, 0.0, 0.0, is_full=False)
    off = intend(Mode.OFF, COMMAND, CURRENT_3, 0.0, 0.0, is_full=False)

    assert (now.level_w, now.is_failsafe) == (CURRENT_3.maximum_w, False)
    assert (off.level_w, off.is_failsafe) == (0.0, False)


def test_mode_now_ends_at_the_target() -> None:
    assert intend(Mode.NOW, None, CURRENT_3, 0.0, 0.0, is_full=True).level_w == 0


@pytest.mark.parametrize(
    ("mode", "command"), [(Mode.SMART, COMMAND), (Mode.NOW, None), (Mode.SMART, None)]
)
@pytest.mark.parametrize(("allowed_a", "level_w"), [(5.9, 0.0), (6, 1380.0), (10.9, 2300.0)])
def test_a_person_s_limit_is_kept_whoever_wants_more(
    mode: Mode, command: Command | None, allowed_a: float, level_w: float
) -> None:
    wanted = intend(mode, command, CURRENT_1, 3680.0, 0.0, is_full=False)

    kept = within(wanted, CURRENT_1, allowed_a)

    assert kept.level_w == pytest.approx(level_w)
    assert (kept.code, kept.is_failsafe) == (wanted.code, wanted.is_failsafe)
    assert f"at most {allowed_a:g} A" in kept.limited


def test_a_person_s_limit_never_raises_and_says_nothing_where_it_does_not_bind() -> None:
    wanted = intend(Mode.SMART, COMMAND, CURRENT_1, 0.0, 0.0, is_full=False)

    assert within(wanted, CURRENT_1, 16.0) == wanted
    assert within(wanted, CURRENT_1, 32.0) == wanted
    assert within(wanted, CURRENT_1, None) == wanted


def test_a_switch_that_needs_more_than_a_person_allows_is_off_and_says_what_it_needs() -> None:
    wanted = intend(Mode.NOW, None, SWITCH, 0.0, 0.0, is_full=False)

    kept = within(wanted, SWITCH, 16.0)

    assert kept.level_w == 0
    assert "needs 32.2 A" in kept.limited


def test_the_fail_safe_limit_of_a_switch_that_needs_more_is_off() -> None:
    limits = FailsafeLimits(11_000, 11_000)
    limits.put("a", SWITCH, 6.0)
    limits.put("b", CURRENT_1, 6.0)

    assert (limits.limit_w("a"), limits.limit_w("b")) == (0.0, 1380.0)


@pytest.mark.parametrize(
    ("total_w", "phase_w", "limit_w"),
    [(5521, 5521, 1380.0), (5519, 9999, 0.0), (9999, 5519, 0.0)],
)
def test_fail_safe_limits_that_exceed_the_site_are_zero(
    total_w: float, phase_w: float, limit_w: float
) -> None:
    limits = FailsafeLimits(total_w, phase_w)
    for number in range(4):
        limits.put(f"s{number}", CURRENT_1, 6.0)

    assert {limits.limit_w(f"s{number}") for number in range(4)} == {limit_w}


def test_a_station_that_turns_out_smaller_gives_the_others_room() -> None:
    limits = FailsafeLimits(5000, 5000)
    limits.put("a", CURRENT_3, 16.0)
    limits.put("b", CURRENT_1, 6.0)
    assert not limits.fit

    limits.put("a", CURRENT_1, 6.0)

    assert limits.fit
    assert limits.limit_w("b") == 1380.0
