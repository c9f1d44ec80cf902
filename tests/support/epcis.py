"""Events and documents of EPCIS, as a factory would send them."""

import json
from typing import Any

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"acme": "https://acme.example/"},
]
BATCH = "urn:epc:class:lgtin:4012345.012345.77"
ITEM = "https://id.gs1.org/01/04012345123456/10/77"
INSTANCE = "urn:epc:id:sgtin:4012345.011111."
PIECE = "https://id.gs1.org/01/04012345111118"
GATE = "urn:epc:id:sgln:0614141.00777.0"
PLACE = "https://id.gs1.org/414/0614141007776"
ORDER = "https://acme.example/po/4711"
ADVICE = "urn:epcglobal:cbv:bt:0614141073467:1152"


def event(kind: str = "ObjectEvent", **more: Any) -> dict[str, Any]:
    """Return an event without objects; a member that is None is left out."""
    told = {
        "type": kind,
        "eventTime": "2030-01-07T08:00:00Z",
        "eventTimeZoneOffset": "+01:00",
        "readPoint": {"id": GATE},
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


def amount(quantity: Any, of: str = BATCH, uom: str | None = "KGM") -> dict[str, Any]:
    told = {"epcClass": of, "quantity": quantity, "uom": uom}
    return {name: value for name, value in told.items() if value is not None}


def moved(action: str, quantity: Any, step: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an event of objects, by weight."""
    return event(action=action, bizStep=step, quantityList=[amount(quantity)], **more)


def shipped(quantity: Any, step: str = "shipping", order: str = ORDER, **more: Any) -> dict[str, Any]:
    """Return an event that ships, or receives, goods of an order."""
    told = [{"type": "po", "bizTransaction": order}]
    return {**moved("OBSERVE", quantity, step), "bizTransactionList": told, **more}


def void(told: dict[str, Any]) -> dict[str, Any]:
    """Return the declaration that an event was an error."""
    return {
        **told,
        "errorDeclaration": {"declarationTime": "2030-01-08T00:00:00Z", "reason": "incorrect_data"},
    }


def document(*events: Any, **more: Any) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2030-01-07T08:00:01Z",
        "epcisBody": {"eventList": list(events)},
        **more,
    }


def body(*events: Any, **more: Any) -> bytes:
    return json.dumps(document(*events, **more)).encode()
