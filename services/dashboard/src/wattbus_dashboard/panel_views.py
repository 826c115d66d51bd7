"""What the smaller parts of the page show: saving, schedulers, their league, services."""

from dataclasses import dataclass

from wattbus_contract.accounts import ReportPeriod
from wattbus_contract.control import Plan
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_dashboard import formats
from wattbus_dashboard.picture import Picture, currency_of
from wattbus_dashboard.words import Words

EXPECTED = ("station-bridge", "scheduler", "logger")


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service; `tone` is `good`, `bad` or `silent`."""

    name: str
    state: str
    tone: str
    version: str
    detail: str


@dataclass(frozen=True, slots=True)
class SchedulerView:
    """One scheduler with its plan."""

    instance: str
    role: str
    is_commanding: bool
    strategy: str
    expected_cost: str


@dataclass(frozen=True, slots=True)
class SavingView:
    """What one period has saved, all stations together."""

    label: str
    saving: str
    note: str


@dataclass(frozen=True, slots=True)
class LeagueRow:
    """One scheduler's place."""

    instance: str
    strategy: str
    is_commanding: bool
    energy: str
    cost: str
    shortfall: str


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """What can be chosen; `chosen` is empty where the scheduler decides itself."""

    names: tuple[str, ...]
    chosen: str


def schedulers(picture: Picture, words: Words) -> tuple[SchedulerView, ...]:
    """Return every scheduler that is up, the one that commands first."""
    holder = picture.lease.holder if picture.lease is not None else None
    plans: dict[str, Plan] = {client: plan for client, (_, plan) in picture.shadows.items()}
    if picture.plan is not None and (holder is None or picture.plan.instance == holder):
        plans[picture.plan.instance] = picture.plan
    ups = {
        client
        for (user, client), status in picture.services.items()
        if user == "scheduler" and status.status is Status.UP
    }
    names = sorted(ups | ({holder} if holder else set()), key=lambda name: (name != holder, name))
    currency = currency_of(picture)
    found = []
    for name in names:
        plan = plans.get(name)
        is_commanding = name == holder
        found.append(
            SchedulerView(
                instance=name,
                role=words.commands if is_commanding else words.shadow,
                is_commanding=is_commanding,
                strategy=plan.strategy if plan is not None else formats.NOTHING,
                expected_cost=formats.cost(plan.expected_cost, currency, words)
                if plan is not None
                else formats.NOTHING,
            )
        )
    return tuple(found)


def savings(picture: Picture, words: Words) -> tuple[SavingView, ...]:
    """Return what was saved, all stations together; () before there is a report."""
    report = picture.report
    if report is None:
        return ()
    rows = (
        (words.saving_session, [station.session for station in report.stations]),
        (words.saving_month, [station.month for station in report.stations]),
        (words.saving_year, [station.year for station in report.stations]),
    )
    found = []
    for label, periods in rows:
        known = [period for period in periods if period is not None]
        if known:
            found.append(_saving(label, known, report.currency, words))
    return tuple(found)


def _saving(label: str, periods: list[ReportPeriod], currency: str, words: Words) -> SavingView:
    return SavingView(
        label,
        formats.cost(sum(period.saving for period in periods), currency, words),
        words.saving_of.format(
            energy=formats.energy(sum(period.energy_wh for period in periods), words),
            cost=formats.cost(sum(period.cost for period in periods), currency, words),
            reference=formats.cost(
                sum(period.reference_cost for period in periods), currency, words
            ),
        ),
    )


def league(picture: Picture, words: Words) -> tuple[LeagueRow, ...]:
    """Return the schedulers, who has left least undone first, then who was cheapest."""
    if picture.league is None:
        return ()
    currency = picture.league.currency
    entries = sorted(
        picture.league.entries, key=lambda entry: (round(entry.shortfall_wh, -1), entry.cost)
    )
    return tuple(
        LeagueRow(
            entry.instance,
            entry.strategy,
            entry.is_commanding,
            formats.energy(entry.energy_wh, words),
            formats.cost(entry.cost, currency, words),
            formats.energy(entry.shortfall_wh, words),
        )
        for entry in entries
    )


def services(picture: Picture, words: Words) -> tuple[ServiceView, ...]:
    """Return every service that was heard of, and those that ought to be."""
    heard = {user for user, _ in picture.services}
    absent = [
        ServiceView(name, words.missing, "silent", "", "") for name in EXPECTED if name not in heard
    ]
    known = [
        _service(user, client, status, words)
        for (user, client), status in sorted(picture.services.items())
    ]
    return tuple(sorted([*absent, *known], key=lambda service: service.name))


def _service(user: str, client: str, status: ServiceStatus, words: Words) -> ServiceView:
    name = user if user == client else f"{user} ({client})"
    if status.status is Status.DOWN:
        state, tone = words.down, "bad"
    elif status.health is Health.DEGRADED:
        state, tone = words.degraded, "bad"
    else:
        state, tone = words.up, "good"
    return ServiceView(name, state, tone, status.version, status.detail)
