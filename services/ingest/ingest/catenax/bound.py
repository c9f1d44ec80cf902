"""Builds what takes and shows Catena-X, of what ingest is made of anyway."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import get_args

from ingest import metrics
from ingest.access import Access
from ingest.catenax.addresses import CatenaxAddresses
from ingest.catenax.asking import Asking
from ingest.catenax.opened import Releases
from ingest.catenax.opening import Opening
from ingest.catenax.partners import Partners, remembered_numbers
from ingest.catenax.posts import Posts
from ingest.catenax.taking import Taking
from ingest.domain.route import Router
from ingest.formats.catenax.aspects import COMMENT, DEMAND, GROUP, NOTIFICATION, SHORT_TERM
from ingest.formats.catenax.cases import Action
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
) -> CatenaxAddresses:
    """Return the addresses; `changed` is called after each commit that filled the outbox."""
    rate, budget, reader = room
    for aspect in (DEMAND, GROUP, COMMENT, NOTIFICATION, *SHORT_TERM):
        for action in get_args(Action):
            measured.add(metrics.CATENAX_TAKEN, 0, type=aspect.name, outcome=action)
    opening = Opening(router, reader)
    remembered = remembered_numbers(settings.look_up_ttl_ms)
    partners = Partners(database, opening, wall_now, changed, remembered)
    taking = Taking(database, opening, measured, wall_now, changed)
    deadlines = settings.body_deadline_ms, settings.send_deadline_ms
    posts = Posts(access, partners, taking, Asking(database), rate, budget, reader, *deadlines, wall_now)
    releases = Releases(database, opening, wall_now, changed)
    return CatenaxAddresses(access, partners, releases, posts, database, reader, settings.send_deadline_ms)
