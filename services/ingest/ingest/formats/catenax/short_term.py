"""The short-term figures of a material between two partners, by day and place.

ItemStock 2.0.0 (CX-0122), PlannedProductionOutput 2.0.0 (CX-0121), DeliveryInformation 2.0.0 (CX-0118),
ShortTermMaterialDemand 1.0.0 (CX-0120), DaysOfSupply 2.0.0 (CX-0145).
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ingest.domain.faults import Fault
from ingest.formats.catenax.notification import with_offset
from ingest.formats.catenax.units import UnitOfMeasure
from ingest.formats.catenax.values import Aspect, Bpns, DemandCategory, Text, Uuid
from ingest.formats.exact import number_faults

Bpna = Annotated[
    str,
    Meta(
        pattern=r"^BPNA[0-9A-Za-z]{12}$(?!\n)",
        description="an address's number (CX-0010): BPNA and 12 letters or digits",
    ),
]
Direction = Literal["INBOUND", "OUTBOUND"]
_POSITIONS = Meta(max_length=1000)
_ENTRIES = Meta(max_length=1000)


class Amount(Aspect, frozen=True, kw_only=True):
    """A quantity with its unit."""

    value: Decimal
    unit: UnitOfMeasure


class OrderPosition(Aspect, frozen=True, kw_only=True):
    """The customer's order that something is for."""

    customer_order_id: Text
    customer_order_position_id: Text
    supplier_order_id: Text | None = None


class AllocatedStock(Aspect, frozen=True, kw_only=True):
    """Stock at a place, for this partner."""

    quantity_on_allocated_stock: Amount
    stock_location_bpns: Bpns = field(name="stockLocationBPNS")
    stock_location_bpna: Bpna = field(name="stockLocationBPNA")
    is_blocked: bool
    last_updated_on_date_time: datetime


class StockPosition(Aspect, frozen=True, kw_only=True):
    """Stock for an order position, or for none."""

    allocated_stocks: Annotated[list[AllocatedStock], _ENTRIES]
    order_position_reference: OrderPosition | None = None


class ItemStock(Aspect, frozen=True, kw_only=True):
    """What a partner has in stock of a material: to deliver (OUTBOUND), or delivered (INBOUND)."""

    material_global_asset_id: Uuid
    direction: Direction
    positions: Annotated[list[StockPosition], _POSITIONS]


class PlannedOutput(Aspect, frozen=True, kw_only=True):
    """What a site is about to have made, and when."""

    planned_production_quantity: Amount
    production_site_bpns: Bpns
    estimated_time_of_completion: datetime
    last_updated_on_date_time: datetime


class OutputPosition(Aspect, frozen=True, kw_only=True):
    """Output for an order position, or for none."""

    allocated_planned_production_outputs: Annotated[list[PlannedOutput], _ENTRIES]
    order_position_reference: OrderPosition | None = None


class PlannedProductionOutput(Aspect, frozen=True, kw_only=True):
    """What a supplier is about to have made of a material for this customer."""

    material_global_asset_id: Uuid
    positions: Annotated[list[OutputPosition], _POSITIONS]


class TransitEvent(Aspect, frozen=True, kw_only=True):
    """When a delivery leaves or arrives, or did."""

    date_time_of_event: datetime
    event_type: Literal["estimated-departure", "estimated-arrival", "actual-departure", "actual-arrival"]


class Place(Aspect, frozen=True, kw_only=True):
    """A site, perhaps an address there."""

    bpns_property: Bpns
    bpna_property: Bpna | None = None


class TransitLocations(Aspect, frozen=True, kw_only=True):
    """From where to where."""

    origin: Place
    destination: Place


class Delivery(Aspect, frozen=True, kw_only=True):
    """An amount on its way, or planned to be."""

    delivery_quantity: Amount
    last_updated_on_date_time: datetime
    transit_events: Annotated[list[TransitEvent], Meta(min_length=1, max_length=10)]
    transit_locations: TransitLocations
    tracking_number: Text | None = None
    incoterm: (
        Literal["EXW", "FCA", "CPT", "CIP", "DAP", "DAT", "DPU", "DDP", "FAS", "FOB", "CFR", "CIF"] | None
    ) = None


class DeliveryPosition(Aspect, frozen=True, kw_only=True):
    """Deliveries for an order position, or for none."""

    deliveries: Annotated[list[Delivery], _ENTRIES]
    order_position_reference: OrderPosition | None = None


class DeliveryInformation(Aspect, frozen=True, kw_only=True):
    """What of a material is on its way from supplier to customer."""

    material_global_asset_id: Uuid
    positions: Annotated[list[DeliveryPosition], _POSITIONS]


class DayDemand(Aspect, frozen=True, kw_only=True):
    """The demand of a day."""

    day: date
    demand: Amount


class DayDemandSeries(Aspect, frozen=True, kw_only=True):
    """The demand of a customer site and category by day."""

    demands: Annotated[list[DayDemand], _ENTRIES]
    demand_category: DemandCategory
    customer_location_bpns: Bpns
    last_updated_on_date_time: datetime
    expected_supplier_location_bpns: Bpns | None = None


class ShortTermMaterialDemand(Aspect, frozen=True, kw_only=True):
    """What a customer needs of a material within the next weeks."""

    material_global_asset_id: Uuid
    demand_series: Annotated[list[DayDemandSeries], _POSITIONS]


class DaysAt(Aspect, frozen=True, kw_only=True):
    """For how many days stock suffices on a day."""

    date: datetime
    days_of_supply: Decimal


class AllocatedDays(Aspect, frozen=True, kw_only=True):
    """Days of supply at a place."""

    amount_of_allocated_days_of_supply: Annotated[list[DaysAt], _ENTRIES]
    stock_location_bpns: Bpns = field(name="stockLocationBPNS")
    stock_location_bpna: Bpna = field(name="stockLocationBPNA")
    last_updated_on_date_time: datetime


class DaysOfSupply(Aspect, frozen=True, kw_only=True):
    """For how long a partner's stock of a material suffices."""

    material_global_asset_id: Uuid
    direction: Direction
    allocated_days_of_supply: Annotated[list[AllocatedDays], _POSITIONS]


ShortTerm = ItemStock | PlannedProductionOutput | DeliveryInformation | ShortTermMaterialDemand | DaysOfSupply


def updated_at(told: ShortTerm) -> datetime | None:
    """Return when the newest part of it was updated; None where it has no part."""
    moments = (leaf for at, leaf in _leaves(told, "") if at.endswith("/lastUpdatedOnDateTime"))
    return max((with_offset(moment) for moment in moments if isinstance(moment, datetime)), default=None)


def faults(told: ShortTerm, now: datetime, at: str) -> Iterator[Fault]:
    """Yield the amounts that are none, or that no store could hold."""
    for where, leaf in _leaves(told, at):
        if isinstance(leaf, Decimal):
            yield from number_faults(leaf, where)


def _leaves(value: object, at: str) -> Iterator[tuple[str, object]]:
    """Yield every single value, with where it stands."""
    if isinstance(value, Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        for name, sent in names:
            yield from _leaves(getattr(value, name), f"{at}/{sent}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{at}/{index}")
    else:
        yield at, value
