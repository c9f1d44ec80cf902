"""Good data of each kind of event, to be changed in one place by a test."""

import json
from collections.abc import Mapping
from typing import Any

from ingest.domain.admit import Sender
from tenon.contracts.cloudevents import CloudEvent

ADMINISTRATOR = Sender(key="administrator", party=None)
ACME = Sender(key="k1", party="acme")

MASKS = {"scheme": "hs", "code": "630790"}
WINDOW = {"id": "w1", "from": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z", "quantity": 1000}

GOOD: dict[str, dict[str, Any]] = {
    "tenon.party.registered.v1": {"party": "acme", "revision": 1, "name": "Acme Mills"},
    "tenon.site.published.v1": {
        "party": "acme",
        "site": "mill-1",
        "revision": 1,
        "region": "CN-SD",
        "position": {"latitude": 36.67, "longitude": 117.02},
    },
    "tenon.routes.published.v1": {
        "party": "acme",
        "site": "mill-1",
        "revision": 1,
        "class": MASKS,
        "distances_m": {"clinic/ward-7": 12_000},
    },
    "tenon.offer.published.v1": {
        "party": "acme",
        "offer": "o1",
        "revision": 1,
        "site": "mill-1",
        "item": {"class": MASKS, "unit": "C62"},
        "windows": [WINDOW],
        "price": {"amount": "0.25", "currency": "CNY"},
    },
    "tenon.offer.withdrawn.v1": {"party": "acme", "offer": "o1", "revision": 2, "class": MASKS},
    "tenon.demand.published.v1": {
        "party": "acme",
        "demand": "d1",
        "revision": 1,
        "site": "mill-1",
        "item": {"class": MASKS, "unit": "C62"},
        "windows": [WINDOW],
    },
    "tenon.resource.published.v1": {
        "party": "acme",
        "resource": "press",
        "revision": 1,
        "site": "mill-1",
        "class": MASKS,
        "unit": "HUR",
        "windows": [WINDOW],
    },
    "tenon.resource.withdrawn.v1": {"party": "acme", "resource": "press", "revision": 2, "class": MASKS},
    "tenon.demand.withdrawn.v1": {"party": "acme", "demand": "d1", "revision": 2, "class": MASKS},
    "tenon.docking.answered.v1": {
        "party": "acme",
        "docking": "5f0c",
        "docking_revision": 1,
        "class": MASKS,
        "answer": "accept",
    },
    "tenon.docking.progressed.v1": {
        "party": "acme",
        "docking": "5f0c",
        "revision": 1,
        "class": MASKS,
        "unit": "C62",
        "shipped": 400,
    },
    "tenon.policy.published.v1": {"policy": "default", "revision": 1},
    "tenon.clock.ticked.v1": {"now": "2030-01-01T00:00:00Z"},
}


CALENDAR: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "from": "2030-01-07",
    "until": "2030-01-21",
    "per_hour": 2,
    "shifts": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "14:00"}],
}


def event(event_type: str, data: object, event_id: str = "e1") -> CloudEvent:
    """Return an event around any data."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return CloudEvent(id=event_id, source="/acme/erp", type=event_type, data=text)


def changed(event_type: str, changes: Mapping[str, object]) -> dict[str, Any]:
    """Return good data with members set (`windows/0/quantity`) or, with None, taken away."""
    data: dict[str, Any] = json.loads(json.dumps(GOOD[event_type]))
    for path, value in changes.items():
        *way, last = path.split("/")
        inner: Any = data
        for step in way:
            inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
        place: Any = int(last) if isinstance(inner, list) else last
        if value is None:
            del inner[place]
        else:
            inner[place] = value
    return data
