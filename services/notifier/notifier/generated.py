"""What the notifier adds to the generated documents: its settings and its OpenAPI document."""

from collections.abc import Mapping

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from notifier.bell import Bell
from notifier.feed import Feed
from notifier.http.app import application
from notifier.live import Hub
from notifier.settings import NotifierSettings
from tenon.db import Database
from tenon.generate.contribution import Contribution
from tenon.metrics import Metrics


def contribution() -> Contribution:
    """Return the notifier's part of the generated documents."""
    return Contribution("notifier", "notifier", NotifierSettings, document)


def document() -> Mapping[str, object]:
    """Return the OpenAPI document."""
    return unconnected().openapi()


def unconnected() -> FastAPI:
    """Return the HTTP application with nothing behind it: what it is can be looked at, not what it does."""
    settings = NotifierSettings.model_construct()
    database = Database(None, create_async_engine("postgresql+asyncpg://"), "notifier")
    bell = Bell(database)
    hub = Hub.of(settings, Feed(database), bell, Metrics())
    return application(settings, database, hub, bell, b"")
