"""The decision tables of CX-0128: complete, and in the standard's order."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import pytest

from ingest.domain.faults import Fault
from ingest.formats.catenax.cases import Case, decide
from ingest.formats.catenax.tables import (
    COMMENT_CASES,
    DEMAND_CASES,
    GROUP_CASES,
    CommentFacts,
    DemandFacts,
    GroupFacts,
)

pytestmark = pytest.mark.unit
WRONG = (Fault("/changedAt", "missing field", "a time"),)
_VALUES: dict[str, Sequence[Any]] = {"faults": ((), WRONG), "age": (None, "newer", "same", "older")}


def everything(kind: type[Any]) -> Iterator[Any]:
    """Yield every combination of facts."""
    names = [field.name for field in fields(kind)]
    for values in product(*(_VALUES.get(name, (True, False)) for name in names)):
        yield kind(**dict(zip(names, values, strict=True)))


@pytest.mark.parametrize(
    ("table", "clause", "rows"),
    [
        (
            DEMAND_CASES,
            "§4.1.2.7",
            [
                (1, "ignore", 400),
                (2, "ignore", 400),
                (3, "ignore", 400),
                (4, "overwrite", 200),
                (5, "ignore", 400),
                (6, "create", 201),
                (7, "ignore", 400),
                (8, "overwrite", 200),
            ],
        ),
        (
            GROUP_CASES,
            "§4.2.2.7",
            [
                (1, "ignore", 400),
                (2, "ignore", 400),
                (3, "ignore", 400),
                (4, "ignore", 400),
                (5, "ignore", 400),
                (6, "overwrite", 200),
                (7, "create", 201),
                (8, "ignore", 400),
                (9, "overwrite", 200),
            ],
        ),
        (
            COMMENT_CASES,
            "§4.4.2.7",
            [
                (1, "ignore", 400),
                (2, "ignore", 400),
                (3, "ignore", 400),
                (4, "ignore", 403),
                (5, "ignore", 501),
                (6, "delete", 200),
                (7, "overwrite", 200),
                (8, "create", 201),
                (9, "ignore", 400),
                (10, "overwrite", 200),
            ],
        ),
    ],
)
def test_each_table_has_the_standards_rows_in_the_standards_order(
    table: Sequence[Case[Any]], clause: str, rows: list[tuple[int, str, int]]
) -> None:
    assert [(case.number, case.action, case.status) for case in table] == rows
    assert all(clause in case.clause for case in table if not case.clause.startswith("none"))


@pytest.mark.parametrize(
    ("table", "kind"),
    [(DEMAND_CASES, DemandFacts), (GROUP_CASES, GroupFacts), (COMMENT_CASES, CommentFacts)],
)
def test_whatever_comes_is_a_case(table: Sequence[Case[Any]], kind: type[Any]) -> None:
    reached = {decide(table, facts).number for facts in everything(kind)}
    assert reached == {case.number for case in table}


DEMANDS = [
    (DemandFacts(faults=WRONG, from_customer=False), 1),
    (DemandFacts(from_customer=False, to_mine=False), 2),
    (DemandFacts(to_mine=False, age="newer"), 3),
    (DemandFacts(age="newer", taken=True), 4),
    (DemandFacts(taken=True), 5),
    (DemandFacts(), 6),
    (DemandFacts(age="older"), 7),
    (DemandFacts(age="same"), 8),
]
GROUPS = [
    (GroupFacts(faults=WRONG, from_supplier=False), 1),
    (GroupFacts(from_supplier=False, to_mine=False), 2),
    (GroupFacts(to_mine=False, links_groups=True), 3),
    (GroupFacts(links_groups=True, start_moved=True), 4),
    (GroupFacts(links_demands=False), 4),
    (GroupFacts(start_moved=True, age="newer"), 5),
    (GroupFacts(age="newer"), 6),
    (GroupFacts(), 7),
    (GroupFacts(age="older"), 8),
    (GroupFacts(age="same"), 9),
]
COMMENTS = [
    (CommentFacts(faults=WRONG, from_sender=False), 1),
    (CommentFacts(from_sender=False, to_partner=False), 2),
    (CommentFacts(to_partner=False, object_exchanged=False), 3),
    (CommentFacts(object_exchanged=False, object_processed=False), 4),
    (CommentFacts(object_processed=False, delete=True, age="newer"), 5),
    (CommentFacts(delete=True, age="newer"), 6),
    (CommentFacts(delete=True, age="older"), 6),
    (CommentFacts(age="newer"), 7),
    (CommentFacts(delete=True), 8),
    (CommentFacts(age="older"), 9),
    (CommentFacts(age="same"), 10),
]


@pytest.mark.parametrize(
    ("table", "facts", "number"),
    [
        *((DEMAND_CASES, *row) for row in DEMANDS),
        *((GROUP_CASES, *row) for row in GROUPS),
        *((COMMENT_CASES, *row) for row in COMMENTS),
    ],
)
def test_the_first_case_that_matches_is_it(table: Sequence[Case[Any]], facts: Any, number: int) -> None:
    assert decide(table, facts).number == number


@pytest.mark.parametrize(
    ("table", "kind", "alike"),
    [
        # Of these pairs never both match, so their order shows in the table only.
        (DEMAND_CASES, DemandFacts, {(4, 5), (6, 7), (7, 8)}),
        (GROUP_CASES, GroupFacts, {(6, 7), (7, 8), (8, 9)}),
        (COMMENT_CASES, CommentFacts, {(7, 8), (8, 9), (9, 10)}),
    ],
)
def test_two_rows_that_change_places_change_what_is_decided(
    table: Sequence[Case[Any]], kind: type[Any], alike: set[tuple[int, int]]
) -> None:
    for index in range(len(table) - 1):
        swapped = [*table]
        swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
        differs = any(
            decide(table, facts).number != decide(swapped, facts).number for facts in everything(kind)
        )
        assert differs == ((table[index].number, table[index + 1].number) not in alike)
