"""Plays a group of sessions with one strategy: plans on events, follows the plan, adds up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

from wattbus_scheduler.backtest.foreknowledge import Foreknowledge
from wattbus_scheduler.backtest.plugged_in import DONE_WH, TIME_EPSILON_S, Stay
from wattbus_scheduler.backtest.stays import Played, Session, Span
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.plan import Plan, ReasonCode
from wattbus_scheduler.situation import Situation

Planner = Callable[[Situation, datetime], Plan]
"""A strategy with its settings, as the running scheduler has it."""

LOAD_EPSILON_W = 1e-3
OFF_THE_PLAN = 0.02
"""Of the battery: a car that has so much less than planned is planned anew."""
WAITS_FOR_ROOM = frozenset({ReasonCode.PAUSED_FUSE, ReasonCode.PAUSED_SHARED_FUSE})


def play(
    world: World, knowledge: Foreknowledge, sessions: Sequence[Session], planner: Planner
) -> list[Played]:
    """Return what a strategy makes of sessions; pure, and the same at each call.

    It is asked anew when a car comes, when prices are published, when a car leaves before it was
    to or stays after, and when the house leaves less room (or more) than was expected. It sees
    cars that are there and not full. The fuse is kept whatever the plan says.
    """
    return _Course(world, knowledge, planner).run(sessions)


@dataclass(slots=True)
class _Course:
    world: World
    knowledge: Foreknowledge
    planner: Planner
    stays: list[Stay] = field(default_factory=list)
    running: Plan | None = None
    results: list[Played] = field(default_factory=list)

    def run(self, sessions: Sequence[Session]) -> list[Played]:
        """Go from event to event."""
        coming = sorted(sessions, key=lambda one: (one.arrival_s, one.number), reverse=True)
        plan: Plan | None = None
        now_s = coming[-1].arrival_s if coming else 0.0
        while coming or self.stays:
            must_plan = self._see_off(now_s)
            while coming and coming[-1].arrival_s <= now_s + TIME_EPSILON_S:
                self._welcome(coming.pop())
                must_plan = True
            until_s = coming[-1].arrival_s if coming else inf
            until_s = min([until_s, *(stay.session.departure_s for stay in self.stays)])
            hungry = [stay for stay in self.stays if not stay.is_done]
            if not hungry:
                plan, now_s, self.running = None, until_s, None
                continue
            if must_plan or plan is None:
                plan = self.running = self._plan(now_s, hungry)
            until_s = min(
                [until_s, self.knowledge.next_publication_s(now_s)]
                + [
                    stay.session.stated_departure_s
                    for stay in hungry
                    if stay.session.stated_departure_s > now_s + TIME_EPSILON_S
                ]
            )
            reached_s = self._follow(plan, hungry, now_s, until_s)
            is_event = reached_s < until_s or self._is_asked_at(reached_s, hungry)
            plan, now_s = (None if is_event else plan), reached_s
        return sorted(self.results, key=lambda one: one.number)

    def _see_off(self, now_s: float) -> bool:
        """Let cars leave; True if that leaves others room nobody could foresee."""
        leaving = [s for s in self.stays if s.session.departure_s <= now_s + TIME_EPSILON_S]
        self.stays = [s for s in self.stays if s.session.departure_s > now_s + TIME_EPSILON_S]
        self.results.extend(stay.result() for stay in leaving)
        return any(
            not stay.is_done and stay.session.stated_departure_s > now_s + TIME_EPSILON_S
            for stay in leaving
        )

    def _welcome(self, session: Session) -> None:
        pattern = self.world.cars[session.car]
        self.stays.append(Stay(session, pattern, session.energy_wh))

    def _is_asked_at(self, now_s: float, hungry: Sequence[Stay]) -> bool:
        """Tell whether new prices or a departure that has passed make a new plan worth it."""
        is_published = abs(self.knowledge.next_publication_s(now_s - 1.0) - now_s) <= TIME_EPSILON_S
        return is_published or any(
            abs(stay.session.stated_departure_s - now_s) <= TIME_EPSILON_S for stay in hungry
        )

    def _plan(self, now_s: float, hungry: Sequence[Stay]) -> Plan:
        cars = [stay.car() for stay in hungry]
        situation = self.knowledge.situation(now_s, cars, self.running)
        for stay in hungry:
            stay.plans += 1
        return self.planner(situation, datetime.fromtimestamp(now_s, UTC))

    def _follow(self, plan: Plan, hungry: Sequence[Stay], now_s: float, until_s: float) -> float:
        """Charge as planned up to `until_s`; ends earlier where the house breaks the plan."""
        planned = [_powers_of(plan, stay, now_s, until_s) for stay in hungry]
        rethink_s = min([inf, *self._more_room(plan, hungry, now_s, until_s)])
        end_s = min(until_s, rethink_s)
        edges = {now_s, end_s}
        for spans in planned:
            for span in spans:
                edges.update((span.start_s, span.end_s))
                edges.update(self._slot_edges(span.start_s, span.end_s))
        ordered = sorted(edge for edge in edges if now_s <= edge <= end_s)
        at = [0] * len(hungry)
        lacking_wh = [0.0] * len(hungry)
        overs_s = [_end_of(plan, stay) for stay in hungry]
        for from_s, to_s in pairwise(ordered):
            if to_s - from_s <= 1e-6:
                continue
            powers = []
            for number, spans in enumerate(planned):
                while at[number] < len(spans) and spans[at[number]].end_s <= from_s + 1e-6:
                    at[number] += 1
                here = spans[at[number]] if at[number] < len(spans) else None
                is_on = here is not None and here.start_s <= from_s + 1e-6
                is_on = is_on and not hungry[number].is_done
                powers.append(here.power_w if is_on and here is not None else 0.0)
            index = self.world.timeline.index_at((from_s + to_s) / 2)
            if any(powers) and self._is_too_much(hungry, powers, index):
                if from_s > now_s + TIME_EPSILON_S:
                    return from_s
                # Even the plan made with this load is too much: nobody charges.
                powers = [0.0] * len(powers)
            price = self.world.timeline.prices_per_kwh[index] or 0.0
            for number, (stay, power_w) in enumerate(zip(hungry, powers, strict=True)):
                before_wh = stay.energy_wh
                stay.draw(from_s, to_s, power_w, price)
                lacking_wh[number] += power_w * (to_s - from_s) / 3600
                lacking_wh[number] -= stay.energy_wh - before_wh
            if any(
                _is_off(stay, lacking, is_over=to_s >= over_s - TIME_EPSILON_S)
                for stay, lacking, over_s in zip(hungry, lacking_wh, overs_s, strict=True)
            ):
                return to_s
        return end_s

    def _slot_edges(self, from_s: float, to_s: float) -> Iterator[float]:
        timeline = self.world.timeline
        index = timeline.index_at(from_s) + 1
        while timeline.slot_start_s(index) < to_s:
            yield timeline.slot_start_s(index)
            index += 1

    def _is_too_much(self, hungry: Sequence[Stay], powers: Sequence[float], index: int) -> bool:
        site, load_w = self.world.site, self.knowledge.load_w(index)
        if site.max_power_w is not None and load_w + sum(powers) > site.max_power_w + 0.1:
            return True
        if site.fuse_current_a is None:
            return False
        for phase in range(1, site.phases + 1):
            drawn_w = sum(
                power_w / len(stay.pattern.phases)
                for stay, power_w in zip(hungry, powers, strict=True)
                if phase in stay.pattern.phases
            )
            fuse_w = site.fuse_current_a * site.voltage_v
            if drawn_w > 0 and load_w / site.phases + drawn_w > fuse_w + 0.1:
                return True
        return False

    def _more_room(
        self, plan: Plan, hungry: Sequence[Stay], now_s: float, until_s: float
    ) -> Iterator[float]:
        """Yield where a car was to wait for the fuse and the house turns out to need less."""
        timeline, expected = self.world.timeline, self.knowledge.expected_loads_w
        for stay in hungry:
            station = plan.station(stay.session.car)
            for slot in station.slots if station is not None else ():
                if slot.reason.code not in WAITS_FOR_ROOM:
                    continue
                start_s, end_s = slot.start_at.timestamp(), slot.end_at.timestamp()
                for edge_s in (start_s, *self._slot_edges(start_s, end_s)):
                    index = timeline.index_at(edge_s)
                    if not now_s + TIME_EPSILON_S < edge_s < until_s or index >= timeline.count:
                        continue
                    if self.knowledge.load_w(index) < expected[index] - LOAD_EPSILON_W:
                        yield edge_s
                        break


def _is_off(stay: Stay, lacking_wh: float, *, is_over: bool) -> bool:
    """Tell whether a car has taken too much less than planned; at the plan's end, anything less."""
    bearable_wh = DONE_WH if is_over else OFF_THE_PLAN * stay.pattern.battery_capacity_wh
    return not stay.is_done and lacking_wh > bearable_wh


def _end_of(plan: Plan, stay: Stay) -> float:
    station = plan.station(stay.session.car)
    charging = station.charging_slots if station is not None else ()
    return charging[-1].end_at.timestamp() if charging else inf


def _powers_of(plan: Plan, stay: Stay, now_s: float, until_s: float) -> list[Span]:
    """Return the charging that is planned for a car between two instants, in order."""
    station = plan.station(stay.session.car)
    spans = []
    for slot in station.charging_slots if station is not None else ():
        start_s = slot.start_at.timestamp()
        end_s = min(start_s + slot.duration_s, until_s)
        start_s = max(start_s, now_s)
        if end_s > start_s:
            spans.append(Span(start_s, end_s, slot.limit_w))
    return spans
