from hypothesis import given
from hypothesis import strategies as st

from wattbus_contract.base import MessageId, Reason
from wattbus_contract.control import SetLimit
from wattbus_station_bridge.control.gate import Arrival, Gate
from wattbus_station_bridge.control.lease import Lease

LEASE = Lease(epoch=5, ttl_s=15, holder="s1", nonce="n", expires_s=100.0)
REASON = Reason(code="test", text="test")


def limit(epoch: int = 5, instance: str = "s1", valid_for_s: float = 60.0) -> SetLimit:
    return SetLimit(
        epoch=epoch, instance=instance, valid_for_s=valid_for_s, reason=REASON, limit_w=1000
    )


def arrival(
    seq: int = 1,
    received_s: float = 10.0,
    expires_in_s: float | None = 60.0,
    *,
    retained: bool = False,
) -> Arrival:
    message = MessageId(source="scheduler", boot_id="b", seq=seq)
    return Arrival(message, received_s, expires_in_s, retained)


def code(limit: SetLimit, arrival: Arrival, now_s: float = 10.0, lease: Lease = LEASE) -> str:
    return Gate().judge("car1", limit, arrival, lease, now_s).code


def test_a_fresh_limit_of_the_holder_is_accepted_until_it_expires() -> None:
    verdict = Gate().judge("car1", limit(valid_for_s=30), arrival(expires_in_s=20), LEASE, 10.0)

    assert verdict.is_accepted
    assert verdict.deadline_s == 30.0


def test_without_a_broker_expiry_the_sender_s_own_counts() -> None:
    verdict = Gate().judge("car1", limit(valid_for_s=30), arrival(expires_in_s=None), LEASE, 10.0)

    assert verdict.deadline_s == 40.0


def test_each_refusal_has_its_reason() -> None:
    assert code(limit(), arrival(retained=True)) == "retained"
    assert code(limit(epoch=4), arrival()) == "wrong-epoch"
    assert code(limit(epoch=6), arrival()) == "wrong-epoch"
    assert code(limit(instance="s2"), arrival()) == "not-holder"
    assert code(limit(), arrival(received_s=95.0), now_s=100.0) == "lease-expired"
    assert code(limit(valid_for_s=5), arrival(), now_s=15.0) == "expired"
    assert code(limit(), arrival(expires_in_s=3), now_s=13.0) == "expired"


def test_a_sequence_must_rise_for_each_station_by_itself() -> None:
    gate = Gate()
    assert gate.judge("car1", limit(), arrival(seq=7), LEASE, 10.0).is_accepted

    assert gate.judge("car1", limit(), arrival(seq=7), LEASE, 10.0).code == "old-seq"
    assert gate.judge("car1", limit(), arrival(seq=6), LEASE, 10.0).code == "old-seq"
    assert gate.judge("car2", limit(), arrival(seq=6), LEASE, 10.0).is_accepted
    assert gate.judge("car1", limit(), arrival(seq=8), LEASE, 10.0).is_accepted


def test_a_new_epoch_begins_its_own_sequence() -> None:
    gate = Gate()
    gate.judge("car1", limit(), arrival(seq=70), LEASE, 10.0)
    lease = Lease(epoch=6, ttl_s=15, holder="s2", nonce="n", expires_s=100.0)

    verdict = gate.judge("car1", limit(epoch=6, instance="s2"), arrival(seq=1), lease, 10.0)

    assert verdict.is_accepted


def test_a_refused_limit_does_not_use_up_its_sequence() -> None:
    gate = Gate()
    gate.judge("car1", limit(instance="s2"), arrival(seq=9), LEASE, 10.0)

    assert gate.judge("car1", limit(), arrival(seq=8), LEASE, 10.0).is_accepted


limits = st.builds(limit, epoch=st.integers(3, 7), instance=st.sampled_from(["s1", "s2"]))
arrivals = st.builds(arrival, seq=st.integers(0, 20), retained=st.booleans())


def stale_ones_accepted(gate: Gate, messages: list[tuple[SetLimit, Arrival]]) -> int:
    last_seq, stale = -1, 0
    for message, arrived in messages:
        if gate.judge("car1", message, arrived, LEASE, 10.0).is_accepted:
            is_stale = message.epoch != 5 or message.instance != "s1"
            stale += is_stale or arrived.message.seq <= last_seq
            last_seq = max(last_seq, arrived.message.seq)
    return stale


@given(st.lists(st.tuples(limits, arrivals), max_size=30))
def test_no_stale_limit_passes(messages: list[tuple[SetLimit, Arrival]]) -> None:
    assert stale_ones_accepted(Gate(), messages) == 0


def test_with_the_fence_off_stale_limits_pass() -> None:
    messages = [(limit(epoch=4), arrival(seq=1)), (limit(instance="s2"), arrival(seq=1))]

    assert stale_ones_accepted(Gate(is_fenced=False), messages) == 2
