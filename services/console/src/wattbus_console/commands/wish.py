"""`wattbus mode` and `wattbus goal`: a person's wish, and what became of it."""

import os
from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from wattbus_console import where
from wattbus_console.bus import ask_for, connected
from wattbus_console.commands import options
from wattbus_console.mistakes import Mistake
from wattbus_console.where import Given
from wattbus_contract.control import RequestOutcome
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest

MODE_EXAMPLES = """Examples:

wattbus mode car1 now

wattbus mode car1 smart
"""
GOAL_EXAMPLES = """Examples:

wattbus goal car1 --target 80 --departure 07:00

wattbus goal car1 --price-cap 0.90
"""


def mode(
    station: options.StationId,
    mode: Annotated[
        Mode,
        typer.Argument(
            metavar="now|smart|off", help="now: at once; smart: as planned; off: not at all."
        ),
    ],
    *,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    password_file: options.PasswordFile = None,
    site: options.Site = None,
) -> None:
    """Ask a station to charge now, as planned, or not at all."""
    _ask(Given(host, port, user, password_file, site), station, ModeRequest(mode=mode))


def goal(
    station: options.StationId,
    *,
    target: Annotated[
        float | None,
        typer.Option(min=0, max=100, metavar="PERCENT", help="State of charge to reach."),
    ] = None,
    minimum: Annotated[
        float | None,
        typer.Option(min=0, max=100, metavar="PERCENT", help="Charge at once up to this."),
    ] = None,
    departure: Annotated[
        str | None,
        typer.Option(
            metavar="HH:MM|INSTANT",
            help="Local time, or an instant: 2025-01-16T07:00+01:00.",
        ),
    ] = None,
    price_cap: Annotated[
        float | None,
        typer.Option(metavar="PRICE", help="Never pay more per kWh; 0.90 is 90 öre."),
    ] = None,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    password_file: options.PasswordFile = None,
    site: options.Site = None,
) -> None:
    """Say what a car should have, and by when. What is left out stays as it is."""
    _ask(
        Given(host, port, user, password_file, site),
        station,
        goal_request(target, minimum, departure, price_cap),
    )


def goal_request(
    target: float | None, minimum: float | None, departure: str | None, price_cap: float | None
) -> GoalRequest:
    """Return the wish; Mistake for a departure that is no time, or if nothing is asked for."""
    asked: dict[str, object] = {
        "target_soc_percent": target,
        "min_soc_percent": minimum,
        "price_cap_per_kwh": price_cap,
    }
    if departure is not None:
        asked |= _departure(departure)
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        raise Mistake("give at least one of --target, --minimum, --departure and --price-cap")
    try:
        return GoalRequest.model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise Mistake(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}") from error


def _departure(text: str) -> dict[str, object]:
    if "T" not in text and len(text) <= len("07:00:00"):
        return {"departure_time": text}
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise Mistake(f"--departure {text}: takes 07:00 or 2025-01-16T07:00+01:00") from error
    if instant.tzinfo is None:
        raise Mistake(f"--departure {text}: an instant needs its offset, such as +01:00")
    return {"departure_at": instant}


def _ask(given: Given, station: str, wish: ModeRequest | GoalRequest) -> None:
    place = where.find(given, os.environ)
    with connected(place.broker, place.site) as bus:
        answer = ask_for(bus, station, wish)
    console = Console()
    is_accepted = answer.outcome is RequestOutcome.ACCEPTED
    style = "green3" if is_accepted else "red3"
    console.print(f"[{style}]{answer.outcome.value}[/]: ", end="")
    console.print(answer.reason.text, markup=False, highlight=False)
    if not is_accepted:
        raise typer.Exit(1)
