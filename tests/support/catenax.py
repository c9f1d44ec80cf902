"""Messages of Catena-X to be changed in one place by a test: a maker of seals, its customers, their weeks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.formats.catenax.values import monday_of

CUSTOMER, SUPPLIER, OTHER = "BPNL00000000CUST", "BPNL00000000SUPP", "BPNL00000000OTHR"
PLANT, SECOND_PLANT, WORKS = "BPNS00000000PLNT", "BPNS00000000PLN2", "BPNS00000000WRKS"
DEMAND_ID, GROUP_ID = "6f0d3a52-57a3-4d84-9f0e-3a3c52bb7a01", "b2a1c5de-90f1-4c39-8a50-4de1f2d90b02"
COMMENT_ID = "0e3f4f0a-5bb1-49e0-8f6e-7f4f5f0a6c03"
MATERIAL = "SEAL 44/A"
MESSAGE_ID = "f1c2d3e4-0000-4000-8000-00000000000a"


def week(ahead: int, now: datetime | None = None) -> str:
    """Return the Monday of the week that is so many weeks ahead."""
    today = (now or datetime.now(UTC)).date()
    return str(monday_of(today) + timedelta(weeks=ahead))


def header(sender: str, receiver: str, **more: Any) -> dict[str, Any]:
    return {
        "messageId": MESSAGE_ID,
        "context": "DCM",
        "sentDateTime": "2026-01-05T08:00:00Z",
        "senderBpn": sender,
        "receiverBpn": receiver,
        "version": "3.0.0",
        **more,
    }


def message(*objects: Any, sender: str = CUSTOMER, receiver: str = SUPPLIER, **more: Any) -> bytes:
    framed = {
        "messageHeader": {"header": header(sender, receiver, **more)},
        "content": {"informationObject": list(objects)},
    }
    return json.dumps(framed).encode()


def series(
    weeks: dict[str, Any], location: str = PLANT, category: str = "0001", **more: Any
) -> dict[str, Any]:
    demands = [{"pointInTime": at, "demand": amount} for at, amount in weeks.items()]
    return {
        "customerLocation": location,
        "demandCategory": {"demandCategoryCode": category},
        "demands": demands,
        **more,
    }


def demand(*all_series: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "materialDemandId": DEMAND_ID,
        "customer": CUSTOMER,
        "supplier": SUPPLIER,
        "materialNumberCustomer": MATERIAL,
        "materialDescriptionCustomer": "Shaft seal, 44 mm",
        "changedAt": "2026-01-05T08:00:00Z",
        "demandSeries": list(all_series or [series({week(3): 1000, week(4): 0})]),
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "materialDemandIsInactive": False,
        **more,
    }


def capacity(at: str, actual: Any, maximum: Any, **more: Any) -> dict[str, Any]:
    return {"pointInTime": at, "actualCapacity": actual, "maximumCapacity": maximum, **more}


def link(
    material: str = MATERIAL, location: str = PLANT, category: str = "0001", **more: Any
) -> dict[str, Any]:
    return {
        "materialNumberCustomer": material,
        "customerLocation": location,
        "demandCategory": {"demandCategoryCode": category},
        **more,
    }


def group(*capacities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "capacityGroupId": GROUP_ID,
        "name": "Press 4",
        "customer": CUSTOMER,
        "supplier": SUPPLIER,
        "changedAt": "2026-01-06T08:00:00Z",
        "supplierLocations": [WORKS],
        "capacities": list(capacities or [capacity(week(3), 600, 800), capacity(week(4), 600, 800)]),
        "linkedDemandSeries": [link()],
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "capacityGroupIsInactive": False,
        **more,
    }


def comment(**more: Any) -> dict[str, Any]:
    return {
        "commentId": COMMENT_ID,
        "objectId": GROUP_ID,
        "objectType": "urn:samm:io.catenax.week_based_capacity_group",
        "customer": CUSTOMER,
        "supplier": SUPPLIER,
        "author": "planner@example.org",
        "postedAt": "2026-01-07T08:00:00Z",
        "changedAt": "2026-01-07T08:00:00Z",
        "commentText": "The second press comes in May.",
        "commentType": "information",
        "listOfReferenceDates": [week(3)],
        **more,
    }


def notice(**more: Any) -> dict[str, Any]:
    return {
        "notificationId": "urn:uuid:7b0e6a1c-2f8e-4a5e-9d55-3c1de0aa0c11",
        "sourceDisruptionId": "2d6e5b52-0c0b-4a6e-8f1b-9f6d2f8f7a12",
        "leadingRootCause": "production-incident",
        "effect": "capacity-reduction",
        "startDateOfEffect": "2026-02-02T06:00:00Z",
        "status": "open",
        "contentChangedAt": "2026-01-08T08:00:00Z",
        "affectedSitesSender": [WORKS],
        "affectedSitesRecipient": [PLANT],
        "materialsAffected": [{"materialNumberCustomer": MATERIAL}],
        **more,
    }


def notification(told: dict[str, Any], sender: str = SUPPLIER, receiver: str = CUSTOMER) -> bytes:
    content = {"demandAndCapacityNotification": told}
    return json.dumps({"header": header(sender, receiver), "content": content}).encode()
