"""What everybody may know: totals, places by whole degrees, how far the log is decided."""

import time
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.visibility import fields
from notifier.feed import Feed
from notifier.http.access import Access
from notifier.http.answers import json
from notifier.http.documents import answers
from notifier.queries import Queries
from notifier.tables import demands, offers
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.rounds import RoundDecided

_PLACES_SECONDS: Final = 5.0


class Wall:
    """The handlers of what the page shows beside the stream."""

    def __init__(self, queries: Queries, feed: Feed, access: Access) -> None:
        self._queries = queries
        self._feed = feed
        self._access = access
        self._places: tuple[float, Mapping[str, Any]] = (-_PLACES_SECONDS, {})

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v1", tags=["wall"])
        add = router.add_api_route
        add("/totals", self.totals, summary="Totals", responses=answers("Totals", 401))
        add("/places", self.places, summary="Where something is open", responses=answers("Places", 401))
        add("/partitions", self.partitions, summary="How far the log is decided",
            responses=answers("Partitions", 401))  # fmt: skip
        return router

    async def totals(self, request: Request) -> Response:
        """Sums over all dockings, demands and offers, per unit; no party, no price."""
        await self._access.anybody(request)
        units: dict[str, dict[str, object]] = {}
        dockings: dict[str, int] = {}
        for unit, name, count, quantity in await self._queries.sums():
            status = name.removeprefix("docking.")
            if status != name:
                dockings[status] = dockings.get(status, 0) + int(count)
            else:
                units.setdefault(unit, {})[name] = {"count": int(count), "quantity": quantity}
        last = (await self._feed.last_numbers([WALL])).get(WALL, 0)
        clocks = [each.clock for each in await self._rounds()]
        now = {"clock": max(clocks)} if clocks else {}
        return json({"last": last, **now, "dockings": dockings, "units": units})

    async def places(self, request: Request) -> Response:
        """Whole degrees in which offers or demands are open, with how many; a few seconds old at most."""
        await self._access.anybody(request)
        asked_at, places = self._places
        if time.monotonic() - asked_at > _PLACES_SECONDS:
            places = {"offers": await self._spots("offers"), "demands": await self._spots("demands")}
            self._places = (time.monotonic(), places)
        return json(places)

    async def partitions(self, request: Request) -> Response:
        """The last round of each partition: its clock, offsets, policies, engine and digest."""
        viewer = await self._access.anybody(request)
        items = [fields(each) for each in await self._rounds()]
        if viewer != ADMINISTRATOR:
            for item in items:
                item.pop("skipped", None)
        return json({"items": items})

    async def _rounds(self) -> list[RoundDecided]:
        return [decode_tolerant(RoundDecided, row[1]) for row in await self._queries.rounds()]

    async def _spots(self, of: str) -> list[dict[str, int]]:
        rows = await self._queries.places(offers if of == "offers" else demands)
        return [{"latitude": row[0], "longitude": row[1], "open": row[2]} for row in rows]
