"""IdBasedComment 1.0.0: what partners write to each other about a demand or a capacity group."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta

from ingest.domain.faults import Fault
from ingest.formats.catenax.values import Aspect, Bpnl, Moment, Uuid, monday_of

DEMAND = "urn:samm:io.catenax.week_based_material_demand"
GROUP = "urn:samm:io.catenax.week_based_capacity_group"
_AUTHOR = re.compile(r"BPNL[0-9A-Za-z]{12}|[^@\s]+@[^@\s]+")


class IdBasedComment(Aspect, frozen=True, kw_only=True):
    """A comment on a demand or a group, perhaps on some of its weeks; or the request to delete one."""

    comment_id: Uuid
    object_id: Uuid
    object_type: Annotated[str, Meta(max_length=200)]
    customer: Bpnl
    supplier: Bpnl
    author: Annotated[str, Meta(max_length=320)] | None = None
    posted_at: Moment | None = None
    changed_at: Moment | None = None
    comment_text: Annotated[str, Meta(max_length=5000)] | None = None
    comment_type: Literal["information", "warning", "default", "actionRequired"] = "default"
    request_delete: bool = False
    list_of_reference_dates: Annotated[list[date], Meta(max_length=500)] = []


def faults(comment: IdBasedComment, now: datetime, at: str) -> Iterator[Fault]:
    """Yield what is wrong with a comment beyond the shape of its parts (CX-0128 §4.4.2.2)."""
    if comment.object_type not in (DEMAND, GROUP):
        yield Fault(f"{at}/objectType", f"{comment.object_type!r} is not commented", f"{DEMAND} or {GROUP}")
    if comment.author is not None and not _AUTHOR.fullmatch(comment.author):
        yield Fault(f"{at}/author", "neither an e-mail address nor a BPNL", "someone@example.org, or a BPNL")
    for index, day in enumerate(comment.list_of_reference_dates):
        if day.weekday():
            where = f"{at}/listOfReferenceDates/{index}"
            yield Fault(where, f"{day} is a {day:%A}", f"the week's Monday: {monday_of(day)}")
