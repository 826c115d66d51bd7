"""A plan that is being followed: which limit it means now, and whether reality has left it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattbus_scheduler.course import StationCourse, course_of
from wattbus_scheduler.facts import Facts, StationFacts
from wattbus_scheduler.headroom import POWER_EPSILON_W, with_car
from wattbus_scheduler.plan import Plan, PlannedSlot, Reason, ReasonCode
from wattbus_scheduler.profile import PowerProfile, profile_of
from wattbus_scheduler.situation import Car, CarMode, Site, Situation

OVERLOAD_EPSILON_W = 1e-3

CLOCK_JITTER = timedelta(seconds=1)
"""Stations are read one after the other; a site's clock that falls back further was set back."""

ENDS = (ReasonCode.TARGET_REACHED, ReasonCode.DEPARTED)
"""What a plan says once it is over; a car that is short of its target charges on at that edge."""

UNFINISHED_PERCENT = 0.01
"""A car that waits this far below its target, with nothing more planned, is planned for again."""


@dataclass(frozen=True, slots=True)
class Following:
    """A plan with what it was made from. `half_intervals` are half the times between readings."""

    plan: Plan
    site: Site
    cars: dict[str, Car]
    courses: dict[str, StationCourse]
    half_intervals: dict[str, timedelta]
    next_slot_at: datetime
    profile: PowerProfile

    def is_current_at(self, now: datetime) -> bool:
        """Tell whether the clock is still in the slot in which the plan was made."""
        return self.plan.planned_at - CLOCK_JITTER <= now < self.next_slot_at

    def limit_of(
        self, station_id: str, facts: Facts, now: datetime, last_limit_w: float
    ) -> tuple[float, Reason]:
        """Return the limit in W and why. `last_limit_w` is what the station was told before.

        The plan is followed at the reading that is nearest to its edges: a reading less than half
        an interval before an edge acts on what comes after it, so that being late and being early
        cancel out. Charging ends at the first reading that shows the target, never before.
        """
        course, station = self.courses[station_id], facts.station(station_id)
        slot = course.slot_at(now)
        ahead = course.slot_at(now + self.half_intervals[station_id]) or slot
        if slot is None or ahead is None:
            return 0.0, Reason(ReasonCode.NO_PLAN, "waiting: nothing is planned for this time")
        if self._has_target(station_id, station):
            target = course.plan.target_soc_percent
            return 0.0, Reason(ReasonCode.TARGET_REACHED, f"done: target {target:g} % reached")
        if ahead.limit_w > slot.limit_w and not self._fits(station_id, ahead, facts, now):
            ahead = slot
        if ahead.reason.code in ENDS and slot.limit_w > 0:
            return slot.limit_w, slot.reason
        is_over = ahead.reason.code in ENDS or (
            ahead.reason.code.startswith("waiting") and self._is_almost_done(station_id, station)
        )
        if is_over and last_limit_w > 0:
            onward = replace(slot, limit_w=last_limit_w)
            if self._fits(station_id, onward, facts, now):
                target = course.plan.target_soc_percent
                text = f"charging: on until the target of {target:g} % is reached"
                return last_limit_w, Reason(ReasonCode.CHARGING_TO_TARGET, text)
        return ahead.limit_w, ahead.reason

    def overload_w(self, facts: Facts, now: datetime) -> float:
        """Return by how much the plan's limits of this moment exceed the fuse, with today's house.

        0 as long as all of it fits, or no house load was measured.
        """
        # Cheap first, as it is asked with every reading: cars at their target count as charging.
        if self.overload_of(self.profile.used_at(now.timestamp()), facts) <= 0:
            return 0.0
        planned_w = {station: self._planned_w(station, facts, now) for station in self.courses}
        return self.overload_of(self.used_w(planned_w), facts)

    def is_left(
        self, station_id: str, station: StationFacts, now: datetime, tolerance_percent: float
    ) -> bool:
        """Tell whether the state of charge is too far from where the plan expects it."""
        course = self.courses.get(station_id)
        if course is None or not station.is_plugged_in or station.soc_percent is None:
            return False
        car = self.cars[station_id]
        reading_h = 2 * self.half_intervals[station_id].total_seconds() / 3600
        reading_percent = car.max_power_w * reading_h * course.percent_per_wh
        off_percent = abs(station.soc_percent - course.soc_percent_at(now))
        return off_percent > tolerance_percent + reading_percent

    def is_unfinished(self, station_id: str, station: StationFacts, now: datetime) -> bool:
        """Tell whether the plan is at its end although the target was not reached."""
        course = self.courses.get(station_id)
        slot = course.slot_at(now) if course is not None else None
        if course is None or slot is None or slot.reason.code is not ReasonCode.TARGET_REACHED:
            return False
        soc_percent = station.soc_percent or 0.0
        return soc_percent < course.plan.target_soc_percent - UNFINISHED_PERCENT

    def _has_target(self, station_id: str, station: StationFacts) -> bool:
        car = self.cars[station_id]
        if car.mode is CarMode.OFF or not station.is_plugged_in or station.soc_percent is None:
            return False
        return station.soc_percent >= self.courses[station_id].plan.target_soc_percent - 1e-9

    def _is_almost_done(self, station_id: str, station: StationFacts) -> bool:
        """Tell whether less than one reading's worth of energy is missing: no start is worth it."""
        car = self.cars[station_id]
        if car.mode is not CarMode.SMART or station.soc_percent is None:
            return False
        reading_h = 2 * self.half_intervals[station_id].total_seconds() / 3600
        missing_percent = car.target_soc_percent - station.soc_percent
        per_wh = self.courses[station_id].percent_per_wh
        return missing_percent <= car.max_power_w * reading_h * per_wh

    def _fits(self, station_id: str, slot: PlannedSlot, facts: Facts, now: datetime) -> bool:
        limits_w = {other: self._planned_w(other, facts, now) for other in self.courses}
        limits_w[station_id] = slot.limit_w
        return self.overload_of(self.used_w(limits_w), facts) <= 0

    def _planned_w(self, station_id: str, facts: Facts, now: datetime) -> float:
        slot = self.courses[station_id].slot_at(now)
        if slot is None or self._has_target(station_id, facts.station(station_id)):
            return 0.0
        return slot.limit_w

    def used_w(self, limits_w: dict[str, float]) -> tuple[float, ...]:
        """Return the power in W that stations at these limits take on each phase."""
        used_w = (0.0,) * self.site.phases
        for station_id, limit_w in limits_w.items():
            used_w = with_car(used_w, self.cars[station_id], limit_w)
        return used_w

    def overload_of(self, used_w: tuple[float, ...], facts: Facts) -> float:
        """Return by how many W chargers that take this on each phase exceed the fuse, or 0."""
        house_w, chargers_w = facts.house_load_w, sum(used_w)
        if house_w is None or chargers_w <= POWER_EPSILON_W:
            return 0.0
        overload_w = 0.0
        if self.site.max_power_w is not None:
            overload_w = house_w + chargers_w - self.site.max_power_w
        if self.site.fuse_current_a is not None:
            phase_w = house_w / self.site.phases + max(used_w)
            overload_w = max(overload_w, phase_w - self.site.fuse_current_a * self.site.voltage_v)
        return overload_w if overload_w > OVERLOAD_EPSILON_W else 0.0


def follow(
    plan: Plan, situation: Situation, half_intervals: dict[str, timedelta], now: datetime
) -> Following:
    """Prepare a plan to be followed from `now` on."""
    cars = {car.station_id: car for car in situation.cars}
    ends = (slot.end_at for slot in situation.slots if slot.end_at > now)
    return Following(
        plan=plan,
        site=situation.site,
        cars=cars,
        courses={s.station_id: course_of(s, cars[s.station_id]) for s in plan.stations},
        half_intervals=half_intervals,
        next_slot_at=next(ends, now + timedelta(hours=1)),
        profile=profile_of(plan, cars, situation.site.phases),
    )
