"""What the log of a market holds beside what parties say: their statements with what deciding needs.

Ingest writes these; the matcher reads them. All quantities are in the base unit of their dimension.
"""

from tenon.contracts.intake import (
    Confirmation,
    DemandPublished,
    OfferPublished,
)
from tenon.contracts.values import Id, Label, Position, Readiness, Region, Revision, Shape


class SiteState(Shape, frozen=True, kw_only=True):
    """What a decision needs to know of a site."""

    party: Id
    site: Id
    revision: Revision
    position: Position
    region: Region
    readiness: Readiness = Readiness()


class PartyTerms(Shape, frozen=True, kw_only=True):
    """How a party confirms."""

    party: Id
    revision: Revision
    supply_confirmation: Confirmation = "manual"
    demand_confirmation: Confirmation = "manual"


class OfferListed(Shape, frozen=True, kw_only=True):
    """An accepted offer with its site and its party's terms."""

    offer: OfferPublished
    site: SiteState
    terms: PartyTerms

    def __post_init__(self) -> None:
        """Refuse an offer of which nobody made windows: in the log it has some."""
        if not self.offer.windows:
            raise ValueError("an offer without windows")


class DemandListed(Shape, frozen=True, kw_only=True):
    """An accepted demand with its site and its party's terms."""

    demand: DemandPublished
    site: SiteState
    terms: PartyTerms


class SiteChanged(Shape, frozen=True, kw_only=True):
    """A site that has offers or demands in this market is another than before."""

    site: SiteState


class PartyChanged(Shape, frozen=True, kw_only=True):
    """A party that has offers or demands in this market confirms otherwise than before."""

    terms: PartyTerms
    name: Label | None = None
