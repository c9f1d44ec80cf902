"""Every event type: its data, its topic, who may send it.

A new version of a type is a new name (`.v2`); a shipped version changes only so that old readers survive.
"""

from dataclasses import dataclass
from typing import Literal

from tenon.contracts import (
    alerts,
    dockings,
    endpoints,
    intake,
    log,
    parties,
    positions,
    rejections,
    rounds,
    topics,
)
from tenon.contracts.values import Shape

Sender = Literal["party", "administrator", "ingest", "matcher", "notifier", "any service"]


@dataclass(frozen=True, slots=True)
class Family:
    """An event type. `topic` None: it is turned into another type before it is written, or is on no topic."""

    name: str
    data: type[Shape]
    sender: Sender
    topic: topics.Topic | None


_STATUSES = ("proposed", "confirmed", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed")

INTAKE: tuple[Family, ...] = (
    Family("tenon.party.registered.v1", intake.PartyRegistered, "administrator", None),
    Family("tenon.site.published.v1", intake.SitePublished, "party", None),
    Family("tenon.routes.published.v1", intake.RoutesPublished, "party", topics.MARKET),
    Family("tenon.offer.published.v1", intake.OfferPublished, "party", None),
    Family("tenon.offer.withdrawn.v1", intake.OfferWithdrawn, "party", topics.MARKET),
    Family("tenon.resource.published.v1", intake.ResourcePublished, "party", topics.MARKET),
    Family("tenon.resource.withdrawn.v1", intake.ResourceWithdrawn, "party", topics.MARKET),
    Family("tenon.demand.published.v1", intake.DemandPublished, "party", None),
    Family("tenon.demand.withdrawn.v1", intake.DemandWithdrawn, "party", topics.MARKET),
    Family("tenon.docking.answered.v1", intake.DockingAnswered, "party", topics.MARKET),
    Family("tenon.docking.progressed.v1", intake.DockingProgressed, "party", topics.MARKET),
    Family("tenon.policy.published.v1", intake.PolicyPublished, "administrator", topics.MARKET),
    Family("tenon.clock.ticked.v1", intake.ClockTicked, "administrator", topics.MARKET),
)
LISTED: tuple[Family, ...] = (
    Family("tenon.offer.listed.v1", log.OfferListed, "ingest", topics.MARKET),
    Family("tenon.demand.listed.v1", log.DemandListed, "ingest", topics.MARKET),
    Family("tenon.site.changed.v1", log.SiteChanged, "ingest", topics.MARKET),
    Family("tenon.party.changed.v1", log.PartyChanged, "ingest", topics.MARKET),
)
PUBLISHED: tuple[Family, ...] = (
    Family("tenon.party.state.v1", parties.PartyState, "ingest", topics.PARTIES),
    *(
        Family(f"tenon.docking.{status}.v1", dockings.Docking, "matcher", topics.DOCKINGS)
        for status in _STATUSES
    ),
    Family("tenon.offer.position.v1", positions.OfferPosition, "matcher", topics.POSITIONS),
    Family("tenon.resource.position.v1", positions.ResourcePosition, "matcher", topics.POSITIONS),
    Family("tenon.demand.position.v1", positions.DemandPosition, "matcher", topics.POSITIONS),
    Family("tenon.alert.unmet.v1", alerts.Unmet, "matcher", topics.ALERTS),
    Family("tenon.alert.overdrawn.v1", alerts.Overdrawn, "matcher", topics.ALERTS),
    Family("tenon.alert.overloaded.v1", alerts.Overloaded, "matcher", topics.ALERTS),
    Family("tenon.round.decided.v1", rounds.RoundDecided, "matcher", topics.ROUNDS),
    Family("tenon.event.rejected.v1", rejections.EventRejected, "any service", topics.REJECTED),
    Family("tenon.event.superseded.v1", rejections.EventSuperseded, "matcher", topics.REJECTED),
    Family("tenon.answer.refused.v1", rejections.AnswerRefused, "matcher", topics.REJECTED),
)
TO_OWNERS: tuple[Family, ...] = (
    Family("tenon.endpoint.pinged.v1", endpoints.EndpointPinged, "notifier", None),
    Family("tenon.endpoint.disabled.v1", endpoints.EndpointDisabled, "notifier", None),
)
"""Told to the owner of a subscription alone, on no topic of all."""
FAMILIES: dict[str, Family] = {family.name: family for family in (*INTAKE, *LISTED, *PUBLISHED, *TO_OWNERS)}
INTAKE_BY_TYPE: dict[str, Family] = {family.name: family for family in INTAKE}
LOG_BY_TYPE: dict[str, Family] = {
    family.name: family for family in (*INTAKE, *LISTED) if family.topic is topics.MARKET
}


def docking_type(status: dockings.DockingStatus) -> str:
    """Return the event type that tells this status."""
    return f"tenon.docking.{status}.v1"
