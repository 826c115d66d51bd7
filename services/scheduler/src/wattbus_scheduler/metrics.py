"""What the scheduler plans and asks for, as figures for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from wattbus_contract import topics
from wattbus_contract.base import Body
from wattbus_contract.control import Plan, SetLimit
from wattbus_contract.metrics import JOULES_PER_WH, expose, new_registry
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec


def show(settings: MetricsSettings, session: MqttSession) -> Callable[[], None]:
    """Begin to show the figures; returns what ends it. BadSetting if that is impossible."""
    registry = new_registry(session)
    session.observer = SchedulerFigures(session.site, registry).note
    return expose(settings, registry)


class SchedulerFigures:
    """Figures of plans and limits; `note` is called with each message that is sent."""

    def __init__(self, site: str, registry: CollectorRegistry) -> None:
        def planned(name: str, text: str) -> Gauge:
            return Gauge(f"wattbus_plan_{name}", text, ("site", "station"), registry=registry)

        self._site = site
        self._plans = Counter(
            "wattbus_plans",
            "Plans that were published, by strategy, in command or in the shadow.",
            ("site", "strategy", "role"),
            registry=registry,
        )
        self._cost = Gauge(
            "wattbus_plan_expected_cost",
            "What the newest plan expects all charging to cost.",
            ("site", "currency"),
            registry=registry,
        )
        self._planned_at = Gauge(
            "wattbus_plan_timestamp_seconds",
            "When the newest plan was made, on the site's clock.",
            ("site",),
            registry=registry,
        )
        self._energy = planned("expected_energy_joules", "What the newest plan would charge.")
        self._shortfall = planned("shortfall_joules", "What the newest plan lacks for the goal.")
        self._limits = Counter(
            "wattbus_limits_sent",
            "Limits that were sent to the bridge, repetitions included.",
            ("site", "station"),
            registry=registry,
        )
        self._limit = Gauge(
            "wattbus_limit_watts",
            "The limit that was sent last.",
            ("site", "station"),
            registry=registry,
        )

    def note(self, spec: TopicSpec, body: Body, ids: Mapping[str, str]) -> None:
        """Take over what a message says."""
        match body:
            case Plan():
                role = "shadow" if spec is topics.SHADOW_PLAN else "command"
                self._plans.labels(self._site, body.strategy, role).inc()
                self._note_plan(body)
            case SetLimit():
                labels = self._site, ids["station"]
                self._limits.labels(*labels).inc()
                if body.limit_w is not None:
                    self._limit.labels(*labels).set(body.limit_w)
            case _:
                pass

    def _note_plan(self, plan: Plan) -> None:
        self._cost.labels(self._site, plan.currency).set(plan.expected_cost)
        self._planned_at.labels(self._site).set(plan.planned_at.timestamp())
        # Stations that the plan no longer has must not stand there for ever.
        self._energy.clear()
        self._shortfall.clear()
        for station in plan.stations:
            labels = self._site, station.station
            self._energy.labels(*labels).set(station.expected_energy_wh * JOULES_PER_WH)
            self._shortfall.labels(*labels).set(station.shortfall_wh * JOULES_PER_WH)
