"""Addresses of machines: registered, looked at, and followed no more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ingest import answers
from ingest.access import Access, unknown
from ingest.addresses import json_response, path_id
from ingest.deadline import timely
from ingest.domain.faults import Refused
from ingest.domain.shape import read
from ingest.formats.mtconnect.machines import Machine
from ingest.mtconnect import shown
from ingest.mtconnect.machines import Machines
from tenon.bodies import body_of
from tenon.problems import Problem

_BYTES = 128 * 1024
_PAGE = 20
_After = Annotated[str, Query(max_length=64, description="The `next` of the page before.")]
_Limit = Annotated[int, Query(ge=1, le=100)]


@dataclass(frozen=True, slots=True)
class MachineAddresses:
    """Answers the addresses of machines."""

    access: Access
    machines: Machines
    deadline_ms: int

    def router(self) -> APIRouter:
        """Return the addresses with their description."""
        router = APIRouter(prefix="/v1/parties/{party}/mtconnect", tags=["mtconnect"])

        def add(method: str, path: str, answer: Callable[..., Any], told: dict[str, Any]) -> None:
            router.add_api_route(path, timely(self.deadline_ms, answer), methods=[method], **told)

        add("GET", "", self.list_machines, shown.LIST)
        add("PUT", "/{machine}", self.put_machine, shown.PUT)
        add("DELETE", "/{machine}", self.delete_machine, shown.DELETE)
        return router

    async def list_machines(
        self, request: Request, party: str, after: _After = "", limit: _Limit = _PAGE
    ) -> Response:
        """Return machines of a party: how they run, what was counted, what was told of them."""
        await self.access.sender_for(request, party)
        known = await self.machines.of(path_id(party), after.replace("\0", ""), limit)
        if known is None:
            raise unknown(party)
        following = known[-1].machine if len(known) == limit else None
        return json_response({"machines": [shown.shown(each) for each in known], "next": following})

    async def put_machine(self, request: Request, party: str, machine: str) -> Response:
        """Follow a machine: its capacity is published as a resource, and again when it has changed enough."""
        sender = await self.access.sender_for(request, party)
        body = await body_of(request, _BYTES, self.deadline_ms // 2)
        try:
            said: Machine = read(Machine, body, "")
            await self.machines.put(path_id(party), path_id(machine), said, sender)
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        return json_response(said)

    async def delete_machine(self, request: Request, party: str, machine: str) -> Response:
        """Follow a machine no more; its resource is withdrawn."""
        await self.access.sender_for(request, party)
        if not await self.machines.take_back(path_id(party), path_id(machine)):
            raise Problem(404, f"{party!r} has no machine {machine!r}")
        return Response(status_code=204)
