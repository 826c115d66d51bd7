"""The bridge's side of the lease as a pure state machine; docs/lease-protocol.md in code."""

from dataclasses import dataclass

from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState

RIVAL = "rival"
"""The scripted other instance that the lease is given to."""


@dataclass(slots=True)
class ScriptedLease:
    """One site's lease. All `now_s` are on one monotonic clock, in seconds.

    With `answers` off it hears nothing, as a bridge does that is cut off from the broker.
    """

    ttl_s: float
    bridge_boot_id: str
    epoch: int = 0
    holder: str | None = None
    nonce: str | None = None
    expires_s: float = float("-inf")
    answers: bool = True

    @property
    def state(self) -> LeaseState:
        """What is to be announced, retained, on `lease/state`."""
        return LeaseState(
            epoch=self.epoch,
            ttl_s=self.ttl_s,
            bridge_boot_id=self.bridge_boot_id,
            holder=self.holder,
            nonce=self.nonce,
        )

    def is_held_by(self, instance: str, now_s: float) -> bool:
        """Tell whether the instance may command now."""
        return self.holder == instance and now_s < self.expires_s

    def handle(self, request: LeaseRequest, now_s: float) -> bool:
        """Grant the request, or not; True when the state is to be announced again."""
        if not self.answers:
            return False
        if request.action is LeaseAction.ACQUIRE:
            return self._acquire(request, now_s)
        is_holder = request.epoch == self.epoch and self.is_held_by(request.instance, now_s)
        if not is_holder:
            return False
        if request.action is LeaseAction.RENEW:
            self.expires_s, self.nonce = now_s + self.ttl_s, request.nonce
        elif request.action is LeaseAction.RELEASE:
            self._end(request.nonce)
        else:
            self._begin(request.successor, request.nonce, now_s)
        return True

    def give(self, instance: str, nonce: str, now_s: float) -> None:
        """Give the lease to an instance with a new epoch, whoever had it."""
        self._begin(instance, nonce, now_s)

    def free(self, nonce: str | None = None) -> None:
        """Take the lease from whoever has it."""
        self._end(nonce)

    def expire(self, now_s: float) -> bool:
        """Note that a lease has run out; True when that is to be announced."""
        if self.holder is None or now_s < self.expires_s:
            return False
        self._end(None)
        return True

    def restart(self, bridge_boot_id: str) -> None:
        """Do what a bridge does that starts anew: a new epoch, and nobody holds it."""
        self.bridge_boot_id, self.epoch = bridge_boot_id, self.epoch + 1
        self._end(None)

    def _acquire(self, request: LeaseRequest, now_s: float) -> bool:
        if request.nonce == self.nonce:
            return True
        is_taken = self.holder is not None and now_s < self.expires_s
        # The holder itself asks anew after a restart: its sequence begins again, so a new epoch.
        if is_taken and self.holder != request.instance:
            return False
        self._begin(request.instance, request.nonce, now_s)
        return True

    def _begin(self, holder: str | None, nonce: str, now_s: float) -> None:
        self.epoch += 1
        self.holder, self.nonce, self.expires_s = holder, nonce, now_s + self.ttl_s

    def _end(self, nonce: str | None) -> None:
        self.holder, self.nonce, self.expires_s = None, nonce, float("-inf")
