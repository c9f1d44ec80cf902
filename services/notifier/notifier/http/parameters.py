"""The parameters that lists share: what is wanted of them, and which page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from notifier.http.answers import MOST, PAGE
from notifier.queries import Filter
from tenon.problems import Fault, Problem

PartyName = Annotated[str | None, Query(description="For the administrator: only this party's.")]
Status = Annotated[list[str] | None, Query(description="Only these statuses; may be repeated.")]
Class = Annotated[
    str | None,
    Query(alias="class", description="SCHEME:CODE: only this class and those whose codes begin with it."),
]
Since = Annotated[
    datetime | None, Query(description="Only what changed at or after this instant (RFC 3339).")
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    status: Status = None
    class_: Class = None
    since: Since = None
    party: PartyName = None

    def filter(self, whose: str | None) -> Filter:
        """Return the filter of the query; 400 for an instant without an offset."""
        if self.since is not None and self.since.tzinfo is None:
            fault = Fault("/since", "no offset", "an instant such as 2026-01-31T12:00:00Z")
            raise Problem(400, "since has no offset", slug="invalid-request", errors=[fault])
        scheme, _, code = (self.class_ or "").partition(":")
        return Filter(whose, self.status or (), scheme or None, code.lower(), self.since)


@dataclass(frozen=True, slots=True)
class _Paging:
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of a page.")] = PAGE
    page: Annotated[str | None, Query(description="The `next` of the page before.")] = None


Wanted = Annotated[_Wanted, Depends()]
Paging = Annotated[_Paging, Depends()]
