"""How a command finds the installation it talks to, and how it tells an error."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from tenon import log
from tenon.client import NotAllowed, TenonClient, Unreachable
from tenon.contracts.markets import BadMarketTable, MarketTable, load_table
from tenon.errors import Misconfigured, TenonError
from tenon.kafka.connection import KafkaSecurity, KafkaSettings
from tenon.settings import KafkaAccess, load

R = TypeVar("R")
ADMIN = "admin"


class Stack(msgspec.Struct, frozen=True):
    """What a command reads from the state file of a running local stack."""

    kafka_bootstrap: str
    urls: dict[str, list[str]]
    admin_key: str
    database_urls: dict[str, str] = {}
    kafka_security: str = "PLAINTEXT"
    kafka_users: dict[str, str] = {}


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a command's work; an error of ours becomes one line and status 1."""
    log.configure("warning", "console")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says is in the error too
    try:
        return asyncio.run(work)
    except NotAllowed as error:
        raise click.ClickException(f"{error}; set TENON_API_KEY to a key that is in force") from error
    except Unreachable as error:
        raise click.ClickException(f"{error}; `tenon status` tells whether the local stack runs") from error
    except TenonError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


def client(*, deadline_ms: int = 15_000, with_matcher: bool = False) -> TenonClient:
    """Return a client of TENON_INGEST_URL and TENON_NOTIFIER_URL with TENON_API_KEY (or TENON_ADMIN_KEY).

    What is not set is taken from the local stack that runs here. `with_matcher`: of TENON_MATCHER_URL too.
    """
    key = os.environ.get("TENON_API_KEY") or os.environ.get("TENON_ADMIN_KEY") or _of_stack("admin_key")
    ingest, notifier = _url("ingest", "TENON_INGEST_URL"), _url("notifier", "TENON_NOTIFIER_URL")
    matcher = _url("matcher", "TENON_MATCHER_URL") if with_matcher else ""
    return TenonClient(ingest, notifier, key, matcher_url=matcher, deadline_ms=deadline_ms)


def kafka(bootstrap: str | None = None, *, user: str = ADMIN) -> KafkaSettings:
    """Return how to reach `bootstrap` or TENON_KAFKA_BOOTSTRAP; else, as `user`, the local stack's Kafka."""
    try:
        said = load(KafkaAccess)
    except Misconfigured as error:
        raise click.ClickException(str(error)) from error
    if named := bootstrap or os.environ.get("TENON_KAFKA_BOOTSTRAP"):
        return replace(KafkaSettings.reached_by(said, "tenon-cli"), bootstrap=named)
    stack = _stack("TENON_KAFKA_BOOTSTRAP")
    password = stack.kafka_users.get(user)
    security = KafkaSecurity(stack.kafka_security, username=password and user, password=password)
    return KafkaSettings(stack.kafka_bootstrap, said.topic_prefix, "tenon-cli", security=security)


def database_url(service: str) -> str:
    """Return TENON_DATABASE_URL, or where a service of the local stack has its schema."""
    variable = f"TENON_{service.upper()}_DATABASE_URL"
    named = os.environ.get(variable) or os.environ.get("TENON_DATABASE_URL")
    if named:
        return named
    found = _stack(variable).database_urls.get(service)
    if found is None:
        raise click.ClickException(f"the local stack has no database of {service}; set {variable}")
    return found


def markets() -> MarketTable:
    """Return the table of TENON_MARKETS_FILE, or the default one."""
    name = os.environ.get("TENON_MARKETS_FILE")
    if not name:
        return MarketTable()
    try:
        return load_table(Path(name).read_text(encoding="utf-8"))
    except (OSError, BadMarketTable) as error:
        raise Misconfigured(f"TENON_MARKETS_FILE: {error}") from error


def state_file() -> Path | None:
    """Return the state file of the local stack: in TENON_DATA_DIR, or in `.tenon` here or above."""
    named = os.environ.get("TENON_DATA_DIR")
    here = Path.cwd()
    folders = [Path(named)] if named else [folder / ".tenon" for folder in (here, *here.parents)]
    files = (folder / "state.json" for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _url(service: str, variable: str) -> str:
    if named := os.environ.get(variable):
        return named
    urls = _stack(variable).urls.get(service)
    if not urls:
        raise click.ClickException(
            f"the local stack runs no {service}; set {variable} to one that runs elsewhere"
        )
    return urls[0]


def _of_stack(name: str) -> str:
    variable = {"admin_key": "TENON_API_KEY"}[name]
    return str(getattr(_stack(variable), name))


def _stack(variable: str) -> Stack:
    file = state_file()
    if file is None:
        raise click.ClickException(f"no local stack runs here; start one with `tenon up`, or set {variable}")
    try:
        return msgspec.json.decode(file.read_bytes(), type=Stack)
    except (OSError, msgspec.MsgspecError) as error:
        raise click.ClickException(f"{file} can't be read ({error}); set {variable}") from error
