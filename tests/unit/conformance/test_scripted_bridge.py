"""The scripted bridge grants, accepts and reckons as docs/lease-protocol.md says."""

from dataclasses import replace

import pytest

from wattbus_conformance import scenery
from wattbus_conformance.lease import ScriptedLease
from wattbus_conformance.site import ScriptedSite, instant
from wattbus_conformance.station import power_of
from wattbus_contract.base import MessageId, Reason
from wattbus_contract.control import LeaseAction, LeaseRequest, LimitOutcome, LimitResult, SetLimit

TTL_S = 6.0


def lease() -> ScriptedLease:
    return ScriptedLease(TTL_S, "boot", epoch=3)


def ask(
    action: str, instance: str = "a", nonce: str = "n", epoch: int | None = 4, to: str | None = None
) -> LeaseRequest:
    return LeaseRequest(
        action=LeaseAction(action), instance=instance, nonce=nonce, epoch=epoch, successor=to
    )


def test_acquire_of_a_free_lease_raises_the_epoch_and_echoes_the_nonce() -> None:
    scripted = lease()

    announced = scripted.handle(ask("acquire", nonce="mine"), 10.0)

    assert announced
    assert (scripted.epoch, scripted.holder, scripted.nonce) == (4, "a", "mine")


def test_acquire_of_a_held_lease_is_not_granted_until_it_has_run_out() -> None:
    scripted = lease()
    scripted.handle(ask("acquire"), 10.0)

    assert not scripted.handle(ask("acquire", "b", "other"), 10.0 + TTL_S - 0.1)
    assert scripted.handle(ask("acquire", "b", "other"), 10.0 + TTL_S)
    assert (scripted.epoch, scripted.holder) == (5, "b")


def test_acquire_of_the_holder_itself_raises_the_epoch_but_not_for_a_redelivery() -> None:
    scripted = lease()
    scripted.handle(ask("acquire", nonce="first"), 10.0)

    scripted.handle(ask("acquire", nonce="first"), 10.1)
    assert scripted.epoch == 4

    scripted.handle(ask("acquire", nonce="second"), 10.2)
    assert scripted.epoch == 5


def test_renewal_needs_epoch_and_holder_and_counts_from_its_arrival() -> None:
    scripted = lease()
    scripted.handle(ask("acquire"), 10.0)

    assert not scripted.handle(ask("renew", epoch=3), 12.0)
    assert not scripted.handle(ask("renew", "b"), 12.0)
    assert scripted.handle(ask("renew", nonce="again"), 12.0)

    assert scripted.is_held_by("a", 12.0 + TTL_S - 0.1)
    assert not scripted.is_held_by("a", 12.0 + TTL_S)


def test_handover_gives_the_lease_to_the_successor_in_a_new_epoch() -> None:
    scripted = lease()
    scripted.handle(ask("acquire"), 10.0)

    scripted.handle(ask("handover", to="b"), 11.0)

    assert (scripted.epoch, scripted.holder) == (5, "b")


def test_release_frees_the_lease_in_the_same_epoch() -> None:
    scripted = lease()
    scripted.handle(ask("acquire"), 10.0)

    scripted.handle(ask("release"), 11.0)

    assert (scripted.epoch, scripted.holder) == (4, None)


def test_a_bridge_that_is_cut_off_hears_nothing() -> None:
    scripted = replace(lease(), answers=False)

    assert not scripted.handle(ask("acquire"), 10.0)
    assert scripted.holder is None


@pytest.mark.parametrize(
    ("limit_w", "power_w"), [(0, 0), (7000, 0), (7399.5, 7400), (7400, 7400), (11_000, 7400)]
)
def test_switch_is_on_only_where_its_whole_power_is_allowed(limit_w: float, power_w: float) -> None:
    assert power_of(scenery.switched(), limit_w) == power_w


@pytest.mark.parametrize(
    ("limit_w", "power_w"), [(0, 0), (1379, 0), (1380, 1380), (3000, 2990), (9000, 7360)]
)
def test_current_is_the_highest_step_that_is_not_above_the_limit(
    limit_w: float, power_w: float
) -> None:
    assert power_of(scenery.with_current(), limit_w) == pytest.approx(power_w)


def held_site() -> ScriptedSite:
    site = scenery.site({"car1": scenery.switched()})
    site.lease.handle(ask("acquire", epoch=None), 10.0)
    return site


def command(
    site: ScriptedSite, *, seq: int = 1, is_retained: bool = False, at_s: float = 11.0,
    station: str = "car1", **changes: object,
) -> LimitResult:  # fmt: skip
    limit = SetLimit(
        epoch=site.lease.epoch, instance="a", valid_for_s=60,
        reason=Reason(code="x", text="x"), limit_w=7400.0,
    ).model_copy(update=changes)  # fmt: skip
    message = MessageId(source="a", boot_id="boot-of-a", seq=seq)
    return site.command(station, limit, message, at_s, is_retained=is_retained, expires_in_s=None)


def test_limit_of_the_holder_is_applied_and_lets_the_car_draw() -> None:
    site = held_site()

    result = command(site)

    assert result.outcome is LimitOutcome.APPLIED
    assert site.stations["car1"].power_w == 7400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_retained": True}, "retained"),
        ({"epoch": 7}, "wrong-epoch"),
        ({"instance": "b"}, "not-holder"),
        ({"at_s": 10.0 + scenery.TTL_S}, "not-holder"),
        ({"station": "ghost"}, "unknown-station"),
    ],
)
def test_limit_is_refused_with_its_reason(changes: dict[str, object], code: str) -> None:
    site = held_site()

    result = command(site, **changes)  # type: ignore[arg-type]  # a table of differing fields

    assert (result.outcome, result.reason.code) == (LimitOutcome.REFUSED, code)
    assert site.stations["car1"].limit_w is None


def test_sequence_must_rise_within_an_epoch() -> None:
    site = held_site()
    command(site, seq=5)

    assert command(site, seq=5).reason.code == "old-seq"
    assert command(site, seq=6).outcome is LimitOutcome.APPLIED


def test_limit_lapses_at_the_sites_failsafe_time() -> None:
    site = held_site()
    command(site, at_s=11.0)

    list(site.poll(11.0 + scenery.FAILSAFE_AFTER_S - 0.1))
    assert site.stations["car1"].limit_w == 7400

    list(site.poll(11.0 + scenery.FAILSAFE_AFTER_S))
    assert site.stations["car1"].limit_w is None


def test_an_hour_of_charging_is_stored_with_its_loss_and_its_cost() -> None:
    site = scenery.site({"car1": scenery.switched()}, starts=scenery.NIGHT, step_s=3600)
    site.lease.handle(ask("acquire", epoch=None), 10.0)
    command(site)

    list(site.poll(11.1))

    car = site.stations["car1"]
    assert car.soc_percent == pytest.approx(20 + 7.4 * 0.9 / 50 * 100)
    assert car.energy_wh == pytest.approx(7400)
    assert car.cost == pytest.approx(7.4 * scenery.CHEAP)
    assert site.at == instant("2025-01-16T02:00")


def test_overload_counts_house_and_limits_and_every_phase() -> None:
    everywhere = {"phases": (1, 2, 3), "max_power_w": 11_040.0}
    three = scenery.with_current().model_copy(update=everywhere)
    site = scenery.site(
        {"car1": scenery.with_current(), "car2": three},
        house_load_w=3000.0, phases=3, fuse_current_a=20.0,
    )  # fmt: skip
    assert site.overload_w() == 0

    site.stations["car1"].limit_w = 3600.0
    assert site.overload_w() == 0

    site.stations["car2"].limit_w = 4200.0
    assert site.overload_w() == pytest.approx(1000 + 3600 + 1400 - 20 * 230)
