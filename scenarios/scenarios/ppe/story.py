"""The historical events as Tenon's: parties, sites, routes, offers and demands, and the ticks between them.

Decides what stands for what: a donation is an offer, a request a demand, a donor and a recipient a party with
one site each. Nobody answers, so everybody confirms automatically.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from scenarios.ppe.data import Dataset, Donation, Request, number
from scenarios.ppe.layout import Place
from tenon.contracts import intake
from tenon.contracts.values import Item, ItemClass, Position, Shape, Window

TICK = timedelta(hours=6)
FOR_EVER = datetime(2030, 1, 1, tzinfo=UTC)
SITE = "main"


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened up to a tick."""

    tick: datetime
    events: Sequence[Shape]


def near_and_whole() -> intake.PolicyPublished:
    """The demo's policy: up to 800 km, where it finishes; one more docking costs 30 units over 1,000 km."""
    return _policy(800_000)


def everything() -> intake.PolicyPublished:
    """The policy that docks everything: a unit is worth more than any way it can travel."""
    return _policy(900_000_000)


def _policy(value: int) -> intake.PolicyPublished:
    return intake.PolicyPublished(
        policy="demo",
        revision=1,
        weights=intake.Weights(freight=1_000, further_docking=30_000_000),
        tranches=(intake.Tranche(up_to_share=1, value=value),),
    )


def cast(places: Mapping[str, Place]) -> Iterator[Shape]:
    """Yield every party with its site."""
    for site_id in sorted(places, key=lambda site_id: (site_id[:3], number(site_id))):
        place = places[site_id]
        yield intake.PartyRegistered(
            party=site_id,
            revision=1,
            name=site_id,
            supply_confirmation="automatic",
            demand_confirmation="automatic",
        )
        yield intake.SitePublished(
            party=site_id,
            site=SITE,
            revision=1,
            position=Position(latitude=place.latitude, longitude=place.longitude),
            region="US",
        )


def chapters(data: Dataset) -> Iterator[Chapter]:
    """Yield what happened in each six hours in which anything did, in historical order."""
    asked = _recipients(data)
    introduced: set[tuple[str, str]] = set()
    events: list[Shape] = []
    tick: datetime | None = None
    for row in data.stream():
        at = _tick_after(row.at)
        if tick is not None and at != tick:
            yield Chapter(tick, events)
            events = []
        tick = at
        if isinstance(row, Donation):
            if row.ppe in asked and (row.don_id, row.ppe) not in introduced:
                introduced.add((row.don_id, row.ppe))
                events.append(_routes(data, row, asked[row.ppe]))
            events.append(_offer(row))
        else:
            events.append(_demand(row))
    if tick is not None:
        yield Chapter(tick, events)


def _recipients(data: Dataset) -> dict[str, list[str]]:
    asked: dict[str, set[str]] = {}
    for request in data.requests:
        asked.setdefault(request.ppe, set()).add(request.rec_id)
    return {ppe: sorted(rec_ids, key=number) for ppe, rec_ids in asked.items()}


def _tick_after(at: datetime) -> datetime:
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = -((start - at) // TICK)
    return start + steps * TICK


def _class(ppe: str) -> ItemClass:
    return ItemClass(scheme="own", code=ppe)


def _item(ppe: str) -> Item:
    return Item(class_=_class(ppe), unit="C62")


def _window(row: Donation | Request) -> list[Window]:
    return [Window(id="all", from_=row.at, until=FOR_EVER, quantity=Decimal(row.qty))]


def _routes(data: Dataset, row: Donation, rec_ids: Sequence[str]) -> intake.RoutesPublished:
    metres = data.distances.metres(row.don_id, rec_ids)
    return intake.RoutesPublished(
        party=row.don_id,
        site=SITE,
        revision=1,
        class_=_class(row.ppe),
        distances_m={f"{rec_id}/{SITE}": way for rec_id, way in zip(rec_ids, metres, strict=True)},
    )


def _offer(row: Donation) -> intake.OfferPublished:
    return intake.OfferPublished(
        party=row.don_id,
        offer=f"donation-{row.row}",
        revision=1,
        site=SITE,
        item=_item(row.ppe),
        windows=_window(row),
    )


def _demand(row: Request) -> intake.DemandPublished:
    return intake.DemandPublished(
        party=row.rec_id,
        demand=f"request-{row.row}",
        revision=1,
        site=SITE,
        item=_item(row.ppe),
        windows=_window(row),
    )
