"""Every published example fits its schema and is read; every bad one is refused where and why it says."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ingest.domain.admit import Sender, admit
from ingest.domain.faults import Refused
from tenon.contracts import codec
from tenon.contracts.families import FAMILIES, INTAKE_BY_TYPE
from tests.support import examples
from tests.support.examples import Example

# Fields that hold tables with keys of the sender's own: a new key there is data, not a new field.
TABLES = {"attributes", "distances_m", "policies", "headers", "failed"}
ADMINISTRATOR = Sender("the administrator's", None)
VALID, INVALID = examples.valid(), examples.invalid()
each_valid = pytest.mark.parametrize("example", VALID, ids=lambda example: example.name)
each_invalid = pytest.mark.parametrize("example", INVALID, ids=lambda example: example.name)


def validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(
        examples.schema(event_type), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def test_every_type_has_an_example_and_every_example_a_type() -> None:
    assert {example.name.split("/")[0] for example in VALID} == set(FAMILIES)


def test_every_type_that_is_accepted_has_a_bad_example_too() -> None:
    assert {example.name.split("/")[0] for example in INVALID} == set(INTAKE_BY_TYPE)


@pytest.mark.parametrize("event_type", sorted(FAMILIES))
def test_every_schema_is_a_schema_and_links_its_examples(event_type: str) -> None:
    schema = examples.schema(event_type)
    Draft202012Validator.check_schema(schema)
    linked = [(examples.FOLDER / ".." / "events" / link).resolve() for link in schema["x-tenon"]["examples"]]
    assert linked
    assert all(path.is_file() for path in linked)


@each_valid
def test_an_example_is_an_event_of_its_folder_and_fits_its_schema(example: Example) -> None:
    assert example.event.type == example.family.name
    validator(example.family.name).validate(json.loads(example.event.data))


@each_valid
def test_an_example_is_read_strictly_and_written_the_same_again(example: Example) -> None:
    decoded = codec.decode_strict(example.family.data, example.event.data)
    written = codec.encode(decoded)
    assert codec.decode_strict(example.family.data, written) == decoded
    assert codec.encode(codec.decode_strict(example.family.data, written)) == written


@each_valid
def test_what_is_written_holds_everything_that_the_example_says(example: Example) -> None:
    written = codec.parse(codec.encode(codec.decode_strict(example.family.data, example.event.data)))
    assert within(codec.parse(example.event.data), written)


@each_valid
def test_an_example_of_a_later_minor_version_is_still_read(example: Example) -> None:
    decoded = codec.decode_strict(example.family.data, example.event.data)
    for extended in with_a_new_field(json.loads(example.event.data), TABLES):
        read = codec.decode_tolerant(example.family.data, json.dumps(extended).encode())
        assert read == decoded


@pytest.mark.parametrize(
    "example",
    [example for example in VALID if example.family.name in INTAKE_BY_TYPE],
    ids=lambda example: example.name,
)
def test_ingest_admits_every_example(example: Example) -> None:
    admit(example.event, ADMINISTRATOR, "log")


@each_invalid
def test_ingest_refuses_a_bad_example_where_and_why_it_says(example: Example) -> None:
    expected = example.expected()
    with pytest.raises(Refused) as caught:
        admit(example.event, ADMINISTRATOR, "log")
    faults = caught.value.refusal.faults
    assert [fault for fault in faults if fault.pointer == expected["pointer"]], faults
    assert any(expected["reason"] in fault.reason for fault in faults), faults


@each_invalid
def test_the_schema_refuses_what_is_said_to_be_a_matter_of_shape(example: Example) -> None:
    accepted = validator(example.family.name).is_valid(json.loads(example.event.data))
    assert accepted is not example.expected()["refused_by_schema"]


def within(said: Any, written: Any) -> bool:
    """True when everything said is written; what equals a default may be left out."""
    if isinstance(said, dict) and isinstance(written, dict):
        return all(name not in written or within(value, written[name]) for name, value in said.items())
    if isinstance(said, list) and isinstance(written, list):
        return len(said) == len(written) and all(map(within, said, written))
    return bool(said == written) or str(said) == str(written) or _same_value(said, written)


def _same_value(said: Any, written: Any) -> bool:
    try:
        return float(said) == float(written)
    except (TypeError, ValueError):
        return datetime.fromisoformat(str(said)) == datetime.fromisoformat(str(written))


def with_a_new_field(value: Any, tables: set[str]) -> Iterator[Any]:
    """Yield the value with one unknown field in one of its objects, once for each object at any depth."""
    if isinstance(value, dict):
        yield {**value, "new_in_v1_1": {"deep": [1, 0.1, None]}}
        for name, inner in value.items():
            if name not in tables or not isinstance(inner, dict):
                yield from ({**value, name: changed} for changed in with_a_new_field(inner, tables))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for changed in with_a_new_field(inner, tables):
                yield [*value[:index], changed, *value[index + 1 :]]
