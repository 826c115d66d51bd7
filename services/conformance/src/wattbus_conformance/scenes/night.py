"""Scene: a whole night at a fast clock, from arrival at 18:00 to departure at 07:00."""

from datetime import datetime, timedelta

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.site import ZONE, ScriptedSite, instant
from wattbus_conformance.stage import Stage
from wattbus_contract.facts import Goal, Mode
from wattbus_contract.forecasts import PriceForecast, PriceSlot

CAR = "car1"
ARRIVAL, DEPARTURE = "2025-01-15T18:00", "2025-01-16T07:00"
STEP_S, POLL_S = 300.0, 0.12
TARGET_PERCENT, START_PERCENT = 70.0, 40.0
TOLERANCE_PERCENT = 2.0
"""Two readings' worth of charging at 7.4 kW: what being late by one reading costs."""
CROWDED_HOUR = "2025-01-16T02:00"
"""The cheapest hour of the night, in which the house needs the fuse for itself."""

SPECIAL_PRICES = {
    instant("2025-01-15T21:00"): 2 * scenery.DEAR,
    instant("2025-01-15T22:00"): 2 * scenery.DEAR,
    instant(CROWDED_HOUR): scenery.CHEAP / 2,
}
"""Hours that are worse than charging at once, and one that is too good to be true."""


def play(stage: Stage, findings: Findings) -> None:
    """Play the night reading by reading; hold the clock while the fuse is exceeded."""
    # Starting takes wall time, of which the night has none to lose.
    stage.site.step_s = 0.0
    stage.begin(stage.subject)
    stage.run(1.0)
    stage.site.step_s = STEP_S
    car = stage.site.stations[CAR]
    charged_when_crowded = False
    departure = instant(DEPARTURE)
    while stage.site.at < departure:
        if stage.site.overload_w() > 0:
            charged_when_crowded |= not _fits_soon(stage)
        stage.run(POLL_S)
        if not stage.children[stage.subject].is_running:
            break
    soc = f"{car.soc_percent:.1f} % at {stage.site.at.astimezone(ZONE):%H:%M}"
    findings.judge(
        "goal-reached",
        car.soc_percent >= TARGET_PERCENT - TOLERANCE_PERCENT,
        expected=f"{TARGET_PERCENT:g} % at 07:00, from {START_PERCENT:g} % at 18:00 with a quarter "
        "of the day at the lowest price",
        seen=f"{soc}; {stage.told(CAR)}",
    )
    findings.judge(
        "goal-stop",
        car.soc_percent <= TARGET_PERCENT + TOLERANCE_PERCENT,
        expected=f"no more than {TARGET_PERCENT + TOLERANCE_PERCENT:g} %",
        seen=f"{soc}; {stage.told(CAR)}",
    )
    findings.judge(
        "fuse-forecast",
        not charged_when_crowded,
        expected=f"no charging from 02:00 on, when the house takes 9000 of "
        f"{scenery.FUSE_W:.0f} W, as foreseen",
        seen=stage.overload.worst or "none",
    )
    _judge_cost(stage, findings)


def _fits_soon(stage: Stage) -> bool:
    step_s, stage.site.step_s = stage.site.step_s, 1.0
    fits = stage.until(lambda: stage.site.overload_w() == 0, stage.settings.react_s)
    stage.site.step_s = step_s
    return fits


def _judge_cost(stage: Stage, findings: Findings) -> None:
    car = stage.site.stations[CAR]
    at_once = _cost_at_once(stage.site, car.energy_wh, car.info.max_power_w)
    findings.judge(
        "goal-cost",
        car.cost <= at_once + 0.01,
        expected=f"at most {at_once:.2f} SEK: what the same energy costs from 18:00 on",
        seen=f"{car.cost:.2f} SEK for {car.energy_wh / 1000:.2f} kWh",
    )


def _cost_at_once(site: ScriptedSite, energy_wh: float, power_w: float) -> float:
    at, left_wh, cost = instant(ARRIVAL), energy_wh, 0.0
    while left_wh > 0:
        part_wh = min(left_wh, power_w * STEP_S / 3600)
        slot = site.price_at(at)
        cost += part_wh / 1000 * (slot.price_per_kwh if slot is not None else 0.0)
        left_wh -= part_wh
        at += timedelta(seconds=STEP_S)
    return cost


def _mixed_slots() -> PriceForecast:
    """Quarters of an hour at night, hours by day: slots of mixed length are allowed."""
    slots = []
    for hour in scenery.hours():
        price = SPECIAL_PRICES.get(hour, scenery.usual_price(hour))
        parts = 4 if scenery.is_night(hour) else 1
        duration_s = 3600 / parts
        slots += [
            PriceSlot(
                start_at=hour + timedelta(seconds=duration_s * number),
                duration_s=duration_s,
                price_per_kwh=price,
            )
            for number in range(parts)
        ]
    return PriceForecast(currency="SEK", unit="SEK/kWh", provider="night", slots=tuple(slots))


def _house_load_w(at: datetime) -> float:
    is_crowded = timedelta(0) <= at - instant(CROWDED_HOUR) < timedelta(hours=1)
    return 9000.0 if is_crowded else scenery.usual_load_w(at)


def _site() -> ScriptedSite:
    goal = Goal(mode=Mode.SMART, target_soc_percent=TARGET_PERCENT, departure_at=instant(DEPARTURE))
    site = scenery.site(
        {CAR: scenery.switched(POLL_S)}, goal=goal, starts=ARRIVAL, step_s=STEP_S, poll_s=POLL_S
    )
    site.price = _mixed_slots()
    site.base_load = scenery.base_load({CROWDED_HOUR: 9000.0})
    site.house_load = _house_load_w
    site.stations[CAR].soc_percent = START_PERCENT
    return site


SCENE = Scene("night", ("goal-reached", "goal-stop", "goal-cost", "fuse-forecast"), _site, play)
