"""The gate before every limit: fresh, from the holder, of this epoch, and in sequence."""

from dataclasses import dataclass, field

from wattbus_contract.base import MessageId
from wattbus_contract.control import SetLimit
from wattbus_station_bridge.control.lease import Lease


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a limit arrived. Times are seconds of the monotonic clock; `expires_in_s` is the
    broker's remaining expiry, None where the sender set none."""

    message: MessageId
    received_s: float
    expires_in_s: float | None
    is_retained: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accepted until `deadline_s`, or refused with a code and a sentence."""

    is_accepted: bool
    code: str
    text: str
    deadline_s: float = float("-inf")


@dataclass(slots=True)
class Gate:
    """Remembers the last accepted sequence of each station; `is_fenced` off is for experiments."""

    is_fenced: bool = True
    _epoch: int = -1
    _last_seq: dict[str, int] = field(default_factory=dict)

    def judge(
        self, station: str, limit: SetLimit, arrival: Arrival, lease: Lease, now_s: float
    ) -> Verdict:
        """Return whether a limit may be applied; an accepted one closes the gate behind it."""
        verdict = self._judge(station, limit, arrival, lease, now_s)
        if verdict.is_accepted:
            if limit.epoch != self._epoch:
                self._epoch = limit.epoch
                self._last_seq.clear()
            self._last_seq[station] = arrival.message.seq
        return verdict

    def _judge(
        self, station: str, limit: SetLimit, arrival: Arrival, lease: Lease, now_s: float
    ) -> Verdict:
        if arrival.is_retained:
            return _refused("retained", "limits must never be retained")
        valid_s = limit.valid_for_s
        if arrival.expires_in_s is not None:
            valid_s = min(valid_s, arrival.expires_in_s)
        deadline_s = arrival.received_s + valid_s
        if now_s >= deadline_s:
            return _refused("expired", f"it was valid for {valid_s:g} s after it arrived")
        if self.is_fenced and (problem := self._fence(station, limit, arrival, lease, now_s)):
            return problem
        return Verdict(True, "accepted", "accepted", deadline_s)

    def _fence(
        self, station: str, limit: SetLimit, arrival: Arrival, lease: Lease, now_s: float
    ) -> Verdict | None:
        if limit.epoch != lease.epoch:
            return _refused("wrong-epoch", f"epoch {limit.epoch} is not the current {lease.epoch}")
        if limit.instance != lease.holder:
            return _refused(
                "not-holder", f"{limit.instance} does not hold the lease, {lease.holder} does"
            )
        if not lease.is_live(now_s):
            return _refused("lease-expired", f"the lease of {lease.holder} has run out")
        last_seq = self._last_seq.get(station, -1) if limit.epoch == self._epoch else -1
        if arrival.message.seq <= last_seq:
            return _refused("old-seq", f"seq {arrival.message.seq} is not above {last_seq}")
        return None


def _refused(code: str, text: str) -> Verdict:
    return Verdict(False, code, text)
