"""The least that sessions could have cost with everything known: a bound on every strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

from wattbus_scheduler.backtest.foreknowledge import Foreknowledge
from wattbus_scheduler.backtest.stays import Played, Session, Span
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.headroom import offered_power_w

UNMET_FACTOR = 200.0


@dataclass(frozen=True, slots=True)
class _Part:
    """A slot, or what a stay has of it: the most a car could draw there, alone."""

    index: int
    start_s: float
    end_s: float
    most_kwh: float
    price_per_kwh: float


def hindsight(world: World, knowledge: Foreknowledge, sessions: Sequence[Session]) -> list[Played]:
    """Return the cheapest charging of sessions, all prices, loads, stays and needs known.

    One session alone is a sort and a fill. Several that share a fuse are one linear programme, in
    which a car may draw any power up to what the fuse leaves: so its cost is a lower bound.
    Missing energy is as little as can be.
    """
    parts = [_parts(world, knowledge, session) for session in sessions]
    is_shared = len(sessions) > 1 and (
        world.site.max_power_w is not None or world.site.fuse_current_a is not None
    )
    if is_shared:
        energies = _jointly(world, knowledge, sessions, parts)
    else:
        energies = [_alone(session, mine) for session, mine in zip(sessions, parts, strict=True)]
    return [
        _played(session, mine, energy)
        for session, mine, energy in zip(sessions, parts, energies, strict=True)
    ]


def _parts(world: World, knowledge: Foreknowledge, session: Session) -> list[_Part]:
    timeline, car = world.timeline, world.cars[session.car]
    unused = (0.0,) * world.site.phases
    first = timeline.index_at(session.arrival_s)
    last = timeline.index_at(session.departure_s - 2e-3)
    parts = []
    for index in range(max(0, first), min(last, timeline.count - 1) + 1):
        start_s = max(timeline.slot_start_s(index), session.arrival_s)
        end_s = min(timeline.slot_start_s(index + 1), session.departure_s)
        power_w = offered_power_w(world.site, car, knowledge.load_w(index), unused)
        if power_w > 0 and end_s > start_s:
            price = timeline.prices_per_kwh[index] or 0.0
            parts.append(_Part(index, start_s, end_s, power_w * (end_s - start_s) / 3.6e6, price))
    return parts


def _alone(session: Session, parts: Sequence[_Part]) -> list[float]:
    energies, left_kwh = [0.0] * len(parts), session.energy_wh / 1000
    for number in sorted(range(len(parts)), key=lambda i: parts[i].price_per_kwh):
        energies[number] = min(left_kwh, parts[number].most_kwh)
        left_kwh -= energies[number]
    return energies


def _jointly(
    world: World,
    knowledge: Foreknowledge,
    sessions: Sequence[Session],
    parts: Sequence[Sequence[_Part]],
) -> list[list[float]]:
    """Solve energy by session and slot, and what stays unmet, under the shared limits."""
    # 40 MB that a single car does without.
    import highspy  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    counts = [len(mine) for mine in parts]
    total = sum(counts)
    cost = np.array([part.price_per_kwh for mine in parts for part in mine])
    most = np.array([part.most_kwh for mine in parts for part in mine])
    unmet_price = UNMET_FACTOR * max(1e-3, float(np.abs(cost).max(initial=0.0)))
    need = np.array([session.energy_wh / 1000 for session in sessions])
    rows = _limit_rows(world, knowledge, sessions, parts)
    entries: list[list[tuple[int, float]]] = [
        [(number, 1.0)] for number, mine in enumerate(parts) for _ in mine
    ]
    for number, (_, shares) in enumerate(rows):
        for column, share in shares:
            entries[column].append((len(sessions) + number, share))
    entries.extend([(number, 1.0)] for number in range(len(sessions)))
    model = highspy.HighsLp()
    model.num_col_ = total + len(sessions)
    model.num_row_ = len(sessions) + len(rows)
    model.col_cost_ = np.concatenate([cost, np.full(len(sessions), unmet_price)])
    model.col_lower_ = np.zeros(total + len(sessions))
    model.col_upper_ = np.concatenate([most, need])
    caps = np.array([cap for cap, _ in rows])
    model.row_lower_ = np.concatenate([need, np.full(len(rows), -highspy.kHighsInf)])
    model.row_upper_ = np.concatenate([need, caps])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lengths = [len(column) for column in entries]
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    model.a_matrix_.index_ = np.array([r for column in entries for r, _ in column], dtype=np.int32)
    model.a_matrix_.value_ = np.array([v for column in entries for _, v in column])
    highs = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(model)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"no hindsight optimum: {highs.getModelStatus()}")
    values = np.array(highs.getSolution().col_value)[:total]
    ends = np.cumsum(counts)
    return [list(values[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def _limit_rows(
    world: World,
    knowledge: Foreknowledge,
    sessions: Sequence[Session],
    parts: Sequence[Sequence[_Part]],
) -> list[tuple[float, list[tuple[int, float]]]]:
    """Return (kWh, [(column, share)]) for each slot and limit that cars could exceed together."""
    site, hours = world.site, world.timeline.step_s / 3600
    by_slot: dict[int, list[tuple[int, float, tuple[int, ...]]]] = {}
    column = 0
    for session, mine in zip(sessions, parts, strict=True):
        phases = world.cars[session.car].phases
        for part in mine:
            by_slot.setdefault(part.index, []).append((column, part.most_kwh, phases))
            column += 1
    rows: list[tuple[float, list[tuple[int, float]]]] = []
    for index, here in by_slot.items():
        load_w = knowledge.load_w(index)
        limits: list[tuple[float, list[tuple[int, float]], float]] = []
        if site.max_power_w is not None:
            cap = (site.max_power_w - load_w) / 1000 * hours
            whole = [(number, 1.0) for number, _, _ in here]
            limits.append((cap, whole, sum(most for _, most, _ in here)))
        if site.fuse_current_a is not None:
            cap = (site.fuse_current_a * site.voltage_v - load_w / site.phases) / 1000 * hours
            for phase in range(1, site.phases + 1):
                mine_here = [(n, 1 / len(p)) for n, _, p in here if phase in p]
                at_most = sum(most / len(p) for _, most, p in here if phase in p)
                limits.append((cap, mine_here, at_most))
        rows.extend((max(0.0, cap), shares) for cap, shares, most in limits if most > cap)
    return rows


def _played(session: Session, parts: Sequence[_Part], energies: Sequence[float]) -> Played:
    drawn = [(part, kwh) for part, kwh in zip(parts, energies, strict=True) if kwh > 1e-9]
    energy_wh = float(sum(kwh for _, kwh in drawn)) * 1000
    spans = tuple(
        Span(part.start_s, part.end_s, float(kwh) * 3.6e6 / (part.end_s - part.start_s))
        for part, kwh in drawn
    )
    starts = sum(
        1
        for number, span in enumerate(spans)
        if not number or span.start_s - spans[number - 1].end_s > 2e-3
    )
    missing_wh = session.energy_wh - energy_wh
    return Played(
        number=session.number,
        energy_wh=energy_wh,
        missing_wh=missing_wh if missing_wh > 1.0 else 0.0,
        cost=float(sum(kwh * part.price_per_kwh for part, kwh in drawn)),
        starts=starts,
        plans=0,
        spans=spans,
    )
