"""The published documents are valid AsyncAPI and JSON Schema, and say what the package does."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from wattbus_contract import asyncapi, examples, export, schemas, topics
from wattbus_contract.codec import decode
from wattbus_contract.topics import TopicSpec

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
SPECIFICATION = ROOT / "tests" / "data" / "asyncapi" / "3.0.0.json"

# Numbers whose name carries no unit, since they have none or their message's currency.
UNITLESS = {
    "seq", "first_seq", "last_seq", "request_seq", "epoch", "phases", "connection", "time_scale",
    "charging_efficiency", "expected_cost", "lower_bound", "cost", "reference_cost", "saving",
    "peak_hours",
}  # fmt: skip


@lru_cache
def specification() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(SPECIFICATION.read_text()))


def find_invalid(document: dict[str, Any]) -> str | None:
    """Return what the AsyncAPI 3.0 schema has against a document."""
    error = jsonschema.exceptions.best_match(specification().iter_errors(document))
    return None if error is None else f"{error.json_path}: {error.message}"


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from walk(child)


def resolve(document: Any, reference: str) -> Any:
    """Return what a local reference points at; KeyError when it dangles."""
    place, _, pointer = reference.partition("#/")
    if place:
        raise KeyError(reference)
    node = document
    for part in pointer.split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def find_dangling(document: dict[str, Any]) -> list[str]:
    dangling = []
    for node in walk(document):
        reference = node.get("$ref")
        if isinstance(reference, str):
            try:
                resolve(document, reference)
            except KeyError:
                dangling.append(reference)
    return dangling


def find_missing_parameters(document: dict[str, Any]) -> list[str]:
    """Return channels whose address names other parameters than the channel explains."""
    return [
        name
        for name, channel in document["channels"].items()
        if set(re.findall(r"\{(\w+)\}", channel["address"])) != set(channel["parameters"])
    ]


def find_foreign_messages(document: dict[str, Any]) -> list[str]:
    """Return operations with a message that their channel does not carry."""
    return [
        name
        for name, operation in document["operations"].items()
        for message in operation["messages"]
        if not message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
    ]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
    assert isinstance(made, dict)
    return made


def test_the_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    assert find_invalid(document) is None
    assert find_dangling(document) == []
    assert find_missing_parameters(document) == []
    assert find_foreign_messages(document) == []


def a_bad_action(document: dict[str, Any]) -> None:
    document["operations"]["scheduler-sends-plan"]["action"] = "publish"


def an_unknown_key(document: dict[str, Any]) -> None:
    document["channels"]["plan"]["adress"] = "typo"


def a_bad_binding(document: dict[str, Any]) -> None:
    document["operations"]["scheduler-sends-plan"]["bindings"]["mqtt"]["qos"] = 3


def a_bad_schema(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Plan"]["type"] = "objekt"


@pytest.mark.parametrize("damage", [a_bad_action, an_unknown_key, a_bad_binding, a_bad_schema])
def test_a_broken_document_is_found_invalid(
    document: dict[str, Any], damage: Callable[[dict[str, Any]], None]
) -> None:
    broken = copy.deepcopy(document)

    damage(broken)

    assert find_invalid(broken) is not None


def test_a_dangling_reference_is_found(document: dict[str, Any]) -> None:
    broken = copy.deepcopy(document)
    broken["components"]["messages"]["plan"]["payload"]["$ref"] = "#/components/schemas/Plans"

    assert find_dangling(broken) == ["#/components/schemas/Plans"]


def test_a_missing_parameter_is_found(document: dict[str, Any]) -> None:
    broken = copy.deepcopy(document)
    del broken["channels"]["meter"]["parameters"]["station"]

    assert find_missing_parameters(broken) == ["meter"]


def test_a_foreign_message_is_found(document: dict[str, Any]) -> None:
    broken = copy.deepcopy(document)
    broken["operations"]["scheduler-sends-plan"]["messages"] = [
        {"$ref": "#/channels/meter/messages/meter"}
    ]

    assert find_foreign_messages(broken) == ["scheduler-sends-plan"]


def test_every_topic_and_publisher_is_in_the_document(document: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {f"{topics.ROOT}/{{site}}/{spec.pattern}" for spec in topics.ALL}
    for spec in topics.ALL:
        for publisher in spec.publishers:
            operation = document["operations"][f"{publisher}-sends-{spec.name}"]
            binding = operation["bindings"]["mqtt"]
            assert operation["action"] == "send"
            assert (binding["qos"], binding["retain"]) == (1, spec.is_retained)
            assert binding.get("messageExpiryInterval") == spec.expiry_s


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
def test_every_example_fits_its_schema_in_the_document(
    document: dict[str, Any], spec: TopicSpec
) -> None:
    message = document["components"]["messages"][spec.name]
    schema = {"$ref": message["payload"]["$ref"], "components": document["components"]}

    assert message["examples"]
    for example in message["examples"]:
        jsonschema.Draft7Validator(schema).validate(example["payload"])
        decode(examples.example_topic(spec), json.dumps(example["payload"]).encode())


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
def test_every_schema_is_valid_and_complete_in_itself(spec: TopicSpec) -> None:
    schema = json.loads((DOCS / "schemas" / export.schema_file(spec)).read_text())

    jsonschema.Draft7Validator.check_schema(schema)
    assert find_dangling(schema) == []
    assert all("null" not in str(node.get("type")) for node in walk(schema))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("meter", {"schema": "meter/2"}),
        ("meter", {"power_active_import_w": "12"}),
        ("meter", {"soc_percent": 101}),
        ("meter", {"seq": -1}),
        ("meter", {"source": "Bridge"}),
        ("meter", {"connector_status": "charging"}),
        ("set-limit", {"limit_a": 16}),
        ("lease-request", {"action": "handover"}),
        ("log-confirmed", {"confirmed": [{}]}),
        ("mode-request", {"mode": "fast"}),
        ("mode-request", {"schema": "mode-request/1"}),
        ("goal-request", {"departure_at": "2025-01-16T06:00:00Z"}),
        ("goal-request", {"departure_time": "24:00"}),
        ("goal-request", {"max_current_a": 0}),
        ("goal-request", {"clear": []}),
        ("goal-request", {"clear": ["mode"]}),
        ("goal-request", {"max_current_a": 10, "clear": ["max_current_a"]}),
        ("goal-request", {"weekly": [{"days": [], "departure_time": "07:00"}]}),
        ("goal-request", {"weekly": [{"days": ["monday"], "departure_time": "07:00"}]}),
        ("strategy-request", {"strategy": "Cheapest"}),
    ],
)
def test_a_schema_refuses_what_the_package_refuses(name: str, fields: dict[str, Any]) -> None:
    spec = next(spec for spec in topics.ALL if spec.name == name)
    given = json.loads(examples.example_payload(spec))
    validator = jsonschema.Draft7Validator(schemas.message_schema(spec))
    validator.validate(given)

    with pytest.raises(jsonschema.ValidationError):
        validator.validate(given | fields)


def test_every_number_says_its_unit() -> None:
    unsaid = {
        f"{model}.{name}"
        for model, name, schema in schemas.every_field()
        if schema.get("type") in {"number", "integer"}
        and name not in UNITLESS
        and schemas.unit_of(name) is None
    }

    assert unsaid == set()


def test_every_field_without_unit_in_its_name_is_explained() -> None:
    numbers = {
        name: schema.get("description")
        for _, name, schema in schemas.every_field()
        if schema.get("type") in {"number", "integer"} and name in UNITLESS
    }

    assert set(numbers) == UNITLESS
    assert None not in numbers.values()


def test_the_written_documents_are_those_of_the_package() -> None:
    made = export.documents(DOCS)

    for path, text in made.items():
        assert path.read_text() == text, f"{path.name}: run python -m wattbus_contract.export docs"
    assert set((DOCS / "schemas").glob("*.json")) == {p for p in made if p.suffix == ".json"}


def test_the_page_names_each_section_once() -> None:
    page = (DOCS / export.PAGE).read_text()

    assert re.findall(r"<!-- generated: (\w+) -->", page) == ["topics", "fields", "examples"]


def test_every_message_shown_in_the_documents_decodes() -> None:
    shown = [
        line
        for path in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for line in path.read_text().splitlines()
        if re.match(rf"{topics.ROOT}/\S+ \{{", line)
    ]

    for line in shown:
        topic, _, payload = line.partition(" ")
        decode(topic, payload.encode())
    assert len(shown) >= len(topics.ALL)


def test_export_replaces_what_is_old(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "gone-1.json").write_text("{}")
    (tmp_path / export.PAGE).write_text("a <!-- generated: topics -->\noutdated\n<!-- end --> b")

    export.main(tmp_path)

    assert not (tmp_path / "schemas" / "gone-1.json").exists()
    page = (tmp_path / export.PAGE).read_text()
    assert page.startswith("a ")
    assert page.endswith(" b")
    assert "outdated" not in page
    assert yaml.safe_load((tmp_path / "asyncapi.yaml").read_text()) == asyncapi.document()


@pytest.mark.parametrize("arguments", [[], ["no-such-folder"]])
def test_export_says_how_it_is_used(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wattbus_contract.export", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "usage" in done.stderr


def test_the_document_can_be_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wattbus_contract.asyncapi"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == (DOCS / "asyncapi.yaml").read_text()
