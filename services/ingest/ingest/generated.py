"""What ingest adds to the generated documents: its settings and its OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ingest.addresses import Addresses
from ingest.http import application
from ingest.settings import IngestSettings
from tenon.generate.contribution import Contribution


def contribution() -> Contribution:
    """Return ingest's part of the generated documents."""
    return Contribution("ingest", "ingest", IngestSettings, document)


def document() -> Mapping[str, object]:
    """Return the OpenAPI document; nothing is connected for that."""
    unbound: Any = None
    return application(_nothing, Addresses(unbound, unbound, unbound, deadline_ms=1)).openapi()


async def _nothing(request: Request) -> Response:
    return Response(status_code=503)
