"""The values that Catena-X messages are made of, and the rules that single ones obey.

Shapes follow the aspect models (SAMM); names that they do not know are ignored, as the standards ask.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ingest.domain.faults import Fault

Bpnl = Annotated[
    str,
    Meta(
        pattern=r"^BPNL[0-9A-Za-z]{12}$(?!\n)",
        description="a legal entity's number (CX-0010): BPNL and 12 letters or digits",
    ),
]
Bpns = Annotated[
    str,
    Meta(
        pattern=r"^BPNS[0-9A-Za-z]{12}$(?!\n)",
        description="a site's number (CX-0010): BPNS and 12 letters or digits",
    ),
]
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^(urn:uuid:)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$(?!\n)",
        description="a UUID, with or without urn:uuid: before it",
    ),
]
Moment = Annotated[datetime, Meta(tz=True)]
MaterialNumber = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=1000)]
CategoryCode = Literal["0001", "A1S1", "SR99", "PI01", "OS01", "OI01", "ED01", "PO01"]

MOST_WEEKS = 500
"""Most weeks of one series; the standard speaks of 104."""


class Aspect(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """Base of what the aspect models describe: immutable, names as in JSON, unknown names ignored."""


class DemandCategory(Aspect, frozen=True, kw_only=True):
    """What a demand series is for; part of its name."""

    demand_category_code: CategoryCode


def plain_uuid(text: str) -> str:
    """Return a UUID in its one form: small letters, nothing before it."""
    return text.removeprefix("urn:uuid:").lower()


def monday_of(moment: date) -> date:
    """Return the Monday of a day's week."""
    return moment - timedelta(days=moment.weekday())


def week_faults(weeks: Iterable[date], at: str) -> Iterator[Fault]:
    """Yield a fault for each week that is not named by its Monday, or stands there twice."""
    seen: set[date] = set()
    for index, week in enumerate(weeks):
        where = f"{at}/{index}/pointInTime"
        if week.weekday():
            yield Fault(where, f"{week} is a {week:%A}", f"the week's Monday: {monday_of(week)}")
        if week in seen:
            yield Fault(where, f"the week {week} stands there twice", "each week once")
        seen.add(week)


def horizon_faults(weeks: Iterable[date], now: datetime, at: str) -> Iterator[Fault]:
    """Yield a fault when no week lies behind the next one: N > 1, where the current week is N = 0."""
    first = monday_of(now.date()) + timedelta(weeks=2)
    if all(week < first for week in weeks):
        yield Fault(at, "no week beyond the next one", f"at least the week of {first} or a later one")
