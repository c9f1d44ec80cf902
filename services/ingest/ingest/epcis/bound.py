"""Builds what captures and shows EPCIS, of what ingest is made of anyway."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import get_args
from uuid import uuid4

from ingest import metrics
from ingest.access import Access
from ingest.domain.route import Router
from ingest.epcis.addresses import EpcisAddresses
from ingest.epcis.orders import Orders
from ingest.epcis.taking import Capturing
from ingest.formats.epcis.ledger import Outcome
from ingest.limits import Budget
from ingest.settings import IngestSettings
from tenon.clock import wall_now
from tenon.db import Database
from tenon.metrics import Metrics
from tenon.rate import Rate


def bound(
    settings: IngestSettings,
    database: Database,
    router: Router,
    access: Access,
    room: tuple[Rate, Budget, Executor],
    measured: Metrics,
    changed: Callable[[], None],
) -> EpcisAddresses:
    """Return the addresses; `changed` is called after each commit that filled the outbox."""
    for outcome in (*get_args(Outcome), "rolled_back"):
        measured.add(metrics.EPCIS_EVENTS, 0, outcome=outcome)
    measured.add(metrics.EPCIS_TOLD, 0)
    capturing = Capturing(database, Orders(router), measured, wall_now, uuid4, changed)
    return EpcisAddresses(access, capturing, *room, settings.body_deadline_ms, settings.send_deadline_ms)
