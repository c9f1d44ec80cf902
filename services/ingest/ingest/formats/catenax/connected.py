"""What hangs together in a relationship: what may come out differently when something of it changes.

A demand hangs on its series, a series on each group that links it, a group on those nested in it, whether in
use or not. So only what is connected to a change is compared again, however large the relationship is.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.material_demand import WeekBasedMaterialDemand
from ingest.formats.catenax.values import plain_uuid

Node = tuple[str, str | tuple[str, str, str]]
"""`demand` or `group` with an id, `series` with its key, `material` with its number."""


def nodes_of(value: Any) -> Iterator[Node]:
    """Yield what a demand or a group hangs on, itself first; nothing for anything else."""
    if isinstance(value, WeekBasedMaterialDemand):
        yield "demand", plain_uuid(value.material_demand_id)
        yield "material", value.material_number_customer
        for series in value.demand_series:
            code = series.demand_category.demand_category_code
            yield "series", (value.material_number_customer, series.customer_location, code)
    elif isinstance(value, WeekBasedCapacityGroup):
        yield "group", plain_uuid(value.capacity_group_id)
        for link in value.linked_demand_series:
            code = link.demand_category.demand_category_code
            yield "series", (link.material_number_customer, link.customer_location, code)
        for other in value.linked_capacity_groups:
            yield "group", plain_uuid(other)


def connected(relation: Relation, seeds: Iterable[Node]) -> Relation:
    """Return the part of a relationship that is connected to any of the seeds."""
    edges: dict[Node, list[Node]] = {}
    for value in (*relation.demands.values(), *relation.groups.values()):
        first, *others = nodes_of(value)
        for other in others:
            edges.setdefault(first, []).append(other)
            edges.setdefault(other, []).append(first)
    seen: set[Node] = set()
    waiting = list(seeds)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += edges.get(node, ())
    return Relation(
        {name: demand for name, demand in relation.demands.items() if ("demand", name) in seen},
        {name: group for name, group in relation.groups.items() if ("group", name) in seen},
    )
