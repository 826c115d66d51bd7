"""What a fault may do to a running system, and how to wait for what should follow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos import house
from chaos.control_promises import LEASE, RESULT, SET_LIMIT, Interval
from chaos.evidence import Evidence, LimitCall
from chaos.logbook import RowId, read_logbook
from chaos.network import Network
from chaos.system import BRIDGE, LOGGER, NotReady, System
from chaos.verdict import Verdict

LOOK_EVERY_S = 0.05
READY_TIMEOUT_S = 60.0
HEALTHY_WITHIN_S = 5.0
RECOVERY_S = 15.0
PLANNED_GAP_S = 1.0
CRASH_GAP_S = house.LEASE_TTL_S + 2.0
MEASURING_S = 0.25
"""What our own looking and a busy machine may add to a time that was promised."""


@dataclass(slots=True)
class Scene:
    """A system with its observers. Faults change it and say by `happened` what shows that they did.

    To judge the run, `others_sent` are messages of other senders that the broker has taken,
    `unguarded` times without a bridge that reaches its stations, and `slower_s` what the network
    adds to its reaction; `is_disturbed` where stations forgot limits or answers were lost.
    `patience` multiplies every promised time, for a machine that is busy with other things.
    """

    system: System
    network: Network
    evidence: Evidence
    random: Random
    folder: Path
    patience: float = 1.0
    verdict: Verdict = field(default_factory=Verdict)
    others_sent: set[RowId] = field(default_factory=set)
    unguarded: list[Interval] = field(default_factory=list)
    slower_s: float = 0.0
    is_disturbed: bool = False
    _proofs: list[str] = field(default_factory=list)

    def happened(self, proof: str, holds: bool = True) -> None:
        """Note what shows that the fault has really happened; else the run is worth nothing."""
        self._proofs.append(proof)
        self.verdict.figures["fault"] = "; ".join(self._proofs)
        self.verdict.expect("the fault happened", holds, f"not so: {proof}")

    def pass_time(self, least_s: float, most_s: float) -> None:
        """Let a time pass that the seed chooses."""
        time.sleep(self.random.uniform(least_s, most_s))

    def wait(self, holds: Callable[[], object], what: str, timeout_s: float) -> float:
        """Wait until something holds and return when it did; NotReady after the timeout."""
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline_s:
                raise NotReady(f"not within {timeout_s:g} s: {what}\n{self.system.logs()}")
            time.sleep(LOOK_EVERY_S)
        return time.monotonic()

    # --- how the system stands --------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until a scheduler commands every station and the logger writes."""
        self.wait_for_work(time.monotonic(), READY_TIMEOUT_S)

    def wait_for_work(self, since_s: float, timeout_s: float) -> None:
        """Wait until the whole system works; NotReady says what part of it does not."""
        deadline_s = time.monotonic() + timeout_s
        while lacks := self.lacks(since_s):
            if time.monotonic() > deadline_s:
                raise NotReady(f"after {timeout_s:g} s {lacks}\n{self.system.logs()}")
            time.sleep(LOOK_EVERY_S)

    def lacks(self, since_s: float) -> str:
        """Return what does not work; "" if, since then, limits are applied and rows are written."""
        for name in self.system.names:
            if not self.system[name].is_running:
                return f"{name} does not run"
        lease = self.lease()
        if lease is None or lease.get("holder") is None:
            return "nobody holds the lease"
        applied = {
            s.topic.split("/")[-3]
            for s in self.evidence.sent(BRIDGE, RESULT, since_s)
            if s.body["outcome"] == "applied" and s.body["epoch"] == lease["epoch"]
        }
        if idle := sorted(set(house.STATIONS) - applied):
            return f"no limit of epoch {lease['epoch']} was applied at {', '.join(idle)}"
        readings = self.evidence.meters(BRIDGE, since_s)
        if not readings or readings[-1].body["is_failsafe"]:
            return "the stations are in fail-safe" if readings else "no reading is sent"
        if readings[0].message_id not in read_logbook(self.system.data).rows:
            return f"reading {readings[0].message_id} is not logged"
        return ""

    def has_polled_all(self, since_s: float) -> bool:
        """Whether the bridge has told a reading of every station since then."""
        read = {s.topic.split("/")[-2] for s in self.evidence.meters(BRIDGE, since_s)}
        return read >= set(house.STATIONS)

    def lease(self) -> dict[str, object] | None:
        """Return the newest lease that the bridge has announced."""
        leases = self.evidence.sent(BRIDGE, LEASE)
        return leases[-1].body if leases else None

    def holder(self) -> str:
        """Return the instance that holds the lease; waits until one does."""
        self.wait(lambda: (self.lease() or {}).get("holder"), "somebody holds the lease", 30)
        return str((self.lease() or {})["holder"])

    def epoch(self) -> int:
        """Return the newest epoch."""
        lease = self.lease()
        return 0 if lease is None else int(str(lease["epoch"]))

    def is_up(self, name: str, since_s: float) -> bool:
        """Whether a service has said since then that it is connected."""
        return any(
            s.body["status"] == "up" for s in self.evidence.sent(name, f"/{name}/status", since_s)
        )

    def restart(self, name: str) -> None:
        """Start a service again and wait until it says that it is connected."""
        begun_s = time.monotonic()
        self.system.begin(name)
        self.wait(lambda: self.is_up(name, begun_s), f"{name} is up", READY_TIMEOUT_S)

    # --- promises with a time ---------------------------------------------------------------------

    def expect_swap(self, epoch: int, since_s: float, limit_s: float, name: str) -> None:
        """Measure from `since_s` to the first limit applied in an epoch above `epoch`."""

        def first_s() -> float | None:
            applied = (
                s.at_s
                for s in self.evidence.sent(BRIDGE, RESULT, since_s)
                if s.body["outcome"] == "applied" and s.body["epoch"] > epoch
            )
            return next(applied, None)

        self.wait(first_s, "another scheduler commands", self.patience * (limit_s + 20))
        gap_s = (first_s() or since_s) - since_s
        longest_s = max(gap_s, float(self.verdict.figures.get(name) or 0.0))
        self.verdict.at_most("swap gap", name, longest_s, self.patience * (limit_s + MEASURING_S))

    def expect_failsafe(self) -> None:
        """Measure from the last limit that came in to the stations' fail-safe limits."""
        limits = self.evidence.received(BRIDGE, SET_LIMIT)
        last_s = {s.topic.split("/")[-3]: s.at_s for s in limits}

        def call_of(station: str) -> LimitCall | None:
            return next(
                (
                    c
                    for c in self.evidence.calls
                    if c.station == station
                    and c.asked_s > last_s[station] + house.FAILSAFE_AFTER_S / 2
                    and abs(c.limit_w - house.FAILSAFE_W[station]) < 1
                ),
                None,
            )

        # A car that was told to draw nothing stays there: only the others show when it happened.
        steered = [name for name in house.STATIONS if house.FAILSAFE_W[name] > 0]
        self.wait(
            lambda: all(call_of(name) for name in steered),
            "the stations go to their fail-safe limits",
            self.patience * (house.FAILSAFE_AFTER_S + 20),
        )
        worst_s = max(call.asked_s - last_s[call.station] for call in map(call_of, steered) if call)
        promised_s = house.FAILSAFE_AFTER_S + house.POLL_INTERVAL_S + MEASURING_S
        self.verdict.at_most("fail-safe", "failsafe_s", worst_s, self.patience * promised_s)

    def expect_recovery(self, since_s: float) -> None:
        """Measure from the end of a fault until everything works again."""
        promised_s = self.patience * RECOVERY_S
        self.wait_for_work(since_s, promised_s + 30)
        recovery_s = time.monotonic() - since_s
        longest_s = max(recovery_s, float(self.verdict.figures.get("recovery_s") or 0.0))
        self.verdict.at_most("full recovery", "recovery_s", longest_s, promised_s)

    def expect_health(self) -> None:
        """Hold every service to say in the end that it is well."""
        deadline_s = time.monotonic() + self.patience * HEALTHY_WITHIN_S
        while (ill := self._ill()) and time.monotonic() < deadline_s:
            time.sleep(LOOK_EVERY_S)
        self.verdict.expect("all say that they are well", not ill, "; ".join(ill))

    def _ill(self) -> list[str]:
        last = {name: self.evidence.sent(name, f"/{name}/status")[-1] for name in self.system.names}
        return [
            f"{name}: {status.body['detail']}"
            for name, status in last.items()
            if status.body["health"] != "ok"
        ]

    def unguarded_until_now(self, since_s: float) -> None:
        """Note a time in which the bridge did not reach its stations; it may need a poll more."""
        self.unguarded.append((since_s, time.monotonic() + 2 * house.POLL_INTERVAL_S))

    def newest_row_count(self) -> int:
        """Return how many rows the logger has written."""
        return read_logbook(self.system.data).rows.total()

    @property
    def logger_health(self) -> list[str]:
        """What the logger has said is wrong, in order."""
        return [
            s.body.get("detail", "")
            for s in self.evidence.sent(LOGGER, f"/{LOGGER}/status")
            if s.body["health"] == "degraded"
        ]
