"""What would be right is said in the words of JSON, for whatever a field's type is."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Meta

from ingest.domain.admit import admit
from ingest.domain.faults import Refused
from ingest.domain.wording import expected, plain
from tenon.contracts.families import INTAKE, INTAKE_BY_TYPE
from tests.unit.ingest.samples import ADMINISTRATOR, changed, event

pytestmark = pytest.mark.unit
OFFER = "tenon.offer.published.v1"


def types_in(kind: Any) -> Iterator[Any]:
    """Yield every type expression below a type of events."""
    yield kind
    base = plain(kind)
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        for inner in get_type_hints(base, include_extras=True).values():
            yield from types_in(inner)
    elif get_origin(base) in (list, tuple, dict):
        for inner in get_args(base):
            if inner is not Ellipsis:
                yield from types_in(inner)


EVERY = [kind for family in INTAKE for kind in types_in(family.data)]


def test_no_word_of_python_or_of_a_pattern_reaches_a_sender() -> None:
    words = {expected(kind) for kind in EVERY}
    assert not [text for text in words if re.search(r"`|\^|\$|\(\?|\bstr\b|\bint\b|None|typing", text)]
    assert all(words)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Annotated[int, Meta(ge=1, le=9)], "an integer, at least 1 and at most 9"),
        (Annotated[str, Meta(max_length=5)] | None, "a string of at most 5 characters"),
        (Annotated[list[int], Meta(min_length=1)], "an array of at least 1 items"),
        (Annotated[dict[str, int], Meta(max_length=3)], "an object of at most 3 members"),
        (Annotated[float, Meta(gt=0)], "a number, above 0"),
        (Literal["accept", "decline"], "one of accept, decline"),
        (str | float | None, "a string or a number"),
        (bool, "true or false"),
    ],
)
def test_limits_are_said(kind: Any, words: str) -> None:
    assert expected(kind) == words


@pytest.mark.parametrize(
    ("path", "value", "reason", "words"),
    [
        ("offer", "a/b", "'a/b' does not fit", "Letters, digits"),
        ("offer", "a" * 65, "does not fit", "At most 64 characters"),
        ("item/kind", "produce", "'produce' does not fit", "one of product, capacity"),
        ("item/unit", "kgm", "'kgm' does not fit", "Recommendation 20"),
        ("item/class/scheme", "HS", "'HS' does not fit", "small letters"),
        ("price/amount", "1,5", "'1,5' does not fit", "a decimal string"),
        ("price/currency", "eur", "'eur' does not fit", "ISO 4217"),
        ("windows/0/from", "2030-01-01T00:00:00", "does not fit", "with an offset"),
        ("windows/0/from", 1893456000, "got a number", "with an offset"),
        ("windows/0/quantity", True, "got a boolean", "a decimal number"),
        ("windows/0/quantity", "ten", "'ten' does not fit", "a decimal number"),
        ("revision", 1.5, "1.5 does not fit", "an integer"),
        ("revision", 2**53, "does not fit", "at most 9007199254740991"),
        ("lead_time_s", -1, "-1 does not fit", "at least 0"),
        ("basis", None, "got null", "one of gross, net"),
        ("blocked", ["a"] * 1001, "an array of 1001", "at most 1000 items"),
    ],
)
def test_a_misfit_is_told_beside_what_fits(path: str, value: object, reason: str, words: str) -> None:
    data = changed(OFFER, {"basis": "gross", path: 0})
    inner: Any = data
    *way, last = path.split("/")
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[last] = value
    with pytest.raises(Refused) as caught:
        admit(event(OFFER, data), ADMINISTRATOR, "wall")
    (fault,) = caught.value.refusal.faults
    assert fault.pointer == f"/data/{path}"
    assert reason in fault.reason
    assert words in fault.expected


@pytest.mark.parametrize("event_type", INTAKE_BY_TYPE)
def test_every_missing_field_is_told_with_what_it_holds(event_type: str) -> None:
    with pytest.raises(Refused) as caught:
        admit(event(event_type, {}), ADMINISTRATOR, "log")
    faults = {fault.pointer: fault for fault in caught.value.refusal.faults}
    fields = msgspec.structs.fields(INTAKE_BY_TYPE[event_type].data)
    assert faults.keys() == {f"/data/{field.encode_name}" for field in fields if field.required}
    assert {fault.reason for fault in faults.values()} == {"missing field"}


def test_what_holds_too_much_is_not_looked_into() -> None:
    routes = "tenon.routes.published.v1"
    far = {f"nowhere-{index}": 1 for index in range(10_001)}
    with pytest.raises(Refused) as caught:
        admit(event(routes, changed(routes, {"distances_m": far})), ADMINISTRATOR, "wall")
    (fault,) = caught.value.refusal.faults
    assert (fault.pointer, fault.reason) == ("/data/distances_m", "an object of 10001")
