"""The chart's last day outlives a restart, and never keeps a dashboard from starting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattbus_contract import examples, topics
from wattbus_contract.codec import decode
from wattbus_contract.facts import HouseholdMeter
from wattbus_dashboard.memory import Memory
from wattbus_dashboard.picture import Load, Picture

AT = datetime(2025, 1, 15, 20, 0, tzinfo=UTC)
LOADS = {
    AT: Load(900.0, 7400.0, 7400.0, 120.0),
    AT + timedelta(minutes=5): Load(910.0, 0.0, None),
}


def measured(picture: Picture, at: datetime) -> None:
    """Let a measurement of the house arrive."""
    body = examples.EXAMPLES[topics.HOUSEHOLD_METER]
    assert isinstance(body, HouseholdMeter)
    message = decode(
        examples.example_topic(topics.HOUSEHOLD_METER),
        examples.example_payload(topics.HOUSEHOLD_METER).replace(
            body.at.strftime("%Y-%m-%dT%H:%M:%SZ").encode(),
            at.strftime("%Y-%m-%dT%H:%M:%SZ").encode(),
        ),
    )
    assert isinstance(message.body, HouseholdMeter)
    picture.apply(message, 0.0)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    Memory(tmp_path / "new", "home").save(LOADS)

    assert Memory(tmp_path / "new", "home").load() == LOADS
    assert Memory(tmp_path / "new", "cabin").load() == {}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"loads":[{"at":"yesterday"}]}', '{"loads":[{"at":1,"house_w":"x"}]}']
)
def test_a_broken_file_is_an_empty_chart(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "chart-home.json").write_text(text)

    assert Memory(tmp_path, "home").load() == {}
    assert "the chart begins empty" in caplog.text


def test_a_disk_that_takes_nothing_costs_only_the_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")

    Memory(tmp_path / "file", "home").save(LOADS)

    assert "was not kept" in caplog.text


def test_the_first_measurement_decides_what_of_it_holds() -> None:
    picture = Picture()
    picture.remember_loads(LOADS)
    measured(picture, AT + timedelta(minutes=7))
    assert list(picture.loads) == [AT, AT + timedelta(minutes=5)]

    picture.remember_loads(LOADS)
    measured(picture, AT + timedelta(minutes=1))
    assert list(picture.loads) == [AT], "what lies ahead of a clock that was set back is gone"

    picture.remember_loads(LOADS)
    measured(picture, AT + timedelta(days=3))
    assert list(picture.loads) == [AT + timedelta(days=3)]
