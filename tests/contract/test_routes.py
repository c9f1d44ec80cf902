"""Every address that a service answers to is described, and every one that is described is answered to.

So whatever is tried on each described address (whose ids it gives away, what it makes of any input) is tried
on each that there is.
"""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette

from ingest.generated import unconnected as ingest
from notifier.generated import unconnected as notifier
from tests.support.routes import addresses, operations

_DOCUMENTS = Path(__file__).parents[2] / "contracts" / "openapi"
_OF_EVERY_SERVICE = {"GET /openapi.json", "GET /docs", "MOUNT /docs/assets"}
_FOR_PEOPLE = {"GET /", "GET /page/{name}"}


@pytest.mark.parametrize(
    ("name", "app", "undescribed"),
    [
        ("ingest", ingest(), _OF_EVERY_SERVICE),
        ("notifier", notifier(), _OF_EVERY_SERVICE | _FOR_PEOPLE),
    ],
)
def test_every_address_is_described_and_every_described_one_is_there(
    name: str, app: Starlette, undescribed: set[str]
) -> None:
    document = json.loads((_DOCUMENTS / f"{name}.json").read_text())
    described = {str(each) for each in operations(document)}
    assert set(addresses(app.routes)) == described | undescribed
