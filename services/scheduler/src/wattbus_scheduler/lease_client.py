"""Asks for the right to command, keeps it, and knows when it is over: a pure state machine."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState
from wattbus_contract.room import make_room

DEFAULT_TTL_S = 15.0
MARGIN_S = 2.0
"""How long before the bridge's own deadline we stop; a quarter of a shorter lease."""
RENEWALS_PER_TTL = 3
MOST_WAITING = 64
"""Of more who wait for the lease, and of more requests of ours, the oldest are forgotten."""


@dataclass(slots=True)
class LeaseClient:
    """One scheduler's side of the lease; all times are seconds of the caller's monotonic clock.

    The bridge grants; we command only while our own clock says that the grant must still stand:
    until the sending of the last granted request, plus the lease's time to live, minus a margin.
    So no clocks need to agree, and a process that was paused stops by itself. `make_nonce` returns
    a new random word for each request.
    """

    instance: str
    make_nonce: Callable[[], str]
    state: LeaseState | None = None
    _sent_s: dict[str, float] = field(default_factory=dict)
    _commands_until_s: float = float("-inf")
    _expires_s: float = float("-inf")
    _epoch: int | None = None
    _next_request_s: float = float("-inf")
    _waiting: dict[str, float] = field(default_factory=dict)

    def epoch_at(self, now_s: float) -> int | None:
        """Return the epoch to command with, or None while we must not command."""
        return self._epoch if now_s < self._commands_until_s else None

    def due_request(self, now_s: float) -> LeaseRequest | None:
        """Return the request that is due: acquire while another one holds it, else renew."""
        if now_s < self._next_request_s:
            return None
        self._next_request_s = now_s + self._ttl_s / RENEWALS_PER_TTL
        nonce = self.make_nonce()
        make_room(self._sent_s, nonce, most=MOST_WAITING)
        self._sent_s[nonce] = now_s
        self._forget_old(now_s)
        if self._epoch is not None and now_s < self._expires_s:
            return self._request(LeaseAction.RENEW, nonce)
        return LeaseRequest(action=LeaseAction.ACQUIRE, instance=self.instance, nonce=nonce)

    def take_state(self, state: LeaseState, now_s: float) -> None:
        """Take over what the bridge says.

        A grant counts if it answers a request of ours, or if the epoch rose while we watched: then
        the holder has handed over to us. Else it was given to a process of our name that has ended.
        """
        earlier, self.state = self.state, state
        if state.holder != self.instance:
            self._lose()
            if state.holder is None:
                self._next_request_s = min(self._next_request_s, now_s)
            return
        answered_s = self._sent_s.get(state.nonce) if state.nonce is not None else None
        if answered_s is not None:
            self._hold(state, answered_s)
        elif state.epoch != self._epoch:
            was_watched = earlier is not None and earlier.epoch < state.epoch
            if was_watched and self._sent_s:
                self._hold(state, max(self._sent_s.values()))
            else:
                self._lose()
            self._next_request_s = min(self._next_request_s, now_s)

    def take_request(self, request: LeaseRequest, now_s: float) -> None:
        """Note who else waits for the lease, to hand over to."""
        if request.instance == self.instance:
            return
        self._waiting.pop(request.instance, None)
        if request.action is LeaseAction.ACQUIRE:
            make_room(self._waiting, request.instance, most=MOST_WAITING)
            self._waiting[request.instance] = now_s

    def farewell(self, now_s: float) -> LeaseRequest | None:
        """Return the last request: hand over to the one who waits, or release; None if not ours.

        Nothing is commanded afterwards.
        """
        if self.epoch_at(now_s) is None:
            return None
        waiting = [who for who, at_s in self._waiting.items() if now_s - at_s <= self._ttl_s]
        nonce = self.make_nonce()
        if waiting:
            request = self._request(LeaseAction.HANDOVER, nonce, successor=sorted(waiting)[0])
        else:
            request = self._request(LeaseAction.RELEASE, nonce)
        self._lose()
        self._next_request_s = float("inf")
        return request

    @property
    def _ttl_s(self) -> float:
        return self.state.ttl_s if self.state is not None else DEFAULT_TTL_S

    def _request(
        self, action: LeaseAction, nonce: str, successor: str | None = None
    ) -> LeaseRequest:
        return LeaseRequest(
            action=action,
            instance=self.instance,
            nonce=nonce,
            epoch=self._epoch,
            successor=successor,
        )

    def _hold(self, state: LeaseState, asked_s: float) -> None:
        margin_s = min(MARGIN_S, state.ttl_s / 4)
        if state.epoch != self._epoch:
            self._lose()
        self._epoch = state.epoch
        self._expires_s = max(self._expires_s, asked_s + state.ttl_s)
        self._commands_until_s = self._expires_s - margin_s

    def _lose(self) -> None:
        self._epoch = None
        self._expires_s = self._commands_until_s = float("-inf")

    def _forget_old(self, now_s: float) -> None:
        for nonce in [n for n, at_s in self._sent_s.items() if now_s - at_s > 4 * self._ttl_s]:
            del self._sent_s[nonce]
