"""A small market to decide in: builders for the log's entries with sensible defaults."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from msgspec.structs import replace

from matcher.domain.reading import Entry, Unusable
from matcher.domain.state import State
from matcher.domain.step import Decisions, Read, step
from tenon.contracts import intake, log, values
from tenon.contracts.codec import unix_ms
from tenon.contracts.dockings import Docking
from tenon.contracts.log import PartyTerms, SiteState
from tenon.contracts.values import Shape

START = datetime(2026, 3, 2, tzinfo=UTC)
START_MS = unix_ms(START)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MARKET = "own:mask"
MASKS = values.ItemClass(scheme="own", code="mask")


def day(number: float) -> datetime:
    """Return the start plus so many days."""
    return START + timedelta(days=number)


def window(quantity: int, first: float = 0, last: float = 36_500, name: str = "w") -> values.Window:
    """Return a window from one day to another."""
    return values.Window(id=name, from_=day(first), until=day(last), quantity=Decimal(quantity))


def demanded(said: values.Window, least: int = 0, due: float | None = None) -> values.Window:
    """Return a window of a demand with the least part that it takes, and the day from which on it is late."""
    return replace(said, due=None if due is None else day(due), least_part=Decimal(least))


def site(
    party: str, kilometres: float = 0, revision: int = 1, region: str = "DE", ready: float = 1
) -> SiteState:
    """Return the party's one site, so many kilometres north of the equator."""
    machine = values.Evidence(ratio=ready)
    return SiteState(
        party=party,
        site="main",
        revision=revision,
        position=values.Position(latitude=kilometres / 111.195, longitude=10.0),
        region=region,
        readiness=values.Readiness(machine=machine),
    )


def terms(party: str, automatic: bool = False) -> PartyTerms:
    """Return how a party confirms."""
    mode: intake.Confirmation = "automatic" if automatic else "manual"
    return PartyTerms(party=party, revision=1, supply_confirmation=mode, demand_confirmation=mode)


def item(code: str = "mask", unit: str = "C62", kind: values.Kind = "product") -> values.Item:
    """Return what is traded."""
    return values.Item(class_=values.ItemClass(scheme="own", code=code), unit=unit, kind=kind)


def offer(
    party: str,
    quantity: int = 100,
    *,
    kilometres: float = 0,
    revision: int = 1,
    place: SiteState | None = None,
    automatic: bool = False,
    name: str = "o",
    **said: Any,
) -> log.OfferListed:
    """Return a listing of an offer of masks."""
    fields = {"item": item(), "windows": [window(quantity)], **said}
    published = intake.OfferPublished(party=party, offer=name, revision=revision, site="main", **fields)
    return log.OfferListed(
        offer=published, site=place or site(party, kilometres), terms=terms(party, automatic)
    )


def demand(
    party: str,
    quantity: int = 100,
    *,
    kilometres: float = 0,
    revision: int = 1,
    place: SiteState | None = None,
    automatic: bool = False,
    name: str = "d",
    **said: Any,
) -> log.DemandListed:
    """Return a listing of a demand for masks."""
    fields = {"item": item(), "windows": [window(quantity)], **said}
    published = intake.DemandPublished(party=party, demand=name, revision=revision, site="main", **fields)
    return log.DemandListed(
        demand=published, site=place or site(party, kilometres), terms=terms(party, automatic)
    )


def resource(
    party: str, *windows: values.Window, revision: int = 1, name: str = "line", unit: str = "SEC"
) -> intake.ResourcePublished:
    """Return a resource in the market of masks, of 3,600 seconds for ever where no windows are said."""
    return intake.ResourcePublished(
        party=party,
        resource=name,
        revision=revision,
        site="main",
        class_=MASKS,
        unit=unit,
        windows=list(windows) or [window(3_600)],
    )


def draw(load: str | int = 1, name: str = "line", unit: str | None = None) -> values.ResourceDraw:
    """Return that a unit of an offer takes so much of a resource."""
    return values.ResourceDraw(id=name, load_factor=Decimal(load), unit=unit)


def policy(revision: int = 1, **said: Any) -> intake.PolicyPublished:
    """Return a policy for every market."""
    return intake.PolicyPublished(policy="p", revision=revision, **said)


def answered(
    docking: Docking, party: str, answer: Literal["accept", "decline"], revision: int | None = None
) -> intake.DockingAnswered:
    """Return a side's answer to a proposal."""
    return intake.DockingAnswered(
        party=party,
        docking=docking.docking,
        docking_revision=revision or docking.revision,
        class_=MASKS,
        answer=answer,
    )


def progressed(docking: Docking, party: str, **counts: int) -> intake.DockingProgressed:
    """Return a cumulative report."""
    quantities: dict[str, Any] = {name: Decimal(count) for name, count in counts.items()}
    return intake.DockingProgressed(
        party=party, docking=docking.docking, revision=1, class_=MASKS, unit="C62", **quantities
    )


class World:
    """A partition's state with a log that grows; each call decides one round."""

    def __init__(self, partition: int = 0) -> None:
        self.state = State(partition=partition)
        self.rounds: list[Decisions] = []
        self.reads: list[Read] = []

    def round(self, *data: Shape | Unusable, at: float = 0) -> Decisions:
        """Append entries to the log and decide them at a day."""
        return self.decide(read_of(data, self.state.next_offset, START_MS + round(at * DAY_MS)))

    def decide(self, read: Read) -> Decisions:
        """Decide one round."""
        decisions = step(self.state, read)
        self.reads.append(read)
        self.rounds.append(decisions)
        return decisions

    def dockings(self) -> list[Docking]:
        """Return every docking in its last state, in the order of their making."""
        return [deal.told for market in self.state.markets.values() for deal in market.deals.values()]


def read_of(data: Sequence[Shape | Unusable], offset: int, clock_ms: int) -> Read:
    """Return what a round reads when these entries stand at the end of the log."""
    entries = [
        each
        if isinstance(each, Unusable)
        else Entry(offset + index, MARKET, getattr(each, "party", ""), each)
        for index, each in enumerate(data)
    ]
    return Read(entries, offset, offset + len(entries), clock_ms)


def steps_of(decisions: Decisions) -> list[str]:
    """Return the types of the docking steps of a round, without prefix and version."""
    return [
        dict(event.headers)["ce_type"].decode().split(".")[2]
        for event in decisions.events
        if event.topic == "tenon.dockings.v1"
    ]
