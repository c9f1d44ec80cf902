"""The gate: may this sender say this, and does it make sense. All that can be decided without a look-up.

Returns the statement as the log will hold it, or raises `Refused` with everything that is wrong.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from ingest.domain.faults import Fault, Refusal, Refused, forbidden, invalid, nearest, refuse
from ingest.domain.normalise import normalise
from ingest.domain.shape import read
from ingest.domain.validate import rules_broken
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE_BY_TYPE, Family
from tenon.contracts.values import Instant, ItemClass, Shape

_MAX_ATTRIBUTE = 512
Clock = Literal["wall", "log"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the key that was shown, and its party; the administrator has none."""

    key: str
    party: str | None

    @property
    def is_administrator(self) -> bool:
        """True for the key of the settings, which may speak for every party."""
        return self.party is None


@dataclass(frozen=True, slots=True)
class Statement:
    """An event that makes sense, from someone who may say it. `data` is in the log's form."""

    event: CloudEvent
    family: Family
    data: Shape


def admit(event: CloudEvent, sender: Sender, clock: Clock) -> Statement:
    """Return the statement that an event makes; raise `Refused`."""
    family = INTAKE_BY_TYPE.get(event.type)
    if family is None:
        hint = nearest(event.type, INTAKE_BY_TYPE, "one of the types that /docs lists")
        raise Refused(invalid([Fault("/type", f"{event.type!r} is not accepted here", hint)]))
    _check_attributes(event)
    _check_role(family, sender, clock)
    data, faults = normalise(read(family.data, event.data))
    _check_party(data, sender)
    faults += rules_broken(data)
    if faults:
        refuse(invalid(faults))
    return Statement(event, family, data)


def class_of(data: Shape) -> ItemClass | None:
    """Return the class by which an event is routed; None when it concerns no market."""
    match data:
        case intake.OfferPublished() | intake.DemandPublished():
            return data.item.class_
        case (
            intake.RoutesPublished()
            | intake.OfferWithdrawn()
            | intake.DemandWithdrawn()
            | intake.ResourcePublished()
            | intake.ResourceWithdrawn()
            | intake.DockingAnswered()
            | intake.DockingProgressed()
        ):
            return data.class_
        case _:
            return None


def _check_attributes(event: CloudEvent) -> None:
    for name in ("id", "source", "subject"):
        text: str | None = getattr(event, name)
        if text is not None and (len(text) > _MAX_ATTRIBUTE or not text.isprintable()):
            expected = f"1 to {_MAX_ATTRIBUTE} printable characters"
            refuse(invalid([Fault(f"/{name}", "too long, or not printable", expected)]))
    if event.time is not None:
        try:
            msgspec.convert(event.time, Instant)
        except msgspec.ValidationError:
            fault = Fault("/time", f"{event.time!r} is no time", "RFC 3339 with an offset")
            raise Refused(invalid([fault])) from None


def _check_role(family: Family, sender: Sender, clock: Clock) -> None:
    if family.sender == "administrator" and not sender.is_administrator:
        refuse(forbidden("/type", f"{family.name} is the administrator's", "the administrator's key"))
    if family.data is intake.ClockTicked and clock != "log":
        reason = "the clock here is the wall's"
        refuse(forbidden("/type", reason, "TENON_CLOCK=log set for ingest and matcher (simulations only)"))


def _check_party(data: Shape, sender: Sender) -> None:
    party: str | None = getattr(data, "party", None)
    if sender.party is not None and party != sender.party:
        refuse(forbidden("/data/party", f"this key is not {party!r}'s", f"{sender.party!r}, whose key it is"))


def unknown_party(party: str) -> Refusal:
    """Return the refusal of a statement for a party that nobody registered."""
    expected = "a registered party: send tenon.party.registered.v1 first"
    return invalid([Fault("/data/party", f"{party!r} is not registered", expected)])


def unknown_site(party: str, site: str) -> Refusal:
    """Return the refusal of a statement about a site that was not published."""
    expected = "a site of this party: send tenon.site.published.v1 first"
    return invalid([Fault("/data/site", f"{party!r} has published no site {site!r}", expected)])
