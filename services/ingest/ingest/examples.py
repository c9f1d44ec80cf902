"""An example of the data of each event type that is accepted, for the description of the interface."""

from typing import Any

_MASKS = {"scheme": "hs", "code": "630790"}
_JANUARY = {"id": "2030-01", "from": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "tenon.party.registered.v1": {
        "party": "shandong-mills",
        "revision": 1,
        "name": "Shandong Mills",
        "supply_confirmation": "automatic",
    },
    "tenon.site.published.v1": {
        "party": "shandong-mills",
        "site": "jinan-1",
        "revision": 1,
        "name": "Jinan, hall 1",
        "region": "CN-SD",
        "position": {"latitude": 36.67, "longitude": 117.02},
        "readiness": {"machine": {"ratio": 0.9, "at": "2029-12-30T06:00:00Z"}},
    },
    "tenon.routes.published.v1": {
        "party": "shandong-mills",
        "site": "jinan-1",
        "revision": 1,
        "class": _MASKS,
        "distances_m": {"clinic-7/ward": 412_000},
    },
    "tenon.offer.published.v1": {
        "party": "shandong-mills",
        "offer": "masks-2030",
        "revision": 1,
        "site": "jinan-1",
        "item": {"class": _MASKS, "unit": "CEN"},
        "windows": [{**_JANUARY, "quantity": 500}],
        "price": {"amount": "25.00", "currency": "CNY"},
        "lead_time_s": 86_400,
        "certificates": [{"scheme": "EN14683"}],
    },
    "tenon.offer.withdrawn.v1": {
        "party": "shandong-mills",
        "offer": "masks-2030",
        "revision": 2,
        "class": _MASKS,
        "reason": "the line is down",
    },
    "tenon.resource.published.v1": {
        "party": "shandong-mills",
        "resource": "press-4",
        "revision": 1,
        "site": "jinan-1",
        "class": _MASKS,
        "unit": "HUR",
        "calendar": {
            "zone": "Asia/Shanghai",
            "from": "2030-01-01",
            "until": "2030-02-01",
            "per_hour": 1,
            "shifts": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "22:00"}],
            "exceptions": [{"date": "2030-01-01"}],
            "windows_per": "week",
        },
    },
    "tenon.resource.withdrawn.v1": {
        "party": "shandong-mills",
        "resource": "press-4",
        "revision": 2,
        "class": _MASKS,
        "reason": "it is sold",
    },
    "tenon.demand.published.v1": {
        "party": "clinic-7",
        "demand": "masks-january",
        "revision": 1,
        "site": "ward",
        "item": {"class": _MASKS, "unit": "C62"},
        "windows": [{**_JANUARY, "quantity": 20_000}],
        "tier": 1,
        "highest_price": {"amount": "0.30", "currency": "CNY"},
        "required_certificates": ["EN14683"],
        "external_references": [{"type": "purchase-order", "id": "PO-7731"}],
    },
    "tenon.demand.withdrawn.v1": {
        "party": "clinic-7",
        "demand": "masks-january",
        "revision": 2,
        "class": _MASKS,
    },
    "tenon.docking.answered.v1": {
        "party": "clinic-7",
        "docking": "6b1f2f0e-8d0f-5d52-9c0a-0d2a3f1f4c55",
        "docking_revision": 1,
        "class": _MASKS,
        "answer": "accept",
    },
    "tenon.docking.progressed.v1": {
        "party": "shandong-mills",
        "docking": "6b1f2f0e-8d0f-5d52-9c0a-0d2a3f1f4c55",
        "revision": 1,
        "class": _MASKS,
        "unit": "C62",
        "shipped": 12_000,
    },
    "tenon.policy.published.v1": {
        "policy": "near-first",
        "revision": 1,
        "market": "hs:63",
        "weights": {"freight": 10, "waiting": 50},
        "reach": [{"waiting_s": 0, "distance_m": 200_000}, {"waiting_s": 86_400}],
        "respond_within_s": 14_400,
    },
    "tenon.clock.ticked.v1": {"now": "2030-01-01T00:00:00Z"},
}
"""By event type."""


def event(event_type: str) -> dict[str, Any]:
    """Return a whole CloudEvent, in structured mode, around the example of a type."""
    return {
        "specversion": "1.0",
        "id": f"example-{event_type}",
        "source": "/shandong-mills/erp",
        "type": event_type,
        "time": "2029-12-31T23:59:59Z",
        "datacontenttype": "application/json",
        "data": EXAMPLES[event_type],
    }
