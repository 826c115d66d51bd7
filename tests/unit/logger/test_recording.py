"""Recorded messages are single lines of strict JSON, payloads as they came."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.logger.course_day import MIDNIGHT, Bridge, reading
from wattbus_contract import topics
from wattbus_contract.codec import InvalidMessage, decode
from wattbus_logger.intake import Batch, Intake
from wattbus_logger.recording import BadLine, event_line, quarantine_line, read_event_line

AT = "2026-11-21T06:00:00.000Z"
METER = "wattbus/v1/home/station/car1/meter"


def strict(line: bytes) -> dict[str, object]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    document: dict[str, object] = json.loads(line, parse_constant=refuse)
    return document


def test_a_message_is_recorded_byte_for_byte() -> None:
    topic, payload = Bridge().say(topics.METER, reading(MIDNIGHT), station="car1")

    line = event_line(AT, topic, payload, is_retained=False)

    event = read_event_line(line)
    assert (event.topic, event.payload, event.is_retained) == (topic, payload, False)
    assert list(strict(line)) == ["received_at", "topic", "retain", "payload"]
    assert line.count(b"\n") == 1


def test_a_payload_over_several_lines_is_made_one() -> None:
    topic, payload = Bridge().say(topics.METER, reading(MIDNIGHT), station="car1")
    spread = json.dumps(json.loads(payload), indent=2).replace("\n", "\r\n").encode()

    line = event_line(AT, topic, spread, is_retained=False)

    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert strict(line)["payload"] == json.loads(payload)


def test_what_is_no_strict_json_is_quarantined_even_where_the_contract_does_not_look() -> None:
    topic, payload = Bridge().say(topics.METER, reading(MIDNIGHT), station="car1")
    batch = Batch()

    Intake().take(topic, payload[:-1] + b',"x":NaN}', AT, batch, is_retained=False)

    assert not batch.events
    assert not batch.rows
    assert strict(batch.quarantine[0])["field"] == "payload"


@given(st.binary(max_size=200))
def test_whatever_bytes_come_one_line_is_written_or_quarantined(payload: bytes) -> None:
    batch = Batch()

    Intake().take(METER, payload, AT, batch, is_retained=False)

    assert len(batch.events) + len(batch.quarantine) == 1
    for line in (*batch.events, *batch.quarantine):
        assert line.count(b"\n") == 1
        strict(line)


@given(st.binary(max_size=100))
def test_the_quarantine_keeps_every_payload(payload: bytes) -> None:
    document = strict(quarantine_line(AT, METER, "payload", "no JSON", payload))

    text, encoded = document.get("payload"), document.get("payload_base64")
    kept = text.encode() if isinstance(text, str) else base64.b64decode(str(encoded))
    assert kept == payload


@pytest.mark.parametrize("line", [b"", b"{}\n", b'{"topic":1,"payload":{}}\n', b"garbage\n"])
def test_a_line_that_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(BadLine):
        read_event_line(line)


def test_the_schedulers_replay_reads_the_lines() -> None:
    topic, payload = Bridge().say(topics.METER, reading(MIDNIGHT), station="car1")

    document = json.loads(event_line(AT, topic, payload, is_retained=True))

    again = decode(document["topic"], json.dumps(document["payload"]).encode())
    assert again.body == decode(topic, payload).body


def test_a_wish_that_claims_to_be_the_bridge_does_not_shadow_the_bridges_messages() -> None:
    """Home Assistant may write wishes; it must not be able to have meter values dropped."""
    bridge, batch, intake = Bridge(), Batch(), Intake()
    topic, payload = bridge.say(topics.METER, reading(MIDNIGHT), station="car1")
    envelope = {key: json.loads(payload)[key] for key in ("sent_at", "source", "boot_id", "seq")}
    forged = json.dumps({"schema": "mode-request/1", **envelope, "mode": "now"}).encode()

    intake.take("wattbus/v1/home/request/station/car1/mode", forged, AT, batch, is_retained=False)
    assert not batch.confirmed
    intake.take(topic, payload, AT, batch, is_retained=False)

    assert len(batch.rows) == 1
    with pytest.raises(InvalidMessage):
        decode(topic, forged)
