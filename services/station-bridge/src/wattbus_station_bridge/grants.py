"""Grants each station what it should have as far as the fuse allows, and orders what is granted."""

import logging

from wattbus_contract.facts import StationEventKind
from wattbus_station_bridge.control.guard import Demand, FuseLimit, Guard, PhaseLoads, phase_loads
from wattbus_station_bridge.desk import Desk
from wattbus_station_bridge.reports import Reports
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.worker import LONGEST_BACKOFF_S, Order, backoff_s

log = logging.getLogger(__name__)

HOLD_POLLS = 5
"""Polls for which a station that the guard has lowered is not raised again."""


class Grants:
    """Between what stations should draw and what they are told. The site calls it locked."""

    def __init__(
        self, file: SiteFile, desks: dict[str, Desk], reports: Reports, *, is_guarded: bool
    ) -> None:
        self.is_strained = False
        self._desks = desks
        self._reports = reports
        self._household = reports.household
        self._limit = FuseLimit(file.site.max_power_w, file.site.max_phase_power_w)
        self._settle_every_s = min(desk.poll_interval_s for desk in desks.values())
        self._guard = Guard(self._limit, HOLD_POLLS * self._settle_every_s, is_on=is_guarded)
        self._exposed: dict[str, PhaseLoads] = dict.fromkeys(desks, (0.0, 0.0, 0.0))
        self._exposed_sum: PhaseLoads = (0.0, 0.0, 0.0)
        self._settled_s = float("-inf")

    def settle_if_needed(self, desk: Desk, now_s: float) -> None:
        """Grant one station what it should have where the fuse has room; else settle them all.

        While nobody is held down this costs the same however many stations there are.
        """
        if desk.levels is None or desk.reading is None:
            return
        self._expose(desk)
        wanted_w = desk.intent.level_w
        load = _add(self._household.load, self._exposed_sum)
        if self.is_strained:
            is_due = desk.is_waiting or now_s - self._settled_s >= self._settle_every_s
            if is_due or wanted_w != desk.granted_w or not self._limit.carries(load):
                self.settle(now_s)
            else:
                self._order_if_needed(desk, now_s)
            return
        if wanted_w > desk.granted_w:
            own = self._exposed[desk.id]
            raised = phase_loads(desk.levels, max(wanted_w, desk.exposure_w))
            load = _add(_add(load, raised), own, sign=-1.0)
        if not self._limit.carries(load):
            self.settle(now_s)
            return
        desk.granted_w = wanted_w
        self._expose(desk)
        self._order_if_needed(desk, now_s)

    def settle(self, now_s: float) -> None:
        """Share the fuse among all stations."""
        self._settled_s = now_s
        demands = []
        load = self._household.load
        for desk in self._desks.values():
            if desk.levels is not None and desk.reading is not None and desk.is_reachable:
                demands.append(
                    Demand(
                        desk.id, desk.levels, desk.intent.level_w, desk.granted_w, desk.exposure_w,
                        is_urgent=desk.intent.code == "mode-now",
                    )
                )  # fmt: skip
            elif desk.levels is not None:
                load = _add(load, phase_loads(desk.levels, desk.exposure_w))
        grants = self._guard.settle(demands, load, now_s)
        self.is_strained = any(g.is_guarded or g.is_waiting for g in grants.values())
        self._exposed_sum = (0.0, 0.0, 0.0)
        self._exposed = dict.fromkeys(self._desks, (0.0, 0.0, 0.0))
        for desk in self._desks.values():
            if grant := grants.get(desk.id):
                desk.granted_w, desk.is_waiting = grant.limit_w, grant.is_waiting
                self._note_guard(desk, is_guarded=grant.is_guarded)
            self._expose(desk)
        for station in grants:
            self._order_if_needed(self._desks[station], now_s)
            self._reports.say_state(self._desks[station], now_s)

    def _note_guard(self, desk: Desk, *, is_guarded: bool) -> None:
        if is_guarded == desk.is_guarded:
            return
        desk.is_guarded = is_guarded
        if is_guarded:
            text = (
                f"{desk.intent.level_w:.0f} W asked, {desk.granted_w:.0f} W granted: the house "
                f"takes {sum(self._household.load):.0f} W of {self._limit.total_w:.0f} W"
            )
            log.warning("guard: station %s: %s", desk.id, text)
            self._reports.tell(desk, StationEventKind.GUARD_ENTERED, text, limit_w=desk.granted_w)
        else:
            self._reports.tell(desk, StationEventKind.GUARD_LEFT, "the fuse has room again")

    def _expose(self, desk: Desk) -> None:
        if desk.levels is None:
            return
        exposed = phase_loads(desk.levels, desk.exposure_w)
        changed = _add(exposed, self._exposed[desk.id], sign=-1.0)
        self._exposed[desk.id] = exposed
        self._exposed_sum = _add(self._exposed_sum, changed)

    def _order_if_needed(self, desk: Desk, now_s: float) -> None:
        """Send what was granted, if the station does not hold it already."""
        if desk.levels is None or desk.worker is None or desk.is_ordered:
            # An order in progress is followed by a poll, which leads here again.
            if desk.is_ordered and desk.granted_w != desk.ordered_w:
                self._order(desk)
            return
        holds = desk.levels.is_same(desk.offered_w, desk.granted_w)
        if holds and desk.is_offer_known:
            if now_s >= desk.repeat_after_s + LONGEST_BACKOFF_S:
                desk.repeats = 0
            desk.ordered_w, desk.order_problem = desk.granted_w, None
            if not desk.is_waiting:
                self._reports.answer_applied(desk)
            return
        if desk.granted_w != desk.ordered_w:
            desk.repeats = 0
        elif desk.pending is None:
            # It was told already and does not hold it: restarted, or it has a will of its own.
            if now_s < desk.repeat_after_s:
                return
            desk.repeats += 1
        desk.repeat_after_s = now_s + backoff_s(desk.repeats + 1, desk.poll_interval_s, lambda: 1.0)
        self._order(desk)

    def _order(self, desk: Desk) -> None:
        if desk.worker is None:
            return
        command = desk.command_key if desk.intent.code == "commanded" else None
        desk.is_ordered = True
        desk.told_w = max(desk.told_w, desk.granted_w)
        desk.ordered_w = desk.granted_w
        desk.worker.order(Order(desk.granted_w, command))


def _add(one: PhaseLoads, other: PhaseLoads, sign: float = 1.0) -> PhaseLoads:
    return one[0] + sign * other[0], one[1] + sign * other[1], one[2] + sign * other[2]
