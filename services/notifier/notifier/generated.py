"""What the notifier adds to the generated documents: its settings and its OpenAPI document."""

from collections.abc import Mapping

from cryptography.fernet import Fernet
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from notifier import showing
from notifier.bell import Bell
from notifier.delivery.endpoints import Endpoints
from notifier.delivery.subscribers import Subscribers
from notifier.feed import Feed
from notifier.http.app import application
from notifier.live import Hub
from notifier.settings import NotifierSettings
from notifier.vault import Vault
from notifier.ways.outside import UNCONNECTED
from tenon.clock import WallClock
from tenon.db import Database
from tenon.generate.contribution import Contribution
from tenon.metrics import Metrics


def contribution() -> Contribution:
    """Return the notifier's part of the generated documents."""
    return Contribution("notifier", "notifier", NotifierSettings, document, _files)


def _files() -> Mapping[str, str]:
    return {showing.PATH: showing.page()}


def document() -> Mapping[str, object]:
    """Return the OpenAPI document."""
    return unconnected().openapi()


def unconnected(settings: NotifierSettings | None = None) -> FastAPI:
    """Return the HTTP application with nothing behind it: what it is can be looked at, not what it does."""
    settings = settings or NotifierSettings.model_construct()
    database = Database(None, create_async_engine("postgresql+asyncpg://"), "notifier")
    bell = Bell(database)
    hub = Hub.of(settings, Feed(database), bell, Metrics())
    vault = Vault([Fernet.generate_key().decode()])
    subscribers = Subscribers(Endpoints(database, most=1), UNCONNECTED, vault, WallClock(), overlap_h=0)
    return application(settings, database, hub, bell, b"", subscribers)
