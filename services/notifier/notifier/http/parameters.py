"""The parameters that lists share: what is wanted of them, and which page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from notifier.http.answers import MOST, PAGE
from notifier.keys import MOST_NUMBER
from notifier.queries import AttemptFilter, Filter
from tenon.contracts.dockings import DockingStatus
from tenon.contracts.positions import PositionStatus, ResourceStatus
from tenon.contracts.values import Instant
from tenon.problems import Fault, Problem


def storable(request: Request) -> None:
    """Refuse what no text of the database can hold: such an id does not exist, such a parameter is wrong."""
    if any("\x00" in str(value) for value in request.path_params.values()):
        raise Problem(404, "there is none, or it is not yours")
    wrong = [name for name, value in request.query_params.multi_items() if "\x00" in value]
    if wrong:
        faults = [Fault(f"/query/{name}", "holds a NUL character") for name in wrong]
        raise Problem(422, "the request is not as described", slug="invalid-request", errors=faults)


def in_utc(text: str) -> datetime:
    """Return the instant of an RFC 3339 text in UTC; a number, or a text without an offset, is none."""
    try:
        return msgspec.convert(text, Instant).astimezone(UTC)
    except msgspec.ValidationError as error:
        raise ValueError("no instant with an offset, such as 2026-01-31T12:00:00Z") from error
    except OverflowError as error:
        raise ValueError("out of range") from error


PartyName = Annotated[str | None, Query(description="For the administrator: only this party's.")]
_STATUS = "Only these statuses; may be repeated."
Positions = Annotated[list[PositionStatus] | None, Query(alias="status", description=_STATUS)]
Resources = Annotated[list[ResourceStatus] | None, Query(alias="status", description=_STATUS)]
Steps = Annotated[list[DockingStatus] | None, Query(alias="status", description=_STATUS)]
Class = Annotated[
    str | None,
    Query(alias="class", description="SCHEME:CODE: only this class and those whose codes begin with it."),
]
Since = Annotated[
    Annotated[datetime, BeforeValidator(in_utc)] | None,
    Query(description="Only what changed at or after this instant (RFC 3339)."),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    class_: Class = None
    since: Since = None
    party: PartyName = None

    def filter(self, whose: str | None, statuses: Sequence[str] | None) -> Filter:
        """Return the filter of the query."""
        scheme, _, code = (self.class_ or "").partition(":")
        return Filter(whose, statuses or (), scheme or None, code.lower(), self.since)


@dataclass(frozen=True, slots=True)
class _Paging:
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of a page.")] = PAGE
    page: Annotated[str | None, Query(description="The `next` of the page before.")] = None


@dataclass(frozen=True, slots=True)
class _WantedAttempts:
    event: Annotated[str | None, Query(description="Only of the event with this id.")] = None
    number: Annotated[
        int | None, Query(ge=0, le=MOST_NUMBER, description="Only of the event with this number in the feed.")
    ] = None
    type: Annotated[str | None, Query(description="Only of events of this type.")] = None
    status: Annotated[int | None, Query(ge=100, le=599, description="Only answers with this status.")] = None
    taken: Annotated[bool | None, Query(description="Only what was taken, or only what was not.")] = None
    since: Since = None
    until: Annotated[
        Annotated[datetime, BeforeValidator(in_utc)] | None,
        Query(description="Only before this instant (RFC 3339)."),
    ] = None

    def filter(self) -> AttemptFilter:
        """Return the filter of the query."""
        return AttemptFilter(
            self.number, self.event, self.type, self.status, self.taken, self.since, self.until
        )


Wanted = Annotated[_Wanted, Depends()]
WantedAttempts = Annotated[_WantedAttempts, Depends()]
Paging = Annotated[_Paging, Depends()]
