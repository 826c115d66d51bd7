"""Messages that once ended a service: each is survived, and the service goes on working."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fuzz.subjects import BridgeSubject, SchedulerSubject
from fuzz.test_in_process import stamped
from wattbus_contract import examples, topics
from wattbus_contract.base import MAX_INTEGER
from wattbus_contract.codec import decode
from wattbus_contract.facts import Control
from wattbus_contract.topics import TopicSpec
from wattbus_scheduler.plausible import implausible

LAST_DAY = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)

TO_THE_SCHEDULER: list[tuple[TopicSpec, dict[str, Any]]] = [
    (topics.SITE_INFO, {"time_zone": "Europe/Atlantis"}),
    (topics.SITE_INFO, {"time_zone": "../../etc/passwd"}),
    (topics.SITE_INFO, {"time_zone": "Europe"}),
    (topics.SITE_INFO, {"time_zone": "x" * 2000}),
    (topics.SITE_INFO, {"time_zone": "a\0b"}),
    (topics.SITE_INFO, {"time_zone": ""}),
    (topics.STATION_INFO, {"max_power_w": 0.0}),
    (topics.STATION_INFO, {"charging_efficiency": 5e-324}),
    (topics.STATION_INFO, {"poll_interval_s": 366 * 86_400.0}),
    (topics.STATION_INFO, {"control": Control.CURRENT, "current_step_a": 5e-324}),
    (topics.STATION_INFO, {"control": Control.CURRENT, "max_current_a": 0.0, "min_current_a": 0.0}),
    (topics.METER, {"at": LAST_DAY}),
    (topics.METER, {"at": FIRST_DAY}),
    (topics.STATION_STATE, {"at": LAST_DAY}),
    (topics.HOUSEHOLD_METER, {"at": FIRST_DAY}),
    (topics.GOAL, {"departure_at": LAST_DAY}),
    (topics.GOAL, {"arrival_at": FIRST_DAY, "departure_at": LAST_DAY}),
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
        for spec, update in TO_THE_SCHEDULER[:8]
    ]

    assert [reason is not None and reason.partition(":")[0] for reason in refused] == [
        "time_zone", "time_zone", "time_zone", "time_zone", "time_zone", "time_zone",
        "max_power_w", "charging_efficiency",
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
