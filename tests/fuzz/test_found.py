"""Messages that once ended a service: each is survived, and the service goes on working."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fuzz.listeners import (
    ConsoleSubject,
    DashboardSubject,
    HomeAssistantSubject,
    NotifierSubject,
)
from fuzz.subjects import BridgeSubject, LoggerSubject, SchedulerSubject
from fuzz.test_in_process import stamped
from unit.scheduler.scripted_site import SITE
from wattbus_console.picture import MOST_CONFIRMED
from wattbus_console.plan_view import plan_views
from wattbus_console.rendering.plan_table import _load_bar
from wattbus_contract import examples, topics
from wattbus_contract.base import EARLIEST, LATEST, MAX_INTEGER, Body, Reason
from wattbus_contract.codec import decode
from wattbus_contract.facts import Control, StationEventKind
from wattbus_contract.topics import TopicSpec
from wattbus_scheduler.plausible import implausible

ZONES = (
    "Europe/Atlantis", "../../etc/passwd", "Europe", "x" * 300, "a\0b", "",
)  # fmt: skip
"""Names that are none; to look for `Europe`, a folder, failed in a way of its own."""
AT = datetime(2025, 1, 15, 21, tzinfo=UTC)

TO_THE_SCHEDULER: list[tuple[TopicSpec, dict[str, Any]]] = [
    *((topics.SITE_INFO, {"time_zone": zone}) for zone in ZONES),
    (topics.STATION_INFO, {"max_power_w": 0.0}),
    (topics.STATION_INFO, {"charging_efficiency": 5e-324}),
    (topics.STATION_INFO, {"poll_interval_s": 366 * 86_400.0}),
    (topics.STATION_INFO, {"control": Control.CURRENT, "current_step_a": 5e-324}),
    (topics.STATION_INFO, {"control": Control.CURRENT, "max_current_a": 0.0, "min_current_a": 0.0}),
    (topics.METER, {"at": LATEST}),
    (topics.METER, {"at": EARLIEST}),
    (topics.STATION_STATE, {"at": LATEST}),
    (topics.HOUSEHOLD_METER, {"at": EARLIEST}),
    (topics.GOAL, {"departure_at": LATEST}),
    (topics.GOAL, {"arrival_at": EARLIEST, "departure_at": LATEST}),
]


@pytest.mark.parametrize(("spec", "update"), TO_THE_SCHEDULER)
def test_the_scheduler_survives_it(spec: TopicSpec, update: dict[str, Any]) -> None:
    subject = SchedulerSubject()

    subject.take(*stamped(1, spec, examples.EXAMPLES[spec].model_copy(update=update)))
    subject.hear(topics.METER, subject.bridge.reading(), station="car1")

    assert subject.acts_on_a_wish()


def test_a_fact_that_cannot_be_planned_with_is_refused_by_its_field() -> None:
    """Also: the contract's own examples are all plausible."""
    refused = [
        implausible(examples.EXAMPLES[spec].model_copy(update=update))
        for spec, update in TO_THE_SCHEDULER[len(ZONES) :]
    ]

    assert [reason is not None and reason.partition(":")[0] for reason in refused] == [
        "max_power_w", "charging_efficiency", False, False, "overhead_w", "at", "at", "at", "at",
        "departure_at", "arrival_at",
    ]  # fmt: skip
    assert {implausible(body) for body in examples.EXAMPLES.values()} == {None}


@pytest.mark.parametrize("spec", [topics.LEASE_REQUEST, topics.MODE_REQUEST, topics.GOAL_REQUEST])
def test_the_bridge_survives_a_request_that_is_retained(tmp_path: Path, spec: TopicSpec) -> None:
    """It would have met it again at every start."""
    subject = BridgeSubject(tmp_path)
    epoch, wishes = subject.lease_desk.lease.epoch, subject.desk.wishes

    subject.take(*stamped(1, spec, examples.EXAMPLES[spec]), is_retained=True)

    assert subject.lease_desk.lease.epoch == epoch
    assert subject.desk.wishes == wishes
    assert subject.acts_on_a_limit()


@pytest.mark.parametrize("is_retained", [True, False])
def test_the_bridge_does_not_go_above_an_epoch_that_leaves_no_room(
    tmp_path: Path, is_retained: bool
) -> None:
    """What it would have written down first kept it from ever starting again."""
    subject = BridgeSubject(tmp_path)
    lease = examples.EXAMPLES[topics.LEASE_STATE].model_copy(update={"epoch": MAX_INTEGER})

    subject.take(*stamped(1, topics.LEASE_STATE, lease), is_retained=is_retained)

    assert subject.acts_on_a_limit()
    topic = topics.LEASE_STATE.topic("home")
    announced = [decode(t, payload) for t, payload in subject.session.said if t == topic]
    assert announced
    BridgeSubject(tmp_path)  # which reads what is on disk


@pytest.mark.parametrize("zone", ZONES)
def test_a_site_without_a_time_zone_ends_nobody(tmp_path: Path, zone: str) -> None:
    """The notifier, the console and the logger, which would have met it again at every start."""
    message = stamped(1, topics.SITE_INFO, with_update(topics.SITE_INFO, time_zone=zone))
    listeners = (DashboardSubject(), HomeAssistantSubject(), NotifierSubject(tmp_path / "told"))
    console, logger = ConsoleSubject(), LoggerSubject(tmp_path)

    for listener in (*listeners, console):
        listener.take(*message)
    logger.take(message)

    assert '"field":"time_zone"' in (tmp_path / "quarantine.jsonl").read_text()
    assert console.shows_what_is_so()
    assert listeners[2].tells_what_is_so()


@pytest.mark.parametrize("make", [DashboardSubject, ConsoleSubject])
def test_a_clock_that_was_years_ahead_once_does_not_stay_so(
    make: Callable[[], DashboardSubject | ConsoleSubject],
) -> None:
    subject = make()
    picture = subject.hub.picture if isinstance(subject, DashboardSubject) else subject.bus.picture
    assert subject.shows_what_is_so()

    subject.take(*stamped(1, topics.METER, with_update(topics.METER, at=LATEST)))
    assert picture.now == LATEST
    subject.take(*stamped(2, topics.STATION_STATE, with_update(topics.STATION_STATE, at=AT)))

    assert picture.now == AT


@pytest.mark.parametrize("make", [DashboardSubject, ConsoleSubject])
def test_a_clock_that_runs_backwards_fills_no_memory(
    make: Callable[[], DashboardSubject | ConsoleSubject],
) -> None:
    subject = make()
    picture = subject.hub.picture if isinstance(subject, DashboardSubject) else subject.bus.picture
    for number in range(1500):
        at = LATEST - timedelta(days=number)
        subject.hear(
            *stamped(number, topics.HOUSEHOLD_METER, with_update(topics.HOUSEHOLD_METER, at=at))
        )

    assert 200 < len(picture.loads) < 1000


def test_a_console_that_watches_for_months_keeps_only_the_newest_confirmations() -> None:
    subject = ConsoleSubject()
    for number in range(3000):
        subject.hear(
            *stamped(number, topics.LOG_CONFIRMED, examples.EXAMPLES[topics.LOG_CONFIRMED])
        )

    assert len(subject.bus.confirmations.ranges) == MOST_CONFIRMED


def test_what_others_say_gives_the_terminal_no_orders() -> None:
    """Its own check of what is drawn fails where one gets through."""
    subject = ConsoleSubject()
    assert subject.shows_what_is_so()
    order = "\x1b]0;owned\x07\x1b[2J\nnext line"
    said = Reason(code="a", text=order)
    info = {"name": order, "car_name": order}

    for number, message in enumerate(
        (
            (topics.SITE_INFO, {"name": order}),
            (topics.STATION_INFO, info),
            (topics.PLAN, {"strategy": order}),
            (topics.STATION_EVENT, {"text": order, "kind": StationEventKind.PLUGGED_IN}),
            (topics.STATION_STATE, {"is_failsafe": True, "reason": said}),
            (topics.SET_LIMIT, {"reason": said}),
        )
    ):
        spec, update = message
        subject.take(*stamped(number, spec, with_update(spec, **update)))

    assert "owned" in subject.told


@pytest.mark.parametrize(("fuse_w", "house_w"), [(1e-300, 1e9), (1.0, -1e9), (0.0, 0.0)])
def test_a_fuse_and_a_house_that_cannot_be_have_a_bar_all_the_same(
    fuse_w: float, house_w: float
) -> None:
    subject = ConsoleSubject()
    assert subject.shows_what_is_so()
    load = examples.EXAMPLES[topics.BASE_LOAD]
    slots = tuple(slot.model_copy(update={"power_w": house_w}) for slot in load.slots)

    subject.take(*stamped(1, topics.SITE_INFO, with_update(topics.SITE_INFO, max_power_w=fuse_w)))
    subject.take(*stamped(2, topics.BASE_LOAD, load.model_copy(update={"slots": slots})))

    (view,) = plan_views(subject.bus.picture)
    assert view.rows[0].house_w == house_w
    assert len(_load_bar(view.rows[0], view).plain) < 40


@pytest.mark.parametrize(
    ("update", "platform_options"),
    [
        ({"min_current_a": 16.0, "max_current_a": 16.0}, None),
        ({"min_current_a": 32.0, "max_current_a": 6.0}, None),
        ({"current_step_a": 5e-324}, (6.0, 32.2, 0.001)),
    ],
)
def test_home_assistant_gets_a_current_limit_that_it_accepts_or_none(
    update: dict[str, Any], platform_options: tuple[float, ...] | None
) -> None:
    subject = HomeAssistantSubject()
    info = with_update(topics.STATION_INFO, control=Control.CURRENT, **update)

    assert subject.announces_what_is_so()
    subject.take(*stamped(1, topics.STATION_INFO, info))

    entity = subject.devices[f"homeassistant/device/wattbus_{SITE}_car1/config"]["components"][
        "max_current"
    ]
    found = tuple(entity[key] for key in ("min", "max", "step")) if "min" in entity else None
    assert found == platform_options


def with_update(spec: TopicSpec, **update: Any) -> Body:
    """The contract's example of a message with some fields replaced, unchecked."""
    return examples.EXAMPLES[spec].model_copy(update=update)
