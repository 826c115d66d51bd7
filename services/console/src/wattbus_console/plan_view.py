"""A plan as rows for people: from when to when, price, house load, what is done and why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_console.day_view import expected_load_w
from wattbus_console.picture import Picture
from wattbus_console.tally import price_at
from wattbus_console.views import currency_of, kwh, plain, slot_end, to_minute, zone_of
from wattbus_contract.control import PlanSlot, StationPlan
from wattbus_contract.money import cost_text

MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One slot, or with a long plan several neighbours of the same kind."""

    when: str
    price_per_kwh: float | None
    house_w: float | None
    limit_w: float
    energy_wh: float
    cost: float
    reason: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """A station's plan. `chosen` are the joined times in which it charges."""

    station: str
    strategy: str
    currency: str
    fuse_w: float | None
    rows: tuple[PlanRow, ...]
    chosen: str
    outcome: str


def plan_views(picture: Picture) -> list[PlanView]:
    """Return the plan of every station, [] before there is a plan."""
    if picture.plan is None:
        return []
    return [_plan_view(picture, station) for station in picture.plan.stations]


def _plan_view(picture: Picture, plan: StationPlan) -> PlanView:
    zone = zone_of(picture)
    groups = [[slot] for slot in plan.slots]
    if len(groups) > MOST_ROWS:
        groups = _joined(plan)
    return PlanView(
        station=plan.station,
        strategy=plain(picture.plan.strategy) if picture.plan is not None else "",
        currency=currency_of(picture),
        fuse_w=picture.site.max_power_w if picture.site is not None else None,
        rows=tuple(_rows(picture, groups, zone)),
        chosen=chosen_text(plan, zone),
        outcome=_outcome(plan, currency_of(picture), zone),
    )


def _joined(plan: StationPlan) -> list[list[PlanSlot]]:
    groups: list[list[PlanSlot]] = []
    for slot in plan.slots:
        last = groups[-1][-1] if groups else None
        if last is not None and (last.limit_w > 0, last.reason.code) == (
            slot.limit_w > 0,
            slot.reason.code,
        ):
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return groups


def _rows(picture: Picture, groups: list[list[PlanSlot]], zone: ZoneInfo) -> Iterator[PlanRow]:
    """Yield the rows; the first of each later day names it."""
    day = to_minute(groups[0][0].start_at, zone).date() if groups else None
    for group in groups:
        row, local = _row(picture, group, zone), to_minute(group[0].start_at, zone)
        yield row if local.date() == day else replace(row, when=f"{local:%a} {row.when}")
        day = local.date()


def _row(picture: Picture, group: list[PlanSlot], zone: ZoneInfo) -> PlanRow:
    first = group[0]
    start, end = first.start_at, slot_end(group[-1])
    middle = start + timedelta(seconds=first.duration_s / 2)
    prices = picture.price.slots if picture.price is not None else ()
    loads = picture.base_load.slots if picture.base_load is not None else ()
    return PlanRow(
        when=span_text(start, end, zone),
        price_per_kwh=price_at(prices, middle),
        house_w=expected_load_w(loads, middle),
        limit_w=first.limit_w,
        energy_wh=sum(slot.expected_energy_wh for slot in group),
        cost=sum(slot.expected_cost for slot in group),
        reason=plain(first.reason.text),
    )


def span_text(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return `22:00-24:00`; the midnight that ends a span is 24:00. Seconds for the shortest."""
    span_s = (end - start).total_seconds()
    if span_s < 60:
        return f"{start.astimezone(zone):%H:%M} ({span_s:.0f} s)"
    local_end = to_minute(end, zone)
    shown = "24:00" if (local_end.hour, local_end.minute) == (0, 0) else f"{local_end:%H:%M}"
    return f"{to_minute(start, zone):%H:%M}-{shown}"


def chosen_text(plan: StationPlan, zone: ZoneInfo) -> str:
    """Return when a plan charges: neighbours joined, the day named where it changes."""
    spans: list[tuple[datetime, datetime]] = []
    for slot in plan.slots:
        if slot.limit_w <= 0:
            continue
        if spans and abs((slot.start_at - spans[-1][1]).total_seconds()) < 1:
            spans[-1] = spans[-1][0], slot_end(slot)
        else:
            spans.append((slot.start_at, slot_end(slot)))
    texts, day = [], None
    for start, end in spans:
        local = to_minute(start, zone)
        prefix = f"{local:%a} " if local.date() != day else ""
        day = local.date()
        texts.append(prefix + span_text(start, end, zone))
    return ", ".join(texts) or "never"


def _outcome(plan: StationPlan, currency: str, zone: ZoneInfo) -> str:
    text = f"{kwh(plan.expected_energy_wh)} for {cost_text(plan.expected_cost, currency)}"
    target = f"target {plan.target_soc_percent:g} %"
    if plan.shortfall_wh > 0:
        return f"{text}; {target} is missed by {kwh(plan.shortfall_wh)} in the known hours"
    if plan.target_reached_at is None:
        return f"{text}; {target}"
    return f"{text}; {target} is reached {to_minute(plan.target_reached_at, zone):%a %H:%M}"
