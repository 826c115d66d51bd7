"""The league on disk: `league.json`, from which `report` prints its table."""

from pathlib import Path

from pydantic import ValidationError

from wattbus_contract.accounts import League
from wattbus_contract.money import cost_text, price_text
from wattbus_logger.append_file import write_atomically

FILE_NAME = "league.json"


def write_league(folder: Path, league: League) -> None:
    """Write the league durably; OSError leaves the former one."""
    write_atomically(folder / FILE_NAME, league.model_dump_json().encode() + b"\n")


def read_league(folder: Path) -> League | None:
    """Return the newest league; None if there is none that can be read."""
    try:
        return League.model_validate_json((folder / FILE_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def league_text(league: League) -> str:
    """Return the league as a table for the terminal."""
    head = ["scheduler", "strategy", "energy", "cost", "per kWh", "missing", ""]
    rows = [head]
    for entry in league.entries:
        per_kwh = entry.cost / entry.energy_wh * 1000 if entry.energy_wh > 0 else None
        rows.append(
            [
                entry.instance,
                entry.strategy,
                f"{entry.energy_wh / 1000:.2f} kWh",
                cost_text(entry.cost, league.currency),
                "" if per_kwh is None else price_text(per_kwh, league.currency),
                f"{entry.shortfall_wh / 1000:.2f} kWh" if entry.shortfall_wh >= 5 else "",
                "commands" if entry.is_commanding else "in the shadow",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    title = f"Schedulers side by side since {league.since_at:%Y-%m-%d %H:%M} UTC"
    return "\n".join([title, *lines]) + "\n"
