"""What ingest adds to the generated documents: its settings and its OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from ingest.addresses import Addresses
from ingest.catenax.addresses import CatenaxAddresses
from ingest.epcis.addresses import EpcisAddresses
from ingest.formats.tables.page import page
from ingest.http import application
from ingest.imports.addresses import ImportAddresses, Limits
from ingest.mtconnect.addresses import MachineAddresses
from ingest.settings import IngestSettings
from tenon.generate.contribution import Contribution


def contribution() -> Contribution:
    """Return ingest's part of the generated documents."""
    return Contribution("ingest", "ingest", IngestSettings, document, _pages)


def _pages() -> Mapping[str, str]:
    return {"docs/formats/fields.md": page()}


def document() -> Mapping[str, object]:
    """Return the OpenAPI document."""
    return unconnected().openapi()


def unconnected() -> FastAPI:
    """Return the HTTP application with nothing behind it: what it is can be looked at, not what it does."""
    unbound: Any = None
    catenax = CatenaxAddresses(unbound, unbound, unbound, unbound, unbound, unbound, deadline_ms=1)
    epcis = EpcisAddresses(*[unbound] * 7)
    addresses = Addresses(unbound, unbound, unbound, deadline_ms=1)
    imports = ImportAddresses(unbound, unbound, unbound, Limits(1, 1, 1, 1), unbound, unbound, unbound)
    machines = MachineAddresses(unbound, unbound, deadline_ms=1)
    more = [imports.router(), catenax.router(), machines.router(), epcis.router()]
    return application(_nothing, addresses, more)


async def _nothing(request: Request) -> Response:
    return Response(status_code=503)
