"""Every address that a service answers to is described, and every one that is described is answered to.

So whatever is tried on each described address (whose ids it gives away, what it makes of any input) is tried
on each that there is.
"""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette

from ingest.generated import unconnected as ingest
from matcher.http import Reads
from matcher.reasons import Explainer
from notifier.generated import unconnected as notifier
from tenon.contracts.markets import MarketTable
from tests.support.routes import addresses, operations

_DOCUMENTS = Path(__file__).parents[2] / "contracts" / "openapi"
_DESCRIPTION = {"GET /openapi.json"}
_PAGE = {"GET /docs", "MOUNT /docs/assets"}
_FOR_PEOPLE = {"GET /", "GET /page/{name}"}


def matcher() -> Starlette:
    """Return the matcher's application with nothing behind it."""
    return Reads(Explainer(lambda _: "postgresql://nowhere", 1), MarketTable(), None, live=True).app()


@pytest.mark.parametrize(
    ("name", "app", "undescribed"),
    [
        ("ingest", ingest(), _DESCRIPTION | _PAGE),
        ("matcher", matcher(), _DESCRIPTION),
        ("notifier", notifier(), _DESCRIPTION | _PAGE | _FOR_PEOPLE),
    ],
)
def test_every_address_is_described_and_every_described_one_is_there(
    name: str, app: Starlette, undescribed: set[str]
) -> None:
    document = json.loads((_DOCUMENTS / f"{name}.json").read_text())
    described = {str(each) for each in operations(document)}
    assert set(addresses(app.routes)) == described | undescribed
