"""Grants the lease: every risen epoch is on disk before it is announced."""

import logging
from dataclasses import dataclass

from wattbus_contract import topics
from wattbus_contract.control import LeaseRequest, LeaseState
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.control import lease as rules
from wattbus_station_bridge.control.lease import Lease
from wattbus_station_bridge.memory import Memory

log = logging.getLogger(__name__)

HIGHEST_BELIEVED_EPOCH = 2**48
"""A new epoch every second takes nine million years to get there."""


@dataclass(slots=True)
class LeaseDesk:
    """Holds the lease of this site. Used by one thread."""

    lease: Lease
    boot_id: str
    memory: Memory
    announcer: Announcer

    def open(self) -> None:
        """Announce the epoch of this boot, once it is on disk."""
        self.memory.keep_epoch(self.lease.epoch)
        self._announce()

    def handle(self, request: LeaseRequest, now_s: float, boot_id: str | None = None) -> None:
        """Decide on a request of the process `boot_id` and announce what is granted."""
        decision = rules.decide(self.lease, request, now_s, boot_id)
        if not decision.is_granted:
            log.debug(
                "lease: %s of %s refused: %s", request.action, request.instance, decision.reason
            )
            return
        if decision.lease.epoch != self.lease.epoch:
            self.memory.keep_epoch(decision.lease.epoch)
        if decision.lease.holder != self.lease.holder or decision.lease.epoch != self.lease.epoch:
            log.info("lease: epoch %d, %s", decision.lease.epoch, decision.lease.holder or "nobody")
        is_news, self.lease = decision.lease != self.lease, decision.lease
        self._announce(is_repeated=not is_news)

    def tick(self, now_s: float) -> None:
        """End a lease that has run out, so that those who wait hear of it."""
        if self.lease.holder is not None and not self.lease.is_live(now_s):
            log.warning("lease: %s has not renewed it in time", self.lease.holder)
            self.lease = rules.end(self.lease)
            self._announce()

    def outrun(self, epoch: int) -> None:
        """Go above an epoch of a bridge before us, whose state folder we do not have.

        An epoch that no bridge can have reached is not believed: above it there would be no room.
        """
        if epoch > HIGHEST_BELIEVED_EPOCH:
            log.error("lease: ignored an announced epoch %d, which cannot be", epoch)
        elif epoch >= self.lease.epoch:
            log.warning("lease: epoch %d was announced before; going above it", epoch)
            self.lease = rules.at_boot(epoch, self.lease.ttl_s)
            self.open()

    def _announce(self, *, is_repeated: bool = False) -> None:
        state = LeaseState(
            epoch=self.lease.epoch,
            ttl_s=self.lease.ttl_s,
            bridge_boot_id=self.boot_id,
            holder=self.lease.holder,
            nonce=self.lease.nonce,
        )
        if is_repeated:
            self.announcer.say(topics.LEASE_STATE, state)
        else:
            self.announcer.keep(topics.LEASE_STATE, state)
