"""What the logger reckons from what it has stored: costs of charging, and schedulers compared."""

from typing import Annotated

from pydantic import Field

from wattbus_contract.base import Body, EnergyWh, Id, Many, Text, UtcInstant

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Money = Annotated[float, Field(description="In the message's currency.")]


class ReportPeriod(Body):
    """What charging cost since `from_at`.

    `reference_cost` is what the same energy had cost, charged at once on arrival; `saving` is
    `reference_cost` less `cost`.
    """

    from_at: UtcInstant
    energy_wh: EnergyWh
    cost: Money
    reference_cost: Money
    saving: Money


class StationReport(Body):
    """One station's costs: of the running or last charging session, and by the site's calendar."""

    station: Id
    session: ReportPeriod | None = None
    day: ReportPeriod
    month: ReportPeriod
    year: ReportPeriod


class ChargingReport(Body):
    """What charging has cost at each station, as at `at` (site time)."""

    at: UtcInstant
    currency: Currency
    stations: Many[StationReport]


class LeagueEntry(Body):
    """How one scheduler does: the one that commands by what happened, the others by their plans."""

    instance: Id
    strategy: Text
    is_commanding: bool
    energy_wh: EnergyWh
    cost: Money
    shortfall_wh: EnergyWh


class League(Body):
    """Schedulers side by side since `since_at`: what each had charged, and at which cost."""

    since_at: UtcInstant
    currency: Currency
    entries: Many[LeagueEntry]
