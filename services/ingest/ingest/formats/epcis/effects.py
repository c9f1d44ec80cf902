"""What an event does: which stock it moves, and how much of which orders it ships or receives.

`ADD` and `DELETE` bring goods to a place and end them there; to observe, to pack, to associate and to assign
changes no stock. Orders go by the business step (CBV §7.1): `shipping`, `receiving`, and `void_shipping`,
which takes a shipping back.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from ingest.formats.epcis.keys import item_of, place_of
from ingest.formats.epcis.shapes import AnyEvent, Quantity
from ingest.formats.epcis.words import bare

COUNT = "C62"
"""The unit of what is counted: no `uom` (§7.3.3.3)."""
_BY_ACTION = {"ADD": 1, "DELETE": -1, "OBSERVE": 0}
_OF_ORDERS = {"shipping": (1, 0), "receiving": (0, 1), "void_shipping": (-1, 0)}
"""By business step, what an amount adds to what was shipped, and to what was received."""
_ORDERS = frozenset({"po", "desadv"})
_ZERO = Decimal(0)
Part = tuple[str, str, Decimal]
"""Item, unit, amount."""


class Move(Struct, frozen=True):
    """How the stock of an item changes at a place; `produced` is the part of it that was made there."""

    item: str
    place: str
    unit: str
    quantity: Decimal
    produced: Decimal = _ZERO


class Shipment(Struct, frozen=True):
    """How much was shipped and received of the orders that an event names."""

    unit: str
    shipped: Decimal = _ZERO
    received: Decimal = _ZERO


def moves(event: AnyEvent) -> tuple[Move, ...]:
    """Return how an event changes stock, one entry per item and unit."""
    at = event.biz_location or event.read_point
    place = "" if at is None else place_of(at.id)
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for sign, (item, unit, amount) in _parts(event):
        quantity, produced = sums.get((item, unit), (_ZERO, _ZERO))
        made = amount if event.type == "TransformationEvent" and sign > 0 else _ZERO
        sums[item, unit] = quantity + sign * amount, produced + made
    return tuple(
        Move(item, place, unit, quantity, produced)
        for (item, unit), (quantity, produced) in sorted(sums.items())
        if quantity or produced
    )


def orders(event: AnyEvent) -> tuple[str, ...]:
    """Return the purchase orders and despatch advices that an event of shipping or receiving names."""
    if event.type != "ObjectEvent" or _step(event) not in _OF_ORDERS:
        return ()
    listed = event.biz_transaction_list or ()
    return tuple(
        sorted(
            {
                each.biz_transaction
                for each in listed
                if each.type is not None and bare("transaction", each.type) in _ORDERS
            }
        )
    )


def shipments(event: AnyEvent) -> tuple[Shipment, ...]:
    """Return what an event adds to its orders, one entry per unit."""
    if not orders(event):
        return ()
    sums: dict[str, Decimal] = {}
    for _, unit, amount in _listed(event.epc_list, event.quantity_list):
        sums[unit] = sums.get(unit, _ZERO) + amount
    shipped, received = _OF_ORDERS[_step(event)]
    return tuple(
        Shipment(unit, shipped * amount, received * amount) for unit, amount in sorted(sums.items()) if amount
    )


def _parts(event: AnyEvent) -> Iterator[tuple[int, Part]]:
    if event.type == "TransformationEvent":
        for part in _listed(event.input_epcs, event.input_quantity_list):
            yield -1, part
        for part in _listed(event.output_epcs, event.output_quantity_list):
            yield 1, part
    elif event.type == "ObjectEvent":
        sign = _BY_ACTION[event.action or "OBSERVE"]
        if sign:
            for part in _listed(event.epc_list, event.quantity_list):
                yield sign, part


def _listed(epcs: Iterable[str] | None, quantities: Iterable[Quantity] | None) -> Iterator[Part]:
    for epc in epcs or ():
        item = item_of(epc)
        if item is not None:
            yield item, COUNT, Decimal(1)
    for each in quantities or ():
        item = item_of(each.epc_class)
        if item is not None and each.quantity is not None:
            yield item, each.uom or COUNT, each.quantity


def _step(event: AnyEvent) -> str:
    return bare("step", event.biz_step or "")
