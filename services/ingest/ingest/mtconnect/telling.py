"""A machine's capacity as an event of its resource, in the transaction that stores how it has run."""

from collections.abc import Sequence
from datetime import datetime

from ingest import store as registry
from ingest.domain.admit import Sender, Statement, admit, unknown_site
from ingest.domain.faults import Refused
from ingest.domain.records import SOURCE, market_record
from ingest.domain.route import Router
from ingest.formats.mtconnect.machines import Machine
from ingest.keys import ADMINISTRATOR
from ingest.mtconnect import store
from ingest.mtconnect.store import Registered
from tenon import outbox
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.codec import encode
from tenon.contracts.intake import ResourcePublished, ResourceWithdrawn
from tenon.contracts.units import UNITS
from tenon.contracts.values import Shape, Window
from tenon.db import Connection

PUBLISHED, WITHDRAWN = "tenon.resource.published.v1", "tenon.resource.withdrawn.v1"


def checked(party: str, said: Machine, sender: Sender) -> Statement:
    """Return the statement that a machine's calendar makes; raise `Refused` where it could not be told."""
    event = ResourcePublished(
        party=party,
        resource=said.resource,
        revision=1,
        site=said.site,
        class_=said.class_,
        unit=said.unit,
        calendar=said.calendar,
    )
    return admit(_event("checked", PUBLISHED, event), sender, "wall")


async def publish(
    connection: Connection, router: Router, asked: Registered, windows: Sequence[Window], now: datetime
) -> None:
    """Tell the windows of a machine that the caller holds; raise `Refused` where they can't be told."""
    said, revision = asked.said, _next(asked, now)
    data = ResourcePublished(
        party=asked.party,
        resource=said.resource,
        revision=revision,
        site=said.site,
        class_=said.class_,
        unit=UNITS[said.unit].dimension.base_unit,
        windows=list(windows),
    )
    if not await registry.standings(connection, {(asked.party, said.site)}, hold=True):
        raise Refused(unknown_site(asked.party, said.site))
    await _tell(connection, router, asked, PUBLISHED, data)
    await store.note_told(connection, asked, windows, revision)


async def withdraw(connection: Connection, router: Router, asked: Registered, now: datetime) -> None:
    """Withdraw the resource of a machine that the caller holds, where it was told."""
    if asked.revision is None:
        return
    data = ResourceWithdrawn(
        party=asked.party,
        resource=asked.said.resource,
        revision=_next(asked, now),
        class_=asked.said.class_,
        reason="its machine is not followed any more",
    )
    await _tell(connection, router, asked, WITHDRAWN, data)


async def _tell(
    connection: Connection, router: Router, asked: Registered, event_type: str, data: Shape
) -> None:
    event_id = f"mtconnect/{asked.party}/{asked.machine}/{getattr(data, 'revision', 0)}"
    statement = admit(_event(event_id, event_type, data), ADMINISTRATOR, "wall")
    place = router.place(asked.said.class_)
    await outbox.append(connection, [market_record(statement, statement.data, place)])


def _next(asked: Registered, now: datetime) -> int:
    """Return the next revision: by the clock, so that it is newer also after a backup was restored."""
    return max((asked.revision or 0) + 1, int(now.timestamp() * 1000))


def _event(event_id: str, event_type: str, data: Shape) -> CloudEvent:
    return CloudEvent(event_id, SOURCE, event_type, encode(data))
