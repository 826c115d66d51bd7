"""Formats a plan and the comparison of strategies as tables for the terminal and for Markdown."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from wattbus_contract.money import cost_text
from wattbus_scheduler.day_course import DayCourse, Span
from wattbus_scheduler.plan import Plan, StationPlan
from wattbus_scheduler.situation import Site
from wattbus_scheduler.wording import duration_text, energy_text, power_text, price_text, to_minute


def plan_table(plan: Plan, site: Site) -> str:
    """Return every slot of every station, with its reason, and the sums."""
    blocks = [_station_table(station, site) for station in plan.stations]
    total = f"strategy {plan.strategy}: {cost_text(plan.expected_cost, site.currency)} in all"
    return "\n\n".join([*blocks, total]) + "\n"


def comparison_table(courses: Sequence[DayCourse], site: Site, *, is_markdown: bool) -> str:
    """Return one line for each strategy; `saved` is against charging at once."""
    at_once = next((course.cost for course in courses if course.strategy == "now"), None)
    head = ["strategy", "charges", "energy", "cost", "per kWh", "charging", "nights", "saved"]
    rows = [_comparison_row(course, at_once, site) for course in courses]
    return _markdown(head, rows) if is_markdown else _columns(head, rows)


def _comparison_row(course: DayCourse, at_once: float | None, site: Site) -> list[str]:
    energy_kwh = course.energy_wh / 1000
    saved = "" if not at_once else f"{(at_once - course.cost) / at_once:.0%}"
    return [
        course.strategy,
        ", ".join(_span_text(span, course, site.time_zone) for span in course.spans),
        f"{energy_kwh:.2f} kWh",
        cost_text(course.cost, site.currency),
        price_text(course.cost / energy_kwh, site.currency) if energy_kwh else "",
        duration_text(course.charging_s),
        str(course.nights) if course.done_at is not None else "never done",
        saved if course.strategy != "now" else "",
    ]


def _span_text(span: Span, course: DayCourse, zone: ZoneInfo) -> str:
    start, end = to_minute(span.start_at, zone), to_minute(span.end_at, zone)
    day = (start.date() - course.spans[0].start_at.astimezone(zone).date()).days
    shown_end = "24:00" if f"{end:%H:%M}" == "00:00" else f"{end:%H:%M}"
    return f"{start:%H:%M}-{shown_end}" + (f" (day {day + 1})" if day else "")


def _station_table(station: StationPlan, site: Site) -> str:
    rows = [
        [
            _clock(slot.start_at, site.time_zone),
            duration_text(slot.duration_s),
            power_text(slot.limit_w),
            energy_text(slot.expected_energy_wh) if slot.limit_w else "",
            cost_text(slot.expected_cost, site.currency) if slot.limit_w else "",
            slot.reason.text,
        ]
        for slot in station.slots
    ]
    head = ["from", "for", "limit", "energy", "cost", "why"]
    reached = station.target_reached_at
    outcome = f"target {station.target_soc_percent:g} % "
    if reached is not None:
        outcome += f"reached at {_clock(reached, site.time_zone)}"
    else:
        outcome += f"missed by {energy_text(station.shortfall_wh)}"
    energy, cost = station.expected_energy_wh, cost_text(station.expected_cost, site.currency)
    title = f"{station.station_id}: {energy_text(energy)} for {cost}; {outcome}"
    return f"{title}\n{_columns(head, rows)}".rstrip()


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{to_minute(instant, zone):%a %H:%M}"


def _columns(head: list[str], rows: list[list[str]]) -> str:
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in table]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
