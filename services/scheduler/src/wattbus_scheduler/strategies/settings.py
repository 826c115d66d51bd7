"""The figures that strategies can be tuned with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """Tuning of the strategies.

    `price_threshold_per_kwh` is in the site's currency: `threshold` charges below it.
    `price_quantile` (0..1) is the part of each local day that `price` takes for cheap.
    `start_price` is what `optimal` counts for each time a car starts; None lets starts weigh as
    much as `calm_share` (0..1) of the least possible cost allows. A running plan is left only if
    that saves `replan_saving` for each car planned otherwise (None: the price of a start). Every
    kW by which a charging car's power changes counts `power_change_price_per_kw`. After
    `time_limit_s` the best plan so far is taken; None searches to the end.
    """

    price_threshold_per_kwh: float = 0.50
    price_quantile: float = 0.25
    start_price: float | None = None
    calm_share: float = 0.005
    replan_saving: float | None = None
    power_change_price_per_kw: float = 0.0
    time_limit_s: float | None = None
