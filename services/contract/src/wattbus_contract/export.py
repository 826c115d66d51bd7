"""Writes the documents that follow from the contract: `python -m wattbus_contract.export docs`."""

import json
import re
import sys
from pathlib import Path

from wattbus_contract import asyncapi, examples, schemas, topics
from wattbus_contract.topics import ROOT, TopicSpec

PAGE = "contract.md"
_SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents(folder: Path) -> dict[Path, str]:
    """Return the text of every document by its path.

    `contract.md` is read from the folder, since only its marked sections are generated.
    """
    made = {
        folder / "schemas" / schema_file(spec): _json(schemas.message_schema(spec))
        for spec in topics.ALL
    }
    made[folder / "asyncapi.yaml"] = asyncapi.as_yaml()
    made[folder / PAGE] = fill(
        (folder / PAGE).read_text(),
        {"topics": topic_table(), "fields": field_tables(), "examples": example_lines()},
    )
    return made


def schema_file(spec: TopicSpec) -> str:
    """Return the name of a schema's file, such as `meter-1.json` for `meter/1`."""
    return spec.schema_id.replace("/", "-") + ".json"


def fill(page: str, sections: dict[str, str]) -> str:
    """Return a page with the text between its `generated` marks replaced."""
    return _SECTION.sub(lambda m: f"{m[1]}\n{sections[m[2]]}\n{m[3]}", page)


def topic_table() -> str:
    """Return the table of all topics in Markdown."""
    rows = [
        f"| `{spec.pattern}` | {'yes' if spec.is_retained else 'no'} | "
        f"{asyncapi.expiry_text(spec)} | {', '.join(spec.publishers)} | "
        f"[`{spec.schema_id}`](schemas/{schema_file(spec)}) | {spec.summary} |\n"
        for spec in topics.ALL
    ]
    return (
        f"Below `{ROOT}/<site>/`:\n\n"
        "| topic | retained | expires after | from | message | says |\n"
        "| --- | --- | --- | --- | --- | --- |\n" + "".join(rows)
    )


def field_tables() -> str:
    """Return which fields each message has in Markdown; those in brackets may be left out."""
    lines = {}
    for spec in topics.ALL:
        shown = [
            f"`{name}`" if field.is_required() else f"[`{name}`]"
            for name, field in spec.body.model_fields.items()
        ]
        lines[spec.schema_id] = f"- `{spec.schema_id}`: {', '.join(shown)}\n"
    return "".join(lines.values())


def example_lines() -> str:
    """Return an example of every message, as `mosquitto_sub -v` shows it."""
    lines = [
        f"{examples.example_topic(spec)} {examples.example_payload(spec).decode()}\n"
        for spec in topics.ALL
    ]
    return "```text\n" + "".join(lines) + "```\n"


def main(folder: Path) -> None:
    """Write the documents, and remove schemas that no message has any more."""
    made = documents(folder)
    (folder / "schemas").mkdir(exist_ok=True)
    for path in (folder / "schemas").glob("*.json"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / PAGE).is_file():
        sys.exit(f"usage: python -m wattbus_contract.export FOLDER    (where {PAGE} stands)")
    main(Path(sys.argv[1]))
