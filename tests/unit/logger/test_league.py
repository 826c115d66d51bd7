"""Several schedulers on one car: each is counted by what it would have done."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.logger.course_day import (
    CAPACITY_WH,
    FULL_W,
    MIDNIGHT,
    Bridge,
    reading,
    site_info,
    station_info,
)
from wattbus_contract import facts, topics
from wattbus_contract.accounts import League, LeagueEntry
from wattbus_contract.base import Reason
from wattbus_contract.codec import decode
from wattbus_contract.control import LeaseState, Plan, PlanSlot, StationPlan
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_logger.known import KnownSite
from wattbus_logger.league import LeagueState, ShadowLeague

WHY = Reason(code="charging-cheapest", text="charging")
NEED_WH = 0.1 * CAPACITY_WH
FULL_H = NEED_WH / FULL_W
PRICES = (1.0, 1.0, 0.5, 0.2, 0.2, 2.0)
Said = tuple[str, bytes]


def when(hour: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def plan_of(
    instance: str, strategy: str, slots: list[tuple[float, float]], at_h: float, speaker: Bridge,
    *, is_shadow: bool,
) -> Said:  # fmt: skip
    """Say a plan that charges at full power from hour to hour."""
    planned = tuple(
        PlanSlot(
            start_at=when(start), duration_s=(end - start) * 3600, limit_w=FULL_W, reason=WHY,
            expected_energy_wh=0, expected_cost=0,
        )
        for start, end in slots
    )  # fmt: skip
    station = StationPlan(
        station="car1", slots=planned, target_soc_percent=80, expected_energy_wh=0, expected_cost=0
    )
    plan = Plan(
        planned_at=when(at_h), strategy=strategy, instance=instance, currency="SEK",
        stations=(station,), expected_cost=0,
    )  # fmt: skip
    if is_shadow:
        return speaker.say(topics.SHADOW_PLAN, plan, client=instance)
    return speaker.say(topics.PLAN, plan)


def lease(bridge: Bridge, holder: str) -> Said:
    state = LeaseState(epoch=1, ttl_s=15, bridge_boot_id="0" * 16, holder=holder)
    return bridge.say(topics.LEASE_STATE, state)


def preparations(bridge: Bridge) -> Iterator[Said]:
    goal = facts.Goal(mode=facts.Mode.SMART, target_soc_percent=80, departure_at=when(5.5))
    yield bridge.say(topics.SITE_INFO, site_info("car1"))
    yield bridge.say(topics.STATION_INFO, station_info(), station="car1")
    yield bridge.say(topics.GOAL, goal, station="car1")


def night(
    bridge: Bridge,
    real_hours: tuple[float, float],
    poll_h: float = 0.1,
    from_h: float = 0.0,
    sunny_hours: tuple[float, float] = (0.0, 0.0),
) -> Iterator[Said]:
    """Say the readings of a night from 70 %: charged at full power in the given hours.

    In the sunny ones the roof leaves half of that power, which would sell for 0.1.
    """
    for step in range(round(from_h / poll_h), round(5.5 / poll_h) + 1):
        hour = step * poll_h
        hours = max(0.0, min(hour, real_hours[1]) - real_hours[0])
        power_w = FULL_W if real_hours[0] <= hour < real_hours[1] else 0.0
        yield bridge.say(
            topics.METER,
            reading(
                when(hour), power_w, energy_active_import_register_wh=hours * FULL_W,
                soc_percent=70 + hours * FULL_W / CAPACITY_WH * 100,
                price_per_kwh=PRICES[min(int(hour + 1e-9), 5)],
                pv_power_w=(
                    990 + FULL_W / 2 if sunny_hours[0] <= hour + 1e-9 < sunny_hours[1] else 0.0
                ),
                feed_in_price_per_kwh=0.1,
            ),
            station="car1",
        )  # fmt: skip


def unplugged(bridge: Bridge, hour: float = 5.6) -> Said:
    away = reading(when(hour), is_plugged_in=False, soc_percent=None, price_per_kwh=2.0,
                   connector_status=facts.ConnectorStatus.AVAILABLE,
                   energy_active_import_register_wh=FULL_H * FULL_W)  # fmt: skip
    return bridge.say(topics.METER, away, station="car1")


def follow(messages: Iterator[Said] | list[Said], league: ShadowLeague, site: KnownSite) -> None:
    for topic, payload in messages:
        message = decode(topic, payload)
        site.note(message)
        league.note(message, site)


def entries(league: ShadowLeague) -> dict[str, LeagueEntry]:
    table = league.table("SEK")
    assert isinstance(table, League)
    return {entry.instance: entry for entry in table.entries}


def scripted(bridge: Bridge, sunny_hours: tuple[float, float] = (0.0, 0.0)) -> list[Said]:
    """The holder charges at once, at 1.0; another one would have waited for 0.2."""
    mine, other = Bridge("a", "a" * 16), Bridge("b", "b" * 16)
    return [
        *preparations(bridge),
        lease(bridge, "a"),
        plan_of("a", "now", [(0, FULL_H)], 0, mine, is_shadow=False),
        plan_of("b", "cheapest", [(3, 3 + FULL_H)], 0, other, is_shadow=True),
        *night(bridge, (0.0, FULL_H), sunny_hours=sunny_hours),
        unplugged(bridge),
    ]


@pytest.fixture
def league() -> ShadowLeague:
    return ShadowLeague()


@pytest.fixture
def site() -> KnownSite:
    return KnownSite()


def test_each_pays_the_prices_of_its_own_plan(league: ShadowLeague, site: KnownSite) -> None:
    follow(scripted(Bridge()), league, site)

    found = entries(league)

    assert found["a"].energy_wh == pytest.approx(NEED_WH, abs=1)
    assert found["b"].energy_wh == pytest.approx(NEED_WH, abs=1)
    assert found["a"].cost == pytest.approx(NEED_WH / 1000 * 1.0, rel=1e-3)
    assert found["b"].cost == pytest.approx(NEED_WH / 1000 * 0.2, rel=1e-3)
    assert [found[name].is_commanding for name in "ab"] == [True, False]
    assert [found[name].strategy for name in "ab"] == ["now", "cheapest"]
    assert found["a"].shortfall_wh == found["b"].shortfall_wh == 0


def test_what_comes_from_the_roof_costs_what_selling_it_would_have_brought(
    league: ShadowLeague, site: KnownSite
) -> None:
    follow(scripted(Bridge(), sunny_hours=(3.0, 5.0)), league, site)

    found = entries(league)
    assert found["a"].cost == pytest.approx(NEED_WH / 1000 * 1.0, rel=1e-3)
    assert found["b"].cost == pytest.approx(NEED_WH / 1000 * (0.2 + 0.1) / 2, rel=1e-3)


def test_least_cost_stands_first(league: ShadowLeague, site: KnownSite) -> None:
    follow(scripted(Bridge()), league, site)

    table = league.table("SEK")

    assert table is not None
    assert [entry.instance for entry in table.entries] == ["b", "a"]
    assert table.since_at == when(0)


def test_a_plan_made_for_the_car_that_others_have_charged_does_not_empty_ones_own(
    league: ShadowLeague, site: KnownSite
) -> None:
    """As the real car fills, a scheduler in the shadow sees nothing left to plan."""
    bridge, other = Bridge(), Bridge("b", "b" * 16)
    said = scripted(bridge)
    at = len(said) - 20
    nothing_left = plan_of("b", "cheapest", [], 3, other, is_shadow=True)
    other.seq = 50

    follow([*said[:at], nothing_left, *said[at:]], league, site)

    assert entries(league)["b"].energy_wh == pytest.approx(NEED_WH, abs=1)


def test_a_new_plan_for_the_same_car_is_followed(league: ShadowLeague, site: KnownSite) -> None:
    bridge, mine, other = Bridge(), Bridge("a", "a" * 16), Bridge("b", "b" * 16)
    said = [
        *preparations(bridge),
        lease(bridge, "a"),
        plan_of("a", "cheapest", [(4, 4 + FULL_H)], 0, mine, is_shadow=False),
        plan_of("b", "now", [(0, FULL_H)], 0, other, is_shadow=True),
        plan_of("b", "now", [(2, 2 + FULL_H)], 0, other, is_shadow=True),
        *night(bridge, (4.0, 4 + FULL_H)),
    ]

    follow(said, league, site)

    assert entries(league)["b"].cost == pytest.approx(NEED_WH / 1000 * 0.5, rel=1e-3)


def test_the_virtual_car_stops_at_its_target(league: ShadowLeague, site: KnownSite) -> None:
    bridge, mine, other = Bridge(), Bridge("a", "a" * 16), Bridge("b", "b" * 16)
    said = [
        *preparations(bridge),
        lease(bridge, "a"),
        plan_of("a", "cheapest", [(4, 4 + FULL_H)], 0, mine, is_shadow=False),
        plan_of("b", "now", [(0, 5)], 0, other, is_shadow=True),
        *night(bridge, (4.0, 4 + FULL_H)),
    ]

    follow(said, league, site)

    assert entries(league)["b"].energy_wh == pytest.approx(NEED_WH, abs=1)


def test_what_is_missing_at_departure_is_told(league: ShadowLeague, site: KnownSite) -> None:
    bridge, mine, other = Bridge(), Bridge("a", "a" * 16), Bridge("b", "b" * 16)
    said = [
        *preparations(bridge),
        lease(bridge, "a"),
        plan_of("a", "now", [(0, FULL_H)], 0, mine, is_shadow=False),
        plan_of("b", "threshold", [(3, 3.25)], 0, other, is_shadow=True),
        *night(bridge, (0.0, FULL_H)),
    ]
    follow(said, league, site)
    before = entries(league)["b"].shortfall_wh

    follow([unplugged(bridge)], league, site)

    assert before == 0
    assert entries(league)["b"].shortfall_wh == pytest.approx(NEED_WH - FULL_W / 4, abs=1)
    assert entries(league)["a"].shortfall_wh == pytest.approx(0, abs=1)


def test_polls_that_miss_the_slots_edges_lose_nothing(
    league: ShadowLeague, site: KnownSite
) -> None:
    bridge, mine, other = Bridge(), Bridge("a", "a" * 16), Bridge("b", "b" * 16)
    said = [
        *preparations(bridge),
        lease(bridge, "a"),
        plan_of("a", "now", [(0, FULL_H)], 0, mine, is_shadow=False),
        plan_of("b", "cheapest", [(2.9, 2.9 + FULL_H)], 0, other, is_shadow=True),
        *night(bridge, (0.0, FULL_H), poll_h=0.11),
    ]

    follow(said, league, site)

    paid = FULL_W / 1000 * (0.1 * 0.5 + (FULL_H - 0.1) * 0.2)
    assert entries(league)["b"].cost == pytest.approx(paid, rel=0.01)


def test_the_league_begins_anew_when_somebody_joins(league: ShadowLeague, site: KnownSite) -> None:
    bridge, third = Bridge(), Bridge("c", "c" * 16)
    said = scripted(bridge)
    at = len(said) - 21
    joined = plan_of("c", "load", [(4, 4 + FULL_H)], 3.5, third, is_shadow=True)

    follow([*said[:at], joined, *said[at:]], league, site)

    found = entries(league)
    assert found["a"].energy_wh == 0
    assert set(found) == {"a", "b", "c"}


def test_one_scheduler_alone_is_no_league(league: ShadowLeague, site: KnownSite) -> None:
    said = [entry for entry in scripted(Bridge()) if "shadow" not in entry[0]]

    follow(said, league, site)

    assert league.table("SEK") is None


def test_who_has_ended_is_left_out_from_the_next_session_on(
    league: ShadowLeague, site: KnownSite
) -> None:
    bridge, other = Bridge(), Bridge("b", "b" * 16)
    follow(scripted(bridge), league, site)
    gone = ServiceStatus(
        status=Status.DOWN, health=Health.OK, version="1", connection=1, started_at=when(0)
    )
    follow([other.say(topics.SERVICE_STATUS, gone, user="scheduler", client="b")], league, site)
    still_there = set(entries(league))

    plugged = bridge.say(topics.METER, reading(when(20), soc_percent=40), station="car1")
    follow([plugged], league, site)

    assert still_there == {"a", "b"}
    assert league.table("SEK") is None


@pytest.mark.parametrize("cut", [3, 8, 20, 40])
def test_a_state_that_was_put_away_goes_on_as_if_nothing_had_been(
    league: ShadowLeague, site: KnownSite, cut: int
) -> None:
    said = scripted(Bridge())
    follow(said, league, site)

    again, its_site = ShadowLeague(), KnownSite()
    follow(said[:cut], again, its_site)
    put_away = again.state.model_dump_json()
    woken = ShadowLeague(LeagueState.model_validate_json(put_away))
    follow(said[cut:], woken, its_site)

    assert woken.state == league.state


def test_a_reading_that_comes_twice_counts_once(league: ShadowLeague, site: KnownSite) -> None:
    said = scripted(Bridge())
    follow([message for one in said[:-1] for message in (one, one)], league, site)
    twice = entries(league)

    once = ShadowLeague()
    follow(said[:-1], once, KnownSite())

    assert twice == entries(once)


@given(
    st.lists(
        st.one_of(st.tuples(st.sampled_from(["car1", "car2", "car3"]), st.booleans()), st.none()),
        min_size=2, max_size=20,
    )
)  # fmt: skip
def test_cars_that_come_and_go_share_the_roof_as_they_would_after_a_restart(
    steps: list[tuple[str, bool] | None],
) -> None:
    """A league made from its own record counts the cars anew; one that goes on counts with them."""
    bridge, site, league = Bridge(), KnownSite(), ShadowLeague()
    for number, step in enumerate(steps):
        if step is None:
            reset = facts.StationEvent(
                at=when(0), kind=facts.StationEventKind.CLOCK_RESET, text="reset"
            )
            said = bridge.say(topics.STATION_EVENT, reset, station="car1")
        else:
            name, is_plugged_in = step
            sunny = reading(
                when(0.1 * number), is_plugged_in=is_plugged_in, pv_power_w=8000.0,
                feed_in_price_per_kwh=0.1,
            )  # fmt: skip
            said = bridge.say(topics.METER, sunny, station=name)
        restored = ShadowLeague(LeagueState.model_validate_json(league.state.model_dump_json()))
        follow([said], league, site)
        follow([said], restored, site)

        assert restored.state == league.state
