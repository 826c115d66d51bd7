"""A meter value becomes one row that spreadsheets and pandas read back as it was."""

import csv
import io
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings

from fixtures.contract_messages import bodies, envelopes
from unit.logger.course_day import Bridge, day_messages, reading, site_info
from wattbus_contract import topics
from wattbus_contract.base import LATEST, Envelope
from wattbus_contract.codec import decode
from wattbus_contract.facts import MeterReading
from wattbus_logger.intake import Batch, Intake
from wattbus_logger.known import KnownSite
from wattbus_logger.rows import COLUMNS, HEADER, cell, format_row

ENVELOPE = Envelope(
    schema_id="meter/1",
    sent_at=datetime(2026, 11, 21, 6, tzinfo=UTC),
    source="station-bridge",
    boot_id="b",
    seq=7,
)


def parsed(row: str) -> dict[str, str]:
    lines = list(csv.reader(io.StringIO(f"{HEADER}\n{row}\n", newline="")))
    assert len(lines) == 2
    return dict(zip(lines[0], lines[1], strict=True))


@settings(max_examples=200)
@given(bodies(MeterReading), envelopes(topics.METER))
def test_every_reading_is_one_line_that_reads_back(body: MeterReading, envelope: Envelope) -> None:
    row = format_row(KnownSite(), "car1", body, envelope)

    cells = parsed(row)
    assert "\n" not in row
    assert cells["seq"] == str(envelope.seq)
    assert cells["connector_status"] == body.connector_status
    assert datetime.fromisoformat(cells["at"]) == body.at.replace(
        microsecond=body.at.microsecond // 1000 * 1000
    )
    for column, value in (
        ("power_w", body.power_active_import_w),
        ("soc_percent", body.soc_percent),
        ("price_per_kwh", body.price_per_kwh),
        ("pv_power_w", body.pv_power_w),
        ("feed_in_price_per_kwh", body.feed_in_price_per_kwh),
        ("co2_g_per_kwh", body.co2_g_per_kwh),
        ("reported_battery_energy_kwh", body.reported_battery_energy_kwh),
    ):
        if value is None:
            assert cells[column] == ""
        else:
            assert float(cells[column]) == pytest.approx(value, rel=1e-9, abs=1e-300)
    assert float(cells["energy_register_wh"]) == pytest.approx(
        body.energy_active_import_register_wh, rel=1e-9, abs=1e-3
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ('a,"b"', '"a,""b"""'),
        ("two\r\nlines\x1b[31m", "two lines [31m"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("-1", "-1"),
        ("@SUM", "'@SUM"),
    ],
)
def test_free_text_is_one_cell_and_no_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_instants_at_the_ends_of_the_calendar_are_no_poison() -> None:
    site = KnownSite()
    site.note(decode(*Bridge().say(topics.SITE_INFO, site_info("car1"))))

    row = format_row(site, "car1", reading(LATEST), ENVELOPE)

    assert parsed(row)["local_time"] == "9997-12-31 01:00:00"


def test_a_row_carries_what_was_known_at_its_moment() -> None:
    intake, batch = Intake(), Batch()

    for topic, payload in day_messages(Bridge()):
        intake.take(topic, payload, "2026-11-21T06:00:00.000Z", batch, is_retained=False)

    charging = next(cells for row in batch.rows if (cells := parsed(row))["power_w"] == "7400")
    assert charging["local_time"].startswith("2025-01-15 02:")
    assert charging["reason"] == "charging-cheapest"
    assert charging["target_soc_percent"] == "80"
    assert charging["site_load_w"] == "9600"
    assert charging["fuse_power_w"] == "11000"
    assert charging["currency"] == "SEK"
    assert charging["station_min_power_w"] == charging["station_max_power_w"] == "7400"
    assert charging["departure_at"] == "2025-01-15T23:00:00.000Z"


def test_pandas_reads_the_day_with_types() -> None:
    intake, batch = Intake(), Batch()
    for topic, payload in day_messages(Bridge()):
        intake.take(topic, payload, "2026-11-21T06:00:00.000Z", batch, is_retained=False)

    text = "\n".join([HEADER, *batch.rows])
    frame = pd.read_csv(io.StringIO(text), parse_dates=["at", "local_time"])

    assert list(frame.columns) == list(COLUMNS)
    assert frame["is_plugged_in"].dtype == bool
    assert frame["soc_percent"].iloc[-1] == pytest.approx(80)
    assert str(frame["at"].dtype) == "datetime64[ns, UTC]"
    assert frame["energy_register_wh"].iloc[-1] == pytest.approx(27_780, abs=0.01)
