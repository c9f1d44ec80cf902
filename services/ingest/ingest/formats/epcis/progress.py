"""How far an order is, in the unit of its docking."""

from collections.abc import Iterable
from decimal import Decimal

from ingest.formats.epcis.effects import Shipment
from tenon.contracts.units import NotWhole, UnknownUnit, from_counts, to_counts, unit


class Uncountable(ValueError):
    """What was shipped or received is not counted in units like the docking's."""


def progress(told: Iterable[Shipment], docking_unit: str) -> tuple[Decimal, Decimal]:
    """Return what was shipped and received in all, in the base unit; raise `Uncountable`.

    A shipping that was declared void before it was told leaves less than nothing; then it is nothing yet.
    """
    wanted = unit(docking_unit).dimension
    shipped = received = 0
    for each in told:
        try:
            if unit(each.unit).dimension != wanted:
                raise Uncountable(f"the docking is counted in {docking_unit}, not in {each.unit}")
            shipped += to_counts(max(each.shipped, Decimal(0)), each.unit)
            received += to_counts(max(each.received, Decimal(0)), each.unit)
        except (NotWhole, UnknownUnit) as error:
            raise Uncountable(str(error)) from None
    return from_counts(shipped, wanted.base_unit), from_counts(received, wanted.base_unit)
