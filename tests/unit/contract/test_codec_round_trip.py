"""Whatever a service may say arrives as it was said, and agrees with the published schema."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.contract_messages import SPECS, bodies, envelopes, topics_of
from wattbus_contract import schemas, topics
from wattbus_contract.base import Envelope, MessageId
from wattbus_contract.codec import decode, encode
from wattbus_contract.requests import ModeRequest
from wattbus_contract.topics import TopicSpec

VALIDATORS = {
    name: jsonschema.Draft7Validator(schemas.message_schema(spec)) for name, spec in SPECS.items()
}


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_encoded_decodes_to_the_same(spec: TopicSpec, data: st.DataObject) -> None:
    topic = data.draw(topics_of(spec))
    body, envelope = data.draw(bodies(spec.body)), data.draw(envelopes(spec))

    decoded = decode(topic, encode(body, envelope))

    assert (decoded.body, decoded.envelope) == (body, envelope)
    assert decoded.topic.spec is spec
    assert spec.topic(decoded.topic.site, **decoded.topic.ids) == topic
    assert decoded.message_id == MessageId(
        source=envelope.source, boot_id=envelope.boot_id, seq=envelope.seq
    )


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_encoded_is_one_line_that_its_schema_admits(
    spec: TopicSpec, data: st.DataObject
) -> None:
    body, envelope = data.draw(bodies(spec.body)), data.draw(envelopes(spec))

    payload = encode(body, envelope)

    assert b"\n" not in payload
    VALIDATORS[spec.name].validate(json.loads(payload))


def test_a_request_without_fields_of_its_own_to_send_still_makes_one_object() -> None:
    envelope = Envelope(
        schema_id="mode-request/1",
        sent_at=datetime(2025, 1, 15, tzinfo=UTC),
        source="console",
        boot_id="b",
        seq=1,
    )

    payload = encode(ModeRequest.model_construct(), envelope)

    assert json.loads(payload)["seq"] == 1
