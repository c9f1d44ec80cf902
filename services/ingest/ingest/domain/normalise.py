"""Accepted data in the form that the log holds: base units, exact prices, UTC milliseconds, codes as sent.

One function per kind of event: it returns the data in that form and every fault it met on the way. A calendar
becomes windows. Prices, load factors, lots and minimum orders are converted with the unit, because the item's
unit becomes the base unit.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from ingest.domain.faults import Fault
from ingest.domain.measure import Measure
from ingest.domain.windows import normal_demanded, windows_or_calendar
from tenon.contracts import intake
from tenon.contracts.values import Certificate, Evidence, Item, Readiness, ResourceDraw, Shape

S = TypeVar("S", bound=Shape)
_FACTORS = ("man", "machine", "material", "method", "environment")


def normalise(data: S) -> tuple[S, list[Fault]]:
    """Return data as the log holds it, and what is wrong with its single values."""
    faults: list[Fault] = []
    by_kind = _NORMAL.get(type(data))
    return (by_kind(data, faults) if by_kind is not None else data), faults


def _offer(offer: intake.OfferPublished, faults: list[Fault]) -> intake.OfferPublished:
    measure = Measure(offer.item.unit, "/data/item/unit", faults)
    return replace(
        offer,
        item=_item(offer.item, measure),
        windows=windows_or_calendar(offer.windows, offer.calendar, measure),
        calendar=None,
        price=None if offer.price is None else measure.price(offer.price, "/data/price"),
        minimum_order=measure.quantity(offer.minimum_order, "/data/minimum_order"),
        lot=measure.quantity(offer.lot, "/data/lot"),
        valid_until=measure.maybe_time(offer.valid_until, "/data/valid_until"),
        certificates=_certificates(offer.certificates, measure),
        resource=_draw(offer.resource, measure),
    )


def _demand(demand: intake.DemandPublished, faults: list[Fault]) -> intake.DemandPublished:
    measure = Measure(demand.item.unit, "/data/item/unit", faults)
    price = demand.highest_price
    return replace(
        demand,
        item=_item(demand.item, measure),
        windows=normal_demanded(demand.windows, measure),
        highest_price=None if price is None else measure.price(price, "/data/highest_price"),
        patience_until=measure.maybe_time(demand.patience_until, "/data/patience_until"),
    )


def _progress(progress: intake.DockingProgressed, faults: list[Fault]) -> intake.DockingProgressed:
    measure = Measure(progress.unit, "/data/unit", faults)
    changed = {
        name: measure.quantity(value, f"/data/{name}")
        for name in ("shipped", "delivered", "failed")
        if (value := getattr(progress, name)) is not None
    }
    unit = progress.unit if measure.unit is None else measure.base_unit
    return replace(progress, unit=unit, **changed)


def _site(site: intake.SitePublished, faults: list[Fault]) -> intake.SitePublished:
    measure = Measure(None, "", faults)
    factors: dict[str, Evidence] = {}
    for name in _FACTORS:
        evidence: Evidence = getattr(site.readiness, name)
        at = measure.maybe_time(evidence.at, f"/data/readiness/{name}/at")
        factors[name] = Evidence(ratio=evidence.ratio, at=at)
    return replace(site, readiness=Readiness(**factors))


def _tick(tick: intake.ClockTicked, faults: list[Fault]) -> intake.ClockTicked:
    return replace(tick, now=Measure(None, "", faults).time(tick.now, "/data/now"))


def _item(item: Item, measure: Measure) -> Item:
    if measure.unit is None or item.unit == measure.base_unit:
        return item
    return replace(item, unit=measure.base_unit)


def _certificates(certificates: list[Certificate], measure: Measure) -> list[Certificate]:
    return [
        replace(
            held, valid_until=measure.maybe_time(held.valid_until, f"/data/certificates/{index}/valid_until")
        )
        for index, held in enumerate(certificates)
    ]


def _resource(published: intake.ResourcePublished, faults: list[Fault]) -> intake.ResourcePublished:
    measure = Measure(published.unit, "/data/unit", faults)
    windows = windows_or_calendar(published.windows, published.calendar, measure)
    unit = published.unit if measure.unit is None else measure.base_unit
    return replace(published, unit=unit, windows=windows, calendar=None)


def _draw(draw: ResourceDraw | None, measure: Measure) -> ResourceDraw | None:
    return None if draw is None else measure.draw(draw, "/data/resource")


_NORMAL: dict[type[Shape], Callable[[Any, list[Fault]], Any]] = {
    intake.OfferPublished: _offer,
    intake.DemandPublished: _demand,
    intake.ResourcePublished: _resource,
    intake.DockingProgressed: _progress,
    intake.SitePublished: _site,
    intake.ClockTicked: _tick,
}
