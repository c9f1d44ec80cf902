"""What the values of one event mean together: the rules between its fields.

Decides on data that `normalise` has brought into the log's form, so quantities compare in one unit and
times in one zone. A quantity that was at fault there is NaN; rules pass over it.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from ingest.domain.faults import Fault, step
from ingest.domain.policies import policy_faults
from ingest.domain.regions import is_region
from ingest.domain.windows import AT, first_opening
from tenon.contracts import intake
from tenon.contracts.positions import OUTSIDE
from tenon.contracts.values import AttributeConstraint, Item, Shape, Window

_MAX_TEXT = 500


def rules_broken(data: Shape) -> list[Fault]:
    """Return every rule between fields that the data of an event breaks."""
    by_kind = _RULES.get(type(data))
    return [] if by_kind is None else list(by_kind(data))


def _offer(offer: intake.OfferPublished) -> Iterator[Fault]:
    yield from _item(offer.item)
    yield from _basis(offer)
    yield from _lots(offer)
    yield from _regions(offer.regions_served)
    schemes = [certificate.scheme for certificate in offer.certificates]
    yield from _repeated(schemes, "/data/certificates/{}/scheme", "one entry for each certificate")
    if offer.windows and offer.valid_until is not None and offer.valid_until <= first_opening(offer.windows):
        yield _too_early("/data/valid_until", offer.windows)


def _demand(demand: intake.DemandPublished) -> Iterator[Fault]:
    yield from _item(demand.item)
    blocked = set(demand.blocked)
    for index, party in enumerate(demand.preferred):
        if party in blocked:
            reason = f"{party!r} is blocked too"
            yield Fault(f"/data/preferred/{index}", reason, "each party preferred or blocked, not both")
    if demand.patience_until is not None and demand.patience_until <= first_opening(demand.windows):
        yield _too_early("/data/patience_until", demand.windows)


def _resource(resource: intake.ResourcePublished) -> Iterator[Fault]:
    for index, window in enumerate(resource.windows):
        if window.id == OUTSIDE:
            reason = f"{OUTSIDE!r} names what is drawn outside of every window"
            yield Fault(f"/data/windows/{index}/id", reason, "another id")


def _site(site: intake.SitePublished) -> Iterator[Fault]:
    if not is_region(site.region):
        yield _unknown_region(site.region, "/data/region")


def _progress(progress: intake.DockingProgressed) -> Iterator[Fault]:
    shipped, delivered, failed = progress.shipped, progress.delivered, progress.failed
    if shipped is None and delivered is None and failed is None:
        yield Fault("/data", "reports nothing", "at least one of shipped, delivered and failed")
    if _exceeds(delivered, shipped):
        yield Fault("/data/delivered", f"more than was shipped ({shipped})", f"at most {shipped}")
    if _exceeds(failed, Decimal(0)) and not progress.cause.strip():
        yield Fault("/data/cause", "missing where something failed", "why it failed")


def _basis(offer: intake.OfferPublished) -> Iterator[Fault]:
    if offer.basis == "net":
        reason = "quantities net of what is docked are not supported yet"
        yield Fault("/data/basis", reason, "'gross': quantities that include what is docked already")
        if offer.as_of is None:
            expected = "the sequence of the last docking step that was counted: 20 digits"
            yield Fault("/data/as_of", "missing with basis 'net'", expected)
    elif offer.as_of is not None:
        yield Fault("/data/as_of", "has a meaning with basis 'net' only", "no as_of with basis 'gross'")


def _lots(offer: intake.OfferPublished) -> Iterator[Fault]:
    if not offer.windows or (not offer.lot and not offer.minimum_order):
        return
    quantities = [window.quantity for window in offer.windows]
    if not all(quantity.is_finite() for quantity in quantities):
        return
    largest, total = max(quantities), sum(quantities, Decimal(0))
    if largest > 0 and _exceeds(offer.lot, largest):
        expected = f"at most {largest:f} {offer.item.unit}: a lot comes out of one window"
        yield Fault("/data/lot", "larger than the largest window", expected)
    if total > 0 and _exceeds(offer.minimum_order, total):
        expected = f"at most {total:f} {offer.item.unit}"
        yield Fault("/data/minimum_order", "more than all windows hold together", expected)


def _item(item: Item) -> Iterator[Fault]:
    for name, value in item.attributes.items():
        if len(name) > 64 or not name:
            at = f"/data/item/attributes{step(name)}"
            yield Fault(at, f"a name of {len(name)} characters", "1 to 64 characters")
        if isinstance(value, str) and len(value) > _MAX_TEXT:
            yield _too_long(f"/data/item/attributes{step(name)}", value)
    for index, constraint in enumerate(item.constraints):
        yield from _constraint(constraint, f"/data/item/constraints/{index}")


def _constraint(constraint: AttributeConstraint, at: str) -> Iterator[Fault]:
    low, high = constraint.minimum, constraint.maximum
    if constraint.equal is None and low is None and high is None and constraint.one_of is None:
        yield Fault(at, "asks for nothing", "at least one of equal, minimum, maximum and one_of")
    if low is not None and high is not None and low > high:
        yield Fault(f"{at}/minimum", f"above the maximum ({high})", f"at most {high}")
    choices = ((f"one_of/{index}", text) for index, text in enumerate(constraint.one_of or ()))
    for name, text in (("equal", constraint.equal), *choices):
        if isinstance(text, str) and len(text) > _MAX_TEXT:
            yield _too_long(f"{at}/{name}", text)


def _regions(regions: list[str]) -> Iterator[Fault]:
    for index, region in enumerate(regions):
        if not is_region(region):
            yield _unknown_region(region, f"/data/regions_served/{index}")


def _repeated(names: list[str], pointer: str, expected: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Fault(pointer.format(index), f"{name!r} stands there twice", expected)
        seen.add(name)


def _exceeds(quantity: Decimal | None, limit: Decimal | None) -> bool:
    if quantity is None or limit is None or not (quantity.is_finite() and limit.is_finite()):
        return False
    return quantity > limit


def _unknown_region(region: str, pointer: str) -> Fault:
    country = region.split("-", 1)[0]
    expected = "an ISO 3166-1 alpha-2 code, finer parts after a hyphen: CN, CN-SD, US-TX"
    return Fault(pointer, f"{country!r} is no country code", expected)


def _too_early(pointer: str, windows: Sequence[Window]) -> Fault:
    opening = first_opening(windows).isoformat()
    return Fault(pointer, f"before or when the first window opens ({AT})", f"a time after {opening}")


def _too_long(pointer: str, text: str) -> Fault:
    return Fault(pointer, f"{len(text)} characters", f"at most {_MAX_TEXT} characters")


_RULES: dict[type[Shape], Callable[[Any], Iterator[Fault]]] = {
    intake.OfferPublished: _offer,
    intake.DemandPublished: _demand,
    intake.ResourcePublished: _resource,
    intake.SitePublished: _site,
    intake.DockingProgressed: _progress,
    intake.PolicyPublished: policy_faults,
}
