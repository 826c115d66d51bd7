"""Who may command: grants, renewals, hand-overs and their end, one epoch higher each time."""

from dataclasses import dataclass, replace

from wattbus_contract.control import LeaseAction, LeaseRequest


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one site. `expires_s` is on the bridge's monotonic clock.

    `acquired_nonce` is that of the `acquire` which began this epoch, and `acquired_by` the
    `boot_id` of the process that sent it; None after a hand-over.
    """

    epoch: int
    ttl_s: float
    holder: str | None = None
    nonce: str | None = None
    expires_s: float = float("-inf")
    acquired_nonce: str | None = None
    acquired_by: str | None = None

    def is_live(self, now_s: float) -> bool:
        """Whether somebody holds it."""
        return self.holder is not None and now_s < self.expires_s


@dataclass(frozen=True, slots=True)
class Decision:
    """The lease after a request. A risen epoch must be on disk before anybody hears of it."""

    lease: Lease
    is_granted: bool
    reason: str


def at_boot(last_epoch: int, ttl_s: float) -> Lease:
    """Return the lease of a bridge that starts: a new epoch, and nobody holds it."""
    return Lease(epoch=last_epoch + 1, ttl_s=ttl_s)


def decide(
    lease: Lease, request: LeaseRequest, now_s: float, boot_id: str | None = None
) -> Decision:
    """Return what becomes of a request of the process `boot_id`, if that is known.

    An `acquire` of the name that already holds it comes from its successor of the same name, a
    restarted process: it is granted under a new epoch, which fences the earlier one. If it is of
    the very process that holds it, that has not heard of its luck yet: a busy scheduler must not
    fence itself, so this is a renewal. The very `acquire` that began this epoch has arrived twice
    and changes nothing.
    """
    if request.action is LeaseAction.ACQUIRE:
        return _decide_acquire(lease, request, now_s, boot_id)
    if lease.holder != request.instance or lease.epoch != request.epoch:
        reason = (
            f"epoch {request.epoch} of {request.instance} is over; "
            f"epoch {lease.epoch} is held by {lease.holder or 'nobody'}"
        )
        return Decision(lease, is_granted=False, reason=reason)
    if not lease.is_live(now_s):
        return Decision(lease, is_granted=False, reason="expired")
    return _decide_of_holder(lease, request, now_s)


def _decide_acquire(
    lease: Lease, request: LeaseRequest, now_s: float, boot_id: str | None
) -> Decision:
    if lease.is_live(now_s):
        if lease.holder != request.instance:
            return Decision(lease, is_granted=False, reason=f"held by {lease.holder}")
        if lease.acquired_nonce == request.nonce:
            return Decision(lease, is_granted=True, reason="granted already")
        if boot_id is not None and lease.acquired_by == boot_id:
            return _renew(lease, request.nonce, now_s)
    granted = _grant(lease, request.instance, request.nonce, now_s).lease
    begun = replace(granted, acquired_nonce=request.nonce, acquired_by=boot_id)
    return Decision(begun, is_granted=True, reason="granted")


def _decide_of_holder(lease: Lease, request: LeaseRequest, now_s: float) -> Decision:
    if request.action is LeaseAction.RENEW:
        return _renew(lease, request.nonce, now_s)
    if request.action is LeaseAction.HANDOVER and request.successor is not None:
        return _grant(lease, request.successor, request.nonce, now_s)
    return Decision(end(lease, request.nonce), is_granted=True, reason="released")


def end(lease: Lease, nonce: str | None = None) -> Lease:
    """Return the lease with nobody holding it, in the same epoch."""
    return Lease(lease.epoch, lease.ttl_s, nonce=nonce)


def _renew(lease: Lease, nonce: str, now_s: float) -> Decision:
    renewed = replace(lease, nonce=nonce, expires_s=now_s + lease.ttl_s)
    return Decision(renewed, is_granted=True, reason="renewed")


def _grant(lease: Lease, holder: str, nonce: str, now_s: float) -> Decision:
    granted = Lease(lease.epoch + 1, lease.ttl_s, holder, nonce, now_s + lease.ttl_s)
    return Decision(granted, is_granted=True, reason="granted")
