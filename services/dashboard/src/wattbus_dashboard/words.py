"""Everything the page says, by name: a language gives all of it, or mypy complains."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Texts with `{…}` are filled in by the views."""

    code: str
    name: str
    decimal: str
    days: tuple[str, ...]
    months: tuple[str, ...]

    title: str
    skip: str
    other_language: str
    log_out: str
    simulated: str

    price_now: str
    house: str
    chargers: str
    main_fuse: str
    fuse_of: str
    unknown: str

    cars: str
    charging: str
    waiting: str
    away: str
    lost: str
    failsafe: str
    guarded: str
    silent: str
    faulted: str
    soc: str
    soc_unknown: str
    target: str
    mode: str
    mode_smart: str
    mode_now: str
    mode_off: str
    mode_smart_hint: str
    mode_now_hint: str
    mode_off_hint: str
    departure: str
    no_departure: str
    weekly: str
    no_weekly: str
    max_current: str
    max_current_none: str
    why: str
    no_reason: str
    change: str
    change_of: str
    asked: str
    accepted: str
    refused: str
    no_answer: str

    goal_title: str
    goal_target: str
    goal_departure: str
    goal_departure_hint: str
    goal_max_current: str
    goal_max_current_hint: str
    goal_weekly: str
    goal_weekly_hint: str
    goal_day_time: str
    goal_day_target: str
    save: str
    cancel: str
    nothing_changed: str
    bad_value: str

    chart: str
    chart_price: str
    chart_planned: str
    chart_actual: str
    chart_house: str
    chart_house_expected: str
    chart_solar: str
    chart_solar_expected: str
    chart_fuse: str
    chart_now: str
    chart_table: str
    chart_time: str
    chart_empty: str
    chart_summary: str
    chart_summary_price: str
    chart_summary_solar: str
    chart_summary_plan: str
    chart_summary_no_plan: str

    saving: str
    saving_session: str
    saving_month: str
    saving_year: str
    saving_of: str
    saving_none: str
    energy: str
    cost: str

    schedulers: str
    commands: str
    shadow: str
    nobody_commands: str
    league: str
    league_since: str
    league_shortfall: str
    instance: str
    strategy: str
    strategy_choose: str
    strategy_default: str
    strategy_apply: str
    expected_cost: str
    role: str

    services: str
    service: str
    state: str
    up: str
    down: str
    degraded: str
    missing: str
    version: str
    detail: str

    missing_broker: str
    missing_broker_do: str
    missing_bridge: str
    missing_bridge_do: str
    missing_stations: str
    missing_stations_do: str
    missing_price: str
    missing_price_do: str
    missing_scheduler: str
    missing_scheduler_do: str
    missing_plan: str
    missing_plan_do: str
    missing_logger: str
    missing_logger_do: str
    missing_broker_since: str

    login_title: str
    login_password: str
    login_button: str
    login_wrong: str
    login_wait: str
