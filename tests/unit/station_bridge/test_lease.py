from hypothesis import given
from hypothesis import strategies as st

from wattbus_contract.control import LeaseAction, LeaseRequest
from wattbus_station_bridge.control.lease import Lease, at_boot, decide, end

TTL_S = 15.0
FREE = at_boot(7, TTL_S)


def ask(
    action: LeaseAction, who: str, epoch: int | None = None, successor: str | None = None
) -> LeaseRequest:
    return LeaseRequest(
        action=action, instance=who, nonce=f"n-{who}", epoch=epoch, successor=successor
    )


def held_by(who: str, now_s: float = 0.0) -> Lease:
    return decide(FREE, ask(LeaseAction.ACQUIRE, who), now_s).lease


def test_a_boot_begins_a_new_epoch_that_nobody_holds() -> None:
    assert FREE.epoch == 8
    assert not FREE.is_live(0.0)


def test_a_free_lease_is_granted_under_a_new_epoch() -> None:
    lease = held_by("a")

    assert (lease.epoch, lease.holder, lease.nonce) == (9, "a", "n-a")
    assert lease.is_live(TTL_S - 0.01)
    assert not lease.is_live(TTL_S)


def test_a_held_lease_is_not_granted_to_another() -> None:
    decision = decide(held_by("a"), ask(LeaseAction.ACQUIRE, "b"), 14.9)

    assert not decision.is_granted
    assert decision.lease.holder == "a"


def test_an_expired_lease_is_granted_to_another() -> None:
    decision = decide(held_by("a"), ask(LeaseAction.ACQUIRE, "b"), 15.0)

    assert (decision.lease.holder, decision.lease.epoch) == ("b", 10)


def test_a_restarted_holder_gets_a_new_epoch_that_fences_its_former_self() -> None:
    anew = LeaseRequest(action=LeaseAction.ACQUIRE, instance="a", nonce="another")

    decision = decide(held_by("a"), anew, 1.0)

    assert decision.is_granted
    assert decision.lease.epoch == 10


def test_a_holder_that_asks_again_before_it_has_heard_does_not_fence_itself() -> None:
    first = decide(FREE, ask(LeaseAction.ACQUIRE, "a"), 0.0, boot_id="boot-1").lease
    again = LeaseRequest(action=LeaseAction.ACQUIRE, instance="a", nonce="again")

    same_process = decide(first, again, 5.0, boot_id="boot-1").lease
    restarted = decide(first, again, 5.0, boot_id="boot-2").lease

    assert (same_process.epoch, same_process.nonce) == (first.epoch, "again")
    assert same_process.expires_s == 5.0 + TTL_S
    assert (restarted.epoch, restarted.acquired_by) == (first.epoch + 1, "boot-2")


def test_a_lease_that_was_handed_over_is_acquired_under_a_new_epoch() -> None:
    held = decide(FREE, ask(LeaseAction.ACQUIRE, "a"), 0.0, boot_id="boot-a").lease
    handed = decide(held, ask(LeaseAction.HANDOVER, "a", held.epoch, "b"), 1.0, "boot-a").lease

    taken = decide(handed, ask(LeaseAction.ACQUIRE, "b"), 2.0, boot_id="boot-b").lease

    assert (taken.epoch, taken.holder) == (handed.epoch + 1, "b")


def test_an_acquire_that_arrives_twice_changes_nothing_and_is_answered() -> None:
    lease = held_by("a")
    renewed = decide(
        lease,
        LeaseRequest(action=LeaseAction.RENEW, instance="a", nonce="later", epoch=9),
        1.0,
    ).lease

    for held in (lease, renewed):
        again = decide(held, ask(LeaseAction.ACQUIRE, "a"), 2.0)
        assert again.is_granted
        assert again.lease == held


def test_an_acquire_that_arrives_again_after_the_lease_ran_out_is_a_new_one() -> None:
    assert decide(held_by("a"), ask(LeaseAction.ACQUIRE, "a"), 15.0).lease.epoch == 10


def test_renewing_keeps_the_epoch_and_prolongs() -> None:
    decision = decide(held_by("a"), ask(LeaseAction.RENEW, "a", 9), 10.0)

    assert decision.lease.epoch == 9
    assert decision.lease.expires_s == 25.0


def test_what_has_run_out_cannot_be_renewed() -> None:
    assert not decide(held_by("a"), ask(LeaseAction.RENEW, "a", 9), 15.0).is_granted


def test_neither_a_former_epoch_nor_another_instance_can_renew_release_or_hand_over() -> None:
    lease = held_by("a")

    for action in (LeaseAction.RENEW, LeaseAction.RELEASE, LeaseAction.HANDOVER):
        assert not decide(lease, ask(action, "a", 8, "x"), 1.0).is_granted
        assert not decide(lease, ask(action, "b", 9, "x"), 1.0).is_granted


def test_handing_over_names_the_successor_under_a_new_epoch() -> None:
    decision = decide(held_by("a"), ask(LeaseAction.HANDOVER, "a", 9, "b"), 3.0)

    assert (decision.lease.holder, decision.lease.epoch) == ("b", 10)
    assert decision.lease.expires_s == 18.0


def test_releasing_leaves_nobody_in_the_same_epoch() -> None:
    decision = decide(held_by("a"), ask(LeaseAction.RELEASE, "a", 9), 3.0)

    assert (decision.lease.holder, decision.lease.epoch) == (None, 9)
    assert end(held_by("a")).holder is None


names = st.sampled_from(["a", "b", "c"])
requests = st.tuples(
    st.sampled_from(list(LeaseAction)), names, st.integers(0, 12), names, st.floats(0, 20)
)


@given(st.lists(requests, max_size=40))
def test_each_epoch_has_one_holder_and_epochs_never_fall(
    wishes: list[tuple[LeaseAction, str, int, str, float]],
) -> None:
    lease, now_s = FREE, 0.0
    holders: dict[int, str] = {}
    for action, who, epoch, successor, pause_s in wishes:
        now_s += pause_s
        before = lease
        lease = decide(lease, ask(action, who, epoch, successor), now_s).lease
        assert lease.epoch in {before.epoch, before.epoch + 1}
        if lease.holder is not None:
            assert holders.setdefault(lease.epoch, lease.holder) == lease.holder
