"""`wattbus mode`, `goal` and `strategy`: a person's wish, and what became of it."""

import os
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from wattbus_console import where
from wattbus_console.bus import ask_for, ask_for_strategy, connected, known_strategies
from wattbus_console.commands import options
from wattbus_console.mistakes import Mistake
from wattbus_console.views import plain
from wattbus_console.week import departure_of
from wattbus_console.where import Given
from wattbus_contract.control import RequestOutcome, Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest

MODE_EXAMPLES = """Examples:

wattbus mode car1 now

wattbus mode car1 smart
"""
GOAL_EXAMPLES = """Examples:

wattbus goal car1 --target 80 --departure 07:00

wattbus goal car1 --price-cap 0.90

wattbus goal car1 --weekly "mon-fri 07:00" --weekly "sat,sun 10:00 60%"

wattbus goal car1 --max-current 10

wattbus goal car1 --clear weekly --clear max-current
"""
STRATEGY_EXAMPLES = """Examples:

wattbus strategy optimal

wattbus strategy own
"""
OWN = "own"
"""Says that the scheduler's own setting is to hold again."""


class Clear(StrEnum):
    """What can be taken back, as people name it."""

    WEEKLY = "weekly"
    MAX_CURRENT = "max-current"
    PRICE_CAP = "price-cap"


CLEARED = {
    Clear.WEEKLY: "weekly",
    Clear.MAX_CURRENT: "max_current_a",
    Clear.PRICE_CAP: "price_cap_per_kwh",
}


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
    max_current: Annotated[
        float | None,
        typer.Option(metavar="AMPERES", help="Never draw more on a phase, whatever is planned."),
    ] = None,
    weekly: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DAYS HH:MM [N%]",
            help="Leaves so each week: 'mon-fri 07:00'; may be repeated; replaces the whole week.",
        ),
    ] = None,
    clear: Annotated[
        list[Clear] | None,
        typer.Option(help="Take a wish back; may be repeated."),
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
        goal_request(
            target,
            minimum,
            departure,
            price_cap,
            max_current=max_current,
            weekly=weekly or (),
            clear=clear or (),
        ),
    )


def strategy(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|own",
            help="A strategy of the scheduler, such as cheapest; own: as it was started.",
        ),
    ],
    *,
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    password_file: options.PasswordFile = None,
    site: options.Site = None,
) -> None:
    """Ask the scheduler for another strategy, while cars charge."""
    place = where.find(Given(host, port, user, password_file, site), os.environ)
    with connected(place.broker, place.site) as bus:
        known = known_strategies(bus)
        if name != OWN and known and name not in known:
            raise Mistake(f"the scheduler knows no strategy {name!r}; it knows {', '.join(known)}")
        try:
            answer = ask_for_strategy(bus, "" if name == OWN else name)
        except ValidationError as error:
            raise Mistake(f"{name!r} is no name: a-z, 0-9 and -, at most 32 letters") from error
    _tell(answer)


def goal_request(
    target: float | None,
    minimum: float | None,
    departure: str | None,
    price_cap: float | None,
    *,
    max_current: float | None = None,
    weekly: Sequence[str] = (),
    clear: Sequence[Clear] = (),
) -> GoalRequest:
    """Return the wish; Mistake for a departure that is no time, or if nothing is asked for."""
    asked: dict[str, object] = {
        "target_soc_percent": target,
        "min_soc_percent": minimum,
        "price_cap_per_kwh": price_cap,
        "max_current_a": max_current,
        "weekly": [departure_of(text) for text in weekly] or None,
        "clear": [CLEARED[name] for name in clear] or None,
    }
    if departure is not None:
        asked |= _departure(departure)
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        raise Mistake(
            "give at least one of --target, --minimum, --departure, --price-cap, --max-current, "
            "--weekly and --clear"
        )
    try:
        return GoalRequest.model_validate(given, strict=False)
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
    _tell(answer)


def _tell(answer: Response) -> None:
    console = Console()
    is_accepted = answer.outcome is RequestOutcome.ACCEPTED
    style = "green3" if is_accepted else "red3"
    console.print(f"[{style}]{answer.outcome.value}[/]: ", end="")
    console.print(plain(answer.reason.text), markup=False, highlight=False)
    if not is_accepted:
        raise typer.Exit(1)
