"""The HTTP application: all routers, problem documents for every error, the page."""

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError

from notifier.bell import Bell
from notifier.delivery.subscribers import Subscribers
from notifier.http import openapi, site
from notifier.http.access import Access
from notifier.http.docs import add_docs
from notifier.http.parameters import storable
from notifier.http.reads import Reads
from notifier.http.stream import Streams
from notifier.http.subscriptions import Subscriptions
from notifier.http.wall import Wall
from notifier.live import Hub
from notifier.queries import Queries
from notifier.settings import NotifierSettings
from tenon import problems
from tenon.db import Database
from tenon.rate import Rate


def application(
    settings: NotifierSettings,
    database: Database,
    hub: Hub,
    bell: Bell,
    pseudonym_key: bytes,
    subscribers: Subscribers,
) -> FastAPI:
    """Return the application; nothing is connected or read before the first request."""
    rate = Rate(settings.rate_requests_per_second, settings.rate_burst_requests)
    access = Access(database, rate, settings.admin_key, wall_is_public=settings.wall_is_public)
    queries = Queries(database)
    streams = Streams(hub, access, write_timeout_ms=settings.stream_write_timeout_ms)
    subscriptions = Subscriptions(
        subscribers, queries, hub.feed, access, bell, allow_private=settings.webhook_allow_private
    )
    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(storable)],
    )
    problems.install(app, [RequestValidationError])
    for part in (
        streams,
        Reads(queries, access, pseudonym_key),
        Wall(queries, hub.feed, access),
        subscriptions,
    ):
        app.include_router(part.router())
    app.router.routes.extend(site.routes())
    add_docs(app)
    openapi.describe(app)
    return app
