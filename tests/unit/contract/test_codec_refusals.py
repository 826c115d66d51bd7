"""What the contract refuses, and that it says which topic, field and reason."""

import gc
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.contract_messages import SPECS
from wattbus_contract import examples, topics
from wattbus_contract.codec import LONGEST_TOPIC, Decoded, InvalidMessage, decode, encode

EXAMPLES = {
    spec.name: (examples.example_topic(spec), examples.example_payload(spec)) for spec in topics.ALL
}


def changed(name: str, **fields: Any) -> tuple[str, bytes]:
    topic, payload = EXAMPLES[name]
    document = json.loads(payload) | fields
    kept = {key: value for key, value in document.items() if value is not Ellipsis}
    return topic, json.dumps(kept).encode()


def refusal(topic: str, payload: bytes) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        decode(topic, payload)
    assert caught.value.topic == topic
    assert topic in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_unchanged_example_is_accepted(name: str) -> None:
    assert isinstance(decode(*EXAMPLES[name]), Decoded)


@pytest.mark.parametrize(
    ("name", "fields", "field", "reason"),
    [
        ("meter", {"power_active_import_w": "12"}, "power_active_import_w", "number"),
        ("meter", {"power_active_import_w": True}, "power_active_import_w", "number"),
        ("meter", {"is_plugged_in": 1}, "is_plugged_in", "boolean"),
        ("meter", {"is_plugged_in": "true"}, "is_plugged_in", "boolean"),
        ("meter", {"power_active_import_w": float("nan")}, "power_active_import_w", "finite"),
        ("meter", {"power_active_import_w": float("inf")}, "power_active_import_w", "finite"),
        ("meter", {"power_active_import_w": -float("inf")}, "power_active_import_w", "finite"),
        ("meter", {"power_active_import_w": 10**400}, "power_active_import_w", "finite"),
        ("meter", {"power_active_import_w": [7400]}, "power_active_import_w", "number"),
        ("meter", {"soc_percent": 100.01}, "soc_percent", "less than or equal to 100"),
        ("meter", {"soc_percent": -1}, "soc_percent", "greater than or equal to 0"),
        ("meter", {"at": ...}, "at", "required"),
        ("meter", {"at": "2025-01-15T21:00:00"}, "at", "timezone"),
        ("meter", {"at": "2025-01-15"}, "at", "datetime"),
        ("meter", {"at": 1736974800}, "at", "datetime"),
        ("meter", {"at": "0001-01-01T00:00:00+14:00"}, "at", "years 3 to 9997"),
        ("meter", {"at": "0002-12-31T23:59:59Z"}, "at", "years 3 to 9997"),
        ("meter", {"at": "9998-01-01T00:00:00Z"}, "at", "years 3 to 9997"),
        ("meter", {"at": "9999-12-31T23:00:00-14:00"}, "at", "years 3 to 9997"),
        ("site-info", {"time_zone": "Europe/Atlantis"}, "time_zone", "no time zone"),
        ("site-info", {"time_zone": "Europe"}, "time_zone", "no time zone"),
        ("site-info", {"time_zone": "../../etc/passwd"}, "time_zone", "no time zone"),
        ("site-info", {"time_zone": "a\0b"}, "time_zone", "no time zone"),
        ("site-info", {"time_zone": "x" * 2000}, "time_zone", "no time zone"),
        ("site-info", {"time_zone": ""}, "time_zone", "no time zone"),
        ("meter", {"connector_status": "charging"}, "connector_status", "Charging"),
        ("meter", {"schema": ...}, "schema", "required"),
        ("meter", {"schema": "meter/2"}, "schema", "this topic carries meter/1"),
        ("meter", {"schema": "plan/1"}, "schema", "this topic carries meter/1"),
        ("meter", {"schema": 1}, "schema", "string"),
        ("meter", {"source": "a" * 33}, "source", "pattern"),
        ("meter", {"source": "station-bridge\n"}, "source", "pattern"),
        ("meter", {"source": ""}, "source", "pattern"),
        ("meter", {"source": "Bridge"}, "source", "pattern"),
        ("meter", {"boot_id": "b" * 65}, "boot_id", "pattern"),
        ("meter", {"seq": -1}, "seq", "greater than or equal to 0"),
        ("meter", {"seq": 1.0}, "seq", "integer"),
        ("meter", {"seq": True}, "seq", "integer"),
        ("meter", {"seq": None}, "seq", "integer"),
        ("meter", {"seq": 2**53}, "seq", "less than or equal to"),
        ("meter", {"seq": 10**4000}, "seq", "less than or equal to"),
        ("set-limit", {"epoch": "3"}, "epoch", "integer"),
        ("set-limit", {"valid_for_s": 0}, "valid_for_s", "greater than 0"),
        ("set-limit", {"valid_for_s": 3601}, "valid_for_s", "less than or equal to 3600"),
        ("set-limit", {"limit_w": ...}, "payload", "exactly one of limit_w and limit_a"),
        ("set-limit", {"limit_a": 16}, "payload", "exactly one of limit_w and limit_a"),
        ("set-limit", {"reason": "cheap"}, "reason", "object"),
        ("set-limit", {"reason": {"code": "A B", "text": ""}}, "reason.code", "pattern"),
        ("set-limit", {"reason": {"code": "a", "text": "x" * 2001}}, "reason.text", "2000"),
        ("lease-request", {"epoch": ...}, "payload", "epoch must be given for renew"),
        ("lease-request", {"action": "handover"}, "payload", "successor"),
        ("price", {"slots": {}}, "slots", "array"),
        ("price", {"slots": [{}]}, "slots.0.start_at", "required"),
        ("log-confirmed", {"confirmed": [{"first_seq": 2, "last_seq": 1, "source": "a",
                                         "boot_id": "b"}]}, "confirmed.0", "last_seq"),
        ("service-status", {"connection": 2**63}, "connection", "less than or equal to"),
        ("mode-request", {"mode": "fast"}, "mode", "smart"),
        ("mode-request", {"mode": ...}, "mode", "required"),
        ("mode-request", {"schema": "mode-request/1"}, "sent_at", "required"),
        ("mode-request", {"schema": "goal-request/1"}, "sent_at", "required"),
        ("goal-request", {"target_soc_percent": ..., "departure_time": ...}, "payload",
         "at least one"),
        ("goal-request", {"departure_at": "2025-01-16T06:00:00Z"}, "payload", "not both"),
        ("goal-request", {"departure_time": "7"}, "departure_time", "07:00"),
        ("goal-request", {"departure_time": "24:00"}, "departure_time", "07:00"),
        ("goal-request", {"departure_time": "07:00+02:00"}, "departure_time", "07:00"),
        ("goal-request", {"departure_time": 25_200}, "departure_time", "time"),
        ("goal-request", {"max_current_a": 0}, "max_current_a", "greater than 0"),
        ("goal-request", {"clear": ["departure_at"]}, "clear.0", "weekly"),
        ("goal-request", {"weekly": [], "clear": ["weekly"]}, "payload", "not both"),
        ("goal-request", {"weekly": [{"days": [], "departure_time": "07:00"}]}, "weekly.0.days",
         "at least 1"),
        ("goal-request", {"weekly": [{"days": ["montag"], "departure_time": "07:00"}]},
         "weekly.0.days.0", "mon"),
        ("goal-request", {"weekly": [{"days": ["mon"], "departure_time": "7"}]},
         "weekly.0.departure_time", "07:00"),
        ("strategy-request", {"strategy": "My Own"}, "strategy", "pattern"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name(
    name: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    refused = refusal(*changed(name, **fields))

    assert refused.field == field
    assert reason in refused.reason
    assert len(str(refused)) < 500


@pytest.mark.parametrize("name", ["meter", "mode-request"])
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "Invalid JSON"),
        (b" ", "Invalid JSON"),
        (b'{"seq":1', "Invalid JSON"),
        (b"{'seq':1}", "Invalid JSON"),
        (b'{"seq":1}{"seq":2}', "Invalid JSON"),
        (b"ON", "Invalid JSON"),
        (b"[]", "object"),
        (b"1", "object"),
        (b"null", "object"),
        (b'"now"', "object"),
        (b"NaN", "object"),
        (b'{"source":"\xff\xfe"}', "Invalid JSON"),
        (b'{"source":"\\ud800"}', "Invalid JSON"),
        (b"\xef\xbb\xbf{}", "Invalid JSON"),
        (b"\x00" * 20, "Invalid JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"a":' * 100_000, "recursion limit"),
        (b'{"seq":' + b"9" * 5000 + b"}", "number out of range"),
        (b"x" * 2**20, "Invalid JSON"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_what_is_no_json_object_is_refused(name: str, payload: bytes, reason: str) -> None:
    refused = refusal(EXAMPLES[name][0], payload)

    assert refused.field == "payload"
    assert reason in refused.reason
    assert len(str(refused)) < 500


def test_a_megabyte_in_one_field_is_refused_in_few_words() -> None:
    refused = refusal(*changed("station-event", text="x" * 2**20))

    assert refused.field == "text"
    assert len(str(refused)) < 500


def test_unknown_fields_are_ignored() -> None:
    with_more = decode(*changed("meter", colour="red", nested={"a": [1, {}]}))

    assert with_more == decode(*EXAMPLES["meter"])


def test_null_is_read_as_left_out() -> None:
    assert decode(*changed("meter", soc_percent=None)) == decode(*changed("meter", soc_percent=...))


def test_an_instant_with_another_offset_is_the_same_instant() -> None:
    decoded = decode(*changed("meter", at="2025-01-15T22:00:00+01:00"))

    assert decoded == decode(*EXAMPLES["meter"])


def test_slots_that_overlap_are_refused_and_gaps_are_not() -> None:
    def slot(hour: int) -> dict[str, Any]:
        return {"start_at": f"2025-01-15T{hour:02}:00:00Z", "duration_s": 3600, "price_per_kwh": 1}

    decode(*changed("price", slots=[slot(1), slot(2), slot(5)]))
    refused = refusal(*changed("price", slots=[slot(1), slot(2), slot(2)]))

    assert "slots.2 starts before slot 1 has ended" in refused.reason


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "wattbus",
        "wattbus/v1/home",
        "wattbus/v1/home/station/car1/meter/",
        "wattbus/v1/home/station/car1/meter\n",
        "wattbus/v1/home/station//meter",
        "wattbus/v1/home/station/Car1/meter",
        "wattbus/v1/home/station/" + "a" * 33 + "/meter",
        "wattbus/v2/home/station/car1/meter",
        "x/wattbus/v1/home/station/car1/meter",
        "wattbus/v1/home/stations/car1/meter",
    ],
)
def test_an_unknown_topic_is_refused(topic: str) -> None:
    assert refusal(topic, EXAMPLES["meter"][1]).field == "topic"


def test_a_request_without_envelope_has_no_id() -> None:
    decoded = decode(*EXAMPLES["mode-request"])

    assert decoded.envelope is None
    with pytest.raises(ValueError, match="no id"):
        _ = decoded.message_id


def check_decoded_or_refused(topic: str, payload: bytes) -> None:
    """Nothing but these two outcomes; and what is accepted can be said again."""
    outcome: Decoded | InvalidMessage
    try:
        outcome = decode(topic, payload)
    except InvalidMessage as refused:
        outcome = refused
    if isinstance(outcome, InvalidMessage):
        assert outcome.topic == topic
        assert outcome.field
        assert outcome.reason
    elif outcome.envelope is not None:
        assert decode(topic, encode(outcome.body, outcome.envelope)) == outcome


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(SPECS)), payload=st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(name: str, payload: bytes) -> None:
    check_decoded_or_refused(EXAMPLES[name][0], payload)


def lists_in(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each list in a document."""
    if isinstance(document, list):
        yield path
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from lists_in(value, (*path, key))


LISTS = [
    (name, path)
    for name, (_, payload) in EXAMPLES.items()
    for path in lists_in(json.loads(payload))
]


@pytest.mark.parametrize(("name", "path"), LISTS)
@pytest.mark.parametrize("item", ["{}", "[]", '"\\u0000"'])
def test_a_long_list_of_wrong_items_takes_no_memory(
    name: str, path: tuple[str | int, ...], item: str
) -> None:
    """A message of one MiB once took 650 MiB and ten seconds: a fault was made for each item."""
    topic, payload = EXAMPLES[name]
    document = json.loads(payload)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = "here"
    message = json.dumps(document).replace('"here"', f"[{','.join([item] * 5000)}]").encode()
    decode_or_none(topic, message)  # what it imports and remembers is no burst

    tracemalloc.start()
    try:
        accepted = decode_or_none(topic, message)
        burst_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert accepted is None
    assert burst_bytes < 500_000


def decode_or_none(topic: str, payload: bytes) -> Decoded | None:
    try:
        return decode(topic, payload)
    except InvalidMessage:
        return None


def test_topics_as_long_as_the_broker_takes_them_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(200):
            assert decode_or_none(f"wattbus/v1/home/request/{number}{'x' * 60_000}", b"{}") is None
        gc.collect()
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert kept_bytes < 1_000_000
    longest = max(
        len(spec.topic("s" * 32, **dict.fromkeys(spec.id_names, "i" * 32))) for spec in topics.ALL
    )
    assert longest <= LONGEST_TOPIC


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2025-01-15T00:00:00Z", "0001-01-01T00:00:00+23:59", "car1", "07:00"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SPECS)))
def test_any_json_in_any_field_is_decoded_or_refused(data: st.DataObject, name: str) -> None:
    topic, payload = EXAMPLES[name]
    document = json.loads(payload)
    known = [*SPECS[name].body.model_fields, "schema", "sent_at", "source", "boot_id", "seq"]
    replaced = data.draw(st.dictionaries(st.sampled_from(known), JSON_VALUES, min_size=1))

    check_decoded_or_refused(topic, json.dumps(document | replaced).encode())


@settings(max_examples=600, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SPECS)))
def test_a_damaged_message_is_decoded_or_refused(data: st.DataObject, name: str) -> None:
    topic, payload = EXAMPLES[name]
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 12)))
    inserted = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"1e999", b"-0", b"{", b"9" * 400, b"null", b'"'])
    )

    check_decoded_or_refused(topic, payload[:start] + inserted + payload[end:])
