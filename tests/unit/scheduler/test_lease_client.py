"""The scheduler's side of the lease, on a clock that the test turns."""

from itertools import count

from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState
from wattbus_scheduler.lease_client import LeaseClient


def client(instance: str = "scheduler") -> LeaseClient:
    numbers = count(1)
    return LeaseClient(instance, lambda: f"{instance}-nonce-{next(numbers)}")


def state(
    epoch: int,
    holder: str | None,
    nonce: str | None = None,
    boot: str = "bridge",
    ttl_s: float = 15,
) -> LeaseState:
    return LeaseState(epoch=epoch, ttl_s=ttl_s, bridge_boot_id=boot, holder=holder, nonce=nonce)


def asked(lease: LeaseClient, now_s: float) -> LeaseRequest:
    request = lease.due_request(now_s)
    assert request is not None
    return request


def holding(now_s: float = 0.0, epoch: int = 5) -> LeaseClient:
    lease = client()
    lease.take_state(state(epoch, "scheduler", asked(lease, now_s).nonce), now_s + 0.1)
    return lease


def test_a_granted_request_allows_to_command_with_its_epoch() -> None:
    lease = client()
    request = asked(lease, 0)
    assert request.action is LeaseAction.ACQUIRE
    assert lease.epoch_at(0) is None

    lease.take_state(state(5, "scheduler", request.nonce), 0.1)

    assert lease.epoch_at(0.2) == 5


def test_commanding_ends_a_margin_before_the_time_to_live_counted_from_the_sending() -> None:
    lease = holding(now_s=100.0)

    assert lease.epoch_at(112.9) == 5
    assert lease.epoch_at(113.0) is None


def test_a_renewal_counts_only_once_the_bridge_has_answered_it() -> None:
    lease = holding()
    renewal = asked(lease, 5.0)
    assert (renewal.action, renewal.epoch) == (LeaseAction.RENEW, 5)
    assert lease.epoch_at(13.5) is None

    lease.take_state(state(5, "scheduler", renewal.nonce), 5.1)

    assert lease.epoch_at(13.5) == 5
    assert lease.epoch_at(18.0) is None


def test_requests_are_sent_three_times_in_a_time_to_live() -> None:
    lease = holding()

    assert lease.due_request(4.9) is None
    assert lease.due_request(5.0) is not None
    assert lease.due_request(5.1) is None


def test_a_paused_process_finds_its_lease_over_and_asks_anew() -> None:
    lease = holding()

    assert lease.epoch_at(60) is None
    assert asked(lease, 60).action is LeaseAction.ACQUIRE


def test_another_holder_ends_commanding_at_once_and_is_not_fought() -> None:
    lease = holding()
    lease.take_state(state(6, "rival", "rival-nonce"), 1.0)

    assert lease.epoch_at(1.0) is None
    assert lease.due_request(1.0) is None
    assert asked(lease, 5.0).action is LeaseAction.ACQUIRE


def test_a_free_lease_is_asked_for_at_once() -> None:
    lease = holding()
    lease.take_state(state(6, None, boot="bridge-2"), 1.0)

    assert asked(lease, 1.0).action is LeaseAction.ACQUIRE


def test_a_lease_of_an_earlier_process_of_the_same_name_is_not_ours() -> None:
    lease = client()
    lease.take_state(state(5, "scheduler", "nonce-of-the-dead"), 0.0)

    assert lease.epoch_at(0.0) is None
    assert asked(lease, 0.0).action is LeaseAction.ACQUIRE


def test_having_asked_does_not_make_the_lease_of_an_earlier_process_ours() -> None:
    lease = client()
    asked(lease, 0.0)

    lease.take_state(state(5, "scheduler", "nonce-of-the-dead"), 0.1)

    assert lease.epoch_at(0.1) is None
    assert asked(lease, 0.1).action is LeaseAction.ACQUIRE


def test_a_lease_that_is_handed_over_to_us_counts_from_our_last_request() -> None:
    lease = client()
    lease.take_state(state(5, "rival", "rival-1"), 0.0)
    asked(lease, 10.0)

    lease.take_state(state(6, "scheduler", "rival-2"), 12.0)

    assert lease.epoch_at(12.0) == 6
    assert lease.epoch_at(23.0) is None
    assert asked(lease, 12.0).action is LeaseAction.RENEW


def test_an_old_nonce_does_not_revive_a_lease() -> None:
    lease = client()
    request = asked(lease, 0)
    lease.take_state(state(5, "scheduler", request.nonce), 0.1)
    lease.take_state(state(6, "rival", "rival-1"), 1.0)

    lease.take_state(state(6, "scheduler", request.nonce), 100.0)

    assert lease.epoch_at(100.0) is None


def test_the_farewell_hands_over_to_who_waits() -> None:
    lease = holding()
    lease.take_request(
        LeaseRequest(action=LeaseAction.ACQUIRE, instance="rival", nonce="rival-1"), 1.0
    )

    request = lease.farewell(2.0)

    assert request is not None
    assert (request.action, request.successor) == (LeaseAction.HANDOVER, "rival")
    assert lease.epoch_at(2.0) is None
    assert lease.due_request(1000.0) is None


def test_the_farewell_releases_if_nobody_waits_any_more() -> None:
    lease = holding()
    lease.take_request(
        LeaseRequest(action=LeaseAction.ACQUIRE, instance="rival", nonce="rival-1"), 1.0
    )
    lease.take_state(state(5, "scheduler", asked(lease, 5).nonce), 5.1)
    lease.take_state(state(5, "scheduler", asked(lease, 12).nonce), 12.1)

    request = lease.farewell(17.0)

    assert request is not None
    assert request.action is LeaseAction.RELEASE


def test_who_holds_nothing_says_no_farewell() -> None:
    assert client().farewell(0.0) is None
    assert holding().farewell(60.0) is None
