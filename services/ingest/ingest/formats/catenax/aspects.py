"""The aspects that are taken: what each is called, which versions of it are read, and how."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.domain.faults import Fault
from ingest.formats.catenax import (
    capacity_group,
    comment,
    material_demand,
    notification,
    short_term,
    update_request,
)
from ingest.formats.catenax.values import Aspect


@dataclass(frozen=True, slots=True)
class AspectType:
    """An aspect model: its name, its name in URNs, major versions, type, rules, and how old ones are read."""

    name: str
    model: str
    majors: tuple[int, ...]
    kind: type[Aspect]
    faults: Callable[[Any, datetime, str], Iterator[Fault]]
    upgraded: Callable[[object], object] = lambda value: value


DEMAND = AspectType(
    "WeekBasedMaterialDemand",
    "week_based_material_demand",
    (2, 3),
    material_demand.WeekBasedMaterialDemand,
    material_demand.faults,
    material_demand.upgraded,
)
GROUP = AspectType(
    "WeekBasedCapacityGroup",
    "week_based_capacity_group",
    (2, 3),
    capacity_group.WeekBasedCapacityGroup,
    capacity_group.faults,
    capacity_group.upgraded,
)
COMMENT = AspectType("IdBasedComment", "id_based_comment", (1,), comment.IdBasedComment, comment.faults)
UPDATE = AspectType(
    "IdBasedRequestForUpdate",
    "id_based_request_for_update",
    (3,),
    update_request.IdBasedRequestForUpdate,
    update_request.faults,
)
NOTIFICATION = AspectType(
    "DemandAndCapacityNotification",
    "demand_and_capacity_notification",
    (2, 3),
    notification.DemandAndCapacityNotification,
    notification.faults,
    notification.upgraded,
)
SHORT_TERM: tuple[AspectType, ...] = tuple(
    AspectType(kind.__name__, model, majors, kind, short_term.faults)
    for kind, model, majors in (
        (short_term.ItemStock, "item_stock", (2,)),
        (short_term.PlannedProductionOutput, "planned_production_output", (2,)),
        (short_term.DeliveryInformation, "delivery_information", (2,)),
        (short_term.ShortTermMaterialDemand, "short_term_material_demand", (1,)),
        (short_term.DaysOfSupply, "days_of_supply", (2,)),
    )
)
