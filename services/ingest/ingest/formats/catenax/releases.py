"""What a partner lets onto the open market: a material it needs, or the spare capacity of one of its groups.

Without a release nothing of Catena-X leaves the pair of partners that told it each other.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from ingest.domain.faults import Fault
from ingest.formats.catenax.values import MaterialNumber, Uuid
from tenon.contracts.values import Id, ItemClass, Kind, Money, Region, Shape, Tier, UnitCode


class Release(Shape, frozen=True, kw_only=True):
    """Exactly one of `material` (a demand of this party's) and `capacity_group` (a group of this party's).

    `beyond` and `unanswered` say what counts as uncovered; price, site and regions are an offer's.
    """

    class_: ItemClass = field(name="class")
    material: Annotated[MaterialNumber, Meta(description="Its number with the customer.")] | None = None
    capacity_group: Annotated[Uuid, Meta(description="capacityGroupId of an own group.")] | None = None
    kind: Kind = "product"
    unit: Annotated[UnitCode, Meta(description="Used where the partners leave the unit out.")] | None = None
    beyond: Annotated[
        Literal["maximum", "actual"], Meta(description="Demand above this capacity is uncovered.")
    ] = "maximum"
    unanswered: Annotated[
        bool, Meta(description="Also what no capacity group answers: its supplier has not said anything yet.")
    ] = False
    tier: Tier = 5
    highest_price: Money | None = None
    price: Money | None = None
    site: Annotated[Id, Meta(description="Without it, the first location.")] | None = None
    regions_served: Annotated[list[Region], Meta(max_length=500)] = []


_OF_DEMANDS = ("highest_price",)
_OF_OFFERS = ("price", "site", "regions_served")


def faults(release: Release) -> Iterator[Fault]:
    """Yield what contradicts itself in a release."""
    if (release.material is None) == (release.capacity_group is None):
        yield Fault(
            "", "names a material and a capacity group, or neither", "one of material and capacity_group"
        )
    elif release.material is None:
        yield from (_out_of_place(name, "a material") for name in _OF_DEMANDS if getattr(release, name))
    else:
        yield from (_out_of_place(name, "a capacity group") for name in _OF_OFFERS if getattr(release, name))


def _out_of_place(name: str, owner: str) -> Fault:
    return Fault(f"/{name}", f"has a meaning for {owner} only", f"no {name}")
