"""The read interface: the viewer's demands, offers, resources and dockings, and what everybody may know.

Each answer went through the visibility of the domain. What is not the viewer's is not there: 404.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Table
from starlette.responses import Response

from notifier.domain.audiences import ADMINISTRATOR
from notifier.domain.pseudonym import Naming
from notifier.domain.visibility import Fields, parties_of, visible
from notifier.http.access import Access, chosen
from notifier.http.answers import json, opened, page
from notifier.http.documents import answers
from notifier.http.parameters import Paging, PartyName, Positions, Resources, Steps, Wanted
from notifier.keys import ListedKey, NewestKey, NumberKey
from notifier.queries import Queries
from notifier.tables import demands, offers, resources
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rejections import AnswerRefused, EventRejected, EventSuperseded
from tenon.contracts.values import Shape
from tenon.problems import Problem

_REJECTIONS: Final[dict[str, type[Shape]]] = {
    "tenon.event.rejected.v1": EventRejected,
    "tenon.event.superseded.v1": EventSuperseded,
    "tenon.answer.refused.v1": AnswerRefused,
}


class Reads:
    """The handlers of the read interface."""

    def __init__(self, queries: Queries, access: Access, pseudonym_key: bytes) -> None:
        self._queries = queries
        self._access = access
        self._key = pseudonym_key

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v1", tags=["reading"])
        add = router.add_api_route
        add("/demands", self.demands, summary="Demands", responses=answers("DemandPage", 400, 401, 403, 422))
        add("/demands/{party}/{demand}", self.demand, summary="One demand, why it is open, and its dockings",
            responses=answers("DemandHistory", 401, 404))  # fmt: skip
        add("/offers", self.offers, summary="Offers", responses=answers("OfferPage", 400, 401, 403, 422))
        add("/offers/{party}/{offer}", self.offer, summary="One offer and its dockings",
            responses=answers("OfferHistory", 401, 404))  # fmt: skip
        add("/resources", self.resources, summary="Resources, and what is consumed of them",
            responses=answers("ResourcePage", 400, 401, 403, 422))  # fmt: skip
        add("/resources/{party}/{resource}", self.resource, summary="One resource, as it is consumed",
            responses=answers("ResourcePosition", 401, 404))  # fmt: skip
        add("/dockings", self.dockings, summary="Dockings, the newest first",
            responses=answers("DockingPage", 400, 401, 403, 422))  # fmt: skip
        add("/dockings/{docking}", self.docking, summary="One docking and its steps",
            responses=answers("DockingHistory", 401, 404))  # fmt: skip
        add("/rejected", self.rejected, summary="What could not be used, the newest first",
            responses=answers("RejectedPage", 400, 401, 403, 422))  # fmt: skip
        return router

    async def demands(
        self, request: Request, wanted: Wanted, paging: Paging, status: Positions = None
    ) -> Response:
        """Demands as Tenon sees them, in order of party and id: one's own, or for the administrator all."""
        return await self._listed(request, demands, DemandPosition, wanted, paging, status)

    async def offers(
        self, request: Request, wanted: Wanted, paging: Paging, status: Positions = None
    ) -> Response:
        """Offers as Tenon sees them, in order of party and id: one's own, or for the administrator all."""
        return await self._listed(request, offers, OfferPosition, wanted, paging, status)

    async def resources(
        self, request: Request, wanted: Wanted, paging: Paging, status: Resources = None
    ) -> Response:
        """Resources as Tenon sees them, in order of party and id: one's own, or for the administrator all."""
        return await self._listed(request, resources, ResourcePosition, wanted, paging, status)

    async def resource(self, request: Request, party: str, resource: str) -> Response:
        """A resource: what it holds in each window, and what dockings of its offers consume of that."""
        _, shown = await self._one(request, resources, ResourcePosition, (party, resource))
        return json(shown)

    async def demand(self, request: Request, party: str, demand: str) -> Response:
        """A demand, why it is open, and its dockings (the newest 200) with their newest 50 steps."""
        return await self._one_listed(request, demands, DemandPosition, "demand", (party, demand))

    async def offer(self, request: Request, party: str, offer: str) -> Response:
        """An offer and its dockings (the newest 200) with their newest 50 steps."""
        return await self._one_listed(request, offers, OfferPosition, "supply", (party, offer))

    async def dockings(
        self, request: Request, wanted: Wanted, paging: Paging, status: Steps = None
    ) -> Response:
        """Dockings in their present state, the newest proposal first: those of the viewer, on either side."""
        viewer = await self._access.viewer(request)
        before = opened(paging.page, NewestKey)
        asked = wanted.filter(_whose(viewer, wanted.party), status)
        rows = await self._queries.docked(asked, before, paging.limit)
        shown = await self._shown([decode_tolerant(Docking, row[2]) for row in rows], viewer)
        return page(rows, shown, paging.limit, rows[-1][:2] if rows else None)

    async def docking(self, request: Request, docking: str) -> Response:
        """A docking with its newest 50 steps."""
        viewer = await self._access.viewer(request)
        data = await self._queries.one_docking(docking)
        shown = await self._shown([decode_tolerant(Docking, data)], viewer) if data else []
        if not shown:
            raise _missing()
        steps = await self._steps([docking], viewer)
        return json({**shown[0], "steps": steps.get(docking, [])})

    async def rejected(self, request: Request, paging: Paging, party: PartyName = None) -> Response:
        """What the viewer sent and could not be used, came too late, or was refused."""
        viewer = await self._access.viewer(request)
        before = opened(paging.page, NumberKey)
        rows = await self._queries.rejected(_whose(viewer, party), before, paging.limit)
        items = []
        for row in rows:
            said = visible(decode_tolerant(_REJECTIONS[row.type], row.data), viewer, Naming(self._key))
            meta = {"event_id": row.event_id, "type": row.type, "received_at": row.received_at}
            items.append({**meta, "data": said})
        return page(rows, items, paging.limit, rows[-1][:1] if rows else None)

    async def _listed(
        self,
        request: Request,
        table: Table,
        kind: type[Shape],
        wanted: Wanted,
        paging: Paging,
        statuses: Sequence[str] | None,
    ) -> Response:
        viewer = await self._access.viewer(request)
        after = opened(paging.page, ListedKey)
        asked = wanted.filter(_whose(viewer, wanted.party), statuses)
        rows = await self._queries.listed(table, asked, after, paging.limit)
        shown = await self._shown([decode_tolerant(kind, row[2]) for row in rows], viewer)
        return page(rows, shown, paging.limit, rows[-1][:2] if rows else None)

    async def _one_listed(
        self, request: Request, table: Table, kind: type[Shape], side: str, key: tuple[str, str]
    ) -> Response:
        viewer, shown = await self._one(request, table, kind, key)
        rows = await self._queries.dockings_of(side, *key)
        steps = await self._steps([row[0] for row in rows], viewer)
        docked = await self._shown([decode_tolerant(Docking, row[1]) for row in rows], viewer)
        return json({**shown, "dockings": [{**each, "steps": steps[each["docking"]]} for each in docked]})

    async def _one(
        self, request: Request, table: Table, kind: type[Shape], key: tuple[str, str]
    ) -> tuple[str, Fields]:
        """Return who asks, and what he sees of one thing that is his."""
        viewer = await self._access.viewer(request)
        data = await self._queries.one_listed(table, *key)
        shown = await self._shown([decode_tolerant(kind, data)], viewer) if data else []
        if not shown:
            raise _missing()
        return viewer, shown[0]

    async def _steps(self, names: Sequence[str], viewer: str) -> dict[str, list[Fields]]:
        """Return what the viewer may see of each step of dockings, by docking."""
        found: dict[str, list[Fields]] = {name: [] for name in names}
        rows = await self._queries.steps_of(names)
        for step in await self._shown([decode_tolerant(Docking, row[1]) for row in rows], viewer):
            found[step["docking"]].append({name: step[name] for name in _STEP if name in step})
        return found

    async def _shown(self, messages: Sequence[Shape], viewer: str) -> list[Fields]:
        """Return what the viewer may see of each message, leaving out those it may not know of."""
        dockings = [each for each in messages if isinstance(each, Docking)]
        involved = {party for each in dockings for party in parties_of(each)}
        naming = Naming(self._key, await self._queries.names_of(sorted(involved)) if involved else {})
        seen = (visible(each, viewer, naming) for each in messages)
        return [each for each in seen if each is not None]


_STEP: Final = (
    "revision",
    "status",
    "at",
    "cause",
    "quantity",
    "shipped",
    "delivered",
    "failed",
    "respond_by",
)


def _whose(viewer: str, party: str | None) -> str | None:
    """Return whose rows are meant; None: everybody's, for the administrator."""
    whose = chosen(viewer, party)
    return None if whose == ADMINISTRATOR else whose


def _missing() -> Problem:
    return Problem(404, "there is none, or it is not yours")
