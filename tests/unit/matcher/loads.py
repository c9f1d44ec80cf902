"""The judge of resources: what dockings take of each is summed again, by fractions and by the contracts
alone.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tenon.contracts.intake import OfferPublished, ResourcePublished
from tenon.contracts.positions import OfferPosition, ResourcePosition
from tenon.contracts.units import UNITS

Holding = Mapping[str, tuple[Decimal, Decimal]]
"""Of each window of an offer what dockings hold of it, and what of that is only proposed."""


def takes(offer: OfferPublished, resource: ResourcePublished) -> bool:
    """True when an offer can draw on a resource: it names it, in a unit that it is counted in."""
    draw = offer.resource
    assert draw is not None
    stated = UNITS[draw.unit or resource.unit]
    return stated.dimension == UNITS[resource.unit].dimension


def drawn(
    offer: OfferPublished, position: OfferPosition, holding: Holding, resource: ResourcePublished
) -> Iterator[tuple[str, Fraction, bool]]:
    """Yield what each window of an offer takes: of which window of the resource, and whether of proposals
    too.
    """
    draw = offer.resource
    assert draw is not None
    factor = Fraction(1) if draw.unit is None else UNITS[draw.unit].factor
    for window in position.windows:
        total, proposed = holding.get(window.id, (Decimal(0), Decimal(0)))
        homes = [
            each.id for each in resource.windows if each.from_ <= window.from_ and window.until <= each.until
        ]
        yield (*homes, "outside")[0], Fraction(total) * Fraction(draw.load_factor) * factor, proposed > 0


def judge_resource(
    said: ResourcePublished,
    withdrawn: bool,
    position: ResourcePosition,
    taken: list[tuple[str, Fraction, bool]],
    now: datetime,
) -> None:
    """Fail unless the position holds what was said, and what is taken of it never is more."""
    held = {"outside": Decimal(0)} | {
        each.id: Decimal(0) if withdrawn else each.quantity for each in said.windows
    }
    windows = {window.id: window for window in position.windows}
    assert position.revision == said.revision
    for name, quantity in held.items():
        consumed = sum((amount for of, amount, _ in taken if of == name), Fraction(0))
        if name not in windows:
            assert name == "outside"
            assert not consumed
            continue
        window = windows[name]
        assert (window.quantity, Fraction(window.consumed)) == (quantity, consumed)
        assert window.free == max(0, window.quantity - window.consumed)
        assert window.overdrawn == max(0, window.consumed - window.quantity)
        promised = any(proposed for of, _, proposed in taken if of == name)
        assert not (window.overdrawn and promised), "a proposal is not kept where it does not fit"
    over = all(each.until <= now for each in said.windows)
    assert position.status == ("withdrawn" if withdrawn else "expired" if over else "open")
