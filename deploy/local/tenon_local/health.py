"""How each process of a running stack is, as it says itself. Decides what counts as ready for which kind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus

from tenon_local.kafka.probe import brokers_in_service
from tenon_local.monitoring import prometheus
from tenon_local.ports import HOST
from tenon_local.postgres import takes_sessions
from tenon_local.probe import http_get
from tenon_local.state import Entry, State

READY = "ready"


async def states(held: State) -> list[str]:
    """`ready`, `not ready` or `gone` for each process, in the order of the state."""
    return await asyncio.gather(*(_state(held, entry) for entry in held.processes))


async def _state(held: State, entry: Entry) -> str:
    if not entry.identity.is_alive():
        return "gone"
    return READY if await _is_ready(held, entry) else "not ready"


async def _is_ready(held: State, entry: Entry) -> bool:
    if entry.kind == "kafka":
        return bool(await brokers_in_service(replace(held.kafka(), bootstrap=f"{HOST}:{entry.port}")))
    if entry.kind == "postgres":
        return await takes_sessions(HOST, entry.port)
    path = "/-/ready" if entry.kind == prometheus.NAME else "/health/ready"
    status, _ = await http_get(HOST, entry.port, path)
    return status == HTTPStatus.OK
