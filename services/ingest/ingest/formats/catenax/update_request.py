"""IdBasedRequestForUpdate 3.0.0: a partner asks for demands and capacity groups again.

An empty request asks for everything, an empty list for everything of its kind; an entry names one object,
and with `changedAt` only where there is something newer.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from ingest.domain.faults import Fault
from ingest.formats.catenax.values import Aspect, Moment, Uuid, plain_uuid


class DemandAsked(Aspect, frozen=True, kw_only=True):
    """A demand that is asked for."""

    material_demand_id: Uuid
    changed_at: Moment | None = None


class GroupAsked(Aspect, frozen=True, kw_only=True):
    """A capacity group that is asked for."""

    capacity_group_id: Uuid
    changed_at: Moment | None = None


class IdBasedRequestForUpdate(Aspect, frozen=True, kw_only=True):
    """What is asked for; None: not named."""

    week_based_material_demand: Annotated[list[DemandAsked], Meta(max_length=5000)] | None = None
    week_based_capacity_group: Annotated[list[GroupAsked], Meta(max_length=5000)] | None = None


Wanted = Mapping[str, datetime | None]
"""What is wanted by id, only if it is newer than the moment; an empty one wants everything."""


def wanted(request: IdBasedRequestForUpdate) -> tuple[Wanted | None, Wanted | None]:
    """Return which demands and which groups are wanted; None: none of this kind."""
    demands, groups = request.week_based_material_demand, request.week_based_capacity_group
    if demands is None and groups is None:
        return {}, {}
    return (
        None if demands is None else {plain_uuid(d.material_demand_id): d.changed_at for d in demands},
        None if groups is None else {plain_uuid(g.capacity_group_id): g.changed_at for g in groups},
    )


def answered(held: Iterable[tuple[str, datetime]], asked: Wanted | None) -> list[str]:
    """Return the ids, of what is held (with when it was changed), that a request is answered with."""
    if asked is None:
        return []
    return [name for name, changed in held if not asked or _is_wanted(name, changed, asked)]


def _is_wanted(name: str, changed: datetime, asked: Wanted) -> bool:
    if name not in asked:
        return False
    known = asked[name]
    return known is None or changed > known


def faults(request: IdBasedRequestForUpdate, now: datetime, at: str) -> Iterator[Fault]:
    """Yield nothing: what is well formed is answered, whether there is such an object or not (§4.3.2.6)."""
    yield from ()
