"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DATA_DIR = Path("data")

Host = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The broker's host.", show_default="found by itself"),
]
Port = Annotated[int | None, typer.Option(min=1, max=65535, metavar="N", help="The broker's port.")]
User = Annotated[
    str | None, typer.Option(metavar="NAME", help="The broker's user.", show_default="console")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Holds the user's password."),
]
Site = Annotated[
    str | None, typer.Option(metavar="ID", help="Id of the site.", show_default="home")
]
StationId = Annotated[
    str, typer.Argument(metavar="STATION", help="Id of the station, such as car1.")
]

Scenario = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="course-day, course-night, se3-week, solar-day, three-cars, or a TOML file.",
    ),
]
SiteFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        resolve_path=True,
        metavar="FILE",
        help="The site's description.",
        show_default="the one in sites/ that fits the scenario",
    ),
]
SecondsPerHour = Annotated[
    str | None,
    typer.Option(
        metavar="N|real",
        help="Wall seconds that a simulated hour takes.",
        show_default="as the scenario says",
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        envvar="WATTBUS_DATA_DIR",
        file_okay=False,
        resolve_path=True,
        metavar="DIR",
        help="Folder of CSV, log, recording and plot.",
    ),
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        resolve_path=True,
        metavar="DIR",
        help="Folder of the run: broker, passwords, logs of the services.",
        show_default=".wattbus/<command>",
    ),
]
BrokerPort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        metavar="N",
        help="The broker's port.",
        show_default="1883, or a free one",
    ),
]
