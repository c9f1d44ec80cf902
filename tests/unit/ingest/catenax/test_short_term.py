"""Short-term figures: each model is read, its numbers are bounded, the newer one is kept."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingest.catenax.examples import EXAMPLES
from ingest.formats.catenax import reading
from ingest.formats.catenax.aspects import SHORT_TERM, AspectType
from ingest.formats.catenax.cases import decide
from ingest.formats.catenax.ruling import Held, Key
from ingest.formats.catenax.short_term import updated_at
from ingest.formats.catenax.short_term_cases import SHORT_TERM_CASES, ShortTermFacts, rule_short_term
from tenon.contracts.codec import decode_tolerant, encode
from tests.support.catenax import CUSTOMER, SUPPLIER
from tests.unit.ingest.catenax.test_tables import WRONG

pytestmark = pytest.mark.unit
NOW = datetime(2030, 1, 5, tzinfo=UTC)
UPDATED = datetime(2030, 1, 4, 8, tzinfo=UTC)
ASPECTS = pytest.mark.parametrize("aspect", SHORT_TERM, ids=lambda aspect: aspect.name)


def read(aspect: AspectType, value: Any) -> reading.Read:
    return reading.read(aspect, value, "/0", NOW)


def changed(value: Any, old: Any, new: Any) -> Any:
    """Return a value with every old one in it replaced."""
    if isinstance(value, dict):
        return {name: changed(inner, old, new) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed(inner, old, new) for inner in value]
    return new if value == old else value


@ASPECTS
def test_each_is_read_and_kept_as_it_is(aspect: AspectType) -> None:
    found = read(aspect, EXAMPLES[aspect.name])
    assert (found.faults, updated_at(found.value)) == ((), UPDATED)
    assert decode_tolerant(aspect.kind, encode(found.value)) == found.value


@ASPECTS
@pytest.mark.parametrize(("number", "reason"), [(-1, "negative"), (Decimal("1E+18"), "too large")])
def test_a_number_out_of_bounds_is_told_where_it_stands(aspect: AspectType, number: Any, reason: str) -> None:
    wrong = changed(changed(EXAMPLES[aspect.name], 20, number), 3.5, number)
    (fault,) = read(aspect, wrong).faults
    assert fault.reason == reason
    assert fault.pointer.endswith(("/value", "/daysOfSupply"))


@ASPECTS
def test_the_newer_is_kept_and_a_repetition_harms_nothing(aspect: AspectType) -> None:
    good = read(aspect, EXAMPLES[aspect.name])
    older = read(aspect, changed(EXAMPLES[aspect.name], "2030-01-04T08:00:00Z", "2030-01-03T08:00:00Z"))
    held: dict[Key, Held] = {}
    between = (SUPPLIER, CUSTOMER)
    ends = [rule_short_term(each, between, held, NOW).status for each in (older, good, good, older)]
    assert ends == [201, 200, 200, 400]
    assert [each.changed_at for each in held.values()] == [UPDATED]
    assert rule_short_term(good, (CUSTOMER, SUPPLIER), held, NOW).status == 201, "each side has its own"


def test_the_table_knows_whatever_comes() -> None:
    facts = [
        ShortTermFacts(WRONG, "older"),
        ShortTermFacts((), "older"),
        ShortTermFacts(),
        ShortTermFacts((), "newer"),
        ShortTermFacts((), "same"),
    ]
    assert [decide(SHORT_TERM_CASES, each).number for each in facts] == [1, 2, 3, 4, 4]
