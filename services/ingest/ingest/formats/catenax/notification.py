"""DemandAndCapacityNotification 2.0.0 and 3.0.0 (CX-0146): a disruption, told by one partner to the next.

Version 2.0.0 lists material numbers one beside the other; each becomes a material of its own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from ingest.domain.faults import Fault
from ingest.formats.catenax.values import Aspect, Bpns, Text, Uuid

NAME = "demandAndCapacityNotification"
_LISTS = ("materialGlobalAssetId", "materialNumberCustomer", "materialNumberSupplier")
_RENAMED = {"sourceNotificationId": "sourceDisruptionId"}
Words = Annotated[str, Meta(max_length=4000)]


class Material(Aspect, frozen=True, kw_only=True):
    """A material that is affected, by any of its numbers."""

    material_global_asset_id: Uuid | None = None
    material_number_customer: Text | None = None
    material_number_supplier: Text | None = None

    @property
    def named(self) -> bool:
        """True where it has any number."""
        numbers = (
            self.material_global_asset_id,
            self.material_number_customer,
            self.material_number_supplier,
        )
        return any(numbers)


class DemandAndCapacityNotification(Aspect, frozen=True, kw_only=True):
    """A disruption as its sender sees it: what it does, to which sites and materials, from when on."""

    notification_id: Uuid
    leading_root_cause: Literal[
        "strike",
        "natural-disaster",
        "production-incident",
        "pandemic-or-epidemic",
        "logistics-disruption",
        "war",
        "insolvency",
        "other",
    ]
    effect: Literal["demand-reduction", "demand-increase", "capacity-reduction", "capacity-increase"]
    start_date_of_effect: datetime
    status: Literal["open", "resolved"]
    content_changed_at: datetime
    source_disruption_id: Uuid | None = None
    related_notification_ids: Annotated[list[Uuid], Meta(max_length=500)] = []
    affected_sites_sender: Annotated[list[Bpns], Meta(max_length=1000)] = []
    affected_sites_recipient: Annotated[list[Bpns], Meta(max_length=1000)] = []
    materials_affected: Annotated[list[Material], Meta(max_length=5000)] = []
    expected_end_date_of_effect: datetime | None = None
    text: Words | None = None
    resolving_measure_description: Words | None = None

    @property
    def changed_at(self) -> datetime:
        """When its content changed; a time without an offset, which the model allows, is in UTC."""
        return with_offset(self.content_changed_at)


def with_offset(moment: datetime) -> datetime:
    """Return a moment with its offset; UTC where none was sent."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def upgraded(value: object) -> object:
    """Return a notification of version 2.0.0 in the names of 3.0.0; any other as it is."""
    if not isinstance(value, dict):
        return value
    told: dict[Any, Any] = {_RENAMED.get(name, name): inner for name, inner in value.items()}
    if isinstance(told.get("relatedNotificationId"), str):
        told.setdefault("relatedNotificationIds", [told["relatedNotificationId"]])
    listed = [(name, told[name]) for name in _LISTS if isinstance(told.get(name), list)]
    if listed and "materialsAffected" not in told:
        told["materialsAffected"] = [{name: number} for name, numbers in listed for number in numbers]
    return told


def faults(told: DemandAndCapacityNotification, now: datetime, at: str) -> Iterator[Fault]:
    """Yield what contradicts itself in a notification."""
    ends = told.expected_end_date_of_effect
    if ends is not None and with_offset(ends) < with_offset(told.start_date_of_effect):
        starts = told.start_date_of_effect.isoformat()
        yield Fault(f"{at}/expectedEndDateOfEffect", "before the start of the effect", f"{starts}, or later")
