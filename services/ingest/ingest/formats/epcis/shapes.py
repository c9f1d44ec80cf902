"""The shapes of EPCIS 2.0 that are looked at, as its JSON schema has them.

Members with a colon in their name are somebody's own; of the rest, those without effect here are left out.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Uri = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9+.\-]*:[!#-;=?-\[\]_a-z~]+$(?!\n)",
        max_length=500,
        description="a URI (RFC 3986) of at most 500 characters",
    ),
]
Moment = Annotated[datetime, Meta(tz=True)]
Word = Annotated[str, Meta(min_length=1, max_length=500)]
Offset = Annotated[
    str,
    Meta(
        pattern=r"^[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$(?!\n)",
        description="an offset from UTC between -14:00 and +14:00",
    ),
]
Action = Literal["ADD", "OBSERVE", "DELETE"]
MOST_LISTED = 10_000
"""Most entries of one list of an event."""
Epcs = Annotated[list[Uri], Meta(max_length=MOST_LISTED)]


class Shape(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Base: immutable, names as in JSON, unknown names ignored."""


class Quantity(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a class; without `uom` a count, without `quantity` an unknown amount (§7.3.3.3)."""

    epc_class: Uri
    quantity: Decimal | None = None
    uom: Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,3}$(?!\n)", description="a code of Rec 20")] | None = None


Quantities = Annotated[list[Quantity], Meta(max_length=MOST_LISTED)]


class Place(Shape, frozen=True, kw_only=True):
    """Where something was seen, or is."""

    id: Uri


class Transaction(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document of business that an event belongs to."""

    biz_transaction: Uri
    type: Word | None = None


class ErrorDeclaration(Shape, frozen=True, kw_only=True):
    """Takes the event back (§7.4.1)."""

    declaration_time: Moment
    reason: Word | None = None
    corrective_event_ids: Annotated[list[Uri], Meta(max_length=MOST_LISTED)] = field(
        name="correctiveEventIDs", default_factory=list
    )


class AnyEvent(Shape, frozen=True, kw_only=True):
    """The members of all types of events; which of them a type has stands in `rules`."""

    type: Word
    event_time: Moment
    event_time_zone_offset: Offset
    record_time: Moment | None = None
    event_id: Uri | None = field(name="eventID", default=None)
    error_declaration: ErrorDeclaration | None = None
    action: Action | None = None
    biz_step: Word | None = None
    read_point: Place | None = None
    biz_location: Place | None = None
    biz_transaction_list: Annotated[list[Transaction], Meta(max_length=1_000)] | None = None
    epc_list: Epcs | None = None
    quantity_list: Quantities | None = None
    parent_id: Uri | None = field(name="parentID", default=None)
    child_epcs: Epcs | None = field(name="childEPCs", default=None)
    child_quantity_list: Quantities | None = None
    input_epcs: Epcs | None = field(name="inputEPCList", default=None)
    output_epcs: Epcs | None = field(name="outputEPCList", default=None)
    input_quantity_list: Quantities | None = None
    output_quantity_list: Quantities | None = None
    transformation_id: Uri | None = field(name="transformationID", default=None)
    sensor_element_list: list[dict[str, Any]] | None = None
    ilmd: dict[str, Any] | None = None


class Header(Shape, frozen=True, kw_only=True):
    """What every document says of itself."""

    context: str | list[Any] | dict[str, Any] = field(name="@context")
    type: Word


class Body(Shape, frozen=True, kw_only=True):
    """The events of a document."""

    event_list: list[Any]


class Document(Header, frozen=True, kw_only=True):
    """An EPCISDocument: events that somebody captures."""

    schema_version: Annotated[str, Meta(pattern=r"^\d+(\.\d+)*$(?!\n)", max_length=20)]
    creation_date: Moment
    epcis_body: Body


class Results(Shape, frozen=True, kw_only=True):
    """The results of a query."""

    query_name: str
    results_body: Body


class Queried(Shape, frozen=True, kw_only=True):
    """The body of a query document."""

    query_results: Results


class QueryDocument(Header, frozen=True, kw_only=True):
    """An EPCISQueryDocument: events that somebody has asked for elsewhere."""

    epcis_body: Queried
