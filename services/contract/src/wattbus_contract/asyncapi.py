"""The contract as an AsyncAPI 3.0 document: `python -m wattbus_contract.asyncapi`."""

import json
import re
import sys
from typing import Any

from wattbus_contract import examples, schemas, topics
from wattbus_contract.topics import ROOT, TopicSpec

MQTT_BINDING = "0.2.0"

_PARAMETERS = {
    "site": "One household or building behind one main fuse.",
    "station": "A charging station of the site.",
    "user": "The user that a service has on the broker, which is its name.",
    "client": "The MQTT client id, which tells instances of a service apart.",
}

_DESCRIPTION = """\
Smart charging of electric cars as services that meet on an MQTT 5 broker only.
Everything is sent with QoS 1. A payload is one JSON object: the envelope (`schema`, `sent_at`,
`source`, `boot_id`, `seq`) and the message's own fields side by side.
What has no value is left out. Readers ignore unknown fields and refuse missing, mistyped,
non-finite and out-of-range ones. Within a version only fields are added.
The unit of a number stands in its name: `_w` W, `_wh` Wh, `_a` A, `_v` V, `_percent` %, `_s` s,
`per_kwh` the site's currency (its major unit) per kWh.
Instants end in `_at`; `at` is the site's own clock.
"""

_HEAD = "# Written by `python -m wattbus_contract.export docs`; a test holds it to the package.\n"


def document() -> dict[str, Any]:
    """Return the AsyncAPI document, built from the topics and messages of this package."""
    components: dict[str, dict[str, Any]] = {
        "schemas": {},
        "messages": {},
        "parameters": {
            name: {
                "description": text,
                "examples": [{"site": examples.SITE, **examples.IDS}[name]],
            }
            for name, text in _PARAMETERS.items()
        },
        "securitySchemes": {
            "password": {"type": "userPassword", "description": "One user per service."}
        },
    }
    for spec in topics.ALL:
        schema, definitions = schemas.message_schema_parts(spec, "#/components/schemas/{model}")
        components["schemas"] |= {spec.body.__name__: schema, **definitions}
        components["messages"][spec.name] = _message(spec)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wattbus",
            "version": ROOT.rpartition("/v")[2] + ".0.0",
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "Any MQTT 5 broker; Mosquitto in this project.",
                "security": [{"$ref": "#/components/securitySchemes/password"}],
            }
        },
        "channels": {spec.name: _channel(spec) for spec in topics.ALL},
        "operations": {
            f"{publisher}-sends-{spec.name}": _operation(spec, publisher)
            for spec in topics.ALL
            for publisher in spec.publishers
        },
        "components": components,
    }


def _channel(spec: TopicSpec) -> dict[str, Any]:
    return {
        "address": f"{ROOT}/{{site}}/{spec.pattern}",
        "description": spec.summary,
        "servers": [{"$ref": "#/servers/broker"}],
        "parameters": {
            name: {"$ref": f"#/components/parameters/{name}"} for name in ("site", *spec.id_names)
        },
        "messages": {spec.name: {"$ref": f"#/components/messages/{spec.name}"}},
        "x-retained": spec.is_retained,
        "x-expiry": expiry_text(spec),
    }


def _message(spec: TopicSpec) -> dict[str, Any]:
    return {
        "name": spec.schema_id,
        "title": re.sub(r"(?<!^)(?=[A-Z])", " ", spec.body.__name__).capitalize(),
        "summary": spec.summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{spec.body.__name__}"},
        "examples": [{"payload": json.loads(examples.example_payload(spec))}],
    }


def _operation(spec: TopicSpec, publisher: str) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": 1, "retain": spec.is_retained}
    if spec.expiry_s is not None:
        binding["messageExpiryInterval"] = spec.expiry_s
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{spec.name}"},
        "summary": spec.summary,
        "tags": [{"name": publisher}],
        "messages": [{"$ref": f"#/channels/{spec.name}/messages/{spec.name}"}],
        "bindings": {"mqtt": {**binding, "bindingVersion": MQTT_BINDING}},
    }


def expiry_text(spec: TopicSpec) -> str:
    """Return after how long the broker throws a message away, for people."""
    if spec.expiry_s is not None:
        return f"{spec.expiry_s} s"
    return f"its {spec.expiry_field}" if spec.expiry_field else "never"


def as_yaml() -> str:
    """Return the document as YAML; needs PyYAML, which services at work do not."""
    import yaml  # noqa: PLC0415 - only whoever exports needs it

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's hook
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return _HEAD + yaml.dump(
        document(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100
    )


if __name__ == "__main__":
    sys.stdout.write(as_yaml())
