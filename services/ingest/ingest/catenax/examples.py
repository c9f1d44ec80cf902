"""An object of each aspect, as the interface's description shows it: two partners, a material, a week."""

from typing import Any

CUSTOMER, SUPPLIER = "BPNL00000003CRHK", "BPNL00000003AYRE"
SITE = "BPNS00000003CRHK"
DEMAND_ID, GROUP_ID = "6f0d3a52-57a3-4d84-9f0e-3a3c52bb7a01", "b2a1c5de-90f1-4c39-8a50-4de1f2d90b02"
WEEK = "2030-01-07"
_CATEGORY = {"demandCategoryCode": "0001"}
RELATION = {"supplier": SUPPLIER, "customer": CUSTOMER}

EXAMPLES: dict[str, dict[str, Any]] = {
    "WeekBasedMaterialDemand": {
        "materialDemandId": DEMAND_ID,
        **RELATION,
        "materialNumberCustomer": "SEAL 44/A",
        "materialDescriptionCustomer": "Shaft seal, 44 mm",
        "changedAt": "2029-12-01T08:00:00Z",
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "materialDemandIsInactive": False,
        "demandSeries": [
            {
                "customerLocation": SITE,
                "demandCategory": _CATEGORY,
                "demands": [{"pointInTime": WEEK, "demand": 1000}],
            }
        ],
    },
    "WeekBasedCapacityGroup": {
        "capacityGroupId": GROUP_ID,
        "name": "Press 4",
        **RELATION,
        "changedAt": "2029-12-02T08:00:00Z",
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "capacityGroupIsInactive": False,
        "supplierLocations": ["BPNS00000003AYRE"],
        "linkedDemandSeries": [
            {"materialNumberCustomer": "SEAL 44/A", "customerLocation": SITE, "demandCategory": _CATEGORY}
        ],
        "capacities": [{"pointInTime": WEEK, "actualCapacity": 600, "maximumCapacity": 800}],
    },
    "IdBasedComment": {
        "commentId": "0e3f4f0a-5bb1-49e0-8f6e-7f4f5f0a6c03",
        "objectId": GROUP_ID,
        "objectType": "urn:samm:io.catenax.week_based_capacity_group",
        **RELATION,
        "commentText": "The second press comes in May.",
        "commentType": "information",
        "changedAt": "2029-12-03T08:00:00Z",
    },
    "DemandAndCapacityNotification": {
        "notificationId": "d9452f24-3bf3-4134-b3eb-68858f1b2362",
        "sourceDisruptionId": "c69cb3e4-16ad-43c3-82b9-0deac75ecf9e",
        "leadingRootCause": "production-incident",
        "effect": "capacity-reduction",
        "startDateOfEffect": "2030-01-07T06:00:00Z",
        "status": "open",
        "contentChangedAt": "2030-01-05T08:00:00Z",
        "affectedSitesRecipient": [SITE],
        "materialsAffected": [{"materialNumberCustomer": "SEAL 44/A"}],
    },
}
_ASSET = {"materialGlobalAssetId": "urn:uuid:5ae1a6e0-8e07-4f0e-9a94-0e2d3d0b9f21"}
_AMOUNT = {"value": 20, "unit": "unit:piece"}
_PLACE = {"stockLocationBPNS": SITE, "stockLocationBPNA": "BPNA00000003CRHK"}
_UPDATED = {"lastUpdatedOnDateTime": "2030-01-04T08:00:00Z"}
EXAMPLES |= {
    "ItemStock": {
        **_ASSET,
        "direction": "INBOUND",
        "positions": [
            {
                "allocatedStocks": [
                    {"quantityOnAllocatedStock": _AMOUNT, "isBlocked": False, **_PLACE, **_UPDATED}
                ]
            }
        ],
    },
    "PlannedProductionOutput": {
        **_ASSET,
        "positions": [
            {
                "allocatedPlannedProductionOutputs": [
                    {
                        "plannedProductionQuantity": _AMOUNT,
                        "productionSiteBpns": "BPNS00000003AYRE",
                        "estimatedTimeOfCompletion": "2030-01-08T16:00:00Z",
                        **_UPDATED,
                    }
                ]
            }
        ],
    },
    "DeliveryInformation": {
        **_ASSET,
        "positions": [
            {
                "deliveries": [
                    {
                        "deliveryQuantity": _AMOUNT,
                        "transitEvents": [
                            {"eventType": "estimated-arrival", "dateTimeOfEvent": "2030-01-09T06:00:00Z"}
                        ],
                        "transitLocations": {
                            "origin": {"bpnsProperty": "BPNS00000003AYRE"},
                            "destination": {"bpnsProperty": SITE},
                        },
                        "incoterm": "DAP",
                        **_UPDATED,
                    }
                ]
            }
        ],
    },
    "ShortTermMaterialDemand": {
        **_ASSET,
        "demandSeries": [
            {
                "customerLocationBpns": SITE,
                "demandCategory": _CATEGORY,
                "demands": [{"day": WEEK, "demand": _AMOUNT}],
                **_UPDATED,
            }
        ],
    },
    "DaysOfSupply": {
        **_ASSET,
        "direction": "INBOUND",
        "allocatedDaysOfSupply": [
            {
                "amountOfAllocatedDaysOfSupply": [{"date": "2030-01-07T00:00:00Z", "daysOfSupply": 3.5}],
                **_PLACE,
                **_UPDATED,
            }
        ],
    },
}
