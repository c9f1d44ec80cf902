"""JSON Schemas (2020-12) of the data of every event type, from the types themselves."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tenon.contracts.families import FAMILIES, Family

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of the schema of each event type."""
    for family in FAMILIES.values():
        document = json.dumps(schema(family, root), indent=2, ensure_ascii=False)
        yield f"contracts/events/{family.name}.schema.json", document + "\n"


def schema(family: Family, root: Path) -> dict[str, Any]:
    """Return the schema of an event type's data, with links to its examples below `root`."""
    (top,), components = msgspec.json.schema_components([family.data], ref_template="#/$defs/{name}")
    name = top["$ref"].rsplit("/", 1)[1]
    plain = msgspec.json.decode(msgspec.json.encode(components))
    definitions = {key: _described(value) for key, value in sorted(plain.items())}
    own = definitions.pop(name)
    return {
        "$schema": DIALECT,
        "$id": f"{family.name}.schema.json",
        **own,
        "title": family.name,
        "x-tenon": {
            "topic": family.topic.name if family.topic else None,
            "sender": family.sender,
            "examples": examples(family.name, root),
        },
        **({"$defs": definitions} if definitions else {}),
    }


def examples(event_type: str, root: Path) -> list[str]:
    """Return the examples of an event type as references relative to its schema."""
    folder = root / "contracts" / "examples" / event_type
    return [f"../examples/{event_type}/{path.name}" for path in sorted(folder.glob("*.json"))]


def _described(schema: Any) -> Any:
    """Clean the texts, and let decimals be numbers too: msgspec describes their text form alone."""
    if isinstance(schema, list):
        return [_described(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    described = {name: _described(inner) for name, inner in schema.items()}
    if isinstance(text := described.get("description"), str):
        described["description"] = inspect.cleandoc(text)
    if described.get("format") == "decimal":
        described["type"] = ["number", "string"]
    return described
