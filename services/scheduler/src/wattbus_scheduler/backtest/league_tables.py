"""The league as a table for the terminal, as Markdown and as JSON, and a CSV of all sessions."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from wattbus_contract.money import cost_text, price_text
from wattbus_scheduler.backtest.running import HINDSIGHT, Outcome
from wattbus_scheduler.backtest.summary import AT_ONCE, Line, Summary
from wattbus_scheduler.backtest.world import World

HEAD = (
    "strategy", "energy", "cost", "per kWh", "missing", "short", "starts", "saved", "of possible",
)  # fmt: skip
SHOWN = {HINDSIGHT: "hindsight", AT_ONCE: "now"}


def cells(line: Line, currency: str) -> list[str]:
    """Return a line of the league, without the time it took: the same at each run."""
    per_kwh = line.cost_per_kwh
    return [
        SHOWN.get(line.strategy, line.strategy),
        f"{line.energy_wh / 1000:,.0f} kWh",
        cost_text(line.cost, currency),
        "" if per_kwh is None else price_text(per_kwh, currency),
        f"{line.missing_wh / 1000:,.0f} kWh" if line.missing_wh >= 500 else "",
        str(line.short) if line.short else "",
        "" if line.strategy == HINDSIGHT else f"{line.starts / max(1, line.sessions):.1f}",
        "" if line.saved is None else f"{line.saved:.1%}",
        "" if line.reached is None else f"{line.reached:.1%}",
    ]


def markdown(summaries: Sequence[Summary], currency: str) -> str:
    """Return a Markdown table for each tariff, named where there are several."""
    blocks = []
    for summary in summaries:
        rows = [list(HEAD), ["---"] * len(HEAD)]
        rows.extend(cells(line, currency) for line in summary.lines)
        table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        blocks.append(f"{summary.tariff}:\n\n{table}" if len(summaries) > 1 else table)
    return "\n".join(blocks)


def as_json(
    description: str, currency: str, notes: Sequence[str], summaries: Sequence[Summary]
) -> str:
    """Return everything as one JSON document."""
    document = {
        "description": description,
        "currency": currency,
        "notes": list(notes),
        "tariffs": [
            {
                "tariff": summary.tariff,
                "league": [
                    {
                        "strategy": line.strategy,
                        "sessions": line.sessions,
                        "energy_wh": round(line.energy_wh, 1),
                        "missing_wh": round(line.missing_wh, 1),
                        "short_sessions": line.short,
                        "cost": round(line.cost, 4),
                        "made_good_cost": round(line.made_good, 4),
                        "starts": line.starts,
                        "saved": _rounded(line.saved),
                        "reached": _rounded(line.reached),
                        "processor_s": round(line.seconds, 3),
                    }
                    for line in summary.lines
                ],
                "months": {
                    strategy: {month: round(cost, 4) for month, cost in sorted(sums.items())}
                    for strategy, sums in summary.months.items()
                },
            }
            for summary in summaries
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


COLUMNS = (
    "tariff", "strategy", "car", "arrival_at", "departure_at", "stated_departure_at", "wanted_wh",
    "energy_wh", "missing_wh", "cost", "starts", "plans",
)  # fmt: skip


def write_sessions(out: TextIO, played: Sequence[tuple[str, World, Sequence[Outcome]]]) -> None:
    """Write a row for each tariff, strategy and session."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for tariff, world, outcomes in played:
        for outcome in outcomes:
            for session, one in zip(world.sessions, outcome.played, strict=True):
                writer.writerow(
                    [
                        tariff,
                        outcome.strategy,
                        session.car,
                        _utc(session.arrival_s),
                        _utc(session.departure_s),
                        _utc(session.stated_departure_s),
                        f"{session.energy_wh:.1f}",
                        f"{one.energy_wh:.1f}",
                        f"{one.missing_wh:.1f}",
                        f"{one.cost:.4f}",
                        one.starts,
                        one.plans,
                    ]
                )


def _utc(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
