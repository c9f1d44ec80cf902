"""The description of the interface: valid, complete, and true of what is answered and accepted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from ingest import examples
from ingest.domain.admit import admit
from ingest.generated import document
from tenon.contracts.cloudevents import from_structured
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.contracts.units import UNITS
from tests.unit.ingest.samples import ADMINISTRATOR

pytestmark = pytest.mark.unit
DESCRIBED: Any = document()
OPERATIONS = {
    f"{method} {path}": operation
    for path, operations in DESCRIBED["paths"].items()
    for method, operation in operations.items()
}
ANYWHERE = {"401", "405", "500", "503"}


def test_the_description_is_valid() -> None:
    validate(DESCRIBED)


@pytest.mark.parametrize(
    ("operation", "codes"),
    [
        ("post /v1/events", {"202", "400", "403", "408", "409", "413", "415", "422", "429"}),
        ("get /v1/parties/{party}", {"200", "404"}),
        ("get /v1/parties/{party}/sites", {"200", "404", "422"}),
        ("get /v1/parties/{party}/keys", {"200", "404"}),
        ("post /v1/parties/{party}/keys", {"201", "400", "404", "408", "409", "413", "415", "422"}),
        ("delete /v1/parties/{party}/keys/{key}", {"204", "404"}),
        ("get /v1/outbox", {"200", "403"}),
        (
            "post /v1/catena-x/WeekBasedMaterialDemand",
            {"200", "201", "400", "403", "408", "413", "415", "422", "429"},
        ),
        (
            "post /v1/catena-x/IdBasedRequestForUpdate",
            {"200", "400", "403", "408", "413", "415", "422", "429"},
        ),
        (
            "post /v1/catena-x/DemandAndCapacityNotification",
            {"200", "400", "403", "408", "413", "415", "429"},
        ),
        (
            "put /v1/parties/{party}/business-partner",
            {"200", "400", "403", "404", "408", "409", "413", "415", "422"},
        ),
        ("get /v1/parties/{party}/catena-x/demands", {"200", "404", "422"}),
        ("get /v1/parties/{party}/catena-x/comparisons", {"200", "404", "422"}),
        ("get /v1/parties/{party}/catena-x/releases", {"200", "404"}),
        (
            "put /v1/parties/{party}/catena-x/releases/{release}",
            {"200", "400", "404", "408", "409", "413", "415", "422"},
        ),
        ("delete /v1/parties/{party}/catena-x/releases/{release}", {"204", "404", "422"}),
        ("get /v1/parties/{party}/mtconnect", {"200", "404", "422"}),
        (
            "put /v1/parties/{party}/mtconnect/{machine}",
            {"200", "400", "404", "408", "409", "413", "415", "422"},
        ),
        ("delete /v1/parties/{party}/mtconnect/{machine}", {"204", "404", "422"}),
        ("post /v1/imports", {"202", "400", "403", "408", "409", "413", "414", "415", "422", "429"}),
        ("get /v1/imports", {"200"}),
        ("get /v1/import-templates", {"200", "422"}),
        ("get /v1/imports/{job}", {"200", "404"}),
        ("get /v1/imports/{job}/rows", {"200", "404", "422"}),
        ("delete /v1/imports/{job}", {"204", "404"}),
        ("post /v1/epcis/capture", {"202", "400", "403", "408", "413", "415", "429"}),
        ("get /v1/epcis/capture/{capture}", {"200", "404"}),
        ("get /v1/parties/{party}/epcis/stock", {"200", "404", "422"}),
        ("get /v1/parties/{party}/epcis/orders/{reference}", {"200", "404"}),
        (
            "put /v1/parties/{party}/epcis/orders/{reference}",
            {"200", "400", "404", "408", "413", "415", "422"},
        ),
    ],
)
def test_each_address_names_its_answers_and_no_other(operation: str, codes: set[str]) -> None:
    assert set(OPERATIONS[operation]["responses"]) == codes | ANYWHERE


def test_no_address_is_left_out() -> None:
    assert len(OPERATIONS) == 43


def contents(operation: Any) -> Iterator[tuple[Any, Any]]:
    """Yield schema and value of each example."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for media in (media for body in bodies for media in body.get("content", {}).values()):
        if "example" in media:
            yield media["schema"], media["example"]
        for example in media.get("examples", {}).values():
            yield media["schema"], example["value"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_example_is_as_it_is_described(operation: str) -> None:
    shown = list(contents(OPERATIONS[operation]))
    assert shown
    for schema, value in shown:
        Draft202012Validator({**schema, "components": DESCRIBED["components"]}).validate(value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_body_has_an_example(operation: str) -> None:
    bodies = [OPERATIONS[operation].get("requestBody", {}), *OPERATIONS[operation]["responses"].values()]
    for media in (media for body in bodies for media in body.get("content", {}).values()):
        assert "example" in media or "examples" in media


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_error_is_shown_as_a_document_of_its_status(operation: str) -> None:
    for code, response in OPERATIONS[operation]["responses"].items():
        if int(code) >= 400:
            example = response["content"]["application/problem+json"]["example"]
            assert example["status"] == int(code)
            assert example["type"].startswith("/problems/")


@pytest.mark.parametrize("event_type", INTAKE_BY_TYPE)
def test_the_example_of_each_type_is_described_and_admitted(event_type: str) -> None:
    example = examples.event(event_type)
    schema = {"$ref": "#/components/schemas/Event", "components": DESCRIBED["components"]}
    Draft202012Validator(schema).validate(example)
    sent = from_structured(json.dumps(example).encode())
    assert admit(sent, ADMINISTRATOR, "log").family.name == event_type


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("OfferPublished", "minimum_order lot change_over reconfirm_every_s"),
        ("DemandPublished", "all_or_nothing at_most_suppliers preferred kit"),
        ("Item", "attributes constraints"),
    ],
)
def test_what_is_not_yet_acted_on_says_so_at_the_field_and_above(kind: str, names: str) -> None:
    above = OPERATIONS["post /v1/events"]["description"]
    fields = DESCRIBED["components"]["schemas"][kind]["properties"]
    for name in names.split():
        assert "Not yet acted on." in fields[name]["description"]
        assert f"`{name}`" in above


def test_every_unit_that_is_converted_is_listed() -> None:
    description = OPERATIONS["post /v1/events"]["description"]
    assert all(code in description for code in UNITS)
